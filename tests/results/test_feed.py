import threading

import pytest
from scripted_cursor import PATIENCE, UNTIL_INTERRUPTED, ScriptedCursor, ended, inserts, page, started

from streammagic.errors import SqlError, StreamMagicError
from streammagic.results.changes import Page, RowKind, Schema
from streammagic.results.feed import Bounds, Feed, State

ONE, TWO, THREE = (1, "a"), (2, "b"), (3, "c")


def running(*steps, **options):
    """Start an endless query and wait until it runs."""
    cursor = ScriptedCursor(Page(), *steps, UNTIL_INTERRUPTED)
    feed = started(cursor, **options)
    assert feed.wait_until(lambda: feed.state == State.RUNNING, PATIENCE)
    return feed, cursor


def test_a_feed_is_starting_until_the_engine_accepted_the_statement():
    accept = threading.Event()
    feed = started(ScriptedCursor(accept, Page(), UNTIL_INTERRUPTED))
    assert feed.state == State.STARTING
    accept.set()
    assert feed.wait_until(lambda: feed.state == State.RUNNING, PATIENCE)
    feed.stop()
    assert feed.wait_until_ended(PATIENCE)
    assert feed.state == State.STOPPED


def test_a_result_that_ends_is_finished():
    feed = ended(ScriptedCursor(inserts(ONE), inserts(TWO)))
    assert feed.state == State.FINISHED
    assert feed.read() == [[1, "a"], [2, "b"]]
    assert feed.error is None


def test_a_result_without_a_page_is_finished_too():
    assert ended(ScriptedCursor()).state == State.FINISHED


def test_there_is_no_schema_before_the_cursor_is_open():
    assert Feed(ScriptedCursor, Bounds()).schema == Schema()


def test_a_limit_ends_the_query_at_exactly_so_many_rows():
    cursor = ScriptedCursor(inserts(ONE), inserts(TWO, THREE), UNTIL_INTERRUPTED)
    feed = ended(cursor, limit=2)
    assert feed.state == State.FINISHED
    assert feed.read() == [[1, "a"], [2, "b"]]
    assert feed.log.seen == 2


def test_a_limit_counts_rows_of_the_table_not_changes():
    changes = page(("+I", ONE), ("-D", ONE), ("+I", TWO), ("+I", THREE), ("-D", THREE))
    feed = ended(ScriptedCursor(changes, UNTIL_INTERRUPTED), limit=2)
    assert feed.read() == [[2, "b"], [3, "c"]]


def test_the_log_ends_where_the_limit_was_reached():
    changes = page(("+I", ONE), ("-D", ONE), ("+I", TWO), ("+I", THREE))
    feed = ended(ScriptedCursor(changes, UNTIL_INTERRUPTED), limit=1)
    assert feed.changes() == [page(("+I", ONE))]


def test_an_append_limit_ends_a_query_that_only_grows():
    feed = ended(ScriptedCursor(inserts(ONE, TWO, THREE), UNTIL_INTERRUPTED), append_limit=2)
    assert feed.state == State.FINISHED
    assert feed.read() == [[1, "a"], [2, "b"]]


def test_an_append_limit_does_not_end_a_query_that_updates():
    top = page(("+I", ONE), ("+I", TWO), ("-D", ONE), ("+I", THREE))
    feed = ended(ScriptedCursor(top, inserts((4, "d"))), append_limit=2)
    assert feed.read() == [[2, "b"], [3, "c"], [4, "d"]]


def test_the_smaller_of_two_limits_counts():
    for limits in ({"limit": 1, "append_limit": 3}, {"limit": 3, "append_limit": 1}):
        assert ended(ScriptedCursor(inserts(ONE, TWO, THREE)), **limits).read() == [[1, "a"]]


def test_the_timeout_stops_the_query_and_says_so():
    feed = ended(ScriptedCursor(inserts(ONE), UNTIL_INTERRUPTED), timeout=0.01)
    assert (feed.state, feed.end_note) == (State.STOPPED, "after 0.01 s")


def test_the_timeout_is_over_when_the_query_is():
    feed = ended(ScriptedCursor(inserts(ONE)), timeout=3600)
    assert feed.state == State.FINISHED
    assert not [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]


