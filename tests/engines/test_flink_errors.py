"""From the stacks that Flink's gateway answers with to the sentence, the place and the hint."""

import json
from pathlib import Path

import pytest

from streammagic.engines.flink.errors import chain, from_answer, from_stack
from streammagic.engines.http import HttpStatusError
from streammagic.errors import ConnectionFailedError, JobFailedError, SessionLostError, SqlError
from streammagic.sql.flink import FlinkDialect
from streammagic.sql.statements import split

STACKS = Path(__file__).parent / "stacks"
"""What a gateway of Flink 2.3 answered, most lines of the stacks left out."""


def statement(sql):
    return split(sql, FlinkDialect())[0]


def recorded(name):
    return (STACKS / f"{name}.txt").read_text()


def stack(*causes):
    """Write a stack as the gateway sends it: ``causes`` are "class: message", outermost first."""
    lines = "\n\tat org.apache.flink.A.b(A.java:1)\n\tat java.base/java.lang.Thread.run(Unknown Source)\n\t... 9 more\n"
    outer = "org.apache.flink.table.gateway.api.utils.SqlGatewayException: Failed to fetchResults."
    return (
        "<Exception on server side:\n"
        + "Caused by: ".join(f"{cause}{lines}" for cause in (outer, *causes))
        + "\nEnd of exception on server side>"
    )


def parse_error(message):
    return stack(
        f"org.apache.flink.table.api.SqlParserException: SQL parse failed. {message}",
        f"org.apache.flink.sql.parser.impl.ParseException: {message}",
    )


def validation(message):
    return stack(f"org.apache.flink.table.api.ValidationException: {message}")


def expecting(*tokens):
    return "\nWas expecting one of:\n" + "".join(f"    {token} ...\n" for token in tokens) + "    "


def answered(body, status=500):
    return HttpStatusError(status, body if isinstance(body, bytes) else json.dumps(body).encode())


def place(error):
    return error.line, error.column


def test_the_chain_has_every_exception_with_its_whole_message():
    found = chain(recorded("parse_error"))
    assert [error.name for error in found] == [
        "SqlGatewayException",
        "SqlGatewayException",
        "SqlExecutionException",
        "SqlParserException",
        "SqlParseException",
        "ParseException",
    ]
    assert found[-1].message.startswith('Encountered "WHERE" at line 1, column 55.\nWas expecting one of:\n')
    assert found[-1].message.endswith('"," ...')


@pytest.mark.parametrize("text", ["", "\n", "no stack at all", "\tat a.B.c(B.java:1)", "Caused by: "])
def test_a_text_that_is_no_stack_has_no_exceptions(text):
    assert chain(text) == []


def test_a_parse_error_names_the_token_and_its_place():
    error = from_stack(recorded("parse_error"), None)
    assert isinstance(error, SqlError)
    assert error.message == "WHERE is not expected here."
    assert place(error) == (1, 55)


def test_a_parse_error_lists_what_was_expected_in_its_hint():
    error = from_stack(recorded("parse_error"), None)
    assert (
        error.hint
        == "Expected here: the end, EXCEPT, FETCH, FROM, INTERSECT, LIMIT, OFFSET, ORDER, MINUS, UNION, …"
    )


def test_the_cause_is_the_engine_s_words_unchanged():
    error = from_stack(recorded("parse_error"), None)
    assert error.cause == chain(recorded("parse_error"))[-1].message
    assert "Was expecting one of:" in error.cause


def test_kinds_of_names_strings_and_numbers_are_said_in_a_word():
    tokens = (
        "<IDENTIFIER>",
        "<QUOTED_IDENTIFIER>",
        "<BACK_QUOTED_IDENTIFIER>",
        "<QUOTED_STRING>",
        "<UNICODE_STRING_LITERAL>",
        "<UNSIGNED_INTEGER_LITERAL>",
        '"NOT" "IN"',
        '"("',
    )
    error = from_stack(parse_error('Encountered ";" at line 1, column 8.' + expecting(*tokens)), None)
    assert error.hint == "Expected here: a name, a string, a number, NOT, (."


def test_the_only_token_expected_is_named():
    error = from_stack(
        parse_error('Encountered "x" at line 1, column 16.\nWas expecting:\n    "BY" ...\n    '), None
    )
    assert (error.message, error.hint) == ("x is not expected here.", "Expected here: BY.")


