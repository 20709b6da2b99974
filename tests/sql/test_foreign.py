"""What is said of a refused statement that looks like another engine's."""

import json
from pathlib import Path

import pytest

from streammagic.sql.flink import FlinkDialect
from streammagic.sql.ksqldb import KsqlDialect
from streammagic.sql.statements import split

FLINK, KSQL = FlinkDialect(), KsqlDialect()
CORPUS = Path(__file__).parents[2].parent / "shared" / "ksqldb" / "sql_corpus.jsonl"


def hint(source, dialect):
    return dialect.foreign_hint(split(source, dialect)[0])


@pytest.mark.parametrize(
    ("source", "what", "here"),
    [
        ("SELECT * FROM s EMIT CHANGES", "EMIT CHANGES", "Leave it out"),
        ("SELECT * FROM s EMIT CHANGES LIMIT 3", "EMIT CHANGES", "Leave it out"),
        ("SELECT a FROM s EMIT FINAL", "EMIT FINAL", "Leave it out"),
        (
            "CREATE STREAM orders (id STRING KEY) WITH (KAFKA_TOPIC='o.1', VALUE_FORMAT='AVRO')",
            "CREATE STREAM",
            "CREATE TABLE orders (…) WITH ('connector' = 'kafka', 'topic' = 'o.1', 'properties.bootstrap.servers' = {{ kafka }}, 'format' = 'avro-confluent', 'scan.startup.mode' = 'earliest-offset')",
        ),
        ("CREATE SOURCE STREAM IF NOT EXISTS s (a INT)", "CREATE SOURCE STREAM", "CREATE TABLE s (…)"),
        ("CREATE OR REPLACE STREAM x AS SELECT * FROM s", "CREATE STREAM", "CREATE VIEW x AS SELECT"),
        (
            "CREATE TABLE users (id STRING PRIMARY KEY) WITH (kafka_topic='u', value_format='json')",
            "WITH (KAFKA_TOPIC = …)",
            "CREATE TABLE users (…, PRIMARY KEY (…) NOT ENFORCED) WITH ('connector' = 'upsert-kafka', 'topic' = 'u'",
        ),
        ("CREATE TABLE t WITH ('VALUE_FORMAT'='json') AS SELECT 1 FROM s", "WITH (KAFKA_TOPIC = …)", "CREATE VIEW t"),
        (
            "SELECT a, COUNT(*) FROM orders WINDOW TUMBLING (SIZE 1 MINUTES, GRACE PERIOD 2 HOURS) GROUP BY a",
            "WINDOW",
            "FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) … GROUP BY window_start, window_end",
        ),
        (
            "SELECT a FROM o WINDOW HOPPING (SIZE 100 SECONDS, ADVANCE BY 500 MILLISECONDS) GROUP BY a",
            "WINDOW",
            "HOP(TABLE o, DESCRIPTOR(ts), INTERVAL '0.500' SECOND, INTERVAL '100' SECOND(3))",
        ),
        (
            "SELECT a FROM `my o` WINDOW SESSION (30 SECONDS) GROUP BY a",
            "WINDOW",
            "SESSION(TABLE `my o` PARTITION BY …, DESCRIPTOR(ts), INTERVAL '30' SECOND)",
        ),
        ("LIST STREAMS", "LIST STREAMS", "SHOW TABLES"),
        ("LIST TABLES EXTENDED", "LIST TABLES", "SHOW TABLES"),
        ("SHOW QUERIES", "SHOW QUERIES", "SHOW JOBS"),
        ("LIST ALL TOPICS", "LIST ALL TOPICS", "%stream topics"),
        ("PRINT 'orders' FROM BEGINNING", "PRINT", "%stream peek orders"),
        ("PRINT", "PRINT", "%stream peek TOPIC"),
        ("TERMINATE CSAS_X_1", "TERMINATE", "%stream stop NAME"),
        ("PAUSE ALL", "PAUSE", "%stream stop NAME"),
        ("RESUME ALL", "RESUME", "--resume"),
        ("UNSET 'auto.offset.reset'", "UNSET", "RESET 'auto.offset.reset'"),
        ("DEFINE v = 'x'", "DEFINE", "no variables"),
        ("DROP STREAM IF EXISTS s DELETE TOPIC", "DROP STREAM", "DROP TABLE s"),
        ("DROP TABLE t DELETE TOPIC", "DELETE TOPIC", "leave DELETE TOPIC out"),
        ("ALTER TABLE t ADD COLUMN a INT", "ADD COLUMN", "ALTER TABLE t ADD"),
        ("CREATE SOURCE CONNECTOR c WITH ('a'='b')", "CREATE SOURCE CONNECTOR", "'connector'"),
        ("CREATE TYPE p AS STRUCT<a INT>", "CREATE TYPE", "ROW<…> where p stood"),
        ("SELECT a FROM s PARTITION BY a", "PARTITION BY at the end", "Leave it out"),
        ("SELECT * FROM a JOIN b WITHIN 1 HOUR ON a.x = b.x", "JOIN … WITHIN", "a.ts - INTERVAL '1' HOUR AND a.ts + INTERVAL '1' HOUR"),
        ("SELECT * FROM a JOIN b WITHIN (1 HOUR, 2 DAYS) ON a.x = b.x", "JOIN … WITHIN", "- INTERVAL '1' HOUR AND a.ts + INTERVAL '2' DAY"),
        ("SELECT customer->name->first AS n FROM s", "STRUCT->FIELD", "customer.name.first."),
        ("CREATE TABLE t (a STRUCT<b INT>) WITH ('connector'='print')", "STRUCT<…>", "ROW<…>"),
        ("SELECT LATEST_BY_OFFSET(a + f(b, c)) FROM s GROUP BY k", "LATEST_BY_OFFSET", "LAST_VALUE(a + f(b, c))"),
        ("SELECT AS_VALUE(k) FROM s", "AS_VALUE", "the column as it is: k"),
        ("SELECT ucase(k) FROM s", "UCASE", "UPPER(k)"),
        ("SELECT LEN(", "LEN", "CHAR_LENGTH(…)"),
        ("SELECT ROWTIME, a FROM s", "ROWTIME", "ts TIMESTAMP_LTZ(3) METADATA FROM 'timestamp'"),
        ("SELECT WINDOWSTART FROM s", "WINDOWSTART", "window_start"),
        ("CREATE TABLE t (a INT) WITH ('auto.offset.reset'='latest')", "'auto.offset.reset'", "'scan.startup.mode' = 'latest-offset'"),
        ("SELECT 1 -- c\n FROM s /* d */ emit /* e */ changes", "EMIT CHANGES", "Leave it out"),
    ],
)  # fmt: skip
def test_flink_says_what_of_ksqldbs_a_statement_has_and_how_it_has_it(source, what, here):
    said = hint(source, FLINK)
    assert said.startswith(f"{what}"), said
    assert " is ksqlDB's, and %%ksql runs it. " in said
    assert here in said, said


