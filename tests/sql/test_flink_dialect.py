"""What Flink's statements do."""

import pytest

from streammagic.sql.flink import FlinkDialect
from streammagic.sql.statements import Kind, split

FLINK = FlinkDialect()


def only(source):
    (statement,) = split(source, FLINK)
    return statement


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("SELECT 1", Kind.QUERY),
        ("select 1", Kind.QUERY),
        ("(SELECT 1)", Kind.QUERY),
        ("((SELECT 1) UNION ALL (SELECT 2))", Kind.QUERY),
        ("VALUES (1), (2)", Kind.QUERY),
        ("WITH x AS (SELECT 1) SELECT * FROM x", Kind.QUERY),
        ("TABLE t", Kind.QUERY),
        ("EXECUTE SELECT 1", Kind.QUERY),
        ("EXECUTE WITH x AS (SELECT 1) SELECT * FROM x", Kind.QUERY),
        ("/* c */ SELECT 1", Kind.QUERY),
        ("INSERT INTO t SELECT 1", Kind.INSERT),
        ("INSERT OVERWRITE t SELECT 1", Kind.INSERT),
        ("INSERT INTO t WITH x AS (SELECT 1) SELECT * FROM x", Kind.INSERT),
        ("EXECUTE INSERT INTO t SELECT 1", Kind.INSERT),
        ("EXECUTE STATEMENT SET BEGIN INSERT INTO t SELECT 1; END", Kind.INSERT),
        ("EXECUTE PLAN 'file:///p'", Kind.INSERT),
        ("COMPILE AND EXECUTE PLAN 'p' FOR INSERT INTO t SELECT 1", Kind.INSERT),
        ("UPDATE t SET a = 1", Kind.INSERT),
        ("DELETE FROM t", Kind.INSERT),
        ("TRUNCATE TABLE t", Kind.INSERT),
        ("END", Kind.INSERT),
        ("CREATE TABLE t (a INT) WITH ('connector' = 'datagen')", Kind.DEFINITION),
        ("CREATE TABLE t (a INT, b AS a + 1) WITH ('k' = 'v')", Kind.DEFINITION),
        ("CREATE TABLE t LIKE x", Kind.DEFINITION),
        ("CREATE TABLE t WITH ('k' = 'AS') LIKE x", Kind.DEFINITION),
        ("CREATE VIEW v AS SELECT 1", Kind.DEFINITION),
        ("CREATE TEMPORARY VIEW IF NOT EXISTS v AS SELECT 1", Kind.DEFINITION),
        ("CREATE FUNCTION f AS 'com.example.F'", Kind.DEFINITION),
        ("CREATE TEMPORARY SYSTEM FUNCTION f AS 'com.example.F'", Kind.DEFINITION),
        ("CREATE DATABASE d", Kind.DEFINITION),
        ("CREATE CATALOG c WITH ('type' = 'generic_in_memory')", Kind.DEFINITION),
        ("CREATE MODEL m WITH ('provider' = 'openai')", Kind.DEFINITION),
        ("ALTER TABLE t RENAME TO u", Kind.DEFINITION),
        ("ALTER TABLE t ADD b AS a + 1", Kind.DEFINITION),
        ("ALTER VIEW v AS SELECT 2", Kind.DEFINITION),
        ("DROP TABLE IF EXISTS t", Kind.DEFINITION),
        ("CREATE TABLE t AS SELECT 1", Kind.CREATE_AS),
        ("CREATE TABLE t WITH ('k' = 'v') AS SELECT 1", Kind.CREATE_AS),
        ("CREATE TEMPORARY TABLE IF NOT EXISTS t (a INT) AS SELECT 1", Kind.CREATE_AS),
        ("CREATE OR REPLACE TABLE t AS SELECT 1", Kind.CREATE_AS),
        ("REPLACE TABLE t AS SELECT 1", Kind.CREATE_AS),
        ("CREATE MATERIALIZED TABLE t FRESHNESS = INTERVAL '3' MINUTE AS SELECT 1", Kind.CREATE_AS),
        ("CREATE OR ALTER MATERIALIZED TABLE t AS SELECT 1", Kind.CREATE_AS),
        ("SET 'a' = 'b'", Kind.SESSION),
        ("SET", Kind.SESSION),
        ("RESET 'a'", Kind.SESSION),
        ("USE CATALOG c", Kind.SESSION),
        ("LOAD MODULE hive", Kind.SESSION),
        ("UNLOAD MODULE hive", Kind.SESSION),
        ("ADD JAR '/x.jar'", Kind.SESSION),
        ("REMOVE JAR '/x.jar'", Kind.SESSION),
        ("SHOW TABLES", Kind.ANSWER),
        ("DESCRIBE t", Kind.ANSWER),
        ("DESC t", Kind.ANSWER),
        ("EXPLAIN SELECT 1", Kind.ANSWER),
        ("EXPLAIN STATEMENT SET BEGIN INSERT INTO t SELECT 1; END", Kind.ANSWER),
        ("CALL sys.compact()", Kind.ANSWER),
        ("HELP", Kind.CLIENT),
        ("QUIT", Kind.CLIENT),
        ("COMPILE PLAN 'p' FOR INSERT INTO t SELECT 1", Kind.OTHER),
        ("BEGIN STATEMENT SET", Kind.OTHER),
        ("STOP JOB 'x'", Kind.OTHER),
        ("FROBNICATE", Kind.OTHER),
        ("'text'", Kind.OTHER),
        ("`SELECT` 1", Kind.OTHER),
        (")", Kind.OTHER),
        ("(", Kind.OTHER),
    ],
)
def test_a_statement_is_what_it_does(source, kind):
    assert only(source).kind is kind


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("CREATE TABLE t (a INT)", "t"),
        ("create table T(a INT)", "T"),
        ("CREATE TABLE IF NOT EXISTS t (a INT)", "t"),
        ("CREATE TABLE a.b.c (a INT)", "a.b.c"),
        ("CREATE TABLE `my cat` . `d`.`t.x` (a INT)", "`my cat`.`d`.`t.x`"),
        ("CREATE TABLE t LIKE x", "t"),
        ("CREATE TABLE t WITH ('k' = 'v')", "t"),
        ("CREATE TABLE t AS SELECT 1", "t"),
        ("CREATE OR REPLACE TABLE t AS SELECT 1", "t"),
        ("CREATE TEMPORARY TABLE t (a INT)", "t"),
        ("CREATE MATERIALIZED TABLE t AS SELECT 1", "t"),
        ("CREATE OR ALTER MATERIALIZED TABLE t AS SELECT 1", "t"),
        ("CREATE /* c */ VIEW -- d\n v AS SELECT 1", "v"),
        ("CREATE TEMPORARY VIEW IF NOT EXISTS c.v AS SELECT 1", "c.v"),
        ("CREATE TABLE $t (a INT)", "$t"),
        ("CREATE FUNCTION f AS 'x'", None),
        ("CREATE TEMPORARY SYSTEM FUNCTION f AS 'x'", None),
        ("CREATE DATABASE d", None),
        ("CREATE TABLE", None),
        ("ALTER TABLE t RENAME TO u", None),
        ("DROP TABLE t", None),
        ("SELECT 1", None),
        ("INSERT INTO t SELECT 1", None),
    ],
)
def test_the_name_that_a_create_makes_is_read_as_typed(source, name):
    assert FLINK.created_name(only(source)) == name
