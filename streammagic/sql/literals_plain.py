"""Values of numpy, pandas and enums as Python's own, without importing numpy or pandas."""

from __future__ import annotations

import sys
from enum import Enum
from typing import Any


def plain(value: Any) -> Any:
    """Return a value as Python has it: an Enum's member as its value, what is missing as None.

    numpy's scalars become Python's, arrays and Series lists; `pandas.Timestamp` and `Timedelta` stay, which
    are a datetime and a timedelta with nanoseconds. What is not known comes back as it is.
    """
    while isinstance(value, Enum):
        value = value.value
    if value is None or type(value) in (str, int, float, bool):
        return value
    pandas: Any = sys.modules.get("pandas")
    if pandas is not None:
        if value is pandas.NaT or value is pandas.NA:
            return None
        if isinstance(value, pandas.Series | pandas.Index | pandas.api.extensions.ExtensionArray):
            return series_values(value)
    numpy: Any = sys.modules.get("numpy")
    if numpy is not None:
        if isinstance(value, numpy.ndarray):
            return [plain(item) for item in value] if value.ndim else plain(value[()])
        if isinstance(value, numpy.generic):
            return _numpy_scalar(value, numpy)
    if not is_frame(value) and isinstance(getattr(type(value), "df", None), property):
        return value.df
    return value


def series_values(series: Any) -> list[Any]:
    """Return the values of a pandas Series or Index as Python has them, what is missing as None."""
    return [None if missing else plain(item) for item, missing in zip(series, series.isna(), strict=True)]


def is_frame(value: Any) -> bool:
    """Tell whether a value is a pandas DataFrame, without importing pandas."""
    pandas: Any = sys.modules.get("pandas")
    return pandas is not None and isinstance(value, pandas.DataFrame)


def _numpy_scalar(value: Any, numpy: Any) -> Any:
    """Return a scalar of numpy as Python's, or itself where there is none."""
    if isinstance(value, numpy.datetime64 | numpy.timedelta64) and not numpy.isnat(value):
        import pandas as pd

        if numpy.datetime_data(value.dtype)[0] != "ns":
            found = value.item()
            return value if isinstance(found, int) else found  # no type of Python's holds it
        return pd.Timestamp(value) if isinstance(value, numpy.datetime64) else pd.Timedelta(value)
    if isinstance(value, numpy.longdouble):
        return float(value) if float(value) == value or numpy.isnan(value) else value
    found = value.item()
    return found if isinstance(found, str | int | float | bytes | None) else value
