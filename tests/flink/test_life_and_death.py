"""Nothing is left running by what ends a query, in whatever way."""

import random
import threading

import pytest
import requests
from waiting import eventually

from streammagic.errors import InterruptedQuery

pytestmark = pytest.mark.flink


def start(shell, name, sql="SELECT * FROM endless"):
    shell.run_cell(f"%%flink --bg --view none -o {name}\n{sql}")
    return shell.user_ns[name]


def test_stops_at_random_moments_leave_no_job_and_the_same_taskmanager(shell, cluster, endless):  # noqa: ARG001
    moments = random.Random(5)
    taskmanager = cluster.taskmanager()
    handles = []

    def stop_query():
        if query := shell.user_ns.get("query"):
            query.stop()

    for number in range(30):
        sql = "SELECT k, COUNT(*) AS n FROM endless GROUP BY k" if number % 2 else "SELECT * FROM endless"
        # the stop may come before the statement was sent, and then it is the earlier query's
        run = threading.Timer(moments.uniform(0.0, 0.4), stop_query)
        run.start()
        shell.run_cell(f"%%flink --bg --view none -o query\n{sql}")
        run.join()
        handles.append(shell.user_ns["query"].stop())
    assert {handle.status for handle in handles} == {"stopped"}
    assert cluster.jobs() == {}
    assert cluster.taskmanager() == taskmanager


def test_many_queries_stopped_at_once_leave_none(shell, cluster, endless):  # noqa: ARG001
    taskmanager = cluster.taskmanager()
    handles = [start(shell, f"q{number}") for number in range(12)]
    shell.run_cell("%unload_ext streammagic")
    assert {handle.status for handle in handles} == {"stopped"}
    assert cluster.jobs() == {}
    assert cluster.taskmanager() == taskmanager


@pytest.mark.parametrize("end", ["%reset -f", "%unload_ext streammagic", "%stream local status\n%reset -f"])
def test_what_ends_the_variables_ends_the_queries(shell, cluster, endless, end):  # noqa: ARG001
    handles = [start(shell, "a"), start(shell, "b", "SELECT COUNT(*) AS n FROM endless")]
    shell.run_cell(end)
    assert [handle.status for handle in handles] == ["stopped", "stopped"]
    assert cluster.jobs() == {}


def test_reset_works_as_before_once_unloaded(shell):
    shell.run_cell("x = 1\n%unload_ext streammagic\n%reset -f")
    assert "x" not in shell.user_ns


def test_a_stopped_handle_keeps_its_rows(shell, endless):  # noqa: ARG001
    handle = start(shell, "a")
    handle.wait(rows=5)
    handle.stop()
    count = len(handle.df)
    assert count >= 5
    assert handle.stop().status == "stopped"
    assert len(handle) == count


def test_an_interrupted_cell_says_how_many_rows_are_kept(shell, endless, interrupting):  # noqa: ARG001
    with pytest.raises(InterruptedQuery, match=r"stopped, [\d,]+ rows kept"), interrupting(0.8):
        shell.run_cell("%%flink --wait -o a\nSELECT * FROM endless")
    assert shell.user_ns["a"].status == "stopped"


def test_the_statement_after_an_interrupted_one_is_not_sent(shell, endless, interrupting):  # noqa: ARG001
    with pytest.raises(KeyboardInterrupt), interrupting(0.8):
        shell.run_cell("%%flink --wait\nSELECT * FROM endless;\nCREATE VIEW never AS SELECT 1 AS x")
    assert shell.rows("SHOW VIEWS") == []


@pytest.mark.parametrize("sql", ["SELECT * FROM endless", "INSERT INTO hole SELECT * FROM endless"])
def test_a_job_that_is_cancelled_by_someone_else_has_failed(shell, cluster, endless, sql):  # noqa: ARG001
    shell.flink("CREATE TABLE hole (n BIGINT, k INT) WITH ('connector' = 'blackhole')")
    handle = start(shell, "a", sql)
    eventually(lambda: cluster.job_state(handle.job_id) == "RUNNING", 10, "the job runs")
    requests.patch(f"{cluster.rest}/jobs/{handle.job_id}?mode=cancel", timeout=20)
    eventually(lambda: handle.has_ended, 10, "the query has ended")
    assert handle.status == "failed"
    assert "cancelled" in handle.error.message