def test_an_emit_beside_something_else_is_mentioned_with_it():
    said = hint("SELECT a FROM o WINDOW SESSION (30 SECONDS) GROUP BY a EMIT FINAL", FLINK)
    assert said.startswith("WINDOW")
    assert said.endswith(", and EMIT FINAL is left out.")


@pytest.mark.parametrize(
    ("source", "what", "here"),
    [
        (
            "SELECT a, COUNT(*) FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '1' MINUTE)) GROUP BY a",
            "A window as a table function",
            "FROM orders WINDOW TUMBLING (SIZE 1 MINUTE) … GROUP BY … EMIT CHANGES",
        ),
        ("SELECT a FROM o GROUP BY a, TUMBLE(ts, INTERVAL '5' SECOND)", "TUMBLE", "FROM o WINDOW TUMBLING (SIZE 5 SECONDS)"),
        (
            "SELECT 1 FROM TABLE(HOP(TABLE `my o`, DESCRIPTOR(ts), INTERVAL '1' MINUTE, INTERVAL '1' HOUR))",
            "A window as a table function",
            "FROM `my o` WINDOW HOPPING (SIZE 1 HOUR, ADVANCE BY 1 MINUTE)",
        ),
        (
            "SELECT 1 FROM TABLE(HOP(DATA => TABLE o, TIMECOL => DESCRIPTOR(ts), SIZE => INTERVAL '1' DAY, SLIDE => INTERVAL '2' HOURS))",
            "A window as a table function",
            "HOPPING (SIZE 1 DAY, ADVANCE BY 2 HOURS)",
        ),
        ("SELECT 1 FROM o GROUP BY HOP(ts, INTERVAL '1:30' MINUTE TO SECOND, INTERVAL '1' HOUR)", "HOP", "(SIZE 1 HOUR, ADVANCE BY …)"),
        ("SELECT 1 FROM TABLE(SESSION(TABLE o PARTITION BY a, DESCRIPTOR(ts), INTERVAL '30' SECOND))", "A window as", "WINDOW SESSION (30 SECONDS)"),
        ("SELECT 1 FROM TABLE(CUMULATE(TABLE o, DESCRIPTOR(ts), INTERVAL '2' HOUR, INTERVAL '1' DAY))", "A window as", "nearest here is FROM o WINDOW HOPPING"),
        (
            "CREATE TABLE o (id INT, ts TIMESTAMP(3), WATERMARK FOR `ts` AS ts) WITH ('connector'='kafka', 'topic'='t', 'format'='csv')",
            "WITH ('connector' = …)",
            "CREATE STREAM o (…) WITH (KAFKA_TOPIC = 't', VALUE_FORMAT = 'DELIMITED', TIMESTAMP = 'ts').",
        ),
        (
            "CREATE TABLE IF NOT EXISTS u (id INT, PRIMARY KEY (id) NOT ENFORCED) WITH ('connector'='upsert-kafka', 'value.format'='json')",
            "WITH ('connector' = …)",
            "CREATE TABLE u (… PRIMARY KEY, …) WITH (KAFKA_TOPIC = 'u', VALUE_FORMAT = 'JSON').",
        ),
        ("CREATE TABLE g (id INT) WITH ('connector'='datagen')", "WITH ('connector' = …)", "Kafka's topics only, not 'datagen': CREATE STREAM g"),
        ("CREATE TABLE t (a TIMESTAMP, WATERMARK FOR a AS a)", "WATERMARK FOR", "WITH (TIMESTAMP = 'a')"),
        ("CREATE TABLE t (a INT, PRIMARY KEY (a) NOT ENFORCED)", "PRIMARY KEY (…)", "a … PRIMARY KEY"),
        ("CREATE TABLE t (a INT PRIMARY KEY NOT ENFORCED)", "NOT ENFORCED", "Leave it out"),
        ("CREATE TABLE t (a ROW<b INT>)", "ROW<…>", "STRUCT<…>"),
        ("CREATE TABLE t (a TIMESTAMP(3))", "A precision of times", "leave the (…) out"),
        ("SELECT CAST(a AS TIMESTAMP_LTZ(3)) FROM t", "TIMESTAMP_LTZ", "the type is TIMESTAMP"),
        ("SELECT * FROM t MATCH_RECOGNIZE (PATTERN (A))", "MATCH_RECOGNIZE", "nothing like it"),
        ("SELECT ROW_NUMBER() OVER (PARTITION BY a ORDER BY b) FROM t", "OVER (…)", "LATEST_BY_OFFSET(x)"),
        ("EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1 FROM b", "EXECUTE STATEMENT SET", "a statement by itself"),
        ("BEGIN STATEMENT SET", "BEGIN STATEMENT SET", "a statement by itself"),
        ("CREATE CATALOG c WITH ('type'='x')", "CREATE CATALOG", "plain names"),
        ("CREATE DATABASE d", "CREATE DATABASE", "plain names"),
        ("USE d", "USE", "plain names"),
        ("SHOW JOBS", "SHOW JOBS", "LIST QUERIES"),
        ("ADD JAR '/x.jar'", "ADD JAR", "ksql.extension.dir"),
        ("RESET 'a.b'", "RESET", "UNSET 'a.b'"),
        ("CREATE TEMPORARY VIEW v AS SELECT 1", "CREATE TEMPORARY VIEW", "CREATE STREAM v AS SELECT"),
        ("SELECT * FROM t /*+ OPTIONS('a'='b') */ WHERE x", "/*+ OPTIONS(…) */", "SET 'auto.offset.reset'"),
        ("SELECT 1 FROM a UNION ALL SELECT 2 FROM b", "UNION", "CREATE STREAM u AS SELECT … FROM a EMIT CHANGES; then INSERT INTO u"),
        ("WITH x AS (SELECT 1 FROM s) SELECT * FROM x", "WITH … AS (…)", "CREATE STREAM part AS SELECT"),
        ("SELECT * FROM (SELECT a FROM s)", "A query in parentheses", "CREATE STREAM part AS SELECT"),
        ("SELECT * FROM s ORDER BY `total` DESC", "ORDER BY", "r.df.sort_values('total')"),
        ("SELECT ts + INTERVAL '1' HOUR FROM s", "INTERVAL", "TIMESTAMPADD(HOURS, 1, ts)"),
        ("SELECT COUNT(DISTINCT a, f(b)) FROM s GROUP BY c", "COUNT(DISTINCT …)", "COUNT_DISTINCT(a, f(b))"),
        ("SELECT DISTINCT a FROM s", "SELECT DISTINCT", "GROUP BY"),
        ("SELECT UPPER(a) FROM s", "UPPER", "UCASE(a)"),
        ("SELECT 1", "SELECT without FROM", "SELECT … FROM s"),
    ],
)  # fmt: skip
def test_ksqldb_says_what_of_flinks_a_statement_has_and_how_it_has_it(source, what, here):
    said = hint(source, KSQL)
    assert said.startswith(what), said
    assert " is Flink's, and %%flink runs it. " in said
    assert here in said, said


