"""The order of a finished result: the statement's own, or a canonical one.

SQL without ORDER BY has no order, and two sources arrive interleaved as they please. A notebook that is
run again should look the same, so a finished result is put in order here. A streaming top-n (ORDER BY
with LIMIT) arrives as changes in no order at all; it is put in the order that was asked for.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

import orjson

from streammagic.results.changes import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from streammagic.results.changes import Column, Row, Schema

_NAME = r"(?:`(?:[^`]|``)+`|[\w$]+)"
_TERM = re.compile(
    rf"(?P<table>(?:{_NAME} \. )*)(?P<name>{_NAME})"
    r"(?: (?:ASC|(?P<descending>DESC)))?(?: NULLS (?P<nulls>FIRST|LAST))?",
    re.IGNORECASE,
)
_CANONICAL_ROWS = 10_000
"""More rows than this stay as they came: nobody compares them by eye, and sorting them takes time."""


def in_order(schema: Schema, rows: list[Row], order: Sequence[str] | None) -> list[Row]:
    """Return ``rows`` in the order of ORDER BY terms, or by their columns from left to right without any.

    Terms that are no column of the result leave the rows as they came.
    """
    if order is None:
        if len(rows) > _CANONICAL_ROWS:
            return rows
        comparable = [_comparable(column) for column in schema.columns]
        return sorted(rows, key=lambda row: [key(raw) for key, raw in zip(comparable, row, strict=True)])
    terms = [_term(schema, term) for term in order]
    ordered = list(rows)
    for term in reversed(terms):
        if term is None:
            return rows
        position, descending, nulls_first = term
        ordered.sort(key=_by(schema, position), reverse=descending)
        ordered.sort(key=lambda row: (row[position] is None) is not nulls_first)
    return ordered


def _term(schema: Schema, term: str) -> tuple[int, bool, bool] | None:
    """Read ``column [ASC|DESC] [NULLS FIRST|LAST]`` as (position, descending, nulls first).

    NULLs are low by default. Source: org.apache.calcite.config.NullCollation.LOW, which Flink uses.
    """
    match = _TERM.fullmatch(term)
    if match is None:
        return None
    name = match["name"]
    if not match["table"] and name.isdecimal() and 1 <= int(name) <= len(schema.columns):
        position = int(name) - 1
    else:
        if name.startswith("`"):
            name = name[1:-1].replace("``", "`")
        if name not in schema.names:
            return None
        position = schema.names.index(name)
    descending = match["descending"] is not None
    nulls = match["nulls"]
    return position, descending, nulls.upper() == "FIRST" if nulls else not descending


def _by(schema: Schema, position: int) -> Callable[[Row], Any]:
    comparable = _comparable(schema.columns[position])
    return lambda row: comparable(row[position])


def _comparable(column: Column) -> Callable[[Any], Any]:
    """Return what makes raw values of a column comparable, as SQL orders them; NULLs first, NaN last."""
    match column.type.kind:
        case Kind.FLOAT32 | Kind.FLOAT64:
            return lambda raw: _float(column.value(raw))
        case Kind.TIMESTAMP_UTC:  # the "Z" would stand between a whole second and its fractions
            return lambda raw: _canonical(raw.removesuffix("Z") if isinstance(raw, str) else raw)
        case _:
            return _canonical


def _float(value: float | None) -> tuple[int, float]:
    if value is None:
        return (0, 0.0)
    return (2, 0.0) if math.isnan(value) else (1, value)


def _canonical(value: Any) -> tuple[int, Any]:
    """Make raw values of one column comparable: NULLs first, numbers by value, the rest as text."""
    if value is None:
        return (0, 0)
    if isinstance(value, str):
        return (2, value)
    if isinstance(value, list | dict):
        return (3, orjson.dumps(value, default=str))
    return (1, value)