def test_double_quotes_are_explained():
    message = 'Encountered "\\"" at line 1, column 8.' + expecting('"ABS"')
    error = from_stack(parse_error(message), statement('SELECT "a" FROM t'))
    assert "`back-ticks`" in error.hint
    assert place(error) == (1, 8)


def test_a_lexical_error_is_a_sentence_without_a_place():
    error = from_stack(
        parse_error('Lexical error at line 1, column 10.  Encountered: "#" (35), after : ""'), None
    )
    assert error.message == 'Lexical error.  Encountered: "#" (35), after : "".'
    assert place(error) == (1, 10)
    assert error.hint is None


def test_columns_are_counted_in_characters_also_after_an_emoji():
    sql = statement("SELECT 1,\n '😀', a FRM t")
    error = from_stack(parse_error('Encountered "t" at line 2, column 14.'), sql)
    assert place(error) == (2, 13)
    assert sql.text.split("\n")[1][error.column - 1] == "t"


def test_a_place_outside_of_the_statement_is_left_as_it_is():
    for line, column in ((1, 99), (9, 3)):
        error = from_stack(
            parse_error(f'Encountered "t" at line {line}, column {column}.'), statement("SELECT 😀")
        )
        assert place(error) == (line, column - 1 if line == 1 else column)


def test_a_validation_error_has_the_place_of_the_exception_around_it():
    error = from_stack(recorded("validation_error"), None)
    assert isinstance(error, SqlError)
    assert error.message == "There is no table ordres."
    assert error.cause == "Object 'ordres' not found"
    assert place(error) == (2, 6)


def test_the_place_in_front_of_a_validation_message_is_cut_off():
    error = from_stack(
        validation("SQL validation failed. From line 1, column 8 to line 1, column 9: Column 'xx' not found"),
        None,
    )
    assert (error.message, place(error)) == ("Column 'xx' not found.", (1, 8))


@pytest.mark.parametrize(
    "message",
    ['Encountered "<EOF>" at line 0, column 0.', 'Encountered "<EOF>"', "Incomplete statement: <EOF>"],
)
def test_an_end_that_came_too_soon_is_behind_the_last_character(message):
    error = from_stack(parse_error(message), statement("SELECT a\n  FROM "))
    assert place(error) == (2, 7)


@pytest.mark.parametrize("name", ["`default_catalog`.`default_database`.`nope`", "nope", "db.NOPE", "`nope`"])
def test_a_table_that_is_not_found_is_looked_up_in_the_statement(name):
    error = from_stack(
        validation(f"Cannot find table '{name}' in any of the catalogs [default_catalog]."),
        statement("SELECT *\nFROM a, nope"),
    )
    assert place(error) == (2, 9)


def test_a_table_in_back_ticks_is_looked_up_too():
    error = from_stack(validation("Cannot find table '`c`.`d`.`my table`'"), statement("DESCRIBE `my table`"))
    assert place(error) == (1, 10)


def test_a_name_that_is_not_in_the_statement_has_no_place():
    error = from_stack(validation("Cannot find table '`c`.`d`.`other`'"), statement("SELECT * FROM nope"))
    assert place(error) == (None, None)


def test_without_a_statement_there_is_no_look_up():
    assert place(from_stack(validation("Cannot find table 'nope'"), None)) == (None, None)


def test_the_innermost_exception_is_the_one_that_counts():
    error = from_stack(recorded("table_exists"), statement("CREATE TABLE g (a INT)"))
    assert error.message.endswith(" exists already.")
    assert error.cause.endswith("already exists in Catalog default_catalog.")


def test_an_exception_without_a_message_is_passed_over():
    error = from_stack(
        stack("java.lang.RuntimeException: said something", "java.lang.NullPointerException"), None
    )
    assert error.message == "said something."


def test_a_lost_session_is_its_own_error():
    error = from_stack(
        stack(
            "org.apache.flink.table.gateway.api.utils.SqlGatewayException: Session '9c0a4bb2-33ef-4bb5-8a5c-0fb9b66b7e49' does not exist."
        ),
        statement("SELECT 1"),
    )
    assert isinstance(error, SessionLostError)
    assert "9c0a4bb2" not in error.message + error.details
    assert "Run the cell again" in error.hint