def test_the_timeout_does_not_run_before_the_statement_is_accepted():
    opened, accept = threading.Event(), threading.Event()
    feed = started(ScriptedCursor(opened.set, accept, Page(), UNTIL_INTERRUPTED), timeout=0.001)
    assert opened.wait(PATIENCE)
    assert not [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]
    accept.set()
    assert feed.wait_until_ended(PATIENCE)
    assert feed.end_note == "after 0.001 s"


def test_stopping_ends_a_running_query_with_its_note():
    feed, cursor = running(inserts(ONE))
    feed.stop("by hand")
    feed.stop("again")
    assert feed.wait_until_ended(PATIENCE)
    assert (feed.state, feed.end_note, cursor.closed) == (State.STOPPED, "by hand", 1)


def test_a_query_stopped_before_it_starts_is_never_sent():
    sent = []
    feed = Feed(lambda: sent.append(1), Bounds())
    feed.stop()
    feed.start()
    assert feed.wait_until_ended(PATIENCE)
    assert (feed.state, sent) == (State.STOPPED, [])


def test_a_query_stopped_while_it_is_being_sent_is_closed():
    sending, answer, cursor = threading.Event(), threading.Event(), ScriptedCursor(UNTIL_INTERRUPTED)

    def send():
        sending.set()
        assert answer.wait(PATIENCE)
        return cursor

    feed = Feed(send, Bounds())
    feed.start()
    assert sending.wait(PATIENCE)
    feed.stop()
    answer.set()
    assert feed.wait_until_ended(PATIENCE)
    assert (feed.state, cursor.closed) == (State.STOPPED, 1)


def test_a_query_stopped_before_the_first_answer_is_closed():
    waiting = threading.Event()
    cursor = ScriptedCursor(waiting.set, UNTIL_INTERRUPTED)
    feed = started(cursor)
    assert waiting.wait(PATIENCE)
    feed.stop()
    assert feed.wait_until_ended(PATIENCE)
    assert (feed.state, cursor.closed) == (State.STOPPED, 1)


def test_an_error_of_the_engine_fails_the_query_and_is_kept():
    error = SqlError("no such table")
    feed = ended(ScriptedCursor(inserts(ONE), error))
    assert feed.state == State.FAILED
    assert feed.error is error
    assert feed.read() == [[1, "a"]]


def test_an_error_while_sending_fails_the_query():
    error = SqlError("refused")

    def send():
        raise error

    feed = Feed(send, Bounds())
    feed.start()
    assert feed.wait_until_ended(PATIENCE)
    assert (feed.state, feed.error, feed.cursor) == (State.FAILED, error, None)


def test_a_defect_fails_the_query_instead_of_hanging_it():
    defect = KeyError("surprise")
    feed = ended(ScriptedCursor(inserts(ONE), defect))
    assert feed.state == State.FAILED
    assert "surprise" in feed.error.message
    assert feed.error.cause == "KeyError('surprise')"
    assert feed.error.__cause__ is defect


def test_a_page_that_does_not_fit_together_fails_the_query():
    feed = ended(ScriptedCursor(Page([[1, "a"], [2, "b"]], [RowKind.INSERT])))
    assert feed.state == State.FAILED


def test_a_defect_in_the_view_fails_the_query_instead_of_hanging_it():
    calls = []

    def changed():
        calls.append(1)
        if len(calls) == 1:
            raise ValueError("cannot draw")

    cursor = ScriptedCursor(inserts(ONE), UNTIL_INTERRUPTED)
    feed = ended(cursor, changed=changed)
    assert feed.state == State.FAILED
    assert "cannot draw" in feed.error.message
    assert cursor.closed == 1


def test_a_defect_while_an_error_is_placed_leaves_the_error_as_it_was():
    def failed(_):
        raise ValueError("no place")

    error = SqlError("no such table")
    feed = ended(ScriptedCursor(error), failed=failed)
    assert (feed.state, feed.error) == (State.FAILED, error)
    assert "no place" in error.__notes__[0]


