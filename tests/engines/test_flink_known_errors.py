"""Every known failure: its recorded stack gives the sentence, the place, the hint and the page."""

import re

import pytest
from flink_failures import FAILURES

from streammagic.engines.flink import errors_telling
from streammagic.engines.flink.errors import chain, from_stack, with_near_misses
from streammagic.engines.flink.errors_connecting import jar_hint
from streammagic.engines.flink.errors_known import DOCS
from streammagic.errors import JobFailedError, SqlError
from streammagic.sql.catalog import Catalog, Column
from streammagic.sql.flink import FlinkDialect
from streammagic.sql.statements import split

ALL = errors_telling.ALL
NEVER_PROVOKED = ("unexpectedly closed by remote task manager", "OutOfMemoryError")
CATALOG = Catalog(
    {"orders": (Column("id", "BIGINT"), Column("customer", "STRING")), "plain": (Column("name", "STRING"),)},
    ("upper", "concat"),
)


def statement(sql):
    return split(sql, FlinkDialect())[0]


def told(failure):
    return from_stack(failure.stack, statement(failure.sql))


def recorded(name):
    return next(failure for failure in FAILURES if failure.name == name)


@pytest.mark.parametrize("failure", FAILURES, ids=[failure.name for failure in FAILURES])
def test_a_recorded_failure_is_told(failure):
    error = told(failure)
    assert (type(error).__name__, error.message) == (
        failure.kind,
        failure.message.replace("{folder}", "/tmp/smdata"),  # noqa: S108 - where it was recorded
    )
    assert (error.line, error.column) == (failure.line, failure.column)
    assert error.hint == failure.hint
    assert error.link == failure.link


@pytest.mark.parametrize("failure", FAILURES, ids=[failure.name for failure in FAILURES])
def test_the_cause_is_flink_s_own_words(failure):
    error = told(failure)
    assert error.cause in [each.message for each in chain(failure.stack)]
    assert not re.search(r"[0-9a-f]{32}", f"{error.message} {error.hint} {error.details}")


def test_there_are_many_failures_of_every_kind():
    messages = {failure.message for failure in FAILURES}
    assert len(messages) > 150
    assert {failure.kind for failure in FAILURES} == {"SqlError", "JobFailedError"}


def test_every_row_of_the_tables_was_provoked():
    used = {id(match.known) for match in map(match_of, FAILURES) if match is not None}
    unused = [each.pattern.pattern for each in ALL if id(each) not in used]
    assert [pattern for pattern in unused if not any(part in pattern for part in NEVER_PROVOKED)] == []


def match_of(failure):
    return errors_telling._match(chain(failure.stack))


def test_every_page_is_one_below_the_documentation():
    pages = {each.page for each in ALL}
    assert all(re.fullmatch(r"(?:[\w-]+/)+", page) for page in pages)
    assert all(failure.link is None or failure.link.startswith(DOCS) for failure in FAILURES)


def test_no_template_is_left_open():
    for failure in FAILURES:
        error = told(failure)
        assert not re.search(r"\{\w+\}", f"{error.message} {error.hint}".replace("{{ kafka }}", ""))


@pytest.mark.parametrize(
    ("message", "kind", "start"),
    [
        (
            "org.apache.flink.RemoteTransportException: Connection unexpectedly closed by remote task manager 'a'",
            JobFailedError,
            "A TaskManager was lost",
        ),
        (
            "java.util.concurrent.TimeoutException: The heartbeat of TaskManager with id 127.0.0.1:1 timed out.",
            JobFailedError,
            "A TaskManager was lost",
        ),
        (
            "java.lang.OutOfMemoryError: Java heap space",
            JobFailedError,
            "A process of Flink has no memory left",
        ),
    ],
)
def test_what_kills_processes_is_told(message, kind, start):
    stack = (
        "org.apache.flink.runtime.client.JobExecutionException: Job execution failed.\n\tat a.B.c(B.java:1)\n"
        f"Caused by: {message}\n\tat a.B.c(B.java:1)\n"
    )
    error = from_stack(stack, None)
    assert isinstance(error, kind)
    assert error.message.startswith(start)


def test_a_view_whose_table_is_gone_is_not_marked_where_the_view_s_own_text_has_it():
    failure = recorded("view_stale")
    error = told(failure)
    assert error.line is None
    assert "A view that is read here is made of orders." in error.hint


class TestNearMisses:
    def told(self, name, catalog=CATALOG):
        error = told(recorded(name))
        with_near_misses(error, lambda _: catalog)
        return error.hint

    @pytest.mark.parametrize(
        ("name", "start"),
        [
            ("table_from", "Did you mean orders?"),
            ("table_describe", "Did you mean orders?"),
            ("table_insert", "SHOW TABLES"),
            ("column", "Did you mean customer?"),
            ("column_qual", "Did you mean customer?"),
            ("function", "Did you mean UPPER?"),
            ("table_case", "Did you mean orders? Names are case-sensitive."),
        ],
    )
    def test_what_the_engine_has_is_named(self, name, start):
        assert self.told(name).startswith(start)

    def test_an_empty_catalog_names_nothing(self):
        assert self.told("table_from", Catalog()) == recorded("table_from").hint

    def test_a_function_that_is_there_is_no_near_miss(self):
        assert self.told("function", Catalog({}, ("uper",))) == recorded("function").hint

    def test_the_engine_is_not_asked_where_nothing_is_missing(self):
        error = told(recorded("zero_const"))
        with_near_misses(error, lambda _: pytest.fail("asked"))
        assert error.hint == recorded("zero_const").hint

    def test_a_job_s_failure_asks_for_nothing(self):
        error = JobFailedError("It failed.", cause="Object 'x' not found")
        with_near_misses(error, lambda _: pytest.fail("asked"))
        assert error.hint is None

    def test_columns_of_other_tables_are_not_meant(self):
        error = SqlError("…", cause="Column 'nam' not found in any table", statement="SELECT nam FROM orders")
        with_near_misses(error, lambda _: CATALOG)
        assert error.hint == ""


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("avro", "%stream local add org.apache.flink:flink-sql-avro:2.3.0 adds it."),
        ("mongodb", "VERSION adds it, in a version for Flink 2."),
        ("jdbc", "and a driver too."),
    ],
)
def test_a_missing_jar_has_its_coordinate(name, hint):
    assert hint in jar_hint(name)


def test_a_name_that_no_jar_is_known_for_has_no_hint():
    assert jar_hint("kafak") == ""
