"""What goes wrong, as the person meets it: the cause, its place in the cell, what to do."""

import re

import pytest
from gateways import NeverReady, always, serving

from streammagic.errors import (
    ConnectionFailedError,
    JobFailedError,
    OperationTimeoutError,
    SqlError,
)

pytestmark = pytest.mark.flink


def failing(shell, cell, kind=SqlError):
    with pytest.raises(kind) as raised:
        shell.run_cell(cell)
    return raised.value


def marked(error):
    """Return the characters over the carets of what the terminal shows in the traceback's place."""
    lines = error._render_traceback_()
    at = next(i for i, line in enumerate(lines) if "^" in line)
    start, end = re.search(r"\^+", lines[at]).span()
    return lines[at - 1][start:end]


def test_a_misspelt_word_is_marked_where_it_was_typed(shell):
    error = failing(shell, "%%flink\n-- a comment\nselect * frm t")
    assert (error.line, error.column) == (3, 10)  # Flink's parser stops at t: frm is a fine name for *
    assert marked(error) == "frm"
    assert error.hint == "Did you mean FROM?"
    assert error.statement == "select * frm t"


def test_a_misspelt_word_is_marked_in_a_later_statement(shell):
    error = failing(shell, "%%flink --limit 3\nSHOW TABLES; select 1,\n  2 frm t")
    assert marked(error) == "frm"
    assert error.line == 3


def test_a_misspelt_word_is_marked_in_a_line(shell):
    error = failing(shell, "%flink --limit 3 select * frm t")
    assert (error.line, error.column) == (1, 27)
    assert marked(error) == "frm"


def test_a_table_that_is_missing_is_marked(shell):
    error = failing(shell, "%%flink\nSELECT *\nFROM nowhere")
    assert error.message == "There is no table nowhere."
    assert (error.line, error.column, marked(error)) == (3, 6, "nowhere")
    assert error.engine == "Flink"


def test_a_column_that_is_missing_is_marked(shell):
    error = failing(shell, "%%flink\nSELECT\n  y FROM (VALUES (1)) AS t(x)")
    assert (error.line, marked(error)) == (3, "y")


def test_an_open_end_is_marked_there(shell):
    error = failing(shell, "%%flink\nSELECT * FROM")
    assert (error.line, error.column) == (2, 13)


def test_a_connector_that_is_not_there_names_those_that_are(shell):
    cell = "%%flink\nCREATE TEMPORARY TABLE t (x INT) WITH ('connector' = 'kafak');\nSELECT * FROM t"
    error = failing(shell, cell)
    assert error.message == "There is no connector kafak."
    assert error.hint.startswith("Did you mean kafka?\nInstalled here: blackhole, datagen")


def test_a_job_that_fails_says_why_and_keeps_the_stack(shell):
    error = failing(
        shell,
        "%%flink -o broken\nCREATE TEMPORARY TABLE t (x INT) WITH ('connector' = 'datagen', 'number-of-rows' = '1');"
        "\nSELECT 1 / (x - x) FROM t",
        JobFailedError,
    )
    assert error.message == "A division by zero."
    assert "ArithmeticException" in error.details
    assert shell.user_ns["broken"].status == "failed"
    assert shell.user_ns["broken"].error is error


def test_an_insert_whose_job_fails_says_why(shell):
    error = failing(
        shell,
        "%%flink\nCREATE TEMPORARY TABLE t (x INT) WITH ('connector' = 'datagen', 'number-of-rows' = '1');"
        "\nCREATE TEMPORARY TABLE b (x INT) WITH ('connector' = 'blackhole');"
        "\nINSERT INTO b SELECT 1 / (x - x) FROM t",
        JobFailedError,
    )
    assert error.message == "A division by zero."


def test_statements_after_the_one_that_failed_are_not_sent(shell):
    failing(
        shell,
        "%%flink\nCREATE TEMPORARY VIEW a AS SELECT 1 AS x; SELECT * FROM nowhere; CREATE TEMPORARY VIEW b AS SELECT 1 AS x",
    )
    assert shell.rows("SHOW VIEWS") == [("a",)]
    assert shell.shown[0] == "CREATE TEMPORARY VIEW a: OK"


def test_a_map_whose_keys_are_no_strings_asks_for_a_cast(shell):
    error = failing(shell, "%%flink\nSELECT MAP[1, 'a'] AS m")
    assert "CAST" in error.hint


def test_words_of_another_engine_are_explained(shell):
    error = failing(shell, "%%flink\nSELECT 1 EMIT CHANGES")
    assert "ksqlDB" in error.hint


def test_a_failed_cell_leaves_no_job(shell, cluster):
    failing(shell, "%%flink\nSELECT MAP[1, 'a'] AS m")
    cluster.wait_until_idle()


