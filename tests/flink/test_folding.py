"""A changelog folded here is the table that Flink computes in batch mode."""

import pytest

pytestmark = pytest.mark.flink

BATCH = "--set execution.runtime-mode=batch"

SOURCES = """
CREATE TEMPORARY TABLE sales (id BIGINT, customer INT, amount DECIMAL(10, 2)) WITH (
  'connector' = 'datagen', 'number-of-rows' = '2000', 'rows-per-second' = '1000000',
  'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '2000',
  'fields.customer.min' = '1', 'fields.customer.max' = '20');
CREATE TEMPORARY VIEW orders AS SELECT id, MOD(id * 7919, 23) AS customer, MOD(id * 104729, 997) AS amount FROM sales;
CREATE TEMPORARY VIEW customers AS SELECT * FROM (VALUES (1, 'Ann'), (2, 'Bo'), (3, CAST(NULL AS STRING)), (99, 'Zed'))
  AS t(id, name)
"""

QUERIES = {
    "group": "SELECT customer, COUNT(*) AS n, SUM(amount) AS total, MAX(amount) AS top FROM orders GROUP BY customer",
    "global aggregate": "SELECT COUNT(*) AS n, AVG(amount) AS mean FROM orders",
    "having": "SELECT customer, COUNT(*) AS n FROM orders GROUP BY customer HAVING MOD(COUNT(*), 2) = 0",
    "group of groups": "SELECT n, COUNT(*) AS how_many FROM (SELECT MOD(amount, 50) AS a, COUNT(*) AS n FROM orders "
    "GROUP BY MOD(amount, 50)) GROUP BY n",
    "left join": "SELECT c.name, o.id FROM customers AS c LEFT JOIN orders AS o ON o.customer = c.id",
    "full join of groups": "SELECT c.name, g.n FROM customers AS c FULL JOIN "
    "(SELECT customer, COUNT(*) AS n FROM orders GROUP BY customer) AS g ON g.customer = c.id",
    "repeated rows": "SELECT MOD(customer, 3) AS k FROM orders WHERE amount < 100",
    "distinct": "SELECT DISTINCT MOD(amount, 7) AS k FROM orders",
    "except": "SELECT customer FROM orders EXCEPT SELECT id FROM customers",
    "top-n": "SELECT customer, COUNT(*) AS n FROM orders GROUP BY customer ORDER BY n DESC, customer LIMIT 5",
    "row number": "SELECT customer, id, amount FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY customer ORDER BY amount "
    "DESC, id) AS place FROM orders) WHERE place <= 2",
}


@pytest.mark.parametrize("sql", QUERIES.values(), ids=QUERIES)
def test_a_folded_stream_is_the_batch_answer(shell, sql):
    shell.flink(SOURCES)
    stream = shell.flink(sql)
    assert stream.exact
    folded = list(stream)
    assert folded == shell.rows(sql, BATCH)
    assert folded


def test_a_table_with_a_watermark_is_read_in_both_modes(shell):
    shell.flink(
        "CREATE TEMPORARY TABLE clicks (id BIGINT, ts AS TO_TIMESTAMP_LTZ(id, 3), WATERMARK FOR ts AS ts) WITH "
        "('connector' = 'datagen', 'number-of-rows' = '5', 'rows-per-second' = '1000000', "
        "'fields.id.min' = '0', 'fields.id.max' = '1')"
    )
    sql = "SELECT COUNT(*) AS n FROM TABLE(TUMBLE(TABLE clicks, DESCRIPTOR(ts), INTERVAL '1' SECOND)) GROUP BY window_start"
    assert shell.rows(sql, BATCH) == [(5,)]
    assert shell.rows(sql) == [(5,)]
    shell.flink("SET 'execution.runtime-mode' = 'batch'")
    assert shell.rows(sql) == [(5,)]
    shell.flink("RESET 'execution.runtime-mode'")
    assert len(shell.flink("SELECT COUNT(*) AS n FROM clicks").changes) > 1


def test_what_is_defined_after_the_batch_session_was_opened_is_there_too(shell):
    assert shell.rows("SELECT 1", BATCH) == [(1,)]
    shell.flink("CREATE TEMPORARY VIEW later AS SELECT 7 AS x")
    assert shell.rows("SELECT * FROM later", BATCH) == [(7,)]
    shell.flink("DROP TEMPORARY VIEW later")
    assert shell.rows("SHOW VIEWS", BATCH) == []
