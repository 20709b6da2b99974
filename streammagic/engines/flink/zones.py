"""Moments that the gateway writes in the session's time zone.

It writes a TIMESTAMP_LTZ as the wall clock of ``table.local-time-zone`` shows it, and a "Z" after it
whatever that zone is (measured on 2.3: under Asia/Kolkata, 1970-01-01 00:00 UTC comes as
``1970-01-01T05:30:00Z``). The session's setting counts, that of one statement does not.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from streammagic.results.changes import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from streammagic.results.changes import DataType

    Mend = Callable[[Any], Any]

LOCAL_ZONE = "table.local-time-zone"
_OFFSET = re.compile(r"(?:UTC|GMT|UT)?([+-])(\d{1,2})(?::?(\d{2}))?", re.IGNORECASE)
_UTC = frozenset({"", "default", "utc", "z", "gmt", "etc/utc", "etc/gmt"})


def zone(name: str) -> dt.tzinfo | None:
    """Return a zone by the name that Java has for it; None for UTC, and for one that is not known here."""
    if name.casefold() in _UTC:
        return None
    offset = _OFFSET.fullmatch(name)
    if offset is not None:
        sign, hours, minutes = offset.groups(default="0")
        distance = dt.timedelta(hours=int(hours), minutes=int(minutes))
        return dt.timezone(distance if sign == "+" else -distance)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return None


def mend(data_type: DataType, local: dt.tzinfo) -> Mend | None:
    """Return what makes true moments of the raw values of a type; None where it holds none.

    An hour that the wall clock shows twice is taken for the first.
    """
    children = [mend(child, local) for child in data_type.children]
    if data_type.kind is Kind.TIMESTAMP_UTC:
        return lambda raw: None if raw is None else _moment(raw, local)
    if not any(children):
        return None
    first, last = children[0] or _same, children[-1] or _same
    match data_type.kind:
        case Kind.ARRAY:
            return lambda raw: raw and [first(item) for item in raw]
        case Kind.MAP:
            return lambda raw: raw and {first(key): last(value) for key, value in raw.items()}
        case Kind.MULTISET:
            return lambda raw: raw and {first(key): count for key, count in raw.items()}
        case _:
            fields = dict(zip(data_type.names, (child or _same for child in children), strict=True))
            return lambda raw: raw and {name: fields[name](value) for name, value in raw.items()}


def _same(raw: Any) -> Any:
    return raw


def _moment(raw: str, local: dt.tzinfo) -> str:
    """Return the raw text of a moment in UTC; the fraction of a second is the same everywhere."""
    clock, dot, fraction = raw.removesuffix("Z").partition(".")
    try:
        moment = dt.datetime.fromisoformat(clock).replace(tzinfo=local).astimezone(dt.UTC)
    except (ValueError, OverflowError):  # a year that Python has not
        return raw
    return f"{moment.replace(tzinfo=None).isoformat()}{dot}{fraction}Z"
