"""What a diagnosis is made from: everything that can be asked about one job, asked once.

Source: page "REST API" of Flink's documentation.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from streammagic.engines.flink.figures import (
    BACKPRESSURED,
    SOURCE_ROWS,
    is_sink,
    is_source,
    lag_of,
    read_by_sources,
    restarts,
    total_rows,
)
from streammagic.engines.flink.graph import WAITING, Graph
from streammagic.engines.flink.metrics import side_by_side
from streammagic.errors import StreamMagicError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from streammagic.engines.flink.figures import Rows
    from streammagic.engines.flink.graph import Vertex
    from streammagic.engines.flink.jobmanager import JobManager
    from streammagic.engines.flink.metrics import Metrics

_BUSY = "busyTimeMsPerSecond"
_NO_WATERMARK = -(2.0**63)
"""Source: org.apache.flink.streaming.api.watermark.Watermark.UNINITIALIZED."""

_RESTARTS = ("numRestarts", "uptime")


@dataclass(frozen=True, slots=True)
class Flow:
    """What goes through one vertex. Shares are parts of the time (0 to 1), None where Flink has no figure.

    ``read`` is what its sources have read, ``lag`` how many rows they know to be waiting, both None where it
    has none. ``watermark`` is the least event time at
    its sinks, in seconds since the epoch, minus infinity before the first; None where it has no sink.
    """

    backpressured: float | None = None
    busy: float | None = None
    read: Rows | None = None
    lag: float | None = None
    watermark: float | None = None

    @classmethod
    def of(cls, found: Mapping[str, tuple[float, float, float]]) -> Flow:
        """Read the metrics of a vertex."""
        watermarks = [
            -math.inf if least <= _NO_WATERMARK else least / 1000
            for name, (_, least, _) in found.items()
            if name.endswith(".currentInputWatermark")
        ]
        return cls(
            backpressured=_share(found, BACKPRESSURED),
            busy=_share(found, _BUSY),
            read=read_by_sources(found),
            lag=lag_of(found),
            watermark=min(watermarks, default=None),
        )


@dataclass(frozen=True, slots=True)
class Cluster:
    """The task slots, and the seconds since each TaskManager was heard of, by its id."""

    slots_free: int
    slots: int
    silent: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was found; None is what could not be read, and ``why`` says why, by the same name.

    ``state`` and ``tasks`` are fresh. ``exceptions`` are Flink's entries, the newest first. ``uptime`` is
    seconds since all tasks ran without a break.
    """

    state: str
    tasks: Mapping[str, int]
    graph: Graph
    exceptions: list[dict[str, Any]] | None = None
    checkpoints: Mapping[str, Any] | None = None
    checkpointing: Mapping[str, Any] | None = None
    restarts: int | None = None
    uptime: float | None = None
    flows: Mapping[str, Flow] | None = None
    cluster: Cluster | None = None
    why: Mapping[str, str] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """How many tasks the job has."""
        return self.tasks.get("total", 0)

    @property
    def running(self) -> int:
        """How many of them run, or have ended by themselves."""
        return self.tasks.get("running", 0) + self.tasks.get("finished", 0)

    @property
    def waiting(self) -> int:
        """How many of them have no slot yet."""
        return sum(self.tasks.get(state, 0) for state in WAITING)

    @property
    def read(self) -> Rows | None:
        """What the sources have read, None where there are no figures."""
        return total_rows(flow.read for flow in (self.flows or {}).values())

    @property
    def lag(self) -> float:
        """How many rows the sources know to be waiting."""
        return sum(flow.lag or 0.0 for flow in (self.flows or {}).values())

    @property
    def all_run(self) -> bool:
        """Whether the job is as it should be while it lives."""
        return self.state == "RUNNING" and self.running == self.total


