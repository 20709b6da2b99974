"""By which columns the rows of a push query replace each other.

The rows themselves do not tell; EXPLAIN and the query do. EXPLAIN's topology turns a result that is a table
into a stream for its reader, by a node KTABLE-TOSTREAM, and its ``fields`` begin with the key columns, marked
KEY (measured on 7.4). Their names are those of what is read, not of what is selected (LogicalPlanner builds a
transient query's schema from its parent's key), and with a GROUP BY the key is what is grouped by. So the
place of the key is read off the query: only an item that is the key's very expression carries it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streammagic.sql.ksqldb import KsqlDialect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streammagic.sql.ksqldb import SelectItem
    from streammagic.sql.statements import Statement

_BOUNDS = ("WINDOWSTART", "WINDOWEND")
_SESSION = "SESSION"
_DIALECT = KsqlDialect()


@dataclass(frozen=True, slots=True)
class UpsertKey:
    """What a query's result is: ``parts`` are the expressions of its key, ``window`` its windows, or "".

    ``parts`` is None for a stream, whose rows stand for themselves. ``items`` is what the query selects.
    """

    parts: tuple[str, ...] | None
    window: str = ""
    items: tuple[SelectItem, ...] = ()

    @classmethod
    def of(cls, description: dict[str, Any], statement: Statement, window: str = "") -> UpsertKey:
        """Read it from a query and the ``queryDescription`` of its EXPLAIN.

        That tells the windows of persistent queries only (QueryDescriptionFactory): ``window`` goes before.
        """
        if "KTABLE-TOSTREAM" not in str(description.get("topology", "")):
            return cls(None)
        fields = description.get("fields") or []
        keys = [str(field["name"]) for field in fields if field.get("type") == "KEY"]
        parts = tuple(_DIALECT.group_by(statement) or keys)
        window = window or str(description.get("windowType") or "")
        return cls(parts, window, tuple(_DIALECT.select_items(statement)))

    def positions(self, columns: Sequence[str]) -> tuple[tuple[int, ...] | None, str]:
        """Return where the key is among a result's columns, and why it can't be folded by it.

        One of them is empty: for a stream both are, as None and "". One bound tells windows of a fixed size
        apart, sessions need both.
        """
        if self.parts is None:
            return None, ""
        found = {part: self._position(part, columns) for part in self.parts}
        bounds = {name: self._position(name, columns) for name in _BOUNDS if self.window}
        missing = [part for part, place in found.items() if place is None]
        told = [place for place in bounds.values() if place is not None]
        if self.window and len(told) < (len(_BOUNDS) if self.window == _SESSION else 1):
            missing += [name for name, place in bounds.items() if place is None]
        if missing or not found:
            what = f"the key ({', '.join(missing)}) is not selected" if missing else "its key is not known"
            return None, f"{what}, so updates stand as rows of their own"
        places = [place for place in found.values() if place is not None]
        return tuple(dict.fromkeys([*places, *told])), ""

    def _position(self, part: str, columns: Sequence[str]) -> int | None:
        """Return the place of the column that is a part of the key; None where none surely is."""
        if any(item.expression == "*" for item in self.items):
            names = [item.alias for item in self.items if item.expression == part and item.alias]
            return next((columns.index(name) for name in [*names, part] if name in columns), None)
        if len(self.items) != len(columns):
            return None
        for i, item in enumerate(self.items):
            # A join names the columns of its sides SIDE_COLUMN, in its key and in its result.
            is_joined = item.alias is None and " " not in item.expression and columns[i] == part
            if item.expression == part or is_joined:
                return i
        return None
