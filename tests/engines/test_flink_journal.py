"""What a session is made of again: names are what they mean where they stand."""

import pytest

from streammagic.engines.flink.bundles import needed, single
from streammagic.engines.flink.session import Journal
from streammagic.engines.jobs import Bundle
from streammagic.sql.flink import FlinkDialect


def journal(*statements):
    found = Journal()
    for sql in statements:
        statement = single(sql)
        found.add(statement, FlinkDialect().created_name(statement))
    return found


def kept(*statements):
    return [entry.sql for entry in journal(*statements).entries]


@pytest.mark.parametrize(
    ("statements", "left"),
    [
        (["CREATE TABLE t (x INT)", "DROP TABLE t"], []),
        (["CREATE TABLE t (x INT)", "DROP TABLE IF EXISTS `t`"], []),
        (["CREATE TABLE t (x INT)", "ALTER TABLE t ADD y INT", "DROP TABLE t"], []),
        (["CREATE TABLE t (x INT)", "DROP TABLE t", "CREATE TABLE t (y INT)"], ["CREATE TABLE t (y INT)"]),
        (["CREATE TABLE db.t (x INT)", "USE db", "DROP TABLE t"], ["USE db"]),
        (["CREATE TEMPORARY VIEW v AS SELECT 1", "DROP TEMPORARY VIEW v"], []),
        (["SET 'a' = '1'", "SET 'a' = '2'"], ["SET 'a' = '2'"]),
        (["SET 'a' = '1'", "SET 'b' = '2'", "RESET 'a'"], ["SET 'b' = '2'"]),
        (["SET 'a' = '1'", "RESET"], []),
    ],
)
def test_what_is_void_is_left_out(statements, left):
    assert kept(*statements) == left


def test_two_tables_of_one_name_in_two_databases_are_two():
    both = ["CREATE TABLE db1.t (x INT)", "USE db2", "CREATE TABLE t (y INT)"]
    assert kept(*both) == both
    assert journal(*both).creation("t").text == "CREATE TABLE t (y INT)"
    assert journal(*both).creation("db1.t").text == "CREATE TABLE db1.t (x INT)"


def test_names_with_dots_and_backticks_in_them_are_names():
    odd = ["CREATE TABLE `a.b` (x INT)", "CREATE TABLE `c``d` (x INT)", "CREATE TABLE b (x INT)"]
    assert needed(single("SELECT * FROM `a.b`"), journal(*odd).entries) == tuple(odd[:1])
    assert needed(single("SELECT * FROM `c``d`"), journal(*odd).entries) == tuple(odd[1:2])


def test_a_renamed_table_is_found_by_its_new_name():
    renamed = ["CREATE TABLE old (x INT)", "ALTER TABLE old RENAME TO new_one", "CREATE TABLE other (x INT)"]
    assert needed(single("SELECT * FROM new_one"), journal(*renamed).entries) == tuple(renamed[:2])


def test_what_is_run_twice_asks_for_the_same():
    once = ("CREATE DATABASE IF NOT EXISTS d", "USE d", "CREATE TABLE t (x INT)")
    twice = (*once, "CREATE DATABASE IF NOT EXISTS d", "USE d")
    shas = {Bundle(engine="flink", statement="SELECT 1", definitions=each).sha for each in (once, twice)}
    assert len(shas) == 1


def test_where_the_statement_stands_counts():
    one, other = ("USE a", "USE b"), ("USE b", "USE a")
    shas = {Bundle(engine="flink", statement="SELECT 1", definitions=each).sha for each in (one, other)}
    assert len(shas) == 2
