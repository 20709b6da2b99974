"""By which columns the rows of a push query replace each other.

The rows themselves do not tell: EXPLAIN does. Its ``fields`` are the key columns, marked KEY, and then what
the query projects; the topology of a query whose result is a table turns that into a stream for its reader,
by a node KTABLE-TOSTREAM (measured on 7.4).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_BOUNDS = ("WINDOWSTART", "WINDOWEND")
_SESSION = "SESSION"


@dataclass(frozen=True, slots=True)
class UpsertKey:
    """What a query's result is: ``names`` are its key columns, ``window`` its windows ("TUMBLING"), or "".

    ``names`` is None for a stream, whose rows stand for themselves.
    """

    names: tuple[str, ...] | None
    window: str = ""

    @classmethod
    def of(cls, description: dict[str, Any], window: str = "") -> UpsertKey:
        """Read it from the ``queryDescription`` of an EXPLAIN.

        That tells the windows of persistent queries only (QueryDescriptionFactory): ``window`` goes before.
        """
        if "KTABLE-TOSTREAM" not in str(description.get("topology", "")):
            return cls(None)
        fields = description.get("fields") or []
        keys = tuple(str(field["name"]) for field in fields if field.get("type") == "KEY")
        return cls(keys, window or str(description.get("windowType") or ""))

    def positions(self, columns: tuple[str, ...]) -> tuple[tuple[int, ...] | None, str]:
        """Return where the key is among a result's columns, and why it can't be folded by it.

        One of them is empty: for a stream both are, as None and "". One bound tells windows of a fixed size
        apart, sessions need both.
        """
        if self.names is None:
            return None, ""
        bounds = [name for name in _BOUNDS if self.window and name in columns]
        missing = [name for name in self.names if name not in columns]
        if self.window and len(bounds) < (len(_BOUNDS) if self.window == _SESSION else 1):
            missing += [name for name in _BOUNDS if name not in bounds]
        if missing or not self.names:
            what = f"the key ({', '.join(missing)}) is not selected" if missing else "its key is not known"
            return None, f"{what}, so updates stand as rows of their own"
        return tuple(columns.index(name) for name in dict.fromkeys((*self.names, *bounds))), ""
