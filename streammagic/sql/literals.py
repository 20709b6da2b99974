"""Python values in SQL: each as a literal of its own type.

`Writer` is what is asked of an engine's SQL, `BaseWriter` what is the same in all of them: which types there
are, and how what they have in common is written. Importing this imports neither numpy nor pandas: a value of
theirs exists only where they are imported already.
"""

from __future__ import annotations

import datetime as dt
import re
from abc import ABC, abstractmethod
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from streammagic.errors import OptionError
from streammagic.sql.literals_plain import is_frame, plain
from streammagic.sql.literals_text import encodable, float_text, quoted
from streammagic.sql.naming import is_writable

if TYPE_CHECKING:
    from collections.abc import Iterable

_PATH = re.compile(r"(?:`(?:[^`]|``)+`|[^`.]+)(?:\.(?:`(?:[^`]|``)+`|[^`.]+))*")
_PART = re.compile(r"`((?:[^`]|``)+)`|([^`.]+)")
NAMES = "A name has 1 to 128 characters, no line break or other control character, and no {{."
"""The hint where something can't be a name."""


class Writer(Protocol):
    """Writes Python values in one engine's SQL. What can't be written raises `OptionError`."""

    def literal(self, value: Any) -> str:
        """Return a value as an expression of its type; a DataFrame as a table in parentheses."""

    def text(self, value: Any) -> str:
        """Return what stands for a scalar value inside of a string or quoted name, not escaped."""

    def identifier(self, name: str) -> str:
        """Return a name (``a.b``: a path) as SQL has it, quoted where that is needed."""


class BaseWriter(ABC):
    """A `Writer`: what all engines have in common. A subclass says how each type is written.

    A literal that would begin with a minus is in parentheses: ``5 -{{ n }}`` must not begin a comment.
    Members of an Enum are their values, a UUID is its text, a pandas Series a list, and what pandas calls
    missing (NaT, NA, the NaN of a numpy column) is NULL. A handle stands for its DataFrame, without index.
    """

    engine: str
    """The engine's title, as messages have it."""

    possible: str
    """The types that can be written, as a part of a sentence."""

    def literal(self, value: Any) -> str:
        """Return a value as an expression of its type; a DataFrame as a table in parentheses."""
        value = plain(value)
        if is_frame(value):
            return self._frame(value)
        if isinstance(value, list | tuple | set | frozenset | range):
            return self._list(value)
        return self._scalar(value)

    def text(self, value: Any) -> str:
        """Return what stands for a scalar value inside of a string or quoted name, not escaped."""
        value = plain(value)
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, int):
            return int.__repr__(value)
        if isinstance(value, float):
            return float_text(value)
        if isinstance(value, str | UUID):
            return encodable(str(value))
        if isinstance(value, Decimal) and value.is_finite():
            return f"{value:f}"
        if isinstance(value, dt.datetime):
            return self._moment_text(value)
        if isinstance(value, dt.date | dt.time):
            return value.isoformat()
        raise OptionError(
            f"A value of type {_kind(value)} has no text that could stand inside quotes.",
            hint="Write the variable without quotes around it, or make it a str in Python.",
        )

    def identifier(self, name: str) -> str:
        """Return a name (``a.b``: a path) as SQL has it, quoted where that is needed.

        A part that has a dot in it stands in back-ticks, ```a.b`.c``; any other back-tick is a character.
        """
        name = plain(name)
        if not isinstance(name, str):
            raise OptionError(
                f"A name must be a str, and this is of type {_kind(name)}.", hint="Use str(…) in Python."
            )
        parts = _parts(name)
        for part in parts:
            if not is_writable(part):
                raise OptionError(
                    f"{part!r} can't be a name in SQL.",
                    hint=NAMES,
                )
        return ".".join(map(self._name, parts))

    def _scalar(self, value: Any) -> str:  # noqa: C901 - a table of types; a subclass comes before its base
        if value is None:
            return "NULL"
        if isinstance(value, bool):
            return "TRUE" if value else "FALSE"
        if isinstance(value, int):
            return self._integer(int(value))
        if isinstance(value, float):
            return self._double(float(value))
        if isinstance(value, str | UUID):
            return self._string(str(value))
        if isinstance(value, Decimal):
            return self._finite(value)
        if isinstance(value, bytes | bytearray | memoryview):
            return self._bytes(bytes(value))
        if isinstance(value, dt.datetime):
            return self._moment(value)
        if isinstance(value, dt.date):
            return self._date(value)
        if isinstance(value, dt.time):
            return self._time(value)
        if isinstance(value, dt.timedelta):
            return self._duration(value)
        raise self._refusal(value)

    def _refusal(self, value: Any) -> OptionError:
        message = f"A value of type {_kind(value)} can't be written as {self.engine}'s SQL."
        if isinstance(value, dict):
            hint = (
                "Write {{ name | raw }} for SQL that you made of it yourself, or json.dumps(…) for a string."
            )
        else:
            hint = f"Possible are {self.possible}."
        return OptionError(message, hint=hint)

    def _string(self, value: str) -> str:
        return quoted(value)

    def _finite(self, value: Decimal) -> str:
        if not value.is_finite():
            raise OptionError(
                f"{value} can't be a DECIMAL.",
                hint="Use None for NULL, or a float: DOUBLE has NaN and Infinity.",
            )
        return self._decimal(value)

    def _list(self, values: Iterable[Any]) -> str:
        """Write what stands after IN. A set is sorted: the same set gives the same SQL."""
        items = _sorted(values) if isinstance(values, set | frozenset) else list(values)
        if not items:
            raise OptionError(
                "An empty list can't be written: SQL has no IN ().",
                hint="Leave the condition out where there is nothing to compare with, or write FALSE for it.",
            )
        return "(" + ", ".join(map(self._item, items)) + ")"

    def _item(self, value: Any) -> str:
        """Write one item of a list."""
        value = plain(value)
        if is_frame(value):
            raise OptionError(
                "A DataFrame can't be an item of a list.",
                hint="Give the DataFrame, or a list of one of its columns.",
            )
        return self.literal(value)

    @abstractmethod
    def _name(self, name: str) -> str: ...

    @abstractmethod
    def _integer(self, value: int) -> str: ...

    @abstractmethod
    def _double(self, value: float) -> str: ...

    @abstractmethod
    def _decimal(self, value: Decimal) -> str: ...

    @abstractmethod
    def _bytes(self, value: bytes) -> str: ...

    @abstractmethod
    def _date(self, value: dt.date) -> str: ...

    @abstractmethod
    def _time(self, value: dt.time) -> str: ...

    @abstractmethod
    def _moment(self, value: dt.datetime) -> str: ...

    @abstractmethod
    def _moment_text(self, value: dt.datetime) -> str: ...

    @abstractmethod
    def _duration(self, value: dt.timedelta) -> str: ...

    @abstractmethod
    def _frame(self, value: Any) -> str: ...


def _sorted(values: Iterable[Any]) -> list[Any]:
    """Return the items of a set in an order that is always the same."""
    items = list(values)
    try:
        return sorted(items)
    except TypeError:  # not of one type
        return sorted(items, key=lambda item: (type(item).__name__, repr(item)))


def _parts(name: str) -> list[str]:
    """Cut a path at the dots that are not in back-ticks; if those do not match, at each dot."""
    if not _PATH.fullmatch(name):
        return name.split(".")
    return [(ticked or "").replace("``", "`") or bare for ticked, bare in _PART.findall(name)]


def _kind(value: Any) -> str:
    """Name a value's type, with its module where it is not one of Python's own."""
    kind = type(value)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
