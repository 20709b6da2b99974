"""What a deployment needs of what was defined before."""

import pytest

from streammagic.engines.flink.bundles import (
    needed,
    options_of,
    sets,
    single,
    targets,
    with_brokers,
    with_options,
)
from streammagic.engines.flink.session import Journal
from streammagic.sql.flink import FlinkDialect


def journal(*statements):
    found = Journal()
    for sql in statements:
        statement = single(sql)
        found.add(statement, FlinkDialect().created_name(statement))
    return found.entries


def test_only_what_is_mentioned_is_needed_and_what_that_mentions():
    entries = journal(
        "CREATE TABLE a (x INT)",
        "CREATE TABLE b (x INT)",
        "CREATE VIEW v AS SELECT x FROM a",
        "CREATE TABLE `odd name` (x INT)",
        "CREATE TABLE sink (x INT)",
    )
    assert needed(single("INSERT INTO sink SELECT x FROM v"), entries) == (
        "CREATE TABLE a (x INT)",
        "CREATE VIEW v AS SELECT x FROM a",
        "CREATE TABLE sink (x INT)",
    )
    assert needed(single("SELECT * FROM `odd name`"), entries) == ("CREATE TABLE `odd name` (x INT)",)


def test_settings_catalogs_functions_and_alterations_come_along():
    entries = journal(
        "SET 'a' = 'b'",
        "CREATE FUNCTION f AS 'x.Y'",
        "CREATE TABLE a (x INT)",
        "ALTER TABLE a ADD y INT",
        "CREATE TABLE b (x INT)",
        "ALTER TABLE b ADD y INT",
        "ADD JAR 'x.jar'",
    )
    assert needed(single("SELECT f(x) FROM a"), entries) == (
        "SET 'a' = 'b'",
        "CREATE FUNCTION f AS 'x.Y'",
        "CREATE TABLE a (x INT)",
        "ALTER TABLE a ADD y INT",
        "ADD JAR 'x.jar'",
    )


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        ("INSERT INTO a SELECT 1", ["a"]),
        ("INSERT INTO c.d.`e` (x) VALUES (1)", ["c.d.`e`"]),
        ("INSERT OVERWRITE a SELECT 1", ["a"]),
        ("EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1; INSERT INTO b SELECT 2; END", ["a", "b"]),
        ("CREATE TABLE t WITH ('connector' = 'print') AS SELECT 1 AS x", ["t"]),
        ("SELECT 1", []),
    ],
)
def test_the_tables_that_are_written(sql, names):
    assert targets(single(sql)) == names


def test_options_ride_on_an_insert_as_a_hint():
    assert (
        with_options(single("INSERT INTO a.b (x) SELECT 1"), "'k'='v'")
        == "INSERT INTO a.b /*+ OPTIONS('k'='v') */ (x) SELECT 1"
    )
    assert with_options(single("EXECUTE STATEMENT SET BEGIN INSERT INTO a SELECT 1; END"), "") is None


def test_the_options_of_the_tables_asked_about():
    definitions = [
        "CREATE TABLE a (x INT) WITH ('connector' = 'kafka', 'topic' = 'ta', 'properties.group.id' = 'g')",
        "CREATE TABLE b (x INT) WITH ('topic' = 'it''s')",
        "SET 'topic' = 'no'",
    ]
    assert options_of(["a"], definitions, "topic") == ["ta"]
    assert options_of(["cat.db.`b`"], definitions, "topic") == ["it's"]
    assert options_of([], definitions, "properties.group.id") == ["g"]


def test_whether_a_key_was_set():
    assert sets("a", ["SET 'a' = 'b'"])
    assert not sets("b", ["SET 'a' = 'b'", "CREATE TABLE t (x INT) WITH ('b' = 'c')"])


@pytest.mark.parametrize("connector", ["kafka", "upsert-kafka"])
def test_a_kafka_table_without_brokers_gets_the_variable(connector):
    sql = f"CREATE TABLE t (x INT) WITH ('connector' = '{connector}', 'topic' = 'a'\n)"
    completed = with_brokers(single(sql))
    assert completed.text == sql.replace("'a'\n", "'a', 'properties.bootstrap.servers' = {{ kafka }}\n")
    assert with_brokers(completed) == completed


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TABLE t (x INT) WITH ('connector' = 'kafka', 'properties.bootstrap.servers' = 'b:1')",
        "CREATE TABLE t (x INT) WITH ('connector' = 'datagen')",
        "CREATE VIEW v AS SELECT 'kafka'",
    ],
)
def test_other_tables_are_left_as_they_are(sql):
    assert with_brokers(single(sql)).text == sql
