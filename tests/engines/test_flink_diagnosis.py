"""What follows from evidence that a real job would take minutes to give, or a broken cluster."""

import math
from dataclasses import replace

import pytest

from streammagic.engines.flink.diagnosis import cluster, flow, job
from streammagic.engines.flink.diagnosis.checkpoints import checkpoints
from streammagic.engines.flink.diagnosis.evidence import Cluster, Evidence, Flow
from streammagic.engines.flink.figures import Rows
from streammagic.engines.flink.graph import Graph, Vertex

NOW = 1_000_000.0
SOURCE, MIDDLE, SINK = (
    Vertex("s", "Source: a[1]", 1, "RUNNING"),
    Vertex("m", "Join[2]", 1, "RUNNING", inputs=("s",)),
    Vertex("k", "hole[3]: Writer", 1, "RUNNING", inputs=("m",)),
)
GRAPH = Graph("RUNNING", NOW, NOW - 3600, 0.0, (SOURCE, MIDDLE, SINK))
CALM = Flow(backpressured=0.0, busy=0.1)
FLOWS = {
    "s": replace(CALM, read=Rows(100.0, 5.0)),
    "m": CALM,
    "k": replace(CALM, watermark=-math.inf),
}
HEALTHY = Evidence(
    state="RUNNING",
    tasks={"running": 3, "total": 3},
    graph=GRAPH,
    exceptions=[],
    checkpoints={"counts": {}, "latest": {}, "history": []},
    checkpointing={"interval": 10_000},
    restarts=0,
    uptime=3600.0,
    flows=FLOWS,
    cluster=Cluster(5, 10, {"tm": 1.0}),
)
STACK = "java.lang.NumberFormatException: For input string: 'x'\n\tat a.b(C.java:1)\n"


def but(**changes):
    return replace(HEALTHY, **changes)


def graph(**changes):
    return replace(GRAPH, **changes)


def failed(ago, stack=STACK):
    return {"stacktrace": stack, "timestamp": (NOW - ago) * 1000, "taskName": "Calc (1/1) - execution #4"}


def no_second_look():
    pytest.fail("looked twice")


def test_all_is_well():
    assert job.state(HEALTHY).verdict == "healthy"
    assert job.state(HEALTHY).evidence == "running, 3 of 3 tasks run, started 60 min ago"
    assert job.failures(HEALTHY).verdict == "healthy"
    assert job.restarts(HEALTHY).verdict == "healthy"
    assert cluster.slots(HEALTHY).verdict == "healthy"
    assert cluster.taskmanagers(HEALTHY).verdict == "healthy"
    assert flow.backpressure(HEALTHY).verdict == "healthy"
    assert flow.source(HEALTHY).evidence == "5 rows/s, 100 so far"


@pytest.mark.parametrize(
    ("state", "started", "verdict"),
    [("RUNNING", 3600, "failing"), ("RUNNING", 3, "degraded"), ("RESTARTING", 3, "failing")],
)
def test_a_job_may_take_a_moment_to_start(state, started, verdict):
    found = job.state(
        but(state=state, tasks={"running": 1, "scheduled": 2, "total": 3}, graph=graph(started=NOW - started))
    )
    assert found.verdict == verdict
    assert "1 of 3 tasks run" in found.evidence
    assert "2 wait for a slot" in found.evidence


@pytest.mark.parametrize(
    ("state", "verdict"), [("FAILED", "failing"), ("CANCELED", "failing"), ("FINISHED", "healthy")]
)
def test_a_job_that_is_over(state, verdict):
    assert job.state(but(state=state, graph=graph(state=state))).verdict == verdict


def test_the_root_cause_is_told_with_its_task():
    found = job.failures(but(exceptions=[failed(5)]))
    assert found.verdict == "degraded"
    assert found.evidence == "'x' is no number. (5 s ago, in Calc (1/1))"
    assert "TRY_CAST" in found.remedy


def test_a_failure_long_ago_is_overcome():
    assert job.failures(but(exceptions=[failed(7200)])).verdict == "healthy"


def test_failing_again_and_again_is_a_loop():
    looping = but(
        exceptions=[failed(5), failed(20), failed(60)],
        restarts=3,
        graph=graph(restarted=NOW - 5),
        uptime=4.0,
    )
    assert job.restarts(looping).verdict == "failing"
    assert job.restarts(looping).evidence == "3 since it was started, the last 5 s ago"
    assert job.failures(looping).verdict == "failing"
    once = but(restarts=1, exceptions=[failed(50)], graph=graph(restarted=NOW - 50), uptime=49.0)
    assert job.restarts(once).verdict == "degraded"


def test_slots_are_what_is_missing():
    waiting = but(tasks={"running": 1, "scheduled": 2, "total": 3}, cluster=Cluster(0, 10, {"tm": 1.0}))
    assert cluster.slots(waiting).verdict == "failing"
    assert cluster.slots(waiting).evidence == "0 of 10 are free; of this job 2 tasks wait for one"
    full_but_well = but(cluster=Cluster(0, 10, {"tm": 1.0}))
    assert cluster.slots(full_but_well).verdict == "healthy"


def test_a_job_that_is_down_for_lack_of_slots():
    stack = (
        "org.apache.flink.runtime.jobmanager.scheduler.NoResourceAvailableException: "
        "Slot request bulk is not fulfillable! Could not allocate the required slot\n"
    )
    found = but(
        state="RESTARTING",
        tasks={"failed": 1, "total": 3},
        exceptions=[failed(2, stack)],
        cluster=Cluster(0, 10, {"tm": 1.0}),
    )
    assert cluster.slots(found).verdict == "failing"


