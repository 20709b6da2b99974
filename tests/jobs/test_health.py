"""How a job stands altogether."""

import pytest

from streammagic.engines.jobs import Figures, Finding
from streammagic.jobs.health import overall, summary
from streammagic.jobs.samples import Samples


def findings(**verdicts):
    return [Finding(what=what, verdict=verdict, evidence="") for what, verdict in verdicts.items()]


@pytest.mark.parametrize(
    ("given", "verdict", "line"),
    [
        ({"state": "healthy"}, "healthy", "orders is healthy"),
        ({"state": "healthy", "slots": "degraded"}, "degraded", "orders is degraded: slots"),
        (
            {"a": "failing", "b": "degraded", "c": "failing", "d": "not assessed"},
            "failing",
            "orders is failing: a, c (not assessed: d)",
        ),
        ({"a": "not assessed"}, "not assessed", "orders could not be assessed"),
        ({}, "not assessed", "orders could not be assessed"),
    ],
)
def test_the_worst_verdict_counts(given, verdict, line):
    assert overall(findings(**given)) == verdict
    assert summary("orders", findings(**given)) == line


def test_samples_are_of_the_last_ten_minutes():
    now = [0.0]
    samples = Samples(lambda: now[0])
    for now[0] in (0.0, 300.0, 601.0):
        samples.add("a", Figures(rows_in=now[0]))
    samples.add("b", Figures())
    assert [sample.figures.rows_in for sample in samples.recent("a")] == [300.0, 601.0]
    assert samples.recent("c") == []
