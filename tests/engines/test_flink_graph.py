"""A job's graph, from what Flink 2.3 answered for real jobs."""

import pytest

from streammagic.engines.flink.figures import (
    Rows,
    is_sink,
    lag_of,
    read_by_sources,
    restarts,
    written_by_sinks,
)
from streammagic.engines.flink.graph import Graph

NOTHING = {"INITIALIZING": 0, "RUNNING": 1, "SCHEDULED": 0}


def answer(*vertices, state="RUNNING", restarted=0, edges=()):
    """Write ``/jobs/:id`` for vertices by name; ``edges`` are pairs of their places."""
    inputs = {to: [{"id": f"v{source}"} for source, target in edges if target == to] for _, to in edges}
    return {
        "state": state,
        "now": 1_000_000_000,
        "start-time": 999_990_000,
        "timestamps": {"RESTARTING": restarted},
        "vertices": [
            {"id": f"v{at}", "name": name, "parallelism": 1, "status": "RUNNING", "tasks": NOTHING}
            for at, name in enumerate(vertices)
        ],
        "plan": {
            "nodes": [
                {"id": f"v{at}", "description": "", "inputs": inputs.get(at, [])}
                for at in range(len(vertices))
            ]
        },
    }


@pytest.mark.parametrize(
    ("vertex", "sinks"),
    [
        ("hole[6]: Writer", ("hole",)),
        ("GroupAggregate[10] -> ConstraintEnforcer[12] -> orders[12]: Writer", ("orders",)),
        ("Source: src[12] -> Calc[13] -> Sink: pr[14]", ("pr",)),
        ("Source: my src.x[205] -> (Calc[206], Calc[208] -> Sink: pr[209])", ("pr",)),
        ("Source: a[1] -> (Sink: x[2], y[3]: Writer -> y[3]: Committer)", ("x", "y")),
        ("Source: src[4] -> Calc[5]", ()),
        ("end: Writer", ()),
    ],
)
def test_sinks_are_told_by_the_names_of_vertices(vertex, sinks):
    assert Graph.of(answer(vertex)).sinks == sinks


def test_the_text_shows_what_reads_from_what():
    graph = Graph.of(
        answer("Source: a[1]", "Source: b[2]", "Join[3]", "hole[4]: Writer", edges=[(0, 2), (1, 2), (2, 3)])
    )
    assert graph.text().splitlines() == [
        "Source: a[1]  (1 task, running)",
        "Source: b[2]  (1 task, running)",
        "→ Join[3]  (1 task, running)",
        "  → hole[4]: Writer  (1 task, running)",
    ]


def test_sinks_in_metrics():
    assert is_sink("hole[6]__Writer")
    assert is_sink("Sink__pr[209]")
    assert is_sink("StreamingFileWriter")
    assert not is_sink("end__Writer")
    assert not is_sink("Calc[3]")


def test_a_source_is_counted_by_whichever_of_its_counters_moves():
    old = {
        "Source__a[1].numRecordsIn": (0.0, 0.0, 0.0),
        "Source__a[1].numRecordsOut": (50.0, 50.0, 50.0),
        "Source__a[1].numRecordsInPerSecond": (0.0, 0.0, 0.0),
        "Source__a[1].numRecordsOutPerSecond": (5.0, 5.0, 5.0),
        "Calc[2].numRecordsOut": (7.0, 7.0, 7.0),
    }
    assert read_by_sources(old) == Rows(50.0, 5.0)
    assert written_by_sinks(old) is None


def test_lag_is_what_the_sources_know_to_wait():
    assert (
        lag_of(
            {"Source__a[1].pendingRecords": (5.0, 0.0, 3.0), "Source__b[2].pendingRecords": (2.0, 2.0, 2.0)}
        )
        == 7
    )
    assert lag_of({"Source__a[1].numRecordsIn": (5.0, 5.0, 5.0)}) is None


def test_sinks_are_counted_by_what_comes_to_them():
    two = {
        "a[1]__Writer.numRecordsIn": (50.0, 50.0, 50.0),
        "a[1]__Writer.numRecordsInPerSecond": (5.0, 5.0, 5.0),
        "a[1]__Writer.numRecordsOutPerSecond": (0.0, 0.0, 0.0),
        "Sink__b[2].numRecordsIn": (20.0, 20.0, 20.0),
        "Sink__b[2].numRecordsInPerSecond": (2.0, 2.0, 2.0),
    }
    assert written_by_sinks(two) == Rows(70.0, 7.0)
    assert read_by_sources(two) is None


@pytest.mark.parametrize(("uptime", "expected"), [(3.0, None), (20.0, 15.0), (600.0, 10.0)])
def test_a_rate_is_of_the_time_that_the_job_has_run(uptime, expected):
    assert Rows(300.0, 10.0).per_second(uptime) == expected


@pytest.mark.parametrize(
    ("counted", "state", "restarted", "expected"),
    [
        (None, "RUNNING", 0, 0),
        (None, "RUNNING", 5, 1),  # the metric is not there yet
        (0.0, "RUNNING", 5, 1),  # the metric is older than the graph
        (7.0, "RESTARTING", 5, 7),
        (None, "FAILED", 5, None),  # it was more than none, and nobody knows how many
    ],
)
def test_restarts_are_told_by_the_metric_and_by_the_graph(counted, state, restarted, expected):
    graph = Graph.of(answer("a", state=state, restarted=restarted))
    assert restarts(counted, graph) == expected
