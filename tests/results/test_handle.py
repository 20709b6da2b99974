import pytest
from scripted_cursor import (
    ID_NAME,
    PATIENCE,
    UNTIL_INTERRUPTED,
    ScriptedCursor,
    ended,
    handle_on,
    inserts,
    page,
    started,
)

from streammagic.engines.flink.types import column
from streammagic.errors import OperationTimeoutError, PartialResultError, SqlError
from streammagic.results.changes import Page, RowKind, Schema
from streammagic.results.feed import Bounds, Feed, State
from streammagic.results.handle import Handle, Presentation, stop_all

ONE, TWO, THREE = (1, "a"), (2, "b"), (3, "c")
TEXT = Schema((column("result", {"type": "VARCHAR", "length": 2147483647}),))


def finished(*steps, order=None, view="table", max_rows=20, **options):
    return handle_on(ended(ScriptedCursor(*steps, **options)), order=order, view=view, max_rows=max_rows)


def running(*pages):
    """Return a running query that has delivered its pages."""
    feed = started(ScriptedCursor(Page(), *pages, UNTIL_INTERRUPTED))
    changes = sum(map(len, pages))
    assert feed.wait_until(lambda: feed.state == State.RUNNING and feed.log.seen == changes, PATIENCE)
    return handle_on(feed)


def shortened():
    """Return a finished query whose oldest rows were dropped."""
    pages = [inserts(*((n, "x") for n in range(k, k + 10))) for k in range(0, 100, 10)]
    return handle_on(ended(ScriptedCursor(*pages), budget=5_000))


def test_df_is_the_whole_table():
    df = finished(inserts(TWO, ONE)).df
    assert df.to_dict("list") == {"id": [1, 2], "name": ["a", "b"]}


def test_df_of_a_running_query_is_the_table_as_it_is_now():
    handle = running(inserts(ONE))
    assert len(handle.df) == 1
    handle.stop()


def test_df_waits_for_the_first_answer():
    handle = handle_on(started(ScriptedCursor(inserts(ONE), UNTIL_INTERRUPTED)))
    assert list(handle.df.columns) == ["id", "name"]
    handle.stop()


def test_df_of_a_stopped_query_is_what_came():
    handle = running(inserts(TWO, ONE))
    handle.stop()
    assert handle.df["id"].tolist() == [2, 1]


def test_every_df_is_a_new_one():
    handle = finished(inserts(ONE))
    df = handle.df
    df["id"] = 0
    assert handle.df["id"].tolist() == [1]


def test_df_of_a_failed_query_raises_its_error():
    error = SqlError("boom")
    handle = finished(inserts(ONE), error)
    with pytest.raises(SqlError) as caught:
        _ = handle.df
    assert caught.value is error


def test_what_came_before_a_failure_is_given_when_asked_for():
    assert len(finished(inserts(ONE), SqlError("boom")).frame(partial=True)) == 1


@pytest.mark.parametrize("ask", [lambda h: h.df, lambda h: h.arrow(), lambda h: h.polars(), list])
def test_a_partial_table_is_never_given_silently(ask):
    handle = shortened()
    with pytest.raises(PartialResultError) as caught:
        ask(handle)
    assert caught.value.statement == handle.sql
    assert "frame(partial=True)" in caught.value.hint


def test_a_partial_table_is_given_when_asked_for():
    handle = shortened()
    df = handle.frame(partial=True)
    assert 0 < len(df) < 100
    assert df["id"].tolist()[-1] == 99
    assert not handle.exact


def test_arrow_and_polars_hold_the_same_table():
    handle = finished(inserts(ONE, (None, None)))
    rows = [{"id": None, "name": None}, {"id": 1, "name": "a"}]
    assert handle.arrow().to_pylist() == rows
    assert handle.polars().to_dicts() == rows


def test_changes_are_decoded_and_in_order():
    handle = finished(inserts(ONE), page(("-U", ONE), ("+U", TWO), ("-D", TWO)))
    assert handle.changes == [
        (RowKind.INSERT, ONE),
        (RowKind.UPDATE_BEFORE, ONE),
        (RowKind.UPDATE_AFTER, TWO),
        (RowKind.DELETE, TWO),
    ]
    assert handle.changes[0].kind == "+I"


def test_iterating_gives_tuples_of_the_table():
    assert list(finished(inserts(TWO, ONE))) == [ONE, TWO]


def test_iterating_a_failed_query_raises_its_error():
    with pytest.raises(SqlError):
        list(finished(SqlError("boom")))


def test_a_handle_is_true_also_when_it_has_no_rows():
    handle = finished()
    assert len(handle) == 0
    assert handle


def test_stop_is_idempotent():
    handle = running(inserts(ONE))
    assert handle.stop().stop() is handle
    assert handle.status == State.STOPPED


def test_stop_of_a_finished_query_leaves_it_finished():
    handle = finished(inserts(ONE))
    handle.stop()
    assert handle.status == State.FINISHED


def test_a_stop_that_the_engine_does_not_confirm_is_an_error():
    handle = handle_on(Feed(ScriptedCursor, Bounds()))
    with pytest.raises(OperationTimeoutError):
        handle.stop(seconds=0.001)


def test_stop_all_stops_all_and_returns_none_that_ended():
    handles = [running(), running(inserts(ONE)), finished()]
    assert stop_all(handles) == []
    assert [handle.status for handle in handles] == ["stopped", "stopped", "finished"]


