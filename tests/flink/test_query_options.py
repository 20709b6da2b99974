"""The options of %%flink, each on a query that has no end, or an end of its own."""

import time

import pytest
from waiting import eventually

from streammagic.errors import OptionError, StreamMagicError

pytestmark = pytest.mark.flink

COUNTS = "SELECT k, COUNT(*) AS n FROM endless GROUP BY k"


def test_a_limit_ends_the_query_at_exactly_so_many_rows(shell, endless, cluster):
    handle = shell.flink(f"SELECT * FROM {endless}", "--limit 7")
    assert (handle.status, len(handle.df), len(handle.changes)) == ("finished", 7, 7)
    assert cluster.job_state(handle.job_id) == "CANCELED"


def test_a_limit_counts_rows_of_the_table_not_changes(shell, endless):  # noqa: ARG001 - it makes the table
    handle = shell.flink(COUNTS, "--limit 4")
    assert sorted(handle.df["k"]) == [0, 1, 2, 3]


def test_a_timeout_ends_the_query(shell, endless):
    handle = shell.flink(f"SELECT * FROM {endless}", "--timeout 0.3")
    assert handle.status == "stopped"
    assert "stopped after 0.3 s" in shell.shown[-1]


def test_a_limit_in_sql_ends_an_endless_query(shell, endless):
    # over a filter: alone, it is pushed down into datagen, which then ends by itself
    handle = shell.flink(f"SELECT n FROM {endless} WHERE k >= 0 LIMIT 5")
    assert (handle.status, len(handle.df)) == ("finished", 5)


def test_a_limit_in_a_subquery_does_not_end_it(shell, endless):
    handle = shell.flink(
        f"SELECT COUNT(*) AS n FROM (SELECT n FROM {endless} WHERE k >= 0 LIMIT 3)", "--timeout 1.5"
    )
    assert handle.status == "stopped"
    assert handle.df["n"].tolist() == [3]


def test_the_log_keeps_the_newest_changes(shell):
    handle = shell.flink(
        "SELECT COUNT(*) AS n FROM (VALUES (1), (2), (3), (4)) AS t(x)", "--keep 3 --view changes"
    )
    assert [change.row for change in handle.changes] == [(3,), (3,), (4,)]
    assert [str(change.kind) for change in handle.changes] == ["+U", "-U", "+U"]
    assert (handle.stats.kept, handle.stats.dropped) == (3, 4)
    assert "the log keeps the newest 3 changes; 4 were dropped" in shell.shown[-1]
    assert "~ after" in shell.shown[-1]
    assert handle.df["n"].tolist() == [4]


def test_all_changes_are_kept_where_asked(shell):
    sql = "SELECT COUNT(*) AS n FROM (VALUES (1), (2), (3), (4)) AS t(x)"
    shell.run_cell("%config StreamMagic.keep = 2")
    assert len(shell.flink(sql).changes) == 2
    assert len(shell.flink(sql, "--keep all").changes) == 7


def test_a_key_keeps_rows_in_their_place(shell, endless):  # noqa: ARG001 - it makes the table
    handle = shell.flink(COUNTS, "--bg --key k")
    handle.wait(rows=4)
    order = handle.df["k"].tolist()
    before = handle.stats.read
    eventually(lambda: handle.stats.read > before, 5, "more changes come")
    assert handle.df["k"].tolist() == order


def test_a_key_that_is_no_column_is_an_error(shell, cluster, endless):
    with pytest.raises(StreamMagicError, match="no such column") as raised:
        shell.flink(f"SELECT n, k FROM {endless}", "--key key")
    assert raised.value.hint == "Its columns are n, k."
    cluster.wait_until_idle()


def test_nothing_is_shown_where_asked(shell):
    shell.display_pub.outputs.clear()
    assert shell.flink("SELECT 1 AS x", "--view none").df["x"].tolist() == [1]
    shell.flink("CREATE TEMPORARY VIEW v AS SELECT 1 AS x", "--view none")
    assert shell.shown == []


def test_the_background_gives_the_prompt_back(shell, endless):
    handle = shell.flink(f"SELECT * FROM {endless}", "--bg")
    assert handle.status == "running"
    assert shell.shown[-1] == "running in the background as last"
    assert len(handle.wait(rows=3).df) >= 3
    handle.stop()


def test_a_live_cell_hands_the_prompt_back_after_its_patience(shell, endless):
    shell.run_cell("%config StreamMagic.mode = 'live'\n%config StreamMagic.patience = 0.5")
    began = time.monotonic()
    handle = shell.flink(f"SELECT * FROM {endless}")
    assert handle.status == "running"
    assert time.monotonic() - began < 5
    handle.stop()


def test_waiting_in_a_live_cell_lasts_until_the_end(shell, endless):
    shell.run_cell("%config StreamMagic.mode = 'live'\n%config StreamMagic.patience = 0")
    handle = shell.flink(f"SELECT * FROM {endless}", "--wait --limit 20")
    assert (handle.status, len(handle.df)) == ("finished", 20)


def test_the_name_given_again_stops_the_earlier_query(shell, endless):
    first = shell.flink(f"SELECT * FROM {endless}", "--bg")
    second = shell.flink(f"SELECT k FROM {endless}", "--bg")
    assert (first.status, second.status) == ("stopped", "running")


def test_the_same_cell_again_stops_what_it_started(shell, endless):
    cell = f"%%flink --bg -o mine\nSELECT * FROM {endless}"
    shell.run_cell(cell)
    first = shell.user_ns.pop("mine")
    shell.run_cell(cell)
    assert (first.status, shell.user_ns["mine"].status) == ("stopped", "running")


def test_a_misspelt_option_is_told_without_asking_flink(shell):
    with pytest.raises(OptionError) as raised:
        shell.flink("SELECT 1", "--limt 3")
    assert "--limit" in raised.value.hint


def test_an_order_of_a_running_top_n_is_kept(shell):
    handle = shell.flink("SELECT x FROM (VALUES (3), (1), (2), (5)) AS t(x) ORDER BY x DESC LIMIT 3")
    assert handle.df["x"].tolist() == [5, 3, 2]
