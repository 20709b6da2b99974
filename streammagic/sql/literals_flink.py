"""Python values in Flink's SQL: what each form means, and does not carry, was measured on Flink 2.3."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any

from streammagic.errors import OptionError
from streammagic.sql.literals import BaseWriter
from streammagic.sql.literals_text import (
    clock,
    exponential,
    in_parentheses,
    milliseconds,
    nanoseconds,
    utc_second,
)
from streammagic.sql.naming import identifier

if TYPE_CHECKING:
    from decimal import Decimal

MAX_DIGITS = 38
"""The digits of the longest DECIMAL."""

MILLISECOND = "INTERVAL '0.001' SECOND"
"""An interval of any length, times a number. DESCRIBE calls every day-time interval INTERVAL SECOND(3)."""

_BIGINT = range(-(2**63), 2**63)
_DAY = 86_400_000
_MILLION = 10**6
_GAP = (dt.date(1582, 10, 5), dt.date(1582, 10, 14))


class FlinkWriter(BaseWriter):
    """Writes Python values in Flink's SQL.

    | Python                | Flink                                                                        |
    |-----------------------|------------------------------------------------------------------------------|
    | str, UUID             | CHAR(n), as every string in quotes                                           |
    | int                   | INT, BIGINT where that is too small, then DECIMAL(n, 0) up to 38 digits      |
    | float                 | DOUBLE, also NaN, infinities and -0.0                                        |
    | Decimal               | DECIMAL with its scale, up to 38 digits                                      |
    | bool, None            | BOOLEAN, NULL                                                                |
    | bytes                 | BINARY(n)                                                                    |
    | date                  | DATE                                                                         |
    | time                  | TIME(3); microseconds are refused, Flink would drop them                     |
    | datetime, naive       | TIMESTAMP(6); TIMESTAMP(9) where a pandas.Timestamp has nanoseconds          |
    | datetime, aware       | TIMESTAMP_LTZ(3), (6) or (9), by its digits: the same instant in every zone  |
    | timedelta             | INTERVAL DAY TO SECOND(3); microseconds are refused, Flink would drop them   |
    | list, tuple, set      | ``(a, b)``, for IN                                                           |
    | DataFrame             | a table in parentheses, for FROM (`literals_frames`); without its index      |
    """

    engine = "Flink"
    possible = (
        "str, int, float, Decimal, bool, None, date, time, datetime, timedelta, bytes, UUID, Enum, scalars "
        "of numpy and pandas, lists and sets of these, and a DataFrame"
    )

    def _name(self, name: str) -> str:
        return identifier(name)

    def _integer(self, value: int) -> str:
        if value in _BIGINT:
            return in_parentheses(str(value))
        return decimal_cast(str(value), len(str(abs(value))), 0)

    def _double(self, value: float) -> str:
        if math.isnan(value):
            return "CAST('NaN' AS DOUBLE)"
        if math.isinf(value):
            return f"CAST('{'-' if value < 0 else ''}Infinity' AS DOUBLE)"
        if value == 0 and math.copysign(1, value) < 0:
            return "(-(0E0 * RAND()))"  # the planner makes 0 of -0E0, and of all else that it can work out
        return in_parentheses(exponential(value))

    def _decimal(self, value: Decimal) -> str:
        text, digits, scale = decimal_parts(value)
        if scale and int(text.replace(".", "")) in _BIGINT:
            return in_parentheses(text)  # longer ones are "out of range" as a literal, whole ones an INT
        return decimal_cast(text, digits, scale)

    def _bytes(self, value: bytes) -> str:
        return f"X'{value.hex().upper()}'"

    def _date(self, value: dt.date) -> str:
        if is_in_gap(value):
            return f"CAST('{value.isoformat()}' AS DATE)"
        return f"DATE '{value.isoformat()}'"

    def _time(self, value: dt.time) -> str:
        return f"TIME '{clock(value, self.engine)}'"

    def _moment(self, value: dt.datetime) -> str:
        precision = 9 if getattr(value, "nanosecond", 0) else 6
        if value.utcoffset() is not None:
            return instant(value, 3 if nanoseconds(value) % _MILLION == 0 else precision)
        text = timestamp_text(value, precision)
        if is_in_gap(value.date()):
            return f"CAST('{text}' AS TIMESTAMP({precision}))"
        return f"TIMESTAMP '{text}'"

    def _moment_text(self, value: dt.datetime) -> str:
        """Return a datetime as SQL's strings have it; an aware one in UTC, with a Z."""
        nanos = nanoseconds(value)
        fraction = f".{nanos % 10**9:09}".rstrip("0").rstrip(".")
        zone = "" if value.utcoffset() is None else "Z"
        return f"{utc_second(nanos)}{fraction}{zone}"

    def _duration(self, value: dt.timedelta) -> str:
        millis = milliseconds(value, self.engine)
        days, rest = divmod(abs(millis), _DAY)
        if days > 999:  # noqa: PLR2004 - Flink has up to three digits for days in a literal, more in a value
            return f"({MILLISECOND} * {in_parentheses(str(millis))})"
        seconds, milli = divmod(rest, 1000)
        text = f"{days} {seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{milli:03}"
        return f"INTERVAL {'-' if millis < 0 else ''}'{text}' DAY(3) TO SECOND(3)"

    def _frame(self, value: Any) -> str:
        from streammagic.sql.literals_frames import table

        return table(value)