def test_wait_for_rows_returns_while_the_query_goes_on():
    handle = handle_on(started(ScriptedCursor(inserts(ONE), inserts(TWO), UNTIL_INTERRUPTED)))
    assert handle.wait(rows=2) is handle
    assert (len(handle), handle.status) == (2, State.RUNNING)
    handle.stop()


def test_wait_for_more_rows_than_there_are_returns_at_the_end():
    assert len(finished(inserts(ONE)).wait(rows=5)) == 1


def test_wait_returns_when_the_time_is_over():
    handle = running(inserts(ONE))
    assert handle.wait(seconds=0.001).status == State.RUNNING
    assert handle.wait(rows=2, seconds=0.001).status == State.RUNNING
    handle.stop()


def test_wait_raises_the_error_of_a_failed_query():
    handle = handle_on(started(ScriptedCursor(inserts(ONE), SqlError("boom"))))
    with pytest.raises(SqlError, match="boom"):
        handle.wait()


def test_the_repr_of_a_finished_query_is_stable():
    assert repr(finished(inserts(ONE))) == "<streammagic.Handle finished, 1 rows>"


def test_the_bundle_of_a_finished_query_has_no_clock_rate_or_id():
    steps = (inserts(ONE, TWO), page(("-U", ONE), ("+U", THREE)))
    first, second = finished(*steps, job_id="aaaa").bundle(), finished(*steps, job_id="bbbb").bundle()
    assert first == second
    assert set(first) == {"text/html", "text/plain"}
    assert "/s" not in first["text/plain"]


def test_the_bundle_of_a_finished_query_does_not_depend_on_how_its_rows_came():
    whole = finished(inserts(ONE, TWO, THREE))
    in_pieces = finished(inserts(THREE), page(("+I", ONE), ("+I", (9, "x")), ("-D", (9, "x"))), inserts(TWO))
    assert whole.bundle() == in_pieces.bundle()


def test_the_bundle_of_a_running_query_says_so():
    handle = running(inserts(ONE))
    text = handle.bundle()["text/plain"]
    handle.stop()
    assert "running" in text


def test_the_bundle_of_a_failed_query_is_the_error():
    assert "boom" in finished(SqlError("boom")).bundle()["text/plain"]


def test_the_bundle_of_a_query_stopped_before_an_answer_says_so():
    feed = Feed(ScriptedCursor, Bounds())
    feed.stop()
    feed.start()
    assert feed.wait_until_ended(PATIENCE)
    assert handle_on(feed).bundle()["text/plain"] == "stopped before the first answer"


def test_ok_is_a_line_and_no_table():
    handle = finished(inserts(("OK",)), schema=TEXT, is_query=False)
    assert handle.says_ok
    assert handle.bundle()["text/plain"] == "SELECT: OK"


def test_a_query_whose_only_row_says_ok_is_a_table():
    assert not finished(inserts(("OK",)), schema=TEXT, is_query=True).says_ok


def test_a_plan_is_shown_as_it_is_written():
    text = "== Plan ==\n  Calc\n    Scan"
    handle = finished(inserts((text,)), schema=TEXT, is_query=False)
    assert text in handle.bundle()["text/plain"]


def test_the_notes_of_the_engine_stand_in_the_line():
    handle = finished(inserts(("OK",)), schema=TEXT, is_query=False, notes=["created again"])
    assert handle.line == "SELECT: OK · created again"


def test_a_statement_that_writes_says_in_a_line_what_becomes_of_it():
    feed = started(ScriptedCursor(Page(), UNTIL_INTERRUPTED))
    feed.wait_until(lambda: feed.state == State.RUNNING)
    handle = Handle("INSERT …", feed, Presentation(title="INSERT INTO t", writes=True, when_left="goes on"))
    assert handle.bundle()["text/plain"] == "INSERT INTO t: running · goes on"
    handle.stop()
    assert handle.line == "INSERT INTO t: stopped"


def test_rows_of_an_answer_stay_as_the_engine_sent_them():
    assert list(finished(inserts(TWO, ONE), is_query=False)) == [TWO, ONE]


def test_rows_of_a_finished_query_come_in_the_order_asked_for():
    handle = finished(inserts(ONE, THREE, TWO), order=("id DESC",))
    assert list(handle) == [THREE, TWO, ONE]
    assert handle.df["id"].tolist() == [3, 2, 1]


def test_stats_count_changes_and_rows():
    feed = ended(ScriptedCursor(inserts(ONE, TWO), page(("-D", ONE))), keep=2)
    stats = handle_on(feed).stats
    assert (stats.read, stats.kept, stats.dropped, stats.rows) == (3, 2, 1, 1)
    assert stats.rate > 0


def test_a_retraction_of_nothing_makes_the_table_inexact():
    assert finished(inserts(ONE)).exact
    assert not finished(inserts(ONE), page(("-D", TWO))).exact


def test_schema_and_job_id_are_the_cursor_s():
    handle = finished(inserts(ONE), job_id="1234")
    assert (handle.schema, handle.job_id) == (ID_NAME, "1234")
    assert str(handle.schema) == "id INT, name STRING"


def test_there_is_no_job_id_before_the_statement_is_sent():
    assert handle_on(Feed(ScriptedCursor, Bounds())).job_id is None
