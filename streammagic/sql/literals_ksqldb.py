"""Python values in ksqlDB's SQL.

Sources: its grammar (SqlBase.g4), the functions' own code for what they keep, and recorded answers of a
7.4 server, in which ``CAST('Infinity' AS DOUBLE)`` is null.
"""

from __future__ import annotations

import base64
import math
from typing import TYPE_CHECKING, Any

from streammagic.errors import OptionError
from streammagic.sql.literals import BaseWriter
from streammagic.sql.literals_plain import plain
from streammagic.sql.literals_text import (
    clock,
    exponential,
    in_parentheses,
    nanoseconds,
    too_fine,
    utc_second,
)
from streammagic.sql.naming_ksqldb import identifier

if TYPE_CHECKING:
    import datetime as dt
    from decimal import Decimal

_BIGINT = range(-(2**63), 2**63)
_MILLION = 10**6


class KsqlWriter(BaseWriter):
    """Writes Python values in ksqlDB's SQL.

    | Python           | ksqlDB                                                                           |
    |------------------|----------------------------------------------------------------------------------|
    | str, UUID        | STRING; ksqlDB itself replaces ``${name}`` in it where that was DEFINEd          |
    | int              | INTEGER, BIGINT where that is too small, then DECIMAL                            |
    | float            | DOUBLE; NaN and infinities are refused: ksqlDB has no way to write them          |
    | Decimal          | DECIMAL with its scale                                                           |
    | bool, None       | BOOLEAN, NULL                                                                    |
    | bytes            | BYTES                                                                            |
    | date, time       | DATE, TIME; microseconds are refused                                             |
    | datetime         | TIMESTAMP, which is in UTC: a naive one is taken for UTC; microseconds refused   |
    | list, tuple, set | ``(a, b)``, for IN                                                               |

    A name is the one meant: ``orders`` is written in back-ticks, as ksqlDB would read ORDERS without them.
    """

    engine = "ksqlDB"
    possible = (
        "str, int, float, Decimal, bool, None, date, time, datetime, bytes, UUID, Enum, numpy's and pandas' "
        "scalars, and lists and sets of these"
    )

    def _name(self, name: str) -> str:
        return identifier(name)

    def _integer(self, value: int) -> str:
        return in_parentheses(str(value)) if value in _BIGINT else _decimal_cast(str(value), 0)

    def _double(self, value: float) -> str:
        if not math.isfinite(value):
            raise OptionError(
                f"ksqlDB has no way to write the DOUBLE {value}.",
                hint="Use None for NULL, or a number that stands for it.",
            )
        return in_parentheses(exponential(value))

    def _decimal(self, value: Decimal) -> str:
        text = f"{value:f}"
        scale = len(text.partition(".")[2])
        return in_parentheses(text) if scale else _decimal_cast(text, scale)

    def _bytes(self, value: bytes) -> str:
        return f"TO_BYTES('{base64.b64encode(value).decode()}', 'base64')"

    def _date(self, value: dt.date) -> str:
        return f"PARSE_DATE('{value.isoformat()}', 'yyyy-MM-dd')"

    def _time(self, value: dt.time) -> str:
        return f"PARSE_TIME('{clock(value, self.engine)}', 'HH:mm:ss.SSS')"

    def _moment(self, value: dt.datetime) -> str:
        return f"FROM_UNIXTIME({self._millis(value)})"  # PARSE_TIMESTAMP reads in the server's time zone

    def _moment_text(self, value: dt.datetime) -> str:
        """Return a datetime as ksqlDB reads it where a TIMESTAMP is expected: in UTC."""
        millis = self._millis(value)
        return f"{utc_second(millis * _MILLION).replace(' ', 'T')}.{millis % 1000:03}"

    def _millis(self, value: dt.datetime) -> int:
        millis, rest = divmod(nanoseconds(value), _MILLION)
        if rest:
            raise too_fine(value, self.engine, "A TIMESTAMP")
        return millis

    def _duration(self, value: dt.timedelta) -> str:
        raise OptionError(
            f"ksqlDB has no intervals, so {value} can't be written.",
            hint="Write its milliseconds, as TIMESTAMPADD takes them: value // timedelta(milliseconds=1).",
        )

    def _item(self, value: Any) -> str:
        value = plain(value)
        if isinstance(value, list | tuple | set | frozenset | range):
            raise OptionError("ksqlDB has no rows to compare with IN.", hint="Give a list of single values.")
        return super()._item(value)

    def _frame(self, value: Any) -> str:  # noqa: ARG002 - there is no way to write it
        raise OptionError(
            "ksqlDB has no VALUES table, so a DataFrame can't be written in a query.",
            hint="%stream load DF --as NAME --engine ksql makes a stream of it.",
        )


def _decimal_cast(text: str, scale: int) -> str:
    """Write a DECIMAL without a fraction, which would be an INTEGER or BIGINT as a number."""
    return f"CAST('{text}' AS DECIMAL({len(text.lstrip('-'))}, {scale}))"
