"""The types of a DataFrame's columns in Flink's SQL, and how values of each stand in a table of VALUES."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from streammagic.errors import OptionError
from streammagic.sql.literals_flink import (
    MAX_DIGITS,
    MILLISECOND,
    decimal_parts,
    instant_number,
    is_in_gap,
    timestamp_text,
    too_long,
    without_zero,
)
from streammagic.sql.literals_text import clock, exponential, float_text, milliseconds, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_UNITS = {"s": 0, "ms": 3, "us": 6, "ns": 9}
_BY_DTYPE = {
    "bool": "BOOLEAN",
    "boolean": "BOOLEAN",
    "int8": "TINYINT",
    "uint8": "SMALLINT",
    "int16": "SMALLINT",
    "uint16": "INT",
    "int32": "INT",
    "uint32": "BIGINT",
    "int64": "BIGINT",
    "uint64": "DECIMAL(20, 0)",
    "float16": "FLOAT",
    "float32": "FLOAT",
    "float64": "DOUBLE",
    "str": "STRING",
    "string": "STRING",
}
_BIGINT = range(-(2**63), 2**63)
_EXACT = 2**53
"""Up to here each whole number is a float, too."""


@dataclass(frozen=True)
class ColumnKind:
    """How values of one type of column are written.

    ``text`` gives a value as Flink's CAST reads it, ``plain`` as a literal, or None where it has none.
    """

    type: str
    text: Callable[[Any], str]
    plain: Callable[[Any], str | None]
    stored: str = ""
    """The type in VALUES, where it is not ``type``."""
    read: str = "{}"
    """How a value of ``type`` is made from one of the type in VALUES."""


def by_dtype(name: str, dtype: Any) -> ColumnKind | None:
    """Return how a column of a dtype is written; None where that depends on its values."""
    if name in _BY_DTYPE:
        return _kind(_BY_DTYPE[name])
    unit = getattr(dtype, "unit", None) or name.partition("[")[2].rstrip("]")
    if name.startswith("datetime64[") and unit in _UNITS:
        return _instants(_UNITS[unit]) if "," in name else _timestamps(_UNITS[unit])
    return _kind("INTERVAL DAY TO SECOND(3)") if name.startswith("timedelta64[") else None


def _kind(sql: str) -> ColumnKind:
    """Return how a column of a type of Flink's is written that needs nothing else to be known."""
    match sql.partition("(")[0]:
        case "BOOLEAN":
            return ColumnKind(sql, lambda v: str(v).upper(), lambda v: str(v).upper())
        case "FLOAT" | "DOUBLE":
            return ColumnKind(sql, lambda v: float_text(float(v)), lambda v: _float_literal(float(v)))
        case "STRING":
            return ColumnKind(sql, str, lambda v: quoted(str(v)))
        case "DECIMAL":
            return ColumnKind(sql, _decimal, _decimal_literal)
        case "BYTES":
            return ColumnKind(sql, lambda v: v.hex(), lambda v: f"X'{bytes(v).hex().upper()}'")
        case "DATE":
            return ColumnKind(sql, lambda v: v.isoformat(), lambda v: _day(v, f"DATE '{v.isoformat()}'"))
        case "TIME":
            return ColumnKind(sql, lambda v: clock(v, "Flink"), lambda v: f"TIME '{clock(v, 'Flink')}'")
        case "INTERVAL DAY TO SECOND":
            return ColumnKind(sql, _millis, _millis, "BIGINT", f"{MILLISECOND} * {{}}")
        case _:
            return ColumnKind(sql, str, str)


def _timestamps(precision: int) -> ColumnKind:
    def literal(value: dt.datetime) -> str | None:
        return _day(value.date(), f"TIMESTAMP '{timestamp_text(value, precision)}'")

    return ColumnKind(f"TIMESTAMP({precision})", lambda v: timestamp_text(v, precision), literal)


