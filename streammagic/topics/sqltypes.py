"""Flink's SQL types as a structure, so that nested ones can be laid out over lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from streammagic.sql.naming import identifier

if TYPE_CHECKING:
    from collections.abc import Sequence

_WIDTH = 80
"""Characters up to which a type stays on one line."""


@dataclass(frozen=True, slots=True)
class SqlType:
    """A type: ``name`` alone, or a ROW with named ``fields``, an ARRAY or a MAP of ``element``.

    ``key`` is a MAP's type of keys: STRING, as in every self-describing format, with or without NOT NULL.
    """

    name: str
    fields: tuple[tuple[str, SqlType], ...] = ()
    element: SqlType | None = None
    key: str = ""

    def __str__(self) -> str:
        if self.name == "ROW":
            return f"ROW<{', '.join(f'{identifier(name)} {held}' for name, held in self.fields)}>"
        if self.element is None:
            return self.name
        return f"{self.name}<{self._key}{self.element}>"

    @property
    def _key(self) -> str:
        return f"{self.key}, " if self.key else ""

    def laid_out(self, indent: int) -> str:
        """Return the type, a long ROW with each field on its own line, indented by two more spaces."""
        text = str(self)
        if len(text) + indent <= _WIDTH:
            return text
        if self.element is not None:
            return f"{self.name}<{self._key}{self.element.laid_out(indent)}>"
        if not self.fields:
            return text
        inner = " " * (indent + 2)
        lines = [f"{inner}{identifier(name)} {held.laid_out(indent + 2)}" for name, held in self.fields]
        return "ROW<\n" + ",\n".join(lines) + f"\n{' ' * indent}>"


STRING = SqlType("STRING")
BIGINT = SqlType("BIGINT")
DOUBLE = SqlType("DOUBLE")
BOOLEAN = SqlType("BOOLEAN")
BYTES = SqlType("BYTES")
DATE = SqlType("DATE")


def row(fields: Sequence[tuple[str, SqlType]]) -> SqlType:
    """Return a ROW; at least one field."""
    return SqlType("ROW", tuple(fields))


def array(element: SqlType) -> SqlType:
    """Return an ARRAY."""
    return SqlType("ARRAY", element=element)


def mapping(value: SqlType, key: str = "STRING") -> SqlType:
    """Return a MAP."""
    return SqlType("MAP", element=value, key=key)


def timestamp(precision: int, *, zoned: bool) -> SqlType:
    """Return a TIMESTAMP with ``precision`` fraction digits; ``zoned`` is a moment, TIMESTAMP_LTZ."""
    return SqlType(f"TIMESTAMP{'_LTZ' if zoned else ''}({precision})")
