"""A DataFrame as a table of Flink's SQL: a query in parentheses, of VALUES with the columns' types.

What stands in VALUES are plain literals only. With anything else in it, be it CAST(NULL AS …), Flink plans a
source of its own for each row. So a column that has NULLs or numbers that no literal has is written as
strings, and read from them by the SELECT around.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from streammagic.errors import OptionError
from streammagic.sql.literals import NAMES, clock, exponential, milliseconds, quoted
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
from streammagic.sql.literals_plain import series_values
from streammagic.sql.naming import is_writable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

MAX_CELLS = 2_000
"""The cells of the largest DataFrame that is written as VALUES.

Planning grows faster than the table. On two cores, from sending it to its last row: 2,000 cells of text take
2.3 to 3.6 s, whether 2,000 rows of 1 or 20 of 100 columns, and 4,000 take 3.6 to 6.8 s. At 10,000 the code
that Flink generates does not compile. 5,000 cells of integers take 1.4 s.
"""

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


@dataclass(frozen=True)
class _Kind:
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


def table(frame: Any) -> str:
    """Return a DataFrame as a query in parentheses, which may stand after FROM with and without a name.

    The index is left out. Raises `OptionError` for more than `MAX_CELLS`, columns whose names are no names in
    SQL, and columns of no type or of several.
    """
    names = _names(frame)
    if frame.size > MAX_CELLS:
        raise OptionError(
            f"The DataFrame has {frame.size:,} cells ({len(frame):,} rows of {len(names):,} columns), and a "
            f"query may hold {MAX_CELLS:,}.",
            hint="%stream load DF --as NAME --topic TOPIC puts it into a topic and makes a table of that.",
        )
    columns = [_column(name, frame.iloc[:, at]) for at, name in enumerate(names)]
    ticked = ["`" + name.replace("`", "``") + "`" for name in names]
    if not len(frame):
        nulls = (
            f"CAST(NULL AS {kind.type}) AS {name}" for name, (kind, _) in zip(ticked, columns, strict=True)
        )
        return f"(SELECT {', '.join(nulls)} FROM (VALUES (0)) AS t(c1) WHERE FALSE)"  # noqa: S608 - each part is written here
    written = [_write(kind, values, f"c{at}") for at, (kind, values) in enumerate(columns, 1)]
    selected = ", ".join(f"{read} AS {name}" for (read, _), name in zip(written, ticked, strict=True))
    rows = ", ".join(f"({', '.join(row)})" for row in zip(*(cells for _, cells in written), strict=True))
    stored = ", ".join(f"c{at}" for at, _ in enumerate(columns, 1))
    return f"(SELECT {selected} FROM (VALUES {rows}) AS t({stored}))"  # noqa: S608 - likewise


def columns_of(frame: Any) -> tuple[tuple[str, str], ...]:
    """Return the names of a DataFrame's columns and their types in Flink's SQL. Raises as `table` does."""
    named = enumerate(_names(frame))
    return tuple((name, _column(name, frame.iloc[:, at])[0].type) for at, name in named)


def _names(frame: Any) -> list[str]:
    names = list(frame.columns)
    if not names:
        raise OptionError("The DataFrame has no columns.", hint="A table of SQL needs at least one.")
    seen: set[str] = set()
    for name in names:
        if not isinstance(name, str):
            raise OptionError(
                f"The DataFrame has a column named {name!r}, and a name in SQL is a str.",
                hint="Rename its columns: df.rename(columns=str), or df.columns = [...].",
            )
        if not is_writable(name):
            raise OptionError(
                f"The DataFrame has a column named {name!r}, which can't be a name in SQL.",
                hint=NAMES,
            )
        if name in seen:
            raise OptionError(
                f"The DataFrame has two columns named {name!r}.", hint="Rename one: df.columns = [...]."
            )
        seen.add(name)
    return names


def _column(name: str, series: Any) -> tuple[_Kind, list[Any]]:
    """Return how a column is written and its values."""
    values = series_values(series)
    dtype = getattr(series.dtype, "categories", series).dtype
    try:
        kind = _by_dtype(str(dtype).lower().removesuffix("[pyarrow]"), dtype) or _by_values(values)
    except OptionError as error:
        raise OptionError(f"Column {name!r}: {error.message}", hint=error.hint) from None
    return kind, values


def _write(kind: _Kind, values: Sequence[Any], ref: str) -> tuple[str, list[str]]:
    """Return the expression that reads a column from VALUES, and its cells."""
    plain = [None if value is None else kind.plain(value) for value in values]
    stored = kind.stored or kind.type
    if None not in plain:
        return kind.read.format(f"CAST({ref} AS {stored})"), [cell for cell in plain if cell is not None]
    if kind.type == "BYTES":  # no string is read as bytes
        null = next(cell for cell in _spare_bytes() if cell not in plain)
        return f"CAST(NULLIF({ref}, {null}) AS BYTES)", [cell or null for cell in plain]
    texts = [None if value is None else kind.text(value) for value in values]
    null = "NULL"
    while null in texts:
        null += "_"
    cells = [quoted(null if text is None else text) for text in texts]
    source = f"NULLIF({ref}, {quoted(null)})" if None in texts else ref
    return kind.read.format(f"CAST({source} AS {stored})"), cells


def _spare_bytes() -> Iterator[str]:
    yield from (f"X'{'00' * length}'" for length in range(MAX_CELLS + 1))


def _by_dtype(name: str, dtype: Any) -> _Kind | None:
    """Return how a column of a dtype is written; None where that depends on its values."""
    if name in _BY_DTYPE:
        return _kind(_BY_DTYPE[name])
    unit = getattr(dtype, "unit", None) or name.partition("[")[2].rstrip("]")
    if name.startswith("datetime64[") and unit in _UNITS:
        return _instants(_UNITS[unit]) if "," in name else _timestamps(_UNITS[unit])
    return _kind("INTERVAL DAY TO SECOND(3)") if name.startswith("timedelta64[") else None


def _kind(sql: str) -> _Kind:
    """Return how a column of a type of Flink's is written that needs nothing else to be known."""
    match sql.partition("(")[0]:
        case "BOOLEAN":
            return _Kind(sql, lambda v: str(v).upper(), lambda v: str(v).upper())
        case "FLOAT" | "DOUBLE":
            return _Kind(sql, lambda v: _float(float(v)), lambda v: _float_literal(float(v)))
        case "STRING":
            return _Kind(sql, str, lambda v: quoted(str(v)))
        case "DECIMAL":
            return _Kind(sql, _decimal, _decimal_literal)
        case "BYTES":
            return _Kind(sql, lambda v: v.hex(), lambda v: f"X'{bytes(v).hex().upper()}'")
        case "DATE":
            return _Kind(sql, lambda v: v.isoformat(), lambda v: _day(v, f"DATE '{v.isoformat()}'"))
        case "TIME":
            return _Kind(sql, lambda v: clock(v, "Flink"), lambda v: f"TIME '{clock(v, 'Flink')}'")
        case "INTERVAL DAY TO SECOND":
            return _Kind(sql, _millis, _millis, "BIGINT", f"{MILLISECOND} * {{}}")
        case _:
            return _Kind(sql, str, str)


