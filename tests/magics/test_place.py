"""An error's place moves from its statement to the cell that was typed."""

import pytest

from streammagic.errors import SqlError
from streammagic.magics.place import CellText
from streammagic.sql.flink import FlinkDialect
from streammagic.sql.statements import split

HEAD = "%%flink --limit 3"


def cell_of(body):
    return CellText(HEAD, body), split(body, FlinkDialect())


def one_liner(body, options=""):
    cell = CellText(f"%flink {options}", body, one_line=True)
    return cell, split(body, FlinkDialect())


def located(cell, statement, token):
    """Place an error at a token of a statement and return what stands at its place in the cell."""
    offset = statement.text.index(token)
    before = statement.text[:offset]
    error = SqlError("x", line=before.count("\n") + 1, column=offset - (before.rfind("\n") + 1) + 1)
    cell.locate(error, statement)
    return cell.text.split("\n")[error.line - 1][error.column - 1 :][: len(token)]


@pytest.mark.parametrize("token", ["SELECT", "WHERE", "wrong"])
def test_a_place_in_the_only_statement(token):
    cell, (statement,) = cell_of("SELECT a\nFROM t WHERE\n  wrong")
    assert located(cell, statement, token) == token


def test_the_first_line_of_the_body_is_the_second_of_the_cell():
    cell, (statement,) = cell_of("SELECT wrong")
    error = SqlError("x", line=1, column=8)
    cell.locate(error, statement)
    assert (error.line, error.column) == (2, 8)


@pytest.mark.parametrize("token", ["INSERT", "wrong", "again"])
def test_a_place_in_a_statement_that_begins_in_the_middle_of_a_line(token):
    cell, statements = cell_of("\nSELECT 1; /* c */ INSERT INTO t wrong\n  again; SELECT 2")
    assert located(cell, statements[1], token) == token


def test_columns_of_later_lines_are_not_moved():
    cell, statements = cell_of("SELECT 1;   SELECT\n wrong")
    error = SqlError("x", line=2, column=2)
    cell.locate(error, statements[1])
    assert (error.line, error.column) == (3, 2)


def test_a_place_in_an_indented_statement():
    cell, (statement,) = cell_of("\n\n    SELECT wrong")
    assert located(cell, statement, "wrong") == "wrong"


@pytest.mark.parametrize("options", ["", "-o x "])
def test_a_place_in_a_one_line_magic(options):
    cell, (statement,) = one_liner("SELECT wrong", options)
    assert located(cell, statement, "wrong") == "wrong"


def test_a_place_in_the_second_statement_of_a_one_line_magic():
    cell, statements = one_liner("SELECT 1; SELECT wrong")
    assert located(cell, statements[1], "wrong") == "wrong"


def test_an_error_without_a_place_gets_none():
    cell, (statement,) = cell_of("SELECT 1")
    error = SqlError("x")
    cell.locate(error, statement)
    assert (error.line, error.column) == (None, None)


def test_a_line_without_a_column_is_moved_too():
    cell, (statement,) = cell_of("\nSELECT 1")
    error = SqlError("x", line=1)
    cell.locate(error, statement)
    assert (error.line, error.column) == (3, None)


def test_the_text_of_a_cell_is_what_was_typed():
    assert cell_of("SELECT 1\n")[0].text == "%%flink --limit 3\nSELECT 1\n"
    assert one_liner("SELECT 1")[0].text == "%flink SELECT 1"
