"""Persistent queries as the server lists them.

Source: io.confluent.ksql.rest.entity.RunningQuery, QueryDescription. ``state`` never says PAUSED, only
``statusCount`` does; a query that was paused by nobody here is found there too (measured on 7.4).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streammagic.engines.jobs import Job

if TYPE_CHECKING:
    from streammagic.engines.ksqldb.commands import Commands, Entity

PAUSED = "PAUSED"
_RUNNING = "RUNNING"
_ERROR = "ERROR"


@dataclass(frozen=True, slots=True)
class PersistentQuery:
    """One line of LIST QUERIES."""

    id: str
    sql: str
    sinks: tuple[str, ...]
    topics: tuple[str, ...]
    counts: dict[str, int]

    @property
    def makes_sink(self) -> bool:
        """Whether it came with the source that it writes: CREATE STREAM or TABLE … AS SELECT."""
        return came_with_sink(self.id) and bool(self.sinks)

    @property
    def identity(self) -> str:
        """What it is known by: its sink where it came with that, else its id."""
        return identity(self.sinks[0] if self.makes_sink else self.id, of_sink=self.makes_sink)

    @property
    def name(self) -> str:
        """What a deployment of it is called where nobody here has named it."""
        if not self.makes_sink:
            return self.id
        return self.sinks[0].lower() if self.sinks[0].isupper() else self.sinks[0]

    @property
    def paused(self) -> bool:
        """Whether it processes nothing, on any node, until it is resumed."""
        return PAUSED in self.counts and not {_RUNNING, _ERROR} & self.counts.keys()

    def job(self, place: str) -> Job:
        """Return it as a job. When it was started, nobody tells."""
        counts = {state.lower(): count for state, count in self.counts.items()}
        state = PAUSED if self.paused else "FAILING" if _ERROR in self.counts else _RUNNING
        return Job(
            id=f"{self.identity}@{place}",
            title=self.name,
            state=state,
            started=None,
            tasks=counts | {"total": sum(counts.values())},
        )


def came_with_sink(query_id: str) -> bool:
    """Tell by its id whether a query came with the source that it writes."""
    return query_id.startswith(("CSAS_", "CTAS_"))


def identity(name: str, *, of_sink: bool) -> str:
    """Return what a query is known by: the name of the sink that it came with, or its own id."""
    return name if of_sink else f"query {name}"


def persistent(commands: Commands) -> list[PersistentQuery]:
    """Return the persistent queries of a cluster."""
    found: list[Entity] = commands.ask("LIST QUERIES;")
    return [
        _query(row)
        for entity in found
        for row in entity.get("queries", ())
        if row.get("queryType", "PERSISTENT") == "PERSISTENT"
    ]


def described(commands: Commands) -> dict[str, Entity]:
    """Return the ``queryDescription`` of each persistent query, by its id, by one request.

    Offsets and states of all nodes are in them, as they are not in EXPLAIN's; errors are the answering node's
    only, in both.
    """
    found: list[Entity] = commands.ask("LIST QUERIES EXTENDED;")
    return {str(each["id"]): each for entity in found for each in entity.get("queryDescriptions", ())}


def lag(description: Entity) -> int | None:
    """Return the records that a query has still to read, as described; None where that isn't told.

    ``endOffset`` is that of the last record which it has been given, ``committedOffset`` that of the next one
    to read (2 and 3 where all is read, measured on 7.4): what it has not been given yet does not count.
    """
    waiting = [
        max(int(offsets["endOffset"]) + 1 - max(int(offsets["committedOffset"]), 0), 0)
        for task in description.get("tasksMetadata") or []
        for offsets in task.get("topicOffsets") or []
    ]
    return sum(waiting) if waiting else None


def newest_error(description: Entity) -> dict[str, Any] | None:
    """Return the newest of a query's errors, as described."""
    found: list[dict[str, Any]] = description.get("queryErrors") or []
    return max(found, key=lambda error: int(error.get("timestamp") or 0), default=None)


def _query(row: dict[str, Any]) -> PersistentQuery:
    counts = row.get("statusCount") or {str(row.get("state") or _RUNNING): 1}
    return PersistentQuery(
        id=str(row["id"]),
        sql=str(row.get("queryString", "")).strip().removesuffix(";"),
        sinks=tuple(row.get("sinks") or ()),
        topics=tuple(row.get("sinkKafkaTopics") or row.get("sinks") or ()),
        counts={str(state): int(count) for state, count in counts.items()},
    )
