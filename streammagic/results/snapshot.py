"""What a view shows of a result: a few rows as text, one status line, and what was left out."""

from __future__ import annotations

import base64
import datetime as dt
from typing import TYPE_CHECKING, Any

import orjson

from streammagic.results.changes import Kind, RowKind
from streammagic.results.feed import State
from streammagic.views.table import TableSnapshot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streammagic.results.changes import Column, DataType, Page, Row, Schema
    from streammagic.results.feed import Feed

_ISO = frozenset({Kind.TIMESTAMP, Kind.TIMESTAMP_UTC})
_AS_IS = frozenset({Kind.STRING, Kind.DATE, Kind.TIME})
_READABLE = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_NON_STR_KEYS
_MOMENTS = _ISO | {Kind.DATE, Kind.TIME}


def cell_text(column: Column, raw: Any) -> str | None:
    """Return what a cell shows for a raw value; None for NULL."""
    if raw is None:
        return None
    kind = column.type.kind
    if kind in _AS_IS and isinstance(raw, str):
        return raw
    if kind in _ISO and isinstance(raw, str):
        return raw.replace("T", " ", 1)
    if kind is Kind.BOOLEAN:
        return "true" if raw else "false"
    if kind is Kind.BYTES and isinstance(raw, str):
        return "0x" + base64.b64decode(raw).hex()
    if kind is Kind.DECIMAL:
        return f"{column.decode(raw):f}"
    if isinstance(raw, list | dict):
        if _counts_moments(column.type, raw):
            raw = column.decode(raw)
        return orjson.dumps(raw, default=_plain, option=_READABLE).decode()
    if kind in (Kind.DURATION, Kind.MONTHS):
        return str(column.decode(raw))
    return str(raw)


def _counts_moments(data_type: DataType, raw: Any) -> bool:
    """Tell whether a nested value has a moment as a number, which tells a person nothing."""
    if data_type.kind in _MOMENTS:
        return isinstance(raw, int)
    inside = data_type.children
    match raw:
        case dict() if data_type.kind is Kind.MAP:
            return any(_counts_moments(inside[1], one) for one in raw.values())
        case dict():
            return any(map(_counts_moments, inside, raw.values()))
        case list() if data_type.kind is Kind.ARRAY:
            return any(_counts_moments(inside[0], one) for one in raw)
    return False


def _plain(value: Any) -> str:
    """Return what JSON has no value for as the text that a cell shows."""
    match value:
        case dt.datetime():
            digits = "microseconds" if value.microsecond % 1000 else "milliseconds"
            return value.replace(tzinfo=None).isoformat(" ", digits)
        case bytes():
            return f"0x{value.hex()}"
    return str(value)


def snapshot(feed: Feed, *, view: str, max_rows: int, ordered: Sequence[Row] | None = None) -> TableSnapshot:
    """Take what is to be seen of a feed now.

    ``view`` is "table" or "changes". ``ordered`` gives the whole table in its final order once the feed
    has ended; then the first rows are shown. A finished result has no status: what is stored in a
    notebook must be the same tomorrow.
    """
    schema = feed.schema
    if view == "changes":
        return _changes_snapshot(feed, schema, max_rows)
    if ordered is not None:
        total, position, rows = len(ordered), 0, list(ordered[:max_rows])
    else:
        total, position, rows = feed.window(max_rows)
    return TableSnapshot(
        columns=schema.names,
        rows=_cells(schema, rows),
        numeric=tuple(column.numeric for column in schema.columns),
        total=total,
        position=position,
        status=status_line(feed, total),
        notes=tuple(_notes(feed)),
        announce=feed.has_ended,
    )


def status_line(feed: Feed, total: int) -> str:
    """Say the state of a feed in one line; nothing for a finished one, whose table says it all."""
    if feed.state == State.FINISHED:
        return ""
    count = f"{total:,} row{'' if total == 1 else 's'}"
    if feed.state == State.STOPPED:
        return " ".join(filter(None, ["stopped", feed.end_note])) + f" · {count}"
    seconds = feed.elapsed
    minutes, rest = divmod(int(seconds), 60)
    start = "" if feed.cursor is None or not feed.cursor.reads_from else f"from {feed.cursor.reads_from}"
    rate = f"{feed.rate():,.0f} changes/s"
    parts = filter(None, [feed.state, count, rate, exactness(feed), start, f"{minutes}:{rest:02}"])
    return " · ".join(parts) if feed.state == State.RUNNING else f"{feed.state} · {minutes}:{rest:02}"


def exactness(feed: Feed) -> str:
    """Tell whether the table is the exact fold of all changes: "exact", "partial" or "approximate"."""
    if feed.fold.partial:
        return "partial"
    return "approximate" if feed.fold.unmatched or feed.schema.inexact else "exact"


def _notes(feed: Feed) -> list[str]:
    notes = [*feed.remarks, *feed.notes, *feed.advice]
    if feed.schema.inexact:
        notes.append(f"approximate: {feed.schema.inexact}")
    if feed.fold.partial:
        notes.append(
            f"partial: the oldest {feed.fold.dropped:,} rows were dropped to stay within "
            "StreamMagic.memory_budget"
        )
    if feed.fold.unmatched:
        notes.append(f"approximate: {feed.fold.unmatched:,} retractions matched no row")
    return notes


def _changes_snapshot(feed: Feed, schema: Schema, max_rows: int) -> TableSnapshot:
    pages: list[Page] = feed.changes(max_rows)
    rows = [row for page in pages for row in page.rows]
    kinds = [str(kind) for page in pages for kind in page.kinds or [RowKind.INSERT] * len(page.rows)]
    notes = _notes(feed)
    if feed.log.dropped:
        notes.append(f"the log keeps the newest {feed.log.kept:,} changes; {feed.log.dropped:,} were dropped")
    return TableSnapshot(
        columns=schema.names,
        rows=_cells(schema, rows),
        numeric=tuple(column.numeric for column in schema.columns),
        total=feed.log.seen,
        position=feed.log.seen - len(rows),
        kinds=kinds,
        status=status_line(feed, len(feed.fold)),
        notes=tuple(notes),
        announce=feed.has_ended,
    )


def _cells(schema: Schema, rows: Sequence[Row]) -> list[list[str | None]]:
    return [[cell_text(column, raw) for column, raw in zip(schema.columns, row, strict=True)] for row in rows]
