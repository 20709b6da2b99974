"""How a persistent query is doing, from what the server tells of it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from streammagic.engines.jobs import Finding
from streammagic.engines.ksqldb import errors
from streammagic.engines.ksqldb.queries import described, lag, newest_error
from streammagic.errors import StreamMagicError
from streammagic.sql.naming_ksqldb import identifier

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Literal, TypeAlias

    from streammagic.engines.ksqldb.commands import Commands, Entity
    from streammagic.engines.ksqldb.queries import PersistentQuery

    Verdict: TypeAlias = Literal["healthy", "degraded", "failing", "not assessed"]

_MANY_WAITING = 10_000
_PROCESSING_LOG = "KSQL_PROCESSING_LOG"


def findings(query: PersistentQuery, commands: Commands) -> list[Finding]:
    """Look a query over; what can't be read is a finding "not assessed"."""
    description = described(commands).get(query.id, {})
    return [
        _state(query, description),
        _errors(query, description),
        _lag(query, description),
        *_sources(description, commands),
        _processing_log(query, commands),
    ]


def log_lines(query: PersistentQuery, commands: Commands) -> list[str]:
    """Return the errors of a query as lines, oldest first, and where its log is."""
    description = described(commands).get(query.id, {})
    kept = sorted(description.get("queryErrors") or [], key=lambda error: int(error.get("timestamp") or 0))
    lines = [
        f"{_time(error)} {error.get('type', 'ERROR')} {line}"
        for error in kept
        for line in str(error.get("errorMessage", "")).splitlines()[:1]
    ]
    return [*lines, _where_the_log_is(query, commands)]


def _finding(what: str, verdict: Verdict, evidence: str, remedy: str = "") -> Finding:
    return Finding(what=what, verdict=verdict, evidence=evidence, remedy=remedy)


def _state(query: PersistentQuery, description: Entity) -> Finding:
    hosts = ", ".join(
        f"{host} {state}" for host, state in sorted((description.get("ksqlHostQueryStatus") or {}).items())
    )
    counts = ", ".join(f"{count} {state}" for state, count in sorted(query.counts.items()))
    evidence = counts + (f" ({hosts})" if hosts else "")
    if "ERROR" in query.counts:
        return _finding(
            "state", "failing", evidence, "The errors say why; the server starts it again by itself."
        )
    if query.paused:
        return _finding("state", "degraded", evidence, f"RESUME {query.id} lets it go on.")
    if "UNRESPONSIVE" in query.counts:
        return _finding(
            "state", "degraded", evidence, "A node of the cluster does not answer: is it running?"
        )
    return _finding("state", "healthy", evidence)


def _errors(query: PersistentQuery, description: Entity) -> Finding:
    found = newest_error(description)
    if found is None and "ERROR" in query.counts:
        return _finding("errors", "not assessed", "another node has them, and tells them only there")
    if found is None:
        return _finding("errors", "healthy", "the server keeps none")
    count = len(description.get("queryErrors") or [])
    evidence = f"{count} kept, the newest: {errors.telling(str(found['errorMessage']))}"
    return _finding("errors", "failing", evidence, errors.kind_of_failure(str(found.get("type", ""))))


def _lag(query: PersistentQuery, description: Entity) -> Finding:
    waiting = lag(description)
    if waiting is None:
        return _finding("lag", "not assessed", "the server tells no offsets of it")
    evidence = f"{waiting:,} record{'' if waiting == 1 else 's'} to read"
    if query.paused or waiting < _MANY_WAITING:
        return _finding("lag", "healthy", evidence)
    return _finding(
        "lag",
        "degraded",
        evidence,
        "More partitions and nodes share the work; or num.stream.threads is higher than 1.",
    )


def _sources(description: Entity, commands: Commands) -> Iterator[Finding]:
    for name in description.get("sources") or []:
        try:
            source = commands.describe(identifier(str(name)))
        except StreamMagicError as error:
            yield _finding(f"source {name}", "not assessed", error.message)
            continue
        if source is None:
            yield _finding(f"source {name}", "failing", "it is not there any more", "Create it again.")
            continue
        ill = {
            str(writer["id"]): state
            for writer in source.get("writeQueries") or []
            for state in (writer.get("statusCount") or {})
            if state in ("ERROR", "PAUSED")
        }
        if ill:
            evidence = ", ".join(f"{query} is in {state}" for query, state in sorted(ill.items()))
            yield _finding(f"source {name}", "degraded", evidence, "Nothing new comes until that goes on.")
        else:
            form = f"{source.get('keyFormat')} keys, {source.get('valueFormat')} values"
            yield _finding(f"source {name}", "healthy", f"topic {source.get('topic')}, {form}")


def _processing_log(query: PersistentQuery, commands: Commands) -> Finding:
    return _finding("records left out", "not assessed", _where_the_log_is(query, commands))


def _where_the_log_is(query: PersistentQuery, commands: Commands) -> str:
    """Say where records are told of that could not be read or computed."""
    try:
        there = commands.describe(_PROCESSING_LOG) is not None
    except StreamMagicError:
        there = False
    if there:
        return f"the stream {_PROCESSING_LOG} tells of them, where its logger names {query.id}"
    return (
        "the server's processing log tells of them, in its log files; with "
        "ksql.logging.processing.stream.auto.create=true it is a stream"
    )


def _time(error: Entity) -> str:
    stamp = int(error.get("timestamp") or 0) / 1000
    return dt.datetime.fromtimestamp(stamp, dt.UTC).isoformat(sep=" ", timespec="seconds")