def test_a_job_that_failed_is_not_a_mistake_in_the_sql():
    error = from_stack(recorded("job_failure"), statement("SELECT * FROM t"))
    assert isinstance(error, JobFailedError)
    assert error.message == "The value of k in a message does not fit its column."
    assert error.statement == "SELECT * FROM t"


def test_ids_are_in_neither_sentence_nor_details():
    for name in ("parse_error", "validation_error", "job_failure", "table_exists"):
        details = from_stack(recorded(name), None).details
        assert "Failed to execute the operation …." in details or "(JobID: …)" in details
    message = "Job 9c0a4bb233ef4bb58a5c0fb9b66b7e49 of 9c0a4bb2-33ef-4bb5-8a5c-0fb9b66b7e49 is gone"
    error = from_stack(validation(message), None)
    assert error.message == "Job … of … is gone."
    assert error.cause == message
    assert "9c0a4bb2" not in error.details


def test_the_details_are_the_whole_stack():
    error = from_stack(recorded("validation_error"), None)
    assert error.details.startswith("<Exception on server side:\n")
    assert error.details.count("Caused by: ") == 5


def test_every_error_names_its_engine_and_statement():
    error = from_stack(recorded("parse_error"), statement("SELECT a b c"))
    assert (error.engine, error.statement) == ("Flink", "SELECT a b c")


@pytest.mark.parametrize(
    ("message", "word"),
    [
        ("Sort on a non-time-attribute field is not supported.", "LIMIT"),
        ("Could not acquire the minimum required resources.", "handle.stop()"),
        ("Cannot map checkpoint/savepoint state for operator abc to the new program", "old state"),
        ("Querying an unbounded table '`a`.`b`.`c`' in batch mode is not allowed.", "runtime-mode"),
    ],
)
def test_known_failures_have_a_hint(message, word):
    assert word in from_stack(validation(message), None).hint


def test_a_missing_connector_names_the_ones_that_are_there():
    error = from_stack(
        validation(
            "Could not find any factory for identifier 'kafkaa' that implements "
            "'org.apache.flink.table.factories.DynamicTableFactory' in the classpath.\n\n"
            "Available factory identifiers are:\n\nblackhole\ndatagen\nkafka"
        ),
        None,
    )
    assert error.message == "There is no connector kafkaa."
    assert error.hint.startswith("Did you mean kafka?\nInstalled here: blackhole, datagen, kafka.")


def test_a_plain_failure_has_no_hint():
    assert from_stack(validation("Something else."), None).hint is None


def test_a_text_that_is_no_stack_is_said_as_it_is():
    error = from_stack("The job failed.", None)
    assert isinstance(error, SqlError)
    assert error.message == "The job failed."


def test_an_answer_with_a_stack_is_read_from_its_second_entry():
    error = from_answer(answered({"errors": ["Internal server error.", recorded("parse_error")]}), None)
    assert place(error) == (1, 55)


def test_an_answer_with_one_entry_is_a_message():
    error = from_answer(answered({"errors": ["Not found: /v3/nope"]}, 404), statement("SELECT 1"))
    assert isinstance(error, SqlError)
    assert (error.message, error.cause, error.statement) == (
        "Not found: /v3/nope",
        "Not found: /v3/nope",
        "SELECT 1",
    )


def test_a_value_that_the_gateway_cannot_write_is_explained():
    error = from_answer(answered({"errors": ["Could not map response to JSON."]}), None)
    assert "CAST" in error.hint


@pytest.mark.parametrize(
    "body", [b"<html>Bad gateway</html>", b"", b"[1]", b'{"errors": "text"}', b"\xff\xfe", b'{"errors": []}']
)
def test_an_answer_that_is_not_the_gateway_s_is_a_wrong_address(body):
    error = from_answer(answered(body, 502), None)
    assert isinstance(error, ConnectionFailedError)
    assert "HTTP 502" in error.message
    assert "flink_gateway" in error.hint


def test_a_very_long_foreign_answer_is_cut():
    assert len(from_answer(answered(b"x" * 10_000, 404), None).cause) == 500
