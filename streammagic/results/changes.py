"""The vocabulary of a changelog: row kinds, pages of changes, columns and their types."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

Row = list[Any]
"""One row as the engine's JSON carried it: raw values, in column order, undecoded."""


class RowKind(StrEnum):
    """What a change does to the table, in Flink's short spelling.

    Source: org.apache.flink.types.RowKind.
    """

    INSERT = "+I"
    UPDATE_BEFORE = "-U"
    UPDATE_AFTER = "+U"
    DELETE = "-D"


class Change(NamedTuple):
    """One change of a table, its values decoded."""

    kind: RowKind
    row: tuple[Any, ...]


class Kind(Enum):
    """The families of values that a column can hold, whatever the engine calls them."""

    BOOLEAN = "boolean"
    INT8 = "int8"
    INT16 = "int16"
    INT32 = "int32"
    INT64 = "int64"
    FLOAT32 = "float32"
    FLOAT64 = "float64"
    DECIMAL = "decimal"
    STRING = "string"
    BYTES = "bytes"
    DATE = "date"
    TIME = "time"
    TIMESTAMP = "timestamp"
    TIMESTAMP_UTC = "timestamp, UTC"
    DURATION = "duration"
    MONTHS = "months"
    ARRAY = "array"
    MAP = "map"
    MULTISET = "multiset"
    ROW = "row"
    OTHER = "other"


NUMERIC = frozenset({Kind.INT8, Kind.INT16, Kind.INT32, Kind.INT64, Kind.FLOAT32, Kind.FLOAT64, Kind.DECIMAL})


@dataclass(frozen=True, slots=True)
class DataType:
    """A column's or element's type.

    ``sql`` is the engine's own spelling. ``precision`` and ``scale`` are digits (fraction digits of a
    second for temporal kinds). ``children`` are the element of an array, key and value of a map, or the
    fields of a row, whose names are in ``names``.
    """

    kind: Kind
    sql: str
    precision: int = 0
    scale: int = 0
    children: tuple[DataType, ...] = ()
    names: tuple[str, ...] = ()

    def contains(self, kind: Kind) -> bool:
        """Tell whether this type or a type nested in it is of that kind."""
        return self.kind is kind or any(child.contains(kind) for child in self.children)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a result: its name, its type, and how a raw value of it becomes a Python value.

    ``decode`` is called with raw values other than None only.
    """

    name: str
    type: DataType
    decode: Callable[[Any], Any]

    @property
    def numeric(self) -> bool:
        """Whether values are numbers, to be aligned to the right."""
        return self.type.kind in NUMERIC

    def value(self, raw: Any) -> Any:
        """Decode one raw value; None stays None."""
        return None if raw is None else self.decode(raw)


@dataclass(frozen=True, slots=True)
class Schema:
    """The columns of a result, in order. Names may repeat, as SQL allows.

    ``key`` are the positions of the upsert key, where an UPDATE_AFTER takes the place of the row with its
    key and a DELETE needs to name no more than that. None: a retraction carries the exact old row.
    ``inexact`` says why the rows can't be folded into the exact table; "" where they can.
    """

    columns: tuple[Column, ...] = ()
    key: tuple[int, ...] | None = None
    inexact: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The engine's column names, unchanged."""
        return tuple(column.name for column in self.columns)

    def decode(self, row: Row) -> tuple[Any, ...]:
        """Turn one raw row into Python values."""
        return tuple(column.value(raw) for column, raw in zip(self.columns, row, strict=True))

    def __str__(self) -> str:
        return ", ".join(f"{column.name} {column.type.sql}" for column in self.columns)


@dataclass(slots=True)
class Page:
    """Some consecutive changes. ``kinds`` is None where every one of them is an INSERT."""

    rows: list[Row] = field(default_factory=list)
    kinds: list[RowKind] | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def head(self, count: int) -> Page:
        """Return the first ``count`` changes as a page."""
        return Page(self.rows[:count], None if self.kinds is None else self.kinds[:count])

    def tail(self, count: int) -> Page:
        """Return the last ``count`` changes as a page."""
        start = max(len(self.rows) - count, 0)
        return Page(self.rows[start:], None if self.kinds is None else self.kinds[start:])