@pytest.mark.parametrize(
    "source",
    [
        "SELECT 'EMIT CHANGES', `EMIT`, 'WINDOW TUMBLING (SIZE 1 MINUTE)' FROM t",
        "SELECT a FROM t -- EMIT CHANGES",
        "SELECT a /* LATEST_BY_OFFSET(a) */ FROM t",
        "SELECT a, window_start FROM TABLE(TUMBLE(TABLE t PARTITION BY a, DESCRIPTOR(rowtime), INTERVAL '1' MINUTE))",
        "SELECT ROW_NUMBER() OVER (PARTITION BY a ORDER BY b) FROM t",
        "SELECT * FROM t MATCH_RECOGNIZE (PARTITION BY a ORDER BY r PATTERN (A B) WITHIN INTERVAL '1' HOUR DEFINE A AS TRUE)",
        "CREATE TABLE t (ROWTIME TIMESTAMP(3), WATERMARK FOR ROWTIME AS ROWTIME) WITH ('connector' = 'kafka')",
        "SELECT rowtime FROM t",
        "SELECT a - b > c FROM t",
        "SELECT a - - b, a > b FROM t",
        "SELECT emit FROM t",
        "CREATE TABLE t (a INT) PARTITIONED BY (a) WITH ('connector'='filesystem')",
        "SHOW TABLES",
        "SHOW FUNCTIONS",
        "DESCRIBE t",
        "SET 'a' = 'b'",
        "SELECT nosuch FROM t LIMIT 3",
        "INSERT INTO t SELECT * FROM s",
        "-",
    ],
)
def test_flink_finds_nothing_foreign_in_its_own_sql(source):
    assert hint(source, FLINK) is None


