"""Why a push query gives no rows: asked of the server once it has been silent for a while."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from streammagic.sql.naming_ksqldb import identifier

if TYPE_CHECKING:
    from collections.abc import Callable

    from streammagic.engines.http import Interruption
    from streammagic.engines.ksqldb.commands import Commands, Entity
    from streammagic.sql.statements import Statement

_EARLIEST = "earliest"
_JSON_FORMATS = frozenset({"JSON", "JSON_SR"})
_DELIMITED = "DELIMITED"
_NULL = "<null>"


def examine(
    commands: Commands,
    statement: Statement,
    start: str,
    sample: Callable[[str], list[str | None] | None],
    interruption: Interruption,
) -> list[str]:
    """Return the likely reasons, a sentence each with its remedy.

    ``start`` is the query's auto.offset.reset. ``sample`` returns the first record of a topic as (rowtime,
    key, value, partition), or None where none can be had within a moment. Raises `StreamMagicError` where
    the server does not answer, or is not to be waited for any more.
    """
    sources = commands.explain(statement.text, interruption=interruption).get("sources") or []
    found: list[str] = []
    for name in map(str, sources):
        description = commands.describe(identifier(name), interruption=interruption)
        if description is not None:
            found += _about_source(name, description, start, sample)
    words = [token.word for token in statement.tokens]
    clause = next((word for word in ("WHERE", "HAVING") if word in words), None)
    if not found and start == _EARLIEST and clause:
        found.append(f"there are records, and none has passed the {clause} so far")
    if "FINAL" in words:
        found.append("EMIT FINAL gives a window only once a later record has closed it")
    if not found and "JOIN" in words:
        found.append("no rows of the two sides have met: are their keys equal, and of the same type?")
    return found


def _about_source(
    name: str, description: Entity, start: str, sample: Callable[[str], list[str | None] | None]
) -> list[str]:
    for query in description.get("writeQueries") or []:
        counts = query.get("statusCount") or {}
        if counts.get("ERROR"):
            return [f"{name} is written by {query['id']}, which is in ERROR: EXPLAIN {query['id']} says why"]
        if counts.get("PAUSED"):
            return [
                f"{name} is written by {query['id']}, which is paused: RESUME {query['id']} lets it go on"
            ]
    topic = str(description["topic"])
    record = sample(topic)
    if record is None:
        return [f"the topic {topic} of {name} has no records so far"]
    if start != _EARLIEST:
        said = (
            f"the query reads what comes from now on (auto.offset.reset is {start}), and {topic} has records "
            "from before: %%ksql --from earliest reads them too"
        )
        return [said]
    return _about_format(name, description, record)


def _about_format(name: str, description: Entity, record: list[str | None]) -> list[str]:
    value = record[2] or ""
    form = str(description.get("valueFormat"))
    if (form in _JSON_FORMATS and not _is_json(value)) or (form == _DELIMITED and _is_object(value)):
        said = (
            f"{name} reads its values as {form}, and the first record is none ({_short(value)}): such "
            "records are left out, and the server's processing log tells. Is VALUE_FORMAT right?"
        )
        return [said]
    if description.get("type") == "TABLE" and record[1] in (None, _NULL):
        return [f"the first record of {description['topic']} has no key: a table leaves such records out"]
    return []


def _is_json(text: str) -> bool:
    """Tell whether a value as PRINT has it may be JSON."""
    try:
        json.loads(text)
    except ValueError:
        return text == _NULL
    return True


def _is_object(text: str) -> bool:
    return text.startswith("{") and _is_json(text)


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"  # noqa: PLR2004 - as much as a line holds
