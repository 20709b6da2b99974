"""What is offered at a place: ``|`` is the cursor."""

import itertools
from dataclasses import replace
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streammagic.sql import keywords, naming, naming_ksqldb
from streammagic.sql.caret import At, look
from streammagic.sql.catalog import Catalog, Column
from streammagic.sql.completion import Known, complete
from streammagic.sql.flink import FlinkDialect
from streammagic.sql.ksqldb import LEXER
from streammagic.sql.scope import Scope
from streammagic.sql.statements import CALCITE, tokenize

ORDERS = (
    Column("order_id", "BIGINT"),
    Column("order_total", "DOUBLE"),
    Column("odd name", "INT"),
    Column("ts", "TIMESTAMP(3)", is_time=True),
)
USERS = (Column("user_id", "INT"), Column("name", "STRING"))


def option(key, *values):
    return SimpleNamespace(key=key, values=values)


OPTIONS = {
    "kafka": [option("topic"), option("scan.startup.mode", "earliest-offset", "latest-offset")],
    "datagen": [option("rows-per-second")],
}
FLINK = Known(
    vocabulary=keywords.FLINK,
    identifier=naming.identifier,
    catalog=Catalog({"orders": ORDERS, "users": USERS}, ("abs", "dateFormat", "greaterThan", "my_fn")),
    variables=("df", "limit"),
    topics=("trips", "it's"),
    options=OPTIONS,
)
KSQL = Known(
    vocabulary=keywords.KSQL,
    identifier=naming_ksqldb.identifier,
    catalog=Catalog({"TRIPS": (Column("ID", "BIGINT"), Column("odd", "INT"))}, ("UCASE",)),
    topics=("trips",),
    options={"": [option("KAFKA_TOPIC"), option("VALUE_FORMAT", "JSON", "AVRO")]},
    settings=[option("auto.offset.reset", "earliest", "latest")],
    quoted_keys=False,
    folds_names=True,
)


def place(typed, lexer=CALCITE):
    at = typed.rindex("|")
    return look(typed[:at] + typed[at + 1 :], at, lexer)


def offered(typed, known=FLINK):
    found = complete(place(typed, LEXER if known.folds_names else CALCITE), known)
    return [candidate.text for candidate in found]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("SELECT or|", ["order_id", "order_total"]),
        ("SELECT OR|", ["order_id", "order_total"]),
        ("SELECT or| FROM orders", ["order_id", "order_total", "orders"]),
        ("SELECT na| FROM orders", []),
        ("SELECT ord|er_id FROM orders", ["order_id", "order_total", "orders"]),
        ("SELECT 日本, '😀', or| FROM orders", ["order_id", "order_total", "orders"]),
        ("SELECT `od|` FROM orders", ["odd name"]),
        ("SELECT `od| FROM orders", ["odd name`"]),
        ("SELECT od| FROM orders", ["`odd name`"]),
        ("SELECT o.| FROM orders o", ["order_id", "order_total", "`odd name`", "ts"]),
        ("SELECT * FROM orders o JOIN users AS u ON u.|", ["user_id", "name"]),
        ("SELECT * FROM orders o, users u WHERE u.n|", ["name"]),
        ("SELECT users.| FROM users", ["user_id", "name"]),
        ("SELECT * FROM us|", ["users"]),
        ("SELECT * FROM orders JOIN u|", ["users", "unnest"]),
        ("SELECT * FROM orders, us|", ["users"]),
        ("SELECT 1; INSERT INTO u|", ["users"]),
        ("DESCRIBE |", ["orders", "users"]),
        ("DROP TABLE IF EXISTS o|", ["orders"]),
        ("ALTER TABLE o|", ["orders"]),
        ("SELECT * FROM TABLE(|", ["TUMBLE", "HOP", "CUMULATE", "SESSION"]),
        ("SELECT * FROM TABLE(TUMBLE(TABLE |", ["orders", "users"]),
        (
            "SELECT window_e| FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(ts), INTERVAL '1' DAY)) AS w",
            ["window_end"],
        ),
        ("WITH big AS (SELECT order_id AS twice FROM orders) SELECT tw| FROM big", ["twice"]),
        ("WITH big AS (SELECT 1 AS x) SELECT * FROM b|", ["big"]),
        ("SELECT * FROM (SELECT order_id AS x, * FROM users) s WHERE s.|", ["x", "user_id", "name"]),
        ("SELECT EXTRACT(YEAR FROM ts| FROM orders", ["ts"]),
        ("CREATE TABLE x (a INT, bc STRING, WATERMARK FOR |", ["a", "bc"]),
        ("CREATE TABLE x (a BIG|", ["BIGINT"]),
        ("sel|", ["select"]),
        ("SEL|", ["SELECT"]),
        ("SELECT MY_|", ["my_fn"]),
        ("SELECT date_f|", ["date_format"]),
        ("SELECT great|", ["greatest"]),
    ],
)
def test_sql(typed, expected):
    assert offered(typed) == expected