def test_what_breaks_while_stopping_is_no_failure():
    def send():
        raise SqlError("the session is gone")

    feed = Feed(send, Bounds())
    feed.stop()
    feed.start()
    assert feed.wait_until_ended(PATIENCE)
    feed, _ = running()
    feed.cursor._closing = SqlError("gone")
    feed.stop()
    assert feed.wait_until_ended(PATIENCE)
    assert (feed.state, feed.error) == (State.STOPPED, None)


def test_an_error_while_closing_is_the_query_s():
    error = SqlError("not closed")
    feed = ended(ScriptedCursor(inserts(ONE), closing=error))
    assert (feed.state, feed.error) == (State.FAILED, error)


def test_an_error_while_closing_does_not_hide_what_ended_the_query():
    error = SqlError("first")
    feed = ended(ScriptedCursor(error, closing=SqlError("second")))
    assert feed.error is error


@pytest.mark.parametrize(
    ("steps", "bounds"),
    [
        ([], {}),
        ([inserts(ONE)], {}),
        ([inserts(ONE), UNTIL_INTERRUPTED], {"limit": 1}),
        ([inserts(ONE), UNTIL_INTERRUPTED], {"append_limit": 1}),
        ([inserts(ONE), UNTIL_INTERRUPTED], {"timeout": 0.001}),
        ([inserts(ONE), SqlError("x")], {}),
        ([SqlError("x")], {}),
        ([ZeroDivisionError()], {}),
        ([inserts(ONE)], {"place": ("nope",)}),
    ],
)
def test_the_reader_closes_the_cursor_exactly_once(steps, bounds):
    cursor = ScriptedCursor(*steps)
    feed = ended(cursor, **bounds)
    assert cursor.closed == 1
    assert cursor.closing_thread is feed._thread


def test_the_feed_has_not_ended_before_the_cursor_is_closed():
    seen = []
    cursor = ScriptedCursor(inserts(ONE))
    feed = Feed(lambda: cursor, Bounds())
    close = cursor.close
    cursor.close = lambda: (seen.append(feed.has_ended), close())
    feed.start()
    assert feed.wait_until_ended(PATIENCE)
    assert seen == [False]


def test_wait_until_tells_whether_the_condition_holds():
    feed, _ = running(inserts(ONE), inserts(TWO))
    assert feed.wait_until(lambda: len(feed.fold) == 2, PATIENCE)
    assert not feed.wait_until(lambda: len(feed.fold) == 3, 0.001)
    feed.stop()
    assert feed.wait_until_ended(PATIENCE)


def test_wait_until_returns_when_the_feed_ends_without_it():
    feed = started(ScriptedCursor(inserts(ONE)))
    assert not feed.wait_until(lambda: False, PATIENCE)
    assert feed.has_ended


def test_wait_until_ended_tells_when_the_time_was_too_short():
    feed, _ = running()
    assert not feed.wait_until_ended(0.001)
    feed.stop()
    assert feed.wait_until_ended(PATIENCE)


def test_changed_is_called_for_the_start_every_page_with_rows_and_the_end():
    seen = []

    def changed():
        seen.append((feed.state, len(feed.fold)))

    feed = Feed(lambda: ScriptedCursor(inserts(ONE), Page(), inserts(TWO)), Bounds(), changed)
    feed.start()
    feed._thread.join(PATIENCE)
    assert seen == [(State.RUNNING, 0), (State.RUNNING, 1), (State.RUNNING, 2), (State.FINISHED, 2)]


def test_failed_is_called_before_anyone_can_see_the_error():
    seen = []
    error = SqlError("x", line=1, column=1)
    feed = Feed(
        lambda: ScriptedCursor(error), Bounds(), failed=lambda e: seen.append((e, feed.error, feed.state))
    )
    feed.start()
    assert feed.wait_until_ended(PATIENCE)
    assert seen == [(error, None, State.STARTING)]


def test_failed_is_not_called_for_a_query_that_finished_or_was_stopped():
    seen = []
    ended(ScriptedCursor(inserts(ONE)), failed=seen.append)
    feed, _ = running(failed=seen.append)
    feed.stop()
    assert feed.wait_until_ended(PATIENCE)
    assert seen == []


def test_a_place_is_named_in_any_case():
    changes = page(("-U", ONE), ("-U", TWO), ("+U", (2, "B")), ("+U", (1, "A")))
    feed = ended(ScriptedCursor(inserts(ONE, TWO), changes), place=("ID",))
    assert feed.read() == [[1, "A"], [2, "B"]]


