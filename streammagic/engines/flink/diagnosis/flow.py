"""What goes through the job: rows at its sources, backpressure within, event time at its sinks."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from streammagic.engines.flink.diagnosis.verdicts import degraded, healthy, not_assessed
from streammagic.views.amounts import duration, rate, share

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from streammagic.engines.flink.diagnosis.evidence import Evidence, Flow
    from streammagic.engines.flink.graph import Vertex
    from streammagic.engines.jobs import Finding

_HIGH, _LOW = 0.5, 0.1
"""From which share of the time Flink's own web UI calls backpressure high and low
(``JobVertexBackPressureHandler``)."""

_QUIET = 30.0  # seconds without a row after which that is worth telling
_BEHIND = 60.0  # seconds of event time behind the clock that nobody wonders about
_NO_FIGURES = "Flink has no figures yet"


def backpressure(found: Evidence) -> Finding:
    """Tell which vertex is held up, and which one after it holds it up."""
    if found.flows is None or not found.all_run:
        return _not_assessed("backpressure", found)
    held = {id: flow.backpressured for id, flow in found.flows.items() if flow.backpressured is not None}  # noqa: A001 - Flink's word
    if not held:
        return not_assessed("backpressure", _NO_FIGURES)
    worst = next(vertex for vertex in found.graph.vertices if held.get(vertex.id, -1.0) == max(held.values()))
    part = held[worst.id]
    if part <= _LOW:
        return healthy("backpressure", f"{share(part)} of the time at most")
    evidence = f"{worst.name} is held up {share(part)} of the time"
    slow = _slow_one(found, held, worst)
    if slow is not None:
        busy = found.flows[slow.id].busy
        evidence += f"; the slow one is {slow.name}" + (f", busy {share(busy)}" if busy is not None else "")
    remedy = "It keeps up for now; the slow one is near its limit."
    if part > _HIGH:
        remedy = "Give the slow one more tasks ('parallelism.default'), a cheaper query or a faster sink."
    return degraded("backpressure", evidence, remedy)


def _slow_one(found: Evidence, held: Mapping[str, float], start: Vertex) -> Vertex | None:
    """Follow the rows from a vertex that is held up to the first that is not: that one can't keep up."""
    vertex: Vertex | None = start
    while vertex is not None and held.get(vertex.id, 0.0) > _LOW:
        after = found.graph.after(vertex)
        vertex = max(after, key=lambda v: (held.get(v.id, 0.0), _busy(found, v)), default=None)
    return vertex


def _busy(found: Evidence, vertex: Vertex) -> float:
    flow = (found.flows or {}).get(vertex.id)
    return 0.0 if flow is None else flow.busy or 0.0


def source(found: Evidence) -> Finding:
    """Tell whether rows come in."""
    if found.flows is None or not found.all_run:
        return _not_assessed("source", found)
    read, uptime = found.read, found.uptime or 0.0
    if read is None:
        return not_assessed("source", _NO_FIGURES)
    now = read.per_second(uptime)
    if now or (now is None and read.count):
        speed = "" if now is None else f"{rate(now)} rows/s, "
        waiting = f", {found.lag:,.0f} wait" if found.lag else ""
        return healthy("source", f"{speed}{read.count:,.0f} so far{waiting}")
    if uptime < _QUIET:
        return not_assessed("source", f"no row yet, {duration(uptime)} after the start")
    return degraded(
        "source",
        f"no row in the last minute, {read.count:,.0f} before"
        if read.count
        else f"no row in {duration(uptime)}",
        "Is anything written there? A topic is read from where 'scan.startup.mode' says, by a group that has "
        "read before from where it stopped.",
    )


def event_time(found: Evidence, later: Callable[[], Mapping[str, Flow]]) -> Finding:
    """Tell whether event time goes on; where it is far behind the clock, by a second look at it."""
    if found.flows is None or not found.all_run:
        return _not_assessed("event time", found)
    first = _watermark(found.flows)
    if first is None or (first == -math.inf and not found.graph.has_watermarks):
        return not_assessed("event time", "the job has no watermarks")
    if found.read is None or not (found.read.meter or found.read.per_second(found.uptime or 0.0)):
        return not_assessed("event time", "no rows come in")
    if first == -math.inf:
        return _stuck("no watermark has come to the sinks, though rows come in")
    behind = found.graph.now - first
    if behind <= _BEHIND:
        return healthy("event time", f"the watermark is {duration(behind)} behind the clock")
    at = _written(first)
    second = _watermark(later())
    if second is None or second <= first:
        return _stuck(f"the watermark stays at {at}, though rows come in")
    return healthy(
        "event time", f"the watermark was at {at} and has gone on by {duration(second - first)} since"
    )


def _not_assessed(what: str, found: Evidence) -> Finding:
    return not_assessed(what, found.why.get("flows", "not all tasks run"))


def _watermark(flows: Mapping[str, Flow]) -> float | None:
    return min((flow.watermark for flow in flows.values() if flow.watermark is not None), default=None)


def _written(seconds: float) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        return f"{seconds:.0f} s since the epoch"


def _stuck(evidence: str) -> Finding:
    return degraded(
        "event time",
        f"{evidence}: windows and joins over time give no rows",
        "A partition without rows holds all others back: SET 'table.exec.source.idle-timeout' = '10 s'. Or "
        "the times in the rows are not what the watermark takes them for.",
    )
