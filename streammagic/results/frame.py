"""Raw rows to pandas, a column at a time, with every type kept.

| engine's value         | pandas                                                                     |
|------------------------|----------------------------------------------------------------------------|
| integers               | ``Int8`` … ``Int64`` (nullable: NULL is ``pd.NA``, never a float)          |
| FLOAT, DOUBLE          | ``Float32``, ``Float64``: NaN and Infinity are values, NULL is ``pd.NA``   |
| BOOLEAN                | ``boolean``                                                                |
| strings                | pandas' string type                                                        |
| DECIMAL                | ``decimal.Decimal`` objects, with the column's scale                       |
| TIMESTAMP              | ``datetime64[us]``; ``[ns]`` where the precision is over 6, and text       |
|                        | where a year of such a column is not within 1679 to 2261                   |
| TIMESTAMP_LTZ          | the same, aware, in UTC                                                    |
| day-time interval      | ``timedelta64[ms]``                                                        |
| year-month interval    | ``pd.DateOffset`` objects                                                  |
| DATE, TIME             | ``datetime.date``, ``datetime.time`` objects                               |
| BINARY                 | ``bytes`` objects                                                          |
| ARRAY, MAP, ROW        | ``list``, ``dict``, ``dict`` objects, their elements decoded               |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streammagic.results.changes import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from streammagic.results.changes import Column, Row, Schema

_INTEGERS = {Kind.INT8: "int8", Kind.INT16: "int16", Kind.INT32: "int32", Kind.INT64: "int64"}
_FLOATS = {Kind.FLOAT32: "float32", Kind.FLOAT64: "float64"}
_MICROSECONDS = 6
_NANOSECONDS_YEARS = ("1678", "2262")
"""The years that datetime64[ns] covers in full, both excluded at the ends."""


def to_pandas(schema: Schema, rows: Sequence[Row]) -> pd.DataFrame:
    """Build a DataFrame of raw ``rows``; repeated column names stay repeated."""
    import pandas as pd

    series = map(_series, schema.columns, _by_column(schema, rows))
    frame = pd.DataFrame(dict(enumerate(series)), index=pd.RangeIndex(len(rows)))
    frame.columns = pd.Index(schema.names, dtype=object if not schema.names else None)
    return frame


def to_arrow(schema: Schema, rows: Sequence[Row]) -> pa.Table:
    """Build a `pyarrow.Table`; decimals are Arrow decimals, nested values lists, maps and structs.

    Raises ImportError where pyarrow is not installed.
    """
    import pyarrow as pa

    arrays = list(map(_arrow_array, schema.columns, _by_column(schema, rows)))
    return pa.Table.from_arrays(arrays, names=list(schema.names))


def to_polars(schema: Schema, rows: Sequence[Row]) -> pl.DataFrame:
    """Build a `polars.DataFrame` by way of Arrow; year-month intervals are numbers of months.

    Raises ImportError where either is not installed, and polars' own error for repeated column names.
    """
    import polars as pl
    import pyarrow as pa

    arrays = [
        pa.array(raw, pa.int32()) if column.type.kind is Kind.MONTHS else _arrow_array(column, raw)
        for column, raw in zip(schema.columns, _by_column(schema, rows), strict=True)
    ]
    frame = pl.from_arrow(pa.Table.from_arrays(arrays, names=list(schema.names)))
    if not isinstance(frame, pl.DataFrame):  # pragma: no cover - from_arrow(Table) is a DataFrame
        raise TypeError(type(frame).__name__)
    return frame


def _by_column(schema: Schema, rows: Sequence[Row]) -> list[tuple[Any, ...]]:
    return list(zip(*rows, strict=True)) if rows else [()] * len(schema.columns)


def _arrow_array(column: Column, raw: Sequence[Any]) -> pa.Array:
    import pyarrow as pa

    from streammagic.results.arrow import arrow_type

    if _is_beyond_nanoseconds(column, raw):
        return pa.array(raw, pa.string())
    return pa.array(map(column.value, raw), arrow_type(column.type), from_pandas=False)


def _series(column: Column, raw: Sequence[Any]) -> pd.Series[Any] | pd.api.extensions.ExtensionArray:
    """Decode one column. Vectorised where the raw JSON values allow it."""
    import pandas as pd

    kind = column.type.kind
    if kind in _INTEGERS:
        return _masked(raw, _INTEGERS[kind], 0)
    if kind in _FLOATS:
        return _masked(raw, _FLOATS[kind], 0.0)
    if kind is Kind.BOOLEAN:
        return _masked(raw, "bool", False)
    if kind is Kind.STRING:
        return pd.Series(raw, dtype="str")
    if kind in (Kind.TIMESTAMP, Kind.TIMESTAMP_UTC):
        return _timestamps(column, raw)
    if kind is Kind.DURATION:
        values = [None if value is None else column.decode(value) for value in raw]
        return pd.Series(values, dtype="timedelta64[ms]")
    return pd.Series([column.value(value) for value in raw], dtype=object)


def _masked(raw: Sequence[Any], dtype: str, filler: object) -> pd.api.extensions.ExtensionArray:
    """Build a nullable array; the strings "NaN" and "Infinity" are what numpy reads them as."""
    import numpy as np
    import pandas as pd

    if None in raw:
        mask = np.fromiter((value is None for value in raw), bool, len(raw))
        values = np.array([filler if value is None else value for value in raw], dtype)
    else:
        mask = np.zeros(len(raw), bool)
        values = np.array(raw, dtype)
    array: dict[str, Any] = {
        "i": pd.arrays.IntegerArray,
        "f": pd.arrays.FloatingArray,
        "b": pd.arrays.BooleanArray,
    }
    made: pd.api.extensions.ExtensionArray = array[values.dtype.kind](values, mask)
    return made


def _timestamps(column: Column, raw: Sequence[Any]) -> pd.Series[Any]:
    """Build datetime64 from ISO strings or epoch milliseconds."""
    import numpy as np
    import pandas as pd

    if _is_beyond_nanoseconds(column, raw):
        return pd.Series(list(raw), dtype=object)
    unit = "ns" if column.type.precision > _MICROSECONDS else "us"
    values: np.ndarray[Any, Any] = np.array(
        [value[:-1] if isinstance(value, str) and value[-1] == "Z" else value for value in raw],
        dtype="datetime64[ms]"
        if raw and all(isinstance(v, int | None) for v in raw)
        else f"datetime64[{unit}]",
    ).astype(f"datetime64[{unit}]")
    series = pd.Series(values)
    return series.dt.tz_localize("UTC") if column.type.kind is Kind.TIMESTAMP_UTC else series


def _is_beyond_nanoseconds(column: Column, raw: Sequence[Any]) -> bool:
    """Tell whether a column needs nanoseconds and has years for which no type has them."""
    if column.type.kind not in (Kind.TIMESTAMP, Kind.TIMESTAMP_UTC) or column.type.precision <= _MICROSECONDS:
        return False
    low, high = _NANOSECONDS_YEARS
    return not all(value is None or low < str(value)[:4] < high for value in raw)
