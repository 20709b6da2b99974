"""The order of a finished result: the statement's own, or a canonical one.

SQL without ORDER BY has no order, and two sources arrive interleaved as they please. A notebook that is
run again should look the same, so a finished result is put in order here. A streaming top-n (ORDER BY
with LIMIT) arrives as changes in no order at all; it is put in the order that was asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from streammagic.results.changes import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from streammagic.results.changes import Row, Schema

_CANONICAL_ROWS = 10_000
"""More rows than this stay as they came: nobody compares them by eye, and sorting them takes time."""


def in_order(schema: Schema, rows: list[Row], order: Sequence[str] | None) -> list[Row]:
    """Return ``rows`` in the order of ORDER BY terms, or by their columns from left to right without any.

    Terms that are no column of the result leave the rows as they came.
    """
    if order is None:
        return (
            rows
            if len(rows) > _CANONICAL_ROWS
            else sorted(rows, key=lambda row: [_canonical(v) for v in row])
        )
    keys = [_term(schema, term) for term in order]
    ordered = list(rows)
    for key in reversed(keys):
        if key is None:
            return rows
        position, descending, nulls_first = key
        ordered.sort(key=_by(schema, position), reverse=descending)
        ordered.sort(key=lambda row: (row[position] is None) is not nulls_first)
    return ordered


def _term(schema: Schema, term: str) -> tuple[int, bool, bool] | None:
    """Read ``column [ASC|DESC] [NULLS FIRST|LAST]`` as (position, descending, nulls first).

    NULLs are low by default. Source: org.apache.calcite.config.NullCollation.LOW, which Flink uses.
    """
    words = term.split()
    nulls: str | None = None
    if [word.upper() for word in words[-2:-1]] == ["NULLS"]:
        nulls = words[-1].upper()
        words = words[:-2]
    direction = words[-1].upper() if words else ""
    if direction in ("ASC", "DESC"):
        words = words[:-1]
    name = words[-1].strip("`") if words else ""
    if len(words) == 1 and name.isdecimal() and 1 <= int(name) <= len(schema.columns):
        position = int(name) - 1
    elif (len(words) == 1 or words[-2:-1] == ["."]) and name in schema.names:
        position = schema.names.index(name)
    else:
        return None
    descending = direction == "DESC"
    return position, descending, nulls == "FIRST" if nulls else not descending


def _by(schema: Schema, position: int) -> Callable[[Row], Any]:
    column = schema.columns[position]
    if column.type.kind in (Kind.FLOAT32, Kind.FLOAT64):
        return lambda row: 0.0 if row[position] is None else column.decode(row[position])
    return lambda row: _canonical(row[position])


def _canonical(value: Any) -> tuple[int, Any]:
    """Make raw values of one column comparable: NULLs first, numbers by value, the rest as text."""
    if value is None:
        return (0, 0)
    if isinstance(value, str):
        return (2, value)
    if isinstance(value, list | dict):
        return (3, orjson.dumps(value, default=str))
    return (1, value)