@pytest.mark.parametrize(
    ("silent", "exceptions", "verdict"),
    [
        ({}, [], "failing"),
        ({"tm": 90.0}, [], "degraded"),
        (
            {"tm": 1.0},
            [failed(60, "TimeoutException: Heartbeat of TaskManager with id x timed out.")],
            "degraded",
        ),
        ({"tm": 1.0}, [failed(7200, "Heartbeat of TaskManager with id x timed out.")], "healthy"),
    ],
)
def test_taskmanagers(silent, exceptions, verdict):
    found = but(cluster=Cluster(1, 1, silent), exceptions=exceptions)
    assert cluster.taskmanagers(found).verdict == verdict


def test_the_slow_vertex_is_named():
    flows = {
        "s": replace(CALM, backpressured=0.9),
        "m": replace(CALM, backpressured=0.8, busy=0.2),
        "k": replace(CALM, busy=0.99),
    }
    found = flow.backpressure(but(flows=flows))
    assert found.verdict == "degraded"
    assert found.evidence == (
        "Source: a[1] is held up 90 % of the time; the slow one is hole[3]: Writer, busy 99 %"
    )


def test_rows_that_wait_are_told():
    behind = FLOWS | {"s": replace(FLOWS["s"], lag=1234.0)}
    assert flow.source(but(flows=behind)).evidence == "5 rows/s, 100 so far, 1,234 wait"


def test_no_row_comes_in():
    silent = FLOWS | {"s": replace(CALM, read=Rows(0.0, 0.0))}
    assert flow.source(but(flows=silent)).verdict == "degraded"
    assert flow.source(but(flows=silent, uptime=3.0)).verdict == "not assessed"
    ended = FLOWS | {"s": replace(CALM, read=Rows(7.0, 0.0))}
    assert flow.source(but(flows=ended)).evidence == "no row in the last minute, 7 before"


def watermarked(at, **changes):
    flows = FLOWS | {"k": replace(CALM, watermark=at)}
    return but(flows=flows, graph=graph(has_watermarks=True), **changes)


def test_event_time_near_the_clock_needs_one_look():
    found = flow.event_time(watermarked(NOW - 6), no_second_look)
    assert found.verdict == "healthy"
    assert found.evidence == "the watermark is 6 s behind the clock"


def test_event_time_of_old_rows_needs_two():
    old = watermarked(NOW - 86_400)
    stuck = flow.event_time(old, lambda: old.flows)
    assert stuck.verdict == "degraded"
    assert "1970-01-11 13:46:40 UTC" in stuck.evidence
    assert "table.exec.source.idle-timeout" in stuck.remedy
    moved = flow.event_time(old, lambda: watermarked(NOW - 80_000).flows)
    assert moved.verdict == "healthy"


def test_no_watermark_has_come_at_all():
    assert flow.event_time(watermarked(-math.inf), no_second_look).verdict == "degraded"


def test_a_job_without_event_time_is_not_assessed():
    assert flow.event_time(HEALTHY, no_second_look).verdict == "not assessed"


def taken(*history, completed=None, **counts):
    latest = {"completed": completed, "failed": {"failure_message": "Checkpoint expired before completing."}}
    return {
        "counts": counts,
        "latest": latest,
        "history": [{"status": status} for status in history],
    }


def completed(ago, took=0.02):
    return {
        "latest_ack_timestamp": (NOW - ago) * 1000,
        "end_to_end_duration": took * 1000,
        "state_size": 5715,
    }


@pytest.mark.parametrize(
    ("checkpointing", "taken_", "verdict", "words"),
    [
        (None, taken(), "degraded", "they are off"),
        ({"interval": 2**63 - 1}, taken(), "degraded", "they are off"),
        (
            {"interval": 1000},
            taken("COMPLETED", completed=completed(3), completed_=1),
            "healthy",
            "the last was completed 3 s ago, took 20 ms, 5.58 kB",
        ),
        (
            {"interval": 1000},
            taken("FAILED", "FAILED", "FAILED", "COMPLETED", completed=completed(9)),
            "failing",
            "the last 3 failed: Checkpoint expired before completing.; the last was completed 9 s ago",
        ),
        ({"interval": 1000}, taken("FAILED"), "failing", "none was ever completed"),
        (
            {"interval": 1000},
            taken("COMPLETED", completed=completed(600)),
            "degraded",
            "none was completed for 10 min",
        ),
        ({"interval": 1000}, taken("COMPLETED", completed=completed(1, took=16)), "degraded", "took 16 s"),
    ],
)
def test_checkpoints(checkpointing, taken_, verdict, words):
    found = checkpoints(but(checkpointing=checkpointing, checkpoints=taken_))
    assert found.verdict == verdict
    assert words in found.evidence


def test_checkpoints_before_the_first_is_due():
    young = but(graph=graph(started=NOW - 5))
    assert checkpoints(young).verdict == "not assessed"


def test_what_cannot_be_read_is_said_to_be_so():
    why = dict.fromkeys(("exceptions", "flows", "cluster", "checkpoints"), "HTTP 500")
    blind = but(exceptions=None, flows=None, cluster=None, checkpoints=None, why=why)
    found = [
        job.failures(blind),
        cluster.slots(blind),
        cluster.taskmanagers(blind),
        checkpoints(blind),
        flow.backpressure(blind),
        flow.source(blind),
        flow.event_time(blind, no_second_look),
    ]
    assert {finding.verdict for finding in found} == {"not assessed"}
    assert {finding.evidence for finding in found} == {"HTTP 500"}