class TestWhatIsNoGateway:
    def failing(self, shell, url):
        shell.run_cell(
            f"%config StreamMagic.flink_gateway = {url!r}\n%config StreamMagic.request_timeout = 2.0"
        )
        return failing(shell, "%%flink\nSELECT 1", ConnectionFailedError)

    def test_nobody_answers(self, shell):
        error = self.failing(shell, "http://127.0.0.1:9")
        assert "127.0.0.1:9 can't be reached" in error.message
        assert "STREAMMAGIC_FLINK_GATEWAY" in error.hint
        assert "refused" in error.cause

    def test_a_web_page_answers(self, shell):
        with serving(always(200, b"<html>hello</html>", "text/html")) as url:
            error = self.failing(shell, url)
        assert "is not Flink's SQL Gateway" in error.message
        assert "8083" in error.hint

    def test_a_page_that_says_not_found_answers(self, shell):
        with serving(always(404, b"<html>no such page</html>", "text/html")) as url:
            error = self.failing(shell, url)
        assert "not Flink's SQL Gateway" in error.message
        assert "8083" in error.hint

    def test_the_jobmanager_answers(self, shell, cluster):
        error = self.failing(shell, cluster.rest)
        assert "is not Flink's SQL Gateway" in error.message
        assert "8083" in error.hint

    def test_the_credentials_are_refused(self, shell):
        with serving(always(401, b"", "text/plain")) as url:
            error = self.failing(shell, url.replace("//", "//ann:secret-word@"))
        assert "refused the credentials" in error.message
        assert "STREAMMAGIC_TOKEN" in error.hint
        assert "secret-word" not in f"{error} {error.cause} {error.details} {shell.shown}"


def test_a_statement_that_is_never_accepted_times_out(shell):
    with serving(NeverReady) as url:
        shell.run_cell(
            f"%config StreamMagic.flink_gateway = {url!r}\n%config StreamMagic.operation_timeout = 0.5"
        )
        error = failing(shell, "%%flink\nSELECT 1", OperationTimeoutError)
        shell.run_cell("%unload_ext streammagic")
    assert "neither accepted nor refused the statement within 0.5 s" in error.message
    assert "operation_timeout" in error.hint


def test_a_query_too_many_is_told_what_holds_the_slots(shell, endless):
    slots = 64
    for number in range(10):
        shell.run_cell(f"%%flink --bg -o q{number}\nSELECT n FROM {endless} WHERE k > {number}")
    wide = f"INSERT INTO wide SELECT * FROM {endless}"
    shell.run_cell("%%flink\nCREATE TABLE wide (n BIGINT, k INT) WITH ('connector' = 'blackhole')")
    shell.run_cell(f"%%flink --bg -o rest --set parallelism.default={slots - 10}\n{wide}")
    error = failing(shell, f"%%flink --limit 1\nSELECT n FROM {endless}", JobFailedError)
    first, *holders, more, advice = error.hint.splitlines()
    assert first == "All task slots are taken, by"
    start = "  SELECT `endless`.`n` FROM `endless` AS `endless` WHERE `endless`.`k` > "
    assert holders == [f"{start}{number}" for number in range(10)]
    assert (more, advice.partition(" with ")[0]) == ("  and 1 more", "Stop a query")
    assert holders[0] in error._render_traceback_()
    shell.run_cell("%reset -f")


def test_a_function_in_python_is_told_in_a_sentence(shell):
    shell.flink("CREATE TEMPORARY FUNCTION f AS 'm.f' LANGUAGE PYTHON")
    with pytest.raises(SqlError) as caught:
        shell.flink("SELECT f(1)")
    assert caught.value.message == "Functions in Python are not supported."
    assert "CREATE FUNCTION" in caught.value.hint


def test_a_null_that_a_column_does_not_take_is_told_of_the_job(shell):
    shell.flink(
        "CREATE TEMPORARY TABLE t (x INT) WITH ('connector' = 'datagen', 'number-of-rows' = '1');"
        "CREATE TEMPORARY TABLE b (x INT NOT NULL) WITH ('connector' = 'blackhole')"
    )
    error = failing(shell, "%%flink\nINSERT INTO b SELECT NULLIF(x, x) FROM t", JobFailedError)
    assert error.message == "The column x is NOT NULL, and a NULL was to be written into it."
    assert "COALESCE" in error.hint


def test_a_missing_format_names_the_jar_to_add(shell):
    shell.flink(
        "CREATE TEMPORARY TABLE t (x INT) WITH ('connector' = 'filesystem', 'path' = '/nowhere', "
        "'format' = 'parquet')"
    )
    error = failing(shell, "%%flink\nSELECT * FROM t")
    assert error.message == "There is no format parquet (table t)."
    assert error.hint.startswith("%stream local add org.apache.flink:flink-sql-parquet:2.3.0 adds it.")
    assert error.link.endswith("/docs/connectors/table/formats/overview/")
    assert marked(error) == "t"