@pytest.mark.parametrize(
    "typed",
    [
        "SELECT 'or|'",
        "SELECT 'or|",
        "SELECT 1 -- or|",
        "SELECT 1 // or|",
        "SELECT 1 /* or|",
        "SELECT /*+ or|",
        "SELECT COUNT(*)|",
        "SELECT 12|",
        "SELECT 'a'|",
        "SELECT df.or|",
        "SELECT {{ df.c|",
        "SELECT {{ secret('d|",
    ],
)
def test_nothing_is_offered_in(typed):
    assert offered(typed) == []


def test_after_a_comment_there_is_sql_again():
    assert offered("SELECT /* or */ us| FROM users -- it's") == ["user_id", "users"]
    assert offered("-- it's\nSELECT us|") == ["user_id"]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("SELECT {{ d|", ["df"]),
        ("SELECT '{{ l|}}'", ["limit"]),
        ("SELECT {{ |", ["df", "limit", "kafka", "secret", "jar"]),
        ("SELECT {{ df | i|", ["ident"]),
        ("SELECT {{ df }}, user_|", ["user_id"]),
    ],
)
def test_variables(typed, expected):
    assert offered(typed) == expected


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("WITH ('con|", ["connector'"]),
        ("WITH ('con|')", ["connector"]),
        ("WITH ('con|\n 'topic' = 'x')", ["connector'"]),
        ("WITH ('connector' = 'k|')", ["kafka"]),
        ("WITH ('connector' = 'kafka', |)", ["'topic'", "'scan.startup.mode'"]),
        ("WITH ('|', 'connector' = 'datagen')", ["rows-per-second"]),
        ("WITH ('connector' = 'kafka', 'topic' = 't', 's|')", ["scan.startup.mode"]),
        ("WITH ('connector' = 'kafka', 'scan.startup.mode' = 'e|", ["earliest-offset'"]),
        ("WITH ('connector' = 'kafka', 'topic' = '|')", ["trips", "it''s"]),
        ("WITH ('connector' = 'kafka'|", []),
    ],
)
def test_options_of_a_connector(typed, expected):
    assert offered(f"CREATE TABLE x (a INT) {typed}") == expected


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("SELECT i| FROM trips", ["id"]),
        ("SELECT I| FROM trips", ["ID"]),
        ("SELECT od| FROM trips", ["`odd`"]),
        ("SELECT uc| FROM trips", ["ucase"]),
        ("DROP STREAM |", ["TRIPS"]),
        ("PRINT '|", ["trips'"]),
        ("CREATE STREAM s (a INT) WITH (kaf|", ["kafka_topic"]),
        ("CREATE STREAM s (a INT) WITH (KAFKA_TOPIC = '|')", ["trips"]),
        ("CREATE STREAM s (a INT) WITH (VALUE_FORMAT = 'J|", ["JSON'"]),
        ("SET 'auto|'", ["auto.offset.reset"]),
        ("SET 'auto.offset.reset' = 'e|'", ["earliest"]),
    ],
)
def test_ksqldb(typed, expected):
    assert offered(typed, KSQL) == expected


