"""What a person has, as messages: DataFrames, dicts and lines of text become keys and values in bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import orjson

from streammagic.errors import OptionError
from streammagic.topics.encode import as_json, as_text

if TYPE_CHECKING:
    import pandas as pd

Messages = Iterator[tuple[bytes | None, bytes]]
"""Keys and values; no key is None."""

KINDS = "a DataFrame (pandas, Polars, Arrow), a query's result, a list of dicts or of lines, a dict, or text"


def messages(rows: Any, key: Sequence[str] = ()) -> Messages:
    """Return the messages that ``rows`` are, made one by one while they are taken.

    - a DataFrame: one JSON object a row; a named index is a field too
    - a list of dicts, or one dict: one JSON object each
    - a list of lines, or one text with line breaks: each line that is not blank, as it stands

    ``key`` names the columns or fields that make the key: one as its text, several as a JSON object. A
    null key is none. Raises `OptionError` for anything else, and for a key that is not there; for the
    latter when its message is reached.
    """
    known = _known(rows)
    if isinstance(known, str | bytes):
        return _lines(known.splitlines(), key)
    if _is_frame(known):
        return _frame_rows(known, key)
    if isinstance(known, Mapping):
        return _objects([known], key)
    if isinstance(known, Sequence):
        if all(isinstance(row, Mapping) for row in known):
            return _objects(known, key)
        if all(isinstance(row, str | bytes) for row in known):
            return _lines(known, key)
    raise OptionError(f"A {type(rows).__name__} can't be sent.", hint=f"What can: {KINDS}.")


def _known(rows: Any) -> Any:
    """Return what a result, a Polars or an Arrow table holds, in a form of our own."""
    if _is_frame(rows):
        return rows
    for method in ("to_dicts", "to_pylist"):  # Polars; Arrow
        if callable(getattr(rows, method, None)):
            return getattr(rows, method)()
    return getattr(rows, "df", rows)  # a query's result


def _is_frame(value: Any) -> bool:
    return type(value).__module__.partition(".")[0] == "pandas" and type(value).__name__ == "DataFrame"


def _frame_rows(frame: pd.DataFrame, key: Sequence[str]) -> Messages:
    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index()
    names = [str(name) for name in frame.columns]
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise OptionError(
            f"The DataFrame has several columns named {', '.join(twice)}.",
            hint="A JSON object has each name once: rename them first.",
        )
    _check_key(key, names)
    columns = [_values(frame.iloc[:, at]) for at in range(len(names))]
    rows = zip(*columns, strict=True) if columns else iter(())
    return _objects((dict(zip(names, row, strict=True)) for row in rows), key)


def _values(series: pd.Series[Any]) -> list[Any]:
    """Return a column's values as Python has them, missing ones as None."""
    import numpy as np

    if isinstance(series.dtype, np.dtype) and series.dtype.kind in "iub":
        return series.tolist()
    missing = series.isna()
    values = series.astype(object)
    return [None if gone else value for value, gone in zip(values, missing, strict=True)]


def _objects(rows: Any, key: Sequence[str]) -> Messages:
    for number, row in enumerate(rows, 1):
        try:
            yield _key_of(row, key), as_json(row)
        except OptionError as error:
            error.message = f"Row {number}: {error.message}"
            error.args = (error.message,)
            raise


def _lines(lines: Sequence[str | bytes], key: Sequence[str]) -> Messages:
    for number, line in enumerate(lines, 1):
        value = line.encode("utf-8", "replace") if isinstance(line, str) else line
        if value.strip():
            yield (_key_of(_parsed(value, number), key) if key else None), value


def _parsed(line: bytes, number: int) -> dict[str, Any]:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise OptionError(
            f"Line {number} is no JSON, so it has no field to be the key.", cause=str(error)
        ) from None
    if not isinstance(found, dict):
        raise OptionError(f"Line {number} is no JSON object, so it has no field to be the key.")
    return found


def _key_of(row: Mapping[str, Any], key: Sequence[str]) -> bytes | None:
    if not key:
        return None
    _check_key(key, row)
    if len(key) > 1:
        return as_json({name: row[name] for name in key})
    value = row[key[0]]
    if isinstance(value, bytes):
        return value
    text = as_text(value)
    return None if text == "null" and not isinstance(value, str) else text.encode()


def _check_key(key: Sequence[str], names: Any) -> None:
    for name in key:
        if name not in names:
            known = ", ".join(map(str, list(names)[:10]))
            raise OptionError(f"There is no {name} to be the key.", hint=f"There are: {known}.")
