"""What a job is doing, in figures: rows, waiting rows, backpressure, restarts, checkpoints.

Source: page "Metrics" of Flink's documentation. Rates are averages over the last minute, as Flink makes them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streammagic.engines.flink.graph import Graph
from streammagic.engines.jobs import Figures

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from streammagic.engines.flink.jobmanager import JobManager
    from streammagic.engines.flink.metrics import Metrics

_METER = 60.0  # seconds that a rate is an average of (org.apache.flink.metrics.MeterView)
_TOO_YOUNG = 5.0

_OF_JOB = (
    "numRestarts",
    "uptime",
    "lastCheckpointCompletedTimestamp",
    "numberOfCompletedCheckpoints",
    "numberOfFailedCheckpoints",
)
SOURCE_ROWS = ("numRecordsIn", "numRecordsOut", "numRecordsInPerSecond", "numRecordsOutPerSecond")
BACKPRESSURED = "backPressuredTimeMsPerSecond"


class FigureReader:
    """Reads figures: 2 requests a job and 1 a vertex; 1 more a vertex when it is met first."""

    def __init__(self, jobmanager: JobManager, metrics: Metrics) -> None:
        self._jobmanager = jobmanager
        self._metrics = metrics

    def read(self, job_id: str) -> Figures | None:
        """Return a job's figures, None where it is not known. Metrics must be fresh already."""
        answer = self._jobmanager.get(f"/jobs/{job_id}")
        if answer is None:
            return None
        graph = Graph.of(answer)
        own = self._metrics.of_job(job_id, _OF_JOB)
        flow: dict[str, Any] = {}
        if graph.state == "RUNNING":
            flow = self._flow(job_id, graph, own.get("uptime", 0.0) / 1000)
        return Figures(
            restarts=restarts(own.get("numRestarts"), graph),
            checkpointed=self._checkpointed(job_id, own),
            checkpoints_failed=_whole(own.get("numberOfFailedCheckpoints")),
            sinks=graph.sinks,
            **flow,
        )

    def _flow(self, job_id: str, graph: Graph, uptime: float) -> dict[str, Any]:
        """Return what flows through a job that runs, as fields of `Figures`."""
        rows_in: list[Rows | None] = []
        rows_out: list[Rows | None] = []
        lags: list[float | None] = []
        pressure: list[float] = []
        for vertex in graph.vertices:
            found = self._metrics.of_vertex(job_id, vertex.id, _is_wanted)
            rows_in.append(read_by_sources(found))
            rows_out.append(written_by_sinks(found))
            lags.append(lag_of(found))
            if BACKPRESSURED in found:
                pressure.append(found[BACKPRESSURED][2] / 1000)
        read, written = total_rows(rows_in), total_rows(rows_out)
        lag = [rows for rows in lags if rows is not None]
        return {
            "rows_in": None if read is None else read.per_second(uptime),
            "rows_out": None if written is None else written.per_second(uptime),
            "lag": _whole(sum(lag)) if lag else None,
            "backpressure": max((min(p, 1.0) for p in pressure if not math.isnan(p)), default=None),
        }

    def _checkpointed(self, job_id: str, own: dict[str, float]) -> float | None:
        at = own.get("lastCheckpointCompletedTimestamp")
        if at is None and own.get("numberOfCompletedCheckpoints"):  # before Flink 2
            answer = self._jobmanager.get(f"/jobs/{job_id}/checkpoints") or {}
            at = ((answer.get("latest") or {}).get("completed") or {}).get("latest_ack_timestamp")
        return at / 1000 if at is not None and at > 0 else None


def restarts(counted: float | None, graph: Graph) -> int | None:
    """Return a job's restarts: the metric lags behind and ends with its job, the graph tells of the last."""
    if not graph.restarted:
        return 0
    if counted is None:
        return None if graph.is_over else 1
    return max(int(counted), 1)


@dataclass(frozen=True, slots=True)
class Rows:
    """How many rows went through since the tasks were started, and Flink's rate of them a second."""

    count: float
    meter: float

    def per_second(self, uptime: float) -> float | None:
        """Return the rate, given the seconds since the tasks were started; None where that is too short.

        Flink's is an average over the last minute, of which it takes a whole one also where the tasks have
        run for less, and it is made anew every five seconds only (``MeterView``): the count is better then.
        """
        if uptime >= _METER:
            return self.meter
        return self.count / uptime if uptime >= _TOO_YOUNG else None


def is_source(operator: str) -> bool:
    """Tell whether an operator, named as in metrics, is a source."""
    return operator.startswith("Source__")


def is_sink(operator: str) -> bool:
    """Tell whether an operator, named as in metrics, is a sink: the last one through which rows go.

    The filesystem connector writes in a StreamingFileWriter, and its ``end: Writer`` gets no rows.
    """
    if operator == "end__Writer":
        return False
    return operator.startswith(("Sink__", "StreamingFileWriter")) or operator.endswith("__Writer")


def read_by_sources(found: Mapping[str, tuple[float, float, float]]) -> Rows | None:
    """Return what the sources among a vertex' operators have read, None where there are none.

    A source of the old interface counts what it emits only, one of the new interface what it reads as well.
    """
    counts: dict[str, float] = {}
    meters: dict[str, float] = {}
    for name, (total, _, _) in found.items():
        operator, _, metric = name.rpartition(".")
        if is_source(operator) and metric in ("numRecordsIn", "numRecordsOut"):
            counts[operator] = max(counts.get(operator, 0.0), total)
        elif is_source(operator) and metric in ("numRecordsInPerSecond", "numRecordsOutPerSecond"):
            meters[operator] = max(meters.get(operator, 0.0), total)
    return Rows(sum(counts.values()), sum(meters.values())) if counts or meters else None


def written_by_sinks(found: Mapping[str, tuple[float, float, float]]) -> Rows | None:
    """Return what the sinks among a vertex' operators have got, None where there are none."""
    counts, meters = [], []
    for name, (total, _, _) in found.items():
        operator, _, metric = name.rpartition(".")
        if is_sink(operator) and metric == "numRecordsIn":
            counts.append(total)
        elif is_sink(operator) and metric == "numRecordsInPerSecond":
            meters.append(total)
    return Rows(sum(counts), sum(meters)) if counts or meters else None


def lag_of(found: Mapping[str, tuple[float, float, float]]) -> float | None:
    """Return how many rows wait at the sources among a vertex' operators, None where none of them tells."""
    waiting = [total for name, (total, _, _) in found.items() if name.endswith(".pendingRecords")]
    return sum(waiting) if waiting else None


def total_rows(parts: Iterable[Rows | None]) -> Rows | None:
    """Add up; None where there is nothing."""
    known = [rows for rows in parts if rows is not None]
    return Rows(sum(r.count for r in known), sum(r.meter for r in known)) if known else None


def _is_wanted(name: str) -> bool:
    operator, _, metric = name.rpartition(".")
    if is_source(operator):
        return metric in SOURCE_ROWS or metric == "pendingRecords"
    if is_sink(operator):
        return metric in ("numRecordsIn", "numRecordsInPerSecond")
    return name == BACKPRESSURED


def _whole(value: float | None) -> int | None:
    return None if value is None or math.isnan(value) else int(value)