@pytest.mark.parametrize(
    "source",
    [
        "SELECT 'ORDER BY', `OVER`, 'WITH (''connector''=1)' FROM s EMIT CHANGES",
        "SELECT a FROM s WINDOW SESSION (30 SECONDS) GROUP BY a EMIT CHANGES",
        "SELECT a FROM s -- ORDER BY a",
        "PRINT 't' FROM BEGINNING INTERVAL 5 LIMIT 3",
        "CREATE TABLE t (a INT PRIMARY KEY, b TIMESTAMP, c ARRAY<STRING>) WITH (KAFKA_TOPIC='t', VALUE_FORMAT='JSON')",
        "CREATE SOURCE CONNECTOR c WITH ('connector.class'='x')",
        "SELECT row < 5 AS b FROM s",
        "SELECT over, union FROM s",
        "EXPLAIN SELECT * FROM s",
        "SELECT nosuch FROM s",
        "INSERT INTO s (a) VALUES (1)",
        ")",
    ],
)
def test_ksqldb_finds_nothing_foreign_in_its_own_sql(source):
    assert hint(source, KSQL) is None


@pytest.fixture(scope="module")
def corpus():
    if not CORPUS.exists():
        pytest.skip(f"{CORPUS} is not here")
    return [json.loads(line)["sql"] for line in CORPUS.read_text().splitlines()]


def test_no_statement_of_ksqldbs_own_tests_looks_foreign_to_it(corpus):
    assert [sql for sql in corpus if hint(sql, KSQL)] == []


def test_most_statements_of_ksqldbs_own_tests_look_foreign_to_flink(corpus):
    """The others could be Flink's as they stand: SELECT … FROM, INSERT INTO, CREATE TABLE … AS SELECT."""
    unseen = [sql for sql in corpus if not hint(sql, FLINK)]
    assert all(sql.upper().startswith(("SELECT ", "INSERT INTO ", "CREATE TABLE ")) for sql in unseen)
    assert len(unseen) < 0.1 * len(corpus)


@pytest.mark.parametrize("dialect", [FLINK, KSQL])
def test_a_hint_is_short_however_long_the_statement_is(dialect):
    name = "a" * 5000
    sources = [
        f"SELECT LATEST_BY_OFFSET({name}) FROM {name} EMIT CHANGES",
        f"SELECT x FROM {name} WINDOW TUMBLING (SIZE 1 DAY) GROUP BY x",
        f"CREATE STREAM {name} (a INT) WITH (KAFKA_TOPIC='{name}', VALUE_FORMAT='{name}')",
        f"CREATE TABLE {name} (a INT, WATERMARK FOR {name} AS x) WITH ('connector'='kafka', 'topic'='{name}')",
        f"SELECT * FROM {name} ORDER BY {name}",
        f"PRINT '{name}'",
        f"SELECT COUNT(DISTINCT {name}) FROM {name}",
    ]
    said = [hint(source, dialect) for source in sources]
    assert sum(text is not None for text in said) >= 3
    assert all(len(text) < 500 for text in said if text)
