"""What a job is doing, in figures: rows, waiting rows, backpressure, restarts, checkpoints.

Source: page "Metrics" of Flink's documentation. Rates are Flink's: averages over the last minute.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from streammagic.engines.flink.graph import Graph
from streammagic.engines.jobs import Figures

if TYPE_CHECKING:
    from streammagic.engines.flink.jobmanager import JobManager
    from streammagic.engines.flink.metrics import Metrics

_METER = 60.0  # seconds that a rate is an average of (org.apache.flink.metrics.MeterView)
_METER_STEP = 5.0  # seconds between two updates of it
_TOO_YOUNG = 2 * _METER_STEP

_OF_JOB = (
    "numRestarts",
    "uptime",
    "lastCheckpointCompletedTimestamp",
    "numberOfCompletedCheckpoints",
    "numberOfFailedCheckpoints",
)
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
        rows_in: list[float] = []
        rows_out: list[float] = []
        lag: list[float] = []
        pressure: list[float] = []
        for vertex in graph.vertices:
            found = self._metrics.of_vertex(job_id, vertex.id, _is_wanted)
            rows_in += source_rates(found)
            for name, (total, _, most) in found.items():
                operator, _, metric = name.rpartition(".")
                if metric == "pendingRecords":
                    lag.append(total)
                elif name == BACKPRESSURED:
                    pressure.append(most / 1000)
                elif is_sink(operator):
                    rows_out.append(total)
        return {
            "rows_in": per_second(_sum(rows_in), uptime),
            "rows_out": per_second(_sum(rows_out), uptime),
            "lag": _whole(_sum(lag)),
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


def source_rates(found: dict[str, tuple[float, float, float]]) -> list[float]:
    """Return the rows per second of each source operator among a vertex' metrics.

    A source of the old interface counts what it emits only, one of the new interface what it reads as well.
    """
    rates: dict[str, float] = {}
    for name, (total, _, _) in found.items():
        operator, _, metric = name.rpartition(".")
        if is_source(operator) and metric.endswith("PerSecond"):
            rates[operator] = max(rates.get(operator, 0.0), total)
    return list(rates.values())


def per_second(rate: float | None, uptime: float) -> float | None:
    """Return a rate of Flink's over the time that the job has run, None where that is too short to tell.

    Flink divides by a whole minute from the beginning (``MeterView``).
    """
    if rate is None or math.isnan(rate) or uptime < _TOO_YOUNG:
        return None
    return rate * _METER / min(_METER, uptime - _METER_STEP / 2)


def _is_wanted(name: str) -> bool:
    operator, _, metric = name.rpartition(".")
    if is_source(operator):
        return metric in ("numRecordsInPerSecond", "numRecordsOutPerSecond", "pendingRecords")
    if is_sink(operator):
        return metric == "numRecordsInPerSecond"
    return name == BACKPRESSURED


def _sum(values: list[float]) -> float | None:
    return sum(values) if values else None


def _whole(value: float | None) -> int | None:
    return None if value is None or math.isnan(value) else int(value)
