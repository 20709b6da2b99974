"""Column types as Arrow types. Needs pyarrow; imported only when Arrow is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from streammagic.results.changes import Kind

if TYPE_CHECKING:
    from streammagic.results.changes import DataType

_PLAIN = {
    Kind.BOOLEAN: pa.bool_(),
    Kind.INT8: pa.int8(),
    Kind.INT16: pa.int16(),
    Kind.INT32: pa.int32(),
    Kind.INT64: pa.int64(),
    Kind.FLOAT32: pa.float32(),
    Kind.FLOAT64: pa.float64(),
    Kind.STRING: pa.string(),
    Kind.BYTES: pa.binary(),
    Kind.DATE: pa.date32(),
    Kind.TIME: pa.time64("us"),
    Kind.DURATION: pa.duration("ms"),
    Kind.MONTHS: pa.month_day_nano_interval(),
}
_MICROSECONDS = 6


def arrow_type(data_type: DataType) -> pa.DataType:
    """Return the Arrow type whose values the decoded Python values are; strings for what Arrow lacks."""
    children = [arrow_type(child) for child in data_type.children]
    match data_type.kind:
        case Kind.DECIMAL:
            return pa.decimal128(data_type.precision, data_type.scale)
        case Kind.TIMESTAMP | Kind.TIMESTAMP_UTC:
            unit = "us" if data_type.precision <= _MICROSECONDS else "ns"
            return pa.timestamp(unit, "UTC" if data_type.kind is Kind.TIMESTAMP_UTC else None)
        case Kind.ARRAY:
            return pa.list_(children[0])
        case Kind.MAP:
            return pa.map_(*children)
        case Kind.MULTISET:
            return pa.map_(children[0], pa.int32())
        case Kind.ROW:
            return pa.struct(list(zip(data_type.names, children, strict=True)))
        case kind:
            return _PLAIN.get(kind, pa.string())