def _instants(precision: int) -> ColumnKind:
    """Return how aware datetimes are written: as numbers, which mean the same in every time zone."""
    unit = max(precision, 3)

    def number(value: dt.datetime) -> str:
        return str(instant_number(value, unit))

    sql = f"TIMESTAMP_LTZ({precision})"
    return ColumnKind(sql, number, number, "BIGINT", f"CAST(TO_TIMESTAMP_LTZ({{}}, {unit}) AS {sql})")


def by_values(values: Sequence[Any]) -> ColumnKind:
    """Return how a column of objects is written. Raises `OptionError` where they are not of one type."""
    present = [value for value in values if value is not None]
    kinds = {_group(value) for value in present}
    if kinds == {int, float} and all(abs(value) <= _EXACT for value in present if isinstance(value, int)):
        kinds = {float}
    if kinds in ({Decimal}, {int, Decimal}) or (kinds == {int} and any(v not in _BIGINT for v in present)):
        return _kind(_decimal_type([Decimal(value) for value in present]))
    if len(kinds) > 1:
        names = " and ".join(sorted(kind.__name__ for kind in kinds))
        raise OptionError(
            f"It has values of several types: {names}.", hint="Convert it to one: df[…].astype(…)."
        )
    found = next(iter(kinds), str)
    if found is dt.datetime:
        return _by_moments(present)
    simple = {
        bool: "BOOLEAN",
        int: "BIGINT",
        float: "DOUBLE",
        str: "STRING",
        bytes: "BYTES",
        dt.date: "DATE",
        dt.time: "TIME(3)",
        dt.timedelta: "INTERVAL DAY TO SECOND(3)",
    }
    return _kind(simple[found])


def _by_moments(values: Sequence[dt.datetime]) -> ColumnKind:
    precision = 9 if any(getattr(value, "nanosecond", 0) for value in values) else 6
    zoned = {value.utcoffset() is not None for value in values}
    if len(zoned) > 1:
        raise OptionError(
            "Some of its datetimes have a time zone and some have none.",
            hint="Give all of them one, or none.",
        )
    return _instants(precision) if zoned.pop() else _timestamps(precision)


def _group(value: Any) -> type:
    """Return the type that a value counts as. Raises `OptionError` for one that no column has."""
    from uuid import UUID

    if isinstance(value, UUID):
        return str
    if isinstance(value, bytearray | memoryview):
        return bytes
    for kind in (bool, int, float, str, Decimal, bytes, dt.datetime, dt.date, dt.time, dt.timedelta):
        if isinstance(value, kind):
            return kind
    raise OptionError(
        f"It has values of type {type(value).__name__}, which can't be written as a column.",
        hint="Leave it out (df.drop(columns=…)), or make strings of it: df[…].map(json.dumps).",
    )


def _decimal_type(values: Sequence[Decimal]) -> str:
    """Return the DECIMAL that holds all values."""
    if not all(value.is_finite() for value in values):
        raise OptionError("NaN and Infinity can't be a DECIMAL.", hint="Use None for NULL.")
    parts = [decimal_parts(value) for value in values]
    scale = max(scale for _, _, scale in parts)
    digits = max(digits - scale for _, digits, scale in parts) + scale
    if digits > MAX_DIGITS:
        raise too_long(digits)
    return f"DECIMAL({digits}, {scale})"


def _decimal(value: Decimal | int) -> str:
    return without_zero(f"{Decimal(value):f}")


def _decimal_literal(value: Decimal | int) -> str | None:
    text = f"{Decimal(value):f}"
    return text if int(text.replace(".", "")) in _BIGINT else None


def _float_literal(value: float) -> str | None:
    is_negative_zero = value == 0 and math.copysign(1, value) < 0
    return exponential(value) if math.isfinite(value) and not is_negative_zero else None


def _day(day: dt.date, literal: str) -> str | None:
    return None if is_in_gap(day) else literal


def _millis(value: dt.timedelta) -> str:
    return str(milliseconds(value, "Flink"))