def test_a_place_that_is_no_column_fails_and_names_the_columns():
    feed = ended(ScriptedCursor(inserts(ONE)), place=("nope",))
    assert isinstance(feed.error, StreamMagicError)
    assert feed.error.message == "--key nope: the result has no such column."
    assert feed.error.hint == "Its columns are id, name."


def test_a_window_of_a_table_that_grows_is_its_newest_rows():
    feed = ended(ScriptedCursor(inserts(ONE, TWO), inserts(THREE)))
    assert feed.window(2) == (3, 1, [[2, "b"], [3, "c"]])


def test_a_window_of_a_table_that_changes_is_its_first_rows():
    feed = ended(ScriptedCursor(inserts(ONE, TWO, THREE), page(("-D", ONE), ("+I", ONE))))
    assert feed.window(2) == (3, 0, [[2, "b"], [3, "c"]])


def test_the_log_keeps_as_many_changes_as_asked():
    feed = ended(ScriptedCursor(inserts(ONE, TWO), inserts(THREE)), keep=2)
    assert [row for part in feed.changes() for row in part.rows] == [[2, "b"], [3, "c"]]
    assert [row for part in feed.changes(1) for row in part.rows] == [[3, "c"]]


def test_the_clock_stands_still_after_the_end():
    feed = ended(ScriptedCursor(inserts(ONE)))
    assert feed.elapsed == feed.elapsed
    assert feed.rate() == feed.rate() > 0


def test_no_thread_is_left_after_the_end():
    feed = ended(ScriptedCursor(inserts(ONE)), timeout=3600)
    feed._thread.join(PATIENCE)
    assert not feed._thread.is_alive()


class Advising(ScriptedCursor):
    """A cursor that knows why nothing comes."""

    asked = 0

    def silence(self):
        self.asked += 1
        return ["the topic is empty"]


def test_a_query_that_stays_silent_is_asked_why_and_says_so_until_a_row_comes():
    come = threading.Event()
    cursor = Advising(Page(), come, inserts(ONE), UNTIL_INTERRUPTED)
    changed = threading.Event()
    feed = Feed(lambda: cursor, Bounds(silence=0.01), lambda: feed.advice and changed.set())
    feed.start()
    assert changed.wait(PATIENCE)
    assert feed.advice == ["the topic is empty"]
    come.set()
    assert feed.wait_until(lambda: len(feed.fold) == 1, PATIENCE)
    assert feed.advice == []
    feed.stop()
    assert feed.wait_until_ended(PATIENCE)


@pytest.mark.parametrize("steps", [(Page(), inserts(ONE), UNTIL_INTERRUPTED), (Page(), UNTIL_INTERRUPTED)])
def test_a_query_that_gives_rows_or_has_ended_is_not_asked(steps):
    cursor = Advising(*steps)
    feed = started(cursor, silence=0.2 if len(steps) > 2 else 60)
    assert feed.wait_until(lambda: feed.state == State.RUNNING, PATIENCE)
    if len(steps) > 2:
        threading.Event().wait(0.4)
    feed.stop()
    assert feed.wait_until_ended(PATIENCE)
    assert cursor.asked == 0


def test_the_answer_to_a_command_is_not_asked_why_it_is_empty():
    cursor = Advising(Page(), UNTIL_INTERRUPTED, is_query=False)
    feed = started(cursor, silence=0.01)
    assert feed.wait_until(lambda: feed.state == State.RUNNING, PATIENCE)
    threading.Event().wait(0.1)
    feed.stop()
    assert feed.wait_until_ended(PATIENCE)
    assert cursor.asked == 0


def test_upserts_are_folded_by_the_key_that_the_schema_names():
    columns = ScriptedCursor().schema.columns
    after, gone = RowKind.UPDATE_AFTER, RowKind.DELETE
    changes = Page([[1, "a"], [2, "b"], [1, "c"], [2, None]], [after, after, after, gone])
    feed = ended(ScriptedCursor(changes, schema=Schema(columns, key=(0,))))
    assert feed.read() == [[1, "c"]]
    assert feed.log.seen == 4
