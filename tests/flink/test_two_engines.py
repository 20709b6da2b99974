"""Flink and ksqlDB behind one set of magics, in one notebook."""

import pytest
from ksqldb.tiny import TinyKsql

from streammagic.errors import SqlError

pytestmark = pytest.mark.flink

ORDERS = """CREATE STREAM orders (id STRING KEY, qty INTEGER)
  WITH (kafka_topic = 'orders', value_format = 'JSON', partitions = 1);
INSERT INTO orders VALUES ('a', 2)"""


@pytest.fixture
def both(shell, monkeypatch):
    """A shell with the real Flink and a small ksqlDB."""
    with TinyKsql() as server:
        monkeypatch.setenv("STREAMMAGIC_KSQLDB", server.url)
        shell.run_line_magic("config", "StreamMagic.settle = 0.1")
        shell.run_cell(f"%%ksql\n{ORDERS}")
        yield shell


def test_the_jobs_of_both_are_in_one_table_and_each_obeys_the_same_verbs(both):
    both.run_cell(
        "%%stream deploy numbers\nCREATE TEMPORARY TABLE IF NOT EXISTS numbers_in (n BIGINT) WITH "
        "('connector' = 'datagen', 'rows-per-second' = '5');\n"
        "CREATE TEMPORARY TABLE IF NOT EXISTS numbers_out (n BIGINT) WITH ('connector' = 'blackhole');\n"
        "INSERT INTO numbers_out SELECT n FROM numbers_in"
    )
    both.run_cell("%%stream deploy big --engine ksql\nSELECT id, qty FROM orders WHERE qty > 1")
    frame = both.run_line_magic("stream", "jobs").set_index("name")
    assert frame.loc[["numbers", "big"], "engine"].tolist() == ["flink", "ksql"]
    assert frame.loc[["numbers", "big"], "status"].tolist() == ["running", "running"]
    assert "engine" in both.shown[-1]
    both.run_cell("%stream stop numbers big")
    assert "numbers: stopped with a savepoint" in both.shown[-1]
    assert "big: paused; its state and offsets stay on the server" in both.shown[-1]
    both.run_cell("%stream delete numbers big --topics")
    left = both.run_line_magic("stream", "jobs")["name"].tolist()
    assert "numbers" not in left
    assert "big" not in left


@pytest.mark.parametrize(
    ("cell", "named"),
    [
        ("%%flink\nSELECT * FROM orders EMIT CHANGES", "%%ksql"),
        (
            "%%flink\nCREATE STREAM s (id STRING KEY) WITH (kafka_topic = 's', value_format = 'JSON')",
            "%%ksql",
        ),
        (
            "%%ksql\nSELECT id FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '1' MINUTE))",
            "%%flink",
        ),
        ("%%ksql\nCREATE TABLE t (id INT) WITH ('connector' = 'datagen')", "%%flink"),
    ],
)
def test_sql_of_the_other_engine_gets_a_hint_that_names_its_magic(both, cell, named):
    with pytest.raises(SqlError) as caught:
        both.run_cell(cell)
    assert named in caught.value.hint
