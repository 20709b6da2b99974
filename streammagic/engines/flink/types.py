"""Flink's types and the JSON that the SQL Gateway writes for their values.

Sources: "logicalType" as written by org.apache.flink.table.gateway.rest.serde.LogicalTypeJsonSerializer;
values as written by org.apache.flink.formats.json.RowDataToJsonConverters. Measured on Flink 2.3: DECIMAL
is a bare number without its scale, BINARY is base64, TIMESTAMP is ISO with a "T", TIMESTAMP_LTZ ends in
"Z", intervals are milliseconds or months, infinities and NaN are strings, and the keys of a MAP are
always strings (the gateway can't write a MAP with keys of another type at all).
"""

from __future__ import annotations

import base64
import datetime as dt
from typing import TYPE_CHECKING, Any

from streammagic.engines.decoding import as_is, decimals, nullable
from streammagic.results.changes import Column, DataType, Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    Decoder = Callable[[Any], Any]

_SIMPLE = {
    "BOOLEAN": Kind.BOOLEAN,
    "TINYINT": Kind.INT8,
    "SMALLINT": Kind.INT16,
    "INTEGER": Kind.INT32,
    "BIGINT": Kind.INT64,
    "FLOAT": Kind.FLOAT32,
    "DOUBLE": Kind.FLOAT64,
    "DECIMAL": Kind.DECIMAL,
    "CHAR": Kind.STRING,
    "VARCHAR": Kind.STRING,
    "BINARY": Kind.BYTES,
    "VARBINARY": Kind.BYTES,
    "DATE": Kind.DATE,
    "TIME_WITHOUT_TIME_ZONE": Kind.TIME,
    "TIMESTAMP_WITHOUT_TIME_ZONE": Kind.TIMESTAMP,
    "TIMESTAMP_WITH_LOCAL_TIME_ZONE": Kind.TIMESTAMP_UTC,
    "INTERVAL_DAY_TIME": Kind.DURATION,
    "INTERVAL_YEAR_MONTH": Kind.MONTHS,
}
_SPELLING = {
    "INTEGER": "INT",
    "TIME_WITHOUT_TIME_ZONE": "TIME",
    "TIMESTAMP_WITHOUT_TIME_ZONE": "TIMESTAMP",
    "TIMESTAMP_WITH_LOCAL_TIME_ZONE": "TIMESTAMP_LTZ",
    "INTERVAL_DAY_TIME": "INTERVAL DAY TO SECOND",
    "INTERVAL_YEAR_MONTH": "INTERVAL YEAR TO MONTH",
}
_MAX_LENGTH = 2147483647
_MICROSECONDS = 6


def column(name: str, logical: dict[str, Any]) -> Column:
    """Build a column from the gateway's description of it."""
    data_type = parse_type(logical)
    return Column(name, data_type, decoder(data_type))


def parse_type(logical: dict[str, Any]) -> DataType:
    """Read a ``logicalType``. A type that is not known keeps its name and its values undecoded."""
    kind, sql = _shape(logical)
    suffix = "" if logical.get("nullable", True) else " NOT NULL"
    children: tuple[DataType, ...] = ()
    names: tuple[str, ...] = ()
    match logical["type"]:
        case "ARRAY" | "MULTISET":
            children = (parse_type(logical["elementType"]),)
        case "MAP":
            children = (parse_type(logical["keyType"]), parse_type(logical["valueType"]))
        case "ROW":
            children = tuple(parse_type(field["fieldType"]) for field in logical["fields"])
            names = tuple(field["name"] for field in logical["fields"])
    if children:
        inner = (f"`{name}` {child.sql}" for name, child in zip(names, children, strict=True))
        sql = f"{sql}<{', '.join(inner if names else (child.sql for child in children))}>"
    precision = int(logical.get("precision") or 0)
    return DataType(kind, sql + suffix, precision, int(logical.get("scale") or 0), children, names)


def _shape(logical: dict[str, Any]) -> tuple[Kind, str]:
    name = str(logical["type"])
    kind = _SIMPLE.get(name) or Kind.__members__.get(name, Kind.OTHER)
    sql = _SPELLING.get(name, name)
    if kind is Kind.DECIMAL:
        return kind, f"DECIMAL({logical['precision']}, {logical['scale']})"
    if kind in (Kind.TIME, Kind.TIMESTAMP, Kind.TIMESTAMP_UTC):
        return kind, f"{sql}({logical.get('precision', 6)})"
    if kind in (Kind.STRING, Kind.BYTES):
        if logical.get("length") == _MAX_LENGTH:
            return kind, "STRING" if kind is Kind.STRING else "BYTES"
        return kind, f"{sql}({logical.get('length', 1)})"
    return kind, sql


def decoder(data_type: DataType) -> Decoder:  # noqa: C901, PLR0912 - a table of types
    """Return the function from a raw JSON value (never None) to the Python value."""
    children = [nullable(decoder(child)) for child in data_type.children]
    match data_type.kind:
        case Kind.FLOAT32 | Kind.FLOAT64:
            return float
        case Kind.DECIMAL:
            return decimals(data_type.scale)
        case Kind.BYTES:
            return base64.b64decode
        case Kind.DATE:
            return dt.date.fromisoformat
        case Kind.TIME:
            return dt.time.fromisoformat
        case Kind.TIMESTAMP | Kind.TIMESTAMP_UTC:
            return _nanoseconds if data_type.precision > _MICROSECONDS else dt.datetime.fromisoformat
        case Kind.DURATION:
            return lambda raw: dt.timedelta(milliseconds=raw)
        case Kind.MONTHS:
            return _months
        case Kind.ARRAY:
            element = children[0]
            return lambda raw: [element(item) for item in raw]
        case Kind.MAP:
            key, value = children
            return lambda raw: {key(k): value(v) for k, v in raw.items()}
        case Kind.MULTISET:
            member = children[0]
            return lambda raw: {member(k): count for k, count in raw.items()}
        case Kind.ROW:
            fields = dict(zip(data_type.names, children, strict=True))
            return lambda raw: {name: fields[name](item) for name, item in raw.items()}
        case _:
            return as_is


def _nanoseconds(raw: str) -> Any:
    """Decode a timestamp with more digits than `datetime` has, as a `pandas.Timestamp`.

    One outside its years (1677 to 2262) stays text: no type has both its year and its digits.
    """
    import pandas as pd

    try:
        return pd.Timestamp(raw)
    except pd.errors.OutOfBoundsDatetime:
        return raw


def _months(raw: int) -> Any:
    import pandas as pd

    return pd.DateOffset(months=raw)
