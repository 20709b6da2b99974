"""By which columns the rows of a push query replace each other.

The rows themselves do not tell: EXPLAIN does. Its ``fields`` are the key columns, marked KEY, and then what
the query projects; the topology of a query whose result is a table turns that into a stream for its reader,
by a node KTABLE-TOSTREAM (measured on 7.4).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_BOUNDS = ("WINDOWSTART", "WINDOWEND")


@dataclass(frozen=True, slots=True)
class UpsertKey:
    """What a query's result is: ``names`` are its key columns, those of its window among them.

    ``names`` is None for a stream, whose rows stand for themselves.
    """

    names: tuple[str, ...] | None

    @classmethod
    def of(cls, description: dict[str, Any]) -> UpsertKey:
        """Read it from the ``queryDescription`` of an EXPLAIN."""
        if "KTABLE-TOSTREAM" not in str(description.get("topology", "")):
            return cls(None)
        fields = description.get("fields") or []
        keys = tuple(str(field["name"]) for field in fields if field.get("type") == "KEY")
        return cls(keys + (_BOUNDS if description.get("windowType") else ()))

    def positions(self, columns: tuple[str, ...]) -> tuple[tuple[int, ...] | None, str]:
        """Return where the key is among a result's columns, and why it can't be folded by it.

        One of them is empty: for a stream both are, as None and "".
        """
        if self.names is None:
            return None, ""
        missing = [name for name in self.names if name not in columns]
        if missing or not self.names:
            what = f"the key ({', '.join(missing)}) is not selected" if missing else "its key is not known"
            return None, f"{what}, so updates stand as rows of their own"
        named = [name for name in (*self.names, *_BOUNDS) if name in columns]
        return tuple(columns.index(name) for name in dict.fromkeys(named)), ""