def _timestamps(precision: int) -> _Kind:
    def literal(value: dt.datetime) -> str | None:
        return _day(value.date(), f"TIMESTAMP '{timestamp_text(value, precision)}'")

    return _Kind(f"TIMESTAMP({precision})", lambda v: timestamp_text(v, precision), literal)


def _instants(precision: int) -> _Kind:
    """Return how aware datetimes are written: as numbers, which mean the same in every time zone."""
    unit = max(precision, 3)

    def number(value: dt.datetime) -> str:
        return str(instant_number(value, unit))

    sql = f"TIMESTAMP_LTZ({precision})"
    return _Kind(sql, number, number, "BIGINT", f"CAST(TO_TIMESTAMP_LTZ({{}}, {unit}) AS {sql})")


def _by_values(values: Sequence[Any]) -> _Kind:
    """Return how a column of objects is written. Raises `OptionError` where they are not of one type."""
    present = [value for value in values if value is not None]
    kinds = {_group(value) for value in present}
    if kinds == {int, float}:
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


def _by_moments(values: Sequence[dt.datetime]) -> _Kind:
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


def _float(value: float) -> str:
    if math.isfinite(value):
        return exponential(value)
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _float_literal(value: float) -> str | None:
    is_negative_zero = value == 0 and math.copysign(1, value) < 0
    return exponential(value) if math.isfinite(value) and not is_negative_zero else None


def _day(day: dt.date, literal: str) -> str | None:
    return None if is_in_gap(day) else literal


def _millis(value: dt.timedelta) -> str:
    return str(milliseconds(value, "Flink"))
