"""Python values to JSON, exactly: decimals as numbers, integers of any size, times as ISO-8601 in UTC."""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import orjson

from streammagic.errors import OptionError

_OPTIONS = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS | orjson.OPT_NON_STR_KEYS
_DEEPEST = 200
"""Levels of nesting; orjson itself refuses more than 254."""


def as_json(value: Any) -> bytes:
    """Return a value as compact JSON.

    - None, NaN, infinities, ``pd.NA`` and ``NaT``: null (JSON has no infinity)
    - `Decimal` and integers of any size: a number with every digit
    - aware datetimes: in UTC with ``Z``, which is what Flink's JSON format reads; naive ones without
    - dates, times: ISO-8601; durations: ISO-8601 too, such as ``P1DT0H0M5S``
    - bytes: base64, as Flink reads BYTES
    - numpy and pandas scalars, arrays, sets, tuples: as what they hold

    Raises `OptionError` for a value of any other kind, and for one that contains itself.
    """
    try:
        return orjson.dumps(value, _plain, _OPTIONS)
    except orjson.JSONEncodeError:
        # integers over 64 bits, and keys of a kind orjson does not know, never reach the callback
        return _slowly(value)


def as_text(value: Any) -> str:
    """Return a value as the text of a key: what is a string in JSON without its quotes, else its JSON."""
    if isinstance(value, str):
        return value
    written = as_json(value)
    return str(orjson.loads(written)) if written.startswith(b'"') else written.decode()


def _plain(value: Any) -> Any:  # noqa: C901, PLR0912 - one case a kind
    """Return what orjson writes in the place of a value that it does not know."""
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f")) if value.is_finite() else None
    if value is None or _is_missing(value):
        return None
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return _duration(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode()
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, bool):
        return bool(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, list | tuple):
        return list(value)
    if isinstance(value, set | frozenset):
        return sorted(value, key=repr)
    return _array_or_scalar(value)


def _array_or_scalar(value: Any) -> Any:
    """Return what numpy's arrays and scalars, pandas' arrays and series hold."""
    if getattr(getattr(value, "dtype", None), "kind", "") in ("M", "m"):
        import pandas as pd

        return pd.Series(value).tolist() if getattr(value, "shape", ()) else pd.Series([value])[0]
    for unwrap in ("tolist", "item"):
        method = getattr(value, unwrap, None)
        if callable(method):
            return method()
    raise OptionError(
        f"A value of type {type(value).__name__} can't be written as JSON.",
        hint="Turn it into text, numbers, lists or dicts before it is sent.",
    )


def iso(moment: datetime) -> str:
    """Return a datetime in ISO-8601; an aware one in UTC, with ``Z``."""
    if moment.tzinfo is None:
        return moment.isoformat()
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def _is_missing(value: Any) -> bool:
    kind = type(value).__name__
    return kind in ("NAType", "NaTType") or (isinstance(value, float) and not math.isfinite(value))


def _duration(value: timedelta) -> str:
    method = getattr(value, "isoformat", None)  # pandas' Timedelta has its own
    if method is not None:
        return str(method())
    seconds = Decimal(value // timedelta(microseconds=1)).scaleb(-6)
    return f"{'-' if seconds < 0 else ''}PT{abs(seconds).normalize():f}S"


def _slowly(value: Any) -> bytes:
    try:
        return orjson.dumps(_rebuilt(value, 0), _plain, _OPTIONS)
    except orjson.JSONEncodeError as error:
        if isinstance(error.__cause__, OptionError):
            raise error.__cause__ from None
        raise OptionError(f"A value can't be written as JSON: {error}.") from None


def _rebuilt(value: Any, depth: int) -> Any:
    """Return a value with each integer as a fragment and each key as text, all the way down."""
    if depth > _DEEPEST:
        raise OptionError(f"A value is nested more than {_DEEPEST} levels deep, or contains itself.")
    if isinstance(value, int) and not isinstance(value, bool):
        return orjson.Fragment(str(int(value)))
    if isinstance(value, Mapping):
        return {_key(key): _rebuilt(held, depth + 1) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [_rebuilt(held, depth + 1) for held in value]
    if isinstance(value, str):
        return _encodable(value)
    return value


def _key(key: Any) -> str:
    return _encodable(key) if isinstance(key, str) else as_text(key)


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode()  # a half character has no place in UTF-8
