"""What the checks say of SQL, held against the plans that the real Flink makes of it."""

import re

import pytest
import right_statements as right

from streammagic.errors import SqlError

pytestmark = pytest.mark.flink

NO_TIME_TO_SORT_BY = "Sort on a non-time-attribute field is not supported"
NO_TIME_FOR_A_WINDOW = "time attribute"
KEEPS = re.compile(r"(?<!\w)(?:Join\(joinType|GroupAggregate\(groupBy)")
"""What a plan has where a join keeps both sides, or a group each key."""


@pytest.fixture
def planned(shell):
    """What tells Flink's plan of a statement; a definition is made."""
    shell.flink(";\n".join(table.replace("CREATE TABLE", "CREATE TEMPORARY TABLE") for table in right.TABLES))

    def plan(sql):
        word, _, rest = sql.partition(" ")
        explained = {"CREATE": sql, "SHOW": sql, "DESCRIBE": sql, "SET": sql, "EXECUTE": f"EXPLAIN {rest}"}
        handle = shell.flink(explained.get(word, f"EXPLAIN {sql}"), "--no-check --view none")
        return "" if handle.df.empty else str(handle.df.iloc[0, 0])

    return plan


def refused(planned, statements):
    """Return what Flink says of each statement that it refuses."""
    found = {}
    for sql in statements:
        try:
            planned(sql)
        except SqlError as error:
            found[sql] = error.cause
    return found


def test_what_is_right_to_the_checks_is_right_to_flink(planned):
    assert refused(planned, right.FLINK) == {}


def test_what_the_checks_refuse_flink_refuses(planned):
    said = refused(planned, right.EMIT_AT_THE_END)
    assert list(said) == list(right.EMIT_AT_THE_END)
    assert [
        sql for sql, words in said.items() if not re.search("emit|changes|final", words, re.IGNORECASE)
    ] == []


def test_a_check_refuses_before_anything_is_sent_and_no_check_sends_it(shell):
    with pytest.raises(SqlError) as ours:
        shell.flink("SELECT *\nFROM (VALUES (1)) AS t(a)\n  EMIT CHANGES")
    with pytest.raises(SqlError) as theirs:
        shell.flink("SELECT *\nFROM (VALUES (1)) AS t(a)\n  EMIT CHANGES", "--no-check")
    assert (ours.value.line, ours.value.column, ours.value.cause) == (4, 3, None)
    assert "EMIT" in theirs.value.cause


@pytest.mark.parametrize(
    "statements", [right.JOINS_THAT_KEEP, right.GROUPS_THAT_KEEP], ids=["joins", "groups"]
)
def test_what_is_told_to_keep_state_does(planned, statements):
    plans = {sql: planned(f"INSERT INTO sink {sql}") for sql in statements}
    assert [sql for sql, plan in plans.items() if not KEEPS.search(plan)] == []


def test_what_writes_without_a_word_keeps_none(planned):
    silent = [
        sql
        for sql in right.FLINK
        if sql.startswith("INSERT") and "STATE_TTL" not in sql and "FROM (VALUES" not in sql
    ]
    assert len(silent) > 20
    assert [sql for sql in silent if KEEPS.search(planned(sql))] == []


def test_a_stream_is_sorted_by_its_time_only(planned):
    said = refused(planned, right.SORTED_BY_NO_TIME)
    assert list(said) == list(right.SORTED_BY_NO_TIME)
    assert [words for words in said.values() if NO_TIME_TO_SORT_BY not in words] == []


def test_a_window_needs_a_watermark(planned):
    said = refused(planned, right.WINDOWS_WITHOUT_WATERMARK)
    assert list(said) == list(right.WINDOWS_WITHOUT_WATERMARK)
    assert [words for words in said.values() if NO_TIME_FOR_A_WINDOW not in words] == []