class Gatherer:
    """Asks for the evidence: eight requests and one a vertex (two for a vertex that is met first)."""

    def __init__(self, jobmanager: JobManager, metrics: Metrics, job_id: str) -> None:
        self._jobmanager = jobmanager
        self._metrics = metrics
        self._job_id = job_id

    def gather(self) -> Evidence | None:
        """Return the evidence, None where the job is not known.

        Raises what keeps the job itself from being read; the rest is left out where it can't be.
        """
        job = next((job for job in self._jobmanager.jobs() if job["jid"] == self._job_id), None)
        answer = None if job is None else self._jobmanager.get(f"/jobs/{self._job_id}")
        if job is None or answer is None:
            return None
        graph = Graph.of(answer)
        parts: dict[str, Callable[[], Any]] = {
            "exceptions": self._exceptions,
            "checkpoints": lambda: self._below("checkpoints"),
            "checkpointing": lambda: self._below("checkpoints/config"),
            "cluster": lambda: self._cluster(graph.now),
        }
        if not graph.is_over:
            self._metrics.refresh()
            parts["metrics"] = lambda: self._metrics.of_job(self._job_id, _RESTARTS)
            parts["flows"] = lambda: self.flows(graph)
        found, why = _each(parts)
        own = found.pop("metrics", {})
        counted = own.get("numRestarts")
        return Evidence(
            state=str(job["state"]),
            tasks={state: int(count) for state, count in job["tasks"].items()},
            graph=graph,
            restarts=restarts(counted, graph),
            uptime=None if "uptime" not in own else own["uptime"] / 1000,
            why=why,
            **found,
        )

    def flows(self, graph: Graph) -> dict[str, Flow]:
        """Return what goes through each vertex, by its id."""

        def flow(vertex: Vertex) -> Flow:
            return Flow.of(self._metrics.of_vertex(self._job_id, vertex.id, _is_wanted))

        return {vertex.id: flow(vertex) for vertex in graph.vertices}

    def later_flows(self, graph: Graph) -> dict[str, Flow]:
        """Return the same after Flink has fetched its metrics once more: in up to eleven seconds."""
        self._metrics.refresh(within=0.0)
        return self.flows(graph)

    def _below(self, path: str) -> dict[str, Any] | None:
        return self._jobmanager.get(f"/jobs/{self._job_id}/{path}")

    def _exceptions(self) -> list[dict[str, Any]]:
        answer = self._below("exceptions?maxExceptions=20") or {}
        return list((answer.get("exceptionHistory") or {}).get("entries") or [])

    def _cluster(self, now: float) -> Cluster:
        overview = self._jobmanager.get("/overview") or {}
        members = (self._jobmanager.get("/taskmanagers") or {}).get("taskmanagers") or []
        # The time of the last heartbeat in milliseconds, in spite of its name (2.3.0).
        silent = {str(tm["id"]): max(now - tm["timeSinceLastHeartbeat"] / 1000, 0.0) for tm in members}
        return Cluster(int(overview["slots-available"]), int(overview["slots-total"]), silent)


def _each(parts: Mapping[str, Callable[[], Any]]) -> tuple[dict[str, Any], dict[str, str]]:
    """Ask for all parts at once; return what was found, and why the others were not."""
    why: dict[str, str] = {}

    def ask(name: str) -> tuple[str, Any]:
        try:
            return name, parts[name]()
        except (StreamMagicError, KeyError) as error:
            why[name] = (
                error.message if isinstance(error, StreamMagicError) else f"Flink does not say {error}"
            )
            return name, None

    found = side_by_side(ask, parts)
    return {name: value for name, value in found if value is not None}, why


def _is_wanted(name: str) -> bool:
    operator, _, metric = name.rpartition(".")
    if is_source(operator):
        return metric in (*SOURCE_ROWS, "pendingRecords")
    if is_sink(operator):
        return metric == "currentInputWatermark"
    return name in (BACKPRESSURED, _BUSY)


def _share(found: Mapping[str, tuple[float, float, float]], name: str) -> float | None:
    most = found[name][2] / 1000 if name in found else math.nan
    return None if math.isnan(most) else min(most, 1.0)
