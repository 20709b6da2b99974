"""Parts of SQL that are written alike in all engines: strings, numbers, digits of times."""

from __future__ import annotations

import datetime as dt
import math
import re

from streammagic.errors import OptionError

_SURROGATE = re.compile("[\ud800-\udfff]")
_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001 - what UTC's clock showed


def quoted(text: str) -> str:
    """Return text as an SQL string, which is the same in all engines: in quotes, a quote in it doubled."""
    return "'" + encodable(text).replace("'", "''") + "'"


def encodable(text: str) -> str:
    """Return text as it is. Raises `OptionError` for half a character, which UTF-8 can't carry."""
    found = _SURROGATE.search(text)
    if found:
        raise OptionError(
            f"The text holds half a character (a lone surrogate, {found[0]!r}, at offset {found.start()}).",
            hint="Read it with the encoding that it was written in, or repair it with "
            "text.encode('utf-16', 'surrogatepass').decode('utf-16', 'replace').",
        )
    return text


def exponential(value: float) -> str:
    """Return a finite float as the shortest digits that give it back, with an exponent."""
    digits = float.__repr__(value).upper().replace("E+", "E")
    return digits if "E" in digits else digits + "E0"


def in_parentheses(number: str) -> str:
    """Return a number that may stand behind a minus: two of them would begin a comment."""
    return f"({number})" if number.startswith("-") else number


def nanoseconds(value: dt.datetime) -> int:
    """Return a datetime's nanoseconds since 1970: in UTC if it is aware, of its own clock if not."""
    clock = dt.datetime(  # noqa: DTZ001 - a pandas.Timestamp without its own arithmetic, which overflows
        value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond
    )
    micros = (clock - _EPOCH - (value.utcoffset() or dt.timedelta())) // dt.timedelta(microseconds=1)
    return micros * 1000 + int(getattr(value, "nanosecond", 0))


def utc_second(nanos: int) -> str:
    """Return nanoseconds since 1970 as ``yyyy-mm-dd hh:mm:ss``.

    Raises `OptionError` outside of the years 1 to 9999.
    """
    seconds = nanos // 10**9
    try:
        return (_EPOCH + dt.timedelta(seconds=seconds)).isoformat(" ")
    except OverflowError:
        raise OptionError(
            "The timestamp is not within the years 1 to 9999 (in UTC, if it has a time zone).",
            hint="SQL has no others.",
        ) from None


def milliseconds(value: dt.timedelta, engine: str) -> int:
    """Return a timedelta's milliseconds. Raises `OptionError` where it has digits below them."""
    micros = (value.days * 86400 + value.seconds) * 10**6 + value.microseconds
    if micros % 1000 or getattr(value, "nanoseconds", 0):
        raise too_fine(value, engine, "An interval")
    return micros // 1000


def clock(value: dt.time, engine: str) -> str:
    """Return a time as ``hh:mm:ss.mmm``.

    Raises `OptionError` for a time zone, and for digits below milliseconds.
    """
    if value.tzinfo is not None:
        raise OptionError(
            f"The time {value} has a time zone, and SQL's TIME has none.",
            hint="Use value.replace(tzinfo=None).",
        )
    if value.microsecond % 1000:
        raise too_fine(value, engine, "A TIME")
    return value.isoformat("milliseconds")


def too_fine(value: object, engine: str, what: str) -> OptionError:
    """Say that a value's digits below milliseconds would be lost."""
    return OptionError(
        f"{what} of {engine} has milliseconds, and {value} has digits below them.",
        hint="Round it to milliseconds in Python.",
    )


def float_text(value: float) -> str:
    """Return a float as text; what is no number has the names that SQL casts from."""
    if math.isfinite(value):
        return float.__repr__(value)
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