def test_event_times_come_first_in_a_descriptor():
    assert offered("SELECT * FROM TABLE(TUMBLE(TABLE orders, DESCRIPTOR(|")[0] == "ts"


def test_columns_come_before_functions_and_keywords():
    kinds = [each.kind for each in complete(place("SELECT | FROM orders"), FLINK)]
    assert [kind for kind, _ in itertools.groupby(kinds)] == ["column", "table", "function", "keyword"]


def with_engine(*proposed):
    return Known(
        vocabulary=keywords.FLINK, identifier=naming.identifier, catalog=FLINK.catalog, engine=proposed
    )


def test_the_engines_keywords_come_first_and_its_operators_nowhere():
    assert offered("SHOW |", with_engine("/*+", "JARS", "("))[0] == "JARS"


def test_the_engines_paths_are_offered_where_they_say_more():
    known = with_engine("c.d.orders", "c.d.secrets", "OVERLAY")
    assert offered("SELECT * FROM |", known) == [
        "orders",
        "users",
        "TABLE",
        "LATERAL",
        "UNNEST",
        "c.d.secrets",
    ]
    assert offered("SELECT * FROM c.d.s|", known) == ["secrets"]


def test_an_engine_is_asked_for_the_statement_without_the_word():
    found = place("SELECT 1; SELECT or| FROM t; x")
    assert (found.sql, found.offset) == ("SELECT   FROM t", len("SELECT "))


def test_a_huge_cell_is_looked_at_near_the_cursor_only():
    rows = "INSERT INTO t VALUES ('it''s', 1);\n" * 30_000
    found = place(f"{rows}SELECT x.or| FROM t;\n{rows}")
    assert (found.fragment, len(found.before), len(found.after)) == ("or", 3, 2)


@given(st.text(alphabet="SELECT FROM orders.o'`\"{}|(),;-/*=\n1é", max_size=60), st.data())
def test_whatever_is_typed_the_fragment_stands_before_the_cursor(text, data):
    at = data.draw(st.integers(0, len(text)))
    for lexer, known in ((CALCITE, FLINK), (LEXER, KSQL)):
        found = look(text, at, lexer)
        complete(found, known)
        assert text[:at].endswith(found.fragment)
        assert found.at is At.NOTHING or not set(found.fragment) & set(";\n") or found.quote


def test_the_sources_of_a_statement():
    sql = "INSERT INTO sink SELECT * FROM a.b.orders /*+ OPTIONS('x'='y') */ AS o LEFT JOIN users ON TRUE"
    scope = Scope(tuple(tokenize(sql)), FLINK.catalog.tables)
    assert [source.name for source in scope.sources] == ["o", "users", "sink"]
    assert scope.of("O") == ORDERS


def test_a_connectors_options_are_spelt_for_the_columns():
    known = replace(FLINK, options=FlinkDialect().options())
    typed = "CREATE TABLE t (id INT, `odd name` STRING) WITH ('connector' = 'datagen', 'fields.i|"
    assert "'fields.id.min'" in [f"'{text.strip(chr(39))}'" for text in offered(typed, known)]
    assert not any("#" in text for text in offered(typed.replace("fields.i|", "|"), known))
    kafka = "CREATE TABLE t (id INT) WITH ('connector' = 'kafka', '|"
    assert {"properties.bootstrap.servers'", "json.ignore-parse-errors'"} <= set(offered(kafka, known))
    assert "properties.*'" not in offered(kafka, known)
    assert "debezium-json'" in offered(
        "CREATE TABLE t (i INT) WITH ('connector'='kafka', 'format' = '|", known
    )
