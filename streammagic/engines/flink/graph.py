"""A job's graph as ``/jobs/:id`` has it: its vertices, what they read from, which of them are ends.

Source: page "REST API" of Flink's documentation. The answer is up to ``web.refresh-interval`` old.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from streammagic.engines.flink.jobmanager import ENDED

if TYPE_CHECKING:
    from collections.abc import Mapping

_BETWEEN = re.compile(r" -> \(?|(?<=[\]r]), |\)+$")
"""What separates operators in the name of a vertex: ``a[1] -> (b[2], c[3]: Writer -> c[3]: Committer)``."""

_SINK = re.compile(r"(?:Sink: (?P<legacy>.+)\[\d+\]|(?P<writer>.+)\[\d+\]: Writer)")
"""An operator that writes a table: a sink function, or a ``SinkWriter``."""

WAITING = ("scheduled", "created")
"""States of tasks that have no slot yet. Source: org.apache.flink.runtime.execution.ExecutionState."""


@dataclass(frozen=True, slots=True)
class Vertex:
    """One vertex. ``inputs`` are the ids of those it reads from; ``tasks`` their number by state."""

    id: str
    name: str
    parallelism: int
    state: str
    inputs: tuple[str, ...] = ()
    tasks: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Graph:
    """A job with its vertices, sources first.

    ``now`` is the cluster's clock and ``restarted`` the time of the last restart, both in seconds since the
    epoch, ``restarted`` 0 where there was none. ``has_watermarks``: a table that is read defines some.
    """

    state: str
    now: float
    started: float
    restarted: float
    vertices: tuple[Vertex, ...]
    has_watermarks: bool = False

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Graph:
        """Read what ``/jobs/:id`` answers."""
        nodes = (answer.get("plan") or {}).get("nodes") or []
        inputs = {node["id"]: tuple(edge["id"] for edge in node.get("inputs") or []) for node in nodes}
        vertices = tuple(
            Vertex(
                id=str(vertex["id"]),
                name=str(vertex["name"]),
                parallelism=int(vertex["parallelism"]),
                state=str(vertex["status"]),
                inputs=inputs.get(vertex["id"], ()),
                tasks={state.lower(): int(count) for state, count in vertex["tasks"].items()},
            )
            for vertex in answer["vertices"]
        )
        return cls(
            state=str(answer["state"]),
            now=answer["now"] / 1000,
            started=answer["start-time"] / 1000,
            restarted=(answer.get("timestamps") or {}).get("RESTARTING", 0) / 1000,
            vertices=vertices,
            has_watermarks=any("watermark=[" in str(node.get("description")) for node in nodes),
        )

    @property
    def is_over(self) -> bool:
        """Whether nothing follows."""
        return self.state in ENDED

    @property
    def sinks(self) -> tuple[str, ...]:
        """The names of the tables that are written, where the vertices' names tell them."""
        operators = (name for vertex in self.vertices for name in _BETWEEN.split(vertex.name))
        found = filter(None, map(_SINK.fullmatch, operators))
        return tuple(dict.fromkeys(match["legacy"] or match["writer"] for match in found))

    def depth(self, vertex: Vertex) -> int:
        """Return how many vertices stand between the sources and this one, on the longest way."""
        known = {other.id: other for other in self.vertices}
        depths: dict[str, int] = {}
        for other in self.vertices:  # in topological order, so that inputs are known
            above = [depths[id] for id in other.inputs if id in depths]  # noqa: A001 - Flink's word
            depths[other.id] = 1 + max(above) if above else 0
        return depths[vertex.id] if vertex.id in known else 0

    def after(self, vertex: Vertex) -> list[Vertex]:
        """Return the vertices that read from this one."""
        return [other for other in self.vertices if vertex.id in other.inputs]

    def text(self) -> str:
        """Return one line a vertex: what it does, how many tasks do it, in which state they are."""
        lines = []
        for vertex in self.vertices:
            depth = self.depth(vertex)
            arrow = "  " * (depth - 1) + "→ " if depth else ""
            tasks = f"{vertex.parallelism} task{'' if vertex.parallelism == 1 else 's'}"
            lines.append(f"{arrow}{vertex.name}  ({tasks}, {vertex.state.lower()})")
        return "\n".join(lines)