def decimal_parts(value: Decimal) -> tuple[str, int, int]:
    """Return a Decimal as text without exponent, its digits and its scale.

    Raises `OptionError` for more digits than a DECIMAL has.
    """
    text = f"{value:f}"
    whole, _, fraction = text.lstrip("-").partition(".")
    digits = max(len((whole + fraction).lstrip("0")), len(fraction), 1)
    if digits > MAX_DIGITS:
        raise too_long(digits)
    return text, digits, len(fraction)


def decimal_cast(text: str, digits: int, scale: int) -> str:
    """Write a DECIMAL of any length. Raises `OptionError` for more digits than it has."""
    if digits > MAX_DIGITS:
        raise too_long(digits)
    return f"CAST('{without_zero(text)}' AS DECIMAL({digits}, {scale}))"


def without_zero(text: str) -> str:
    """Return a number without the zero before its point, for which Flink has no room in DECIMAL(2, 2)."""
    return text.replace("0.", ".", 1) if text.startswith(("0.", "-0.")) else text


def too_long(digits: int) -> OptionError:
    """Say that a number does not fit into a DECIMAL."""
    return OptionError(
        f"The number has {digits} digits, and a DECIMAL of Flink has at most {MAX_DIGITS}.",
        hint="Round it, or give it as a float or as a str.",
    )


def is_in_gap(value: dt.date) -> bool:
    """Tell whether a day was left out when calendars changed: Flink refuses its literal, but not its cast."""
    return _GAP[0] <= value <= _GAP[1]


def timestamp_text(value: dt.datetime, precision: int) -> str:
    """Return a datetime of its own clock, with as many digits of its seconds."""
    nanos = nanoseconds(value.replace(tzinfo=None))
    return utc_second(nanos) + (f".{nanos % 10**9:09}"[: 1 + precision] if precision else "")


def instant_number(value: dt.datetime, precision: int) -> int:
    """Return what `instant_of` takes for an aware datetime: units of 10^-precision seconds since 1970."""
    nanos = nanoseconds(value)
    utc_second(nanos)  # in UTC it may be outside of the years that there are
    return nanos // int(10 ** (9 - precision))


def instant(value: dt.datetime, precision: int) -> str:
    """Write an aware datetime. No string is it: Flink reads one in the session's time zone."""
    number = instant_number(value, precision)
    return f"TO_TIMESTAMP_LTZ({number}, {precision})"
