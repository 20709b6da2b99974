"""Every kind of column, from the JSON that the gateway writes to the frames that a person gets."""

import datetime as dt
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from streammagic.engines.flink.types import column
from streammagic.results.changes import Schema
from streammagic.results.frame import to_arrow, to_pandas, to_polars

UTC = dt.UTC
STRING = {"type": "VARCHAR", "length": 2147483647}
INT = {"type": "INTEGER"}
DECIMAL = {"type": "DECIMAL", "precision": 38, "scale": 18}
ARRAY = {"type": "ARRAY", "elementType": {"type": "DATE"}}
MAP = {"type": "MAP", "keyType": STRING, "valueType": DECIMAL}
ROW = {
    "type": "ROW",
    "fields": [{"name": "x", "fieldType": INT}, {"name": "y", "fieldType": {"type": "DATE"}}],
}
MULTISET = {"type": "MULTISET", "elementType": STRING}


def naive(*parts):
    return dt.datetime(*parts)


def timestamp(precision, zone="WITHOUT_TIME_ZONE"):
    return {"type": f"TIMESTAMP_{zone}", "precision": precision}


def ltz(precision):
    return timestamp(precision, "WITH_LOCAL_TIME_ZONE")


def table(logical, *values):
    return Schema((column("c", logical),)), [[value] for value in values]


def series(logical, *values):
    return to_pandas(*table(logical, *values))["c"]


def arrow(logical, *values):
    return to_arrow(*table(logical, *values))["c"]


DTYPES = [
    ({"type": "TINYINT"}, "Int8"),
    ({"type": "SMALLINT"}, "Int16"),
    (INT, "Int32"),
    ({"type": "BIGINT"}, "Int64"),
    ({"type": "FLOAT"}, "Float32"),
    ({"type": "DOUBLE"}, "Float64"),
    ({"type": "BOOLEAN"}, "boolean"),
    (STRING, "str"),
    (DECIMAL, "object"),
    (timestamp(0), "datetime64[us]"),
    (timestamp(3), "datetime64[us]"),
    (timestamp(6), "datetime64[us]"),
    (timestamp(9), "datetime64[ns]"),
    (ltz(3), "datetime64[us, UTC]"),
    (ltz(9), "datetime64[ns, UTC]"),
    ({"type": "INTERVAL_DAY_TIME"}, "timedelta64[ms]"),
    ({"type": "INTERVAL_YEAR_MONTH"}, "object"),
    ({"type": "DATE"}, "object"),
    ({"type": "TIME_WITHOUT_TIME_ZONE", "precision": 0}, "object"),
    ({"type": "VARBINARY", "length": 2147483647}, "object"),
    (ARRAY, "object"),
    (MAP, "object"),
    (ROW, "object"),
    (MULTISET, "object"),
    ({"type": "VARIANT"}, "object"),
]


@pytest.mark.parametrize(("logical", "dtype"), DTYPES)
def test_a_column_without_rows_has_its_dtype(logical, dtype):
    assert str(series(logical).dtype) == dtype


@pytest.mark.parametrize(("logical", "dtype"), DTYPES)
def test_a_column_of_nulls_has_its_dtype(logical, dtype):
    found = series(logical, None, None)
    assert str(found.dtype) == dtype
    assert found.isna().all()


@pytest.mark.parametrize(("logical", "_"), DTYPES)
def test_a_column_of_nulls_or_without_rows_is_arrow_and_polars(logical, _):
    assert arrow(logical, None).to_pylist() == [None]
    assert to_polars(*table(logical, None)).to_dicts() == [{"c": None}]
    assert len(to_arrow(*table(logical))) == len(to_polars(*table(logical))) == 0


@pytest.mark.parametrize(
    ("logical", "raw", "expected"),
    [
        ({"type": "TINYINT"}, -128, -128),
        ({"type": "SMALLINT"}, 32767, 32767),
        (INT, -(2**31), -(2**31)),
        ({"type": "BIGINT"}, 2**63 - 1, 2**63 - 1),
        ({"type": "BIGINT"}, 2**53 + 1, 2**53 + 1),
        ({"type": "DOUBLE"}, 0.1, 0.1),
        ({"type": "DOUBLE"}, "Infinity", float("inf")),
        ({"type": "DOUBLE"}, "-Infinity", float("-inf")),
        ({"type": "DOUBLE"}, Decimal("0.1"), 0.1),
        ({"type": "BOOLEAN"}, False, False),
        (STRING, "ü😀\x00", "ü😀\x00"),
        (STRING, "", ""),
        (DECIMAL, Decimal("1.5"), Decimal("1.500000000000000000")),
        (DECIMAL, 1, Decimal("1.000000000000000000")),
        (
            DECIMAL,
            Decimal("12345678901234567890.123456789012345678"),
            Decimal("12345678901234567890.123456789012345678"),
        ),
        (DECIMAL, Decimal("1E-18"), Decimal("0.000000000000000001")),
        ({"type": "DECIMAL", "precision": 38, "scale": 0}, 10**37 + 1, Decimal(10**37 + 1)),
        (timestamp(3), "2024-02-29T23:59:59.123", naive(2024, 2, 29, 23, 59, 59, 123000)),
        (timestamp(6), "0001-01-01T00:00:00", naive(1, 1, 1)),
        (timestamp(6), "9999-12-31T23:59:59.999999", naive(9999, 12, 31, 23, 59, 59, 999999)),
        (ltz(3), "2024-02-29T23:59:59.123Z", dt.datetime(2024, 2, 29, 23, 59, 59, 123000, UTC)),
        ({"type": "DATE"}, "0001-01-01", dt.date(1, 1, 1)),
        ({"type": "DATE"}, "9999-12-31", dt.date(9999, 12, 31)),
        ({"type": "TIME_WITHOUT_TIME_ZONE", "precision": 3}, "23:59:59.001", dt.time(23, 59, 59, 1000)),
        ({"type": "TIME_WITHOUT_TIME_ZONE", "precision": 0}, "00:00:00", dt.time(0)),
        (
            {"type": "INTERVAL_DAY_TIME"},
            90_061_001,
            dt.timedelta(days=1, hours=1, minutes=1, seconds=1, milliseconds=1),
        ),
        ({"type": "INTERVAL_DAY_TIME"}, -1, dt.timedelta(milliseconds=-1)),
        ({"type": "VARBINARY", "length": 3}, "AP8B", b"\x00\xff\x01"),
        ({"type": "VARBINARY", "length": 3}, "", b""),
        (ARRAY, ["2024-01-01", None], [dt.date(2024, 1, 1), None]),
        (ARRAY, [], []),
        (ROW, {"x": 1, "y": None}, {"x": 1, "y": None}),
    ],
)
def test_a_value_arrives_as_it_is(logical, raw, expected):
    found = series(logical, None, raw)
    assert found.tolist()[1] == expected
    assert found.isna().tolist()[0]
    assert arrow(logical, None, raw).to_pylist() == [None, expected]
    assert to_polars(*table(logical, None, raw))["c"].to_list() == [None, expected]


def test_float_has_the_nearest_value_of_its_width():
    assert series({"type": "FLOAT"}, 0.1)[0] == np.float32(0.1)
    assert arrow({"type": "FLOAT"}, 0.1).type == pa.float32()


def test_not_a_number_is_a_value_and_null_is_none():
    found = series({"type": "DOUBLE"}, "NaN", None)
    assert found[1] is pd.NA
    assert np.isnan(found.array._data[0])
    assert found.array._mask.tolist() == [False, True]
    in_arrow = arrow({"type": "DOUBLE"}, "NaN", None)
    assert in_arrow.null_count == 1
    assert np.isnan(in_arrow[0].as_py())
    in_polars = to_polars(*table({"type": "DOUBLE"}, "NaN", None))["c"]
    assert in_polars.is_null().to_list() == [False, True]


def test_integers_with_nulls_never_pass_through_float():
    assert series({"type": "BIGINT"}, 2**53 + 1, None).tolist() == [2**53 + 1, pd.NA]


def test_decimals_are_exact_in_arrow():
    exact = Decimal("12345678901234567890.123456789012345678")
    assert arrow(DECIMAL, exact).type == pa.decimal128(38, 18)
    assert arrow(DECIMAL, exact)[0].as_py() == exact


@pytest.mark.parametrize(
    ("logical", "raw"),
    [(timestamp(9), "2024-01-01T00:00:00.123456789"), (ltz(9), "2024-01-01T00:00:00.123456789Z")],
)
def test_nanoseconds_are_kept(logical, raw):
    expected = pd.Timestamp(raw)
    assert expected.nanosecond == 789
    assert series(logical, raw, None)[0] == expected
    assert arrow(logical, raw)[0].value == expected.value
    assert to_polars(*table(logical, raw))["c"].dt.nanosecond().to_list() == [123456789]
    assert table(logical)[0].columns[0].value(raw) == expected


@pytest.mark.parametrize("year", ["0001", "1677", "2262", "9999"])
def test_nanoseconds_out_of_range_stay_text_and_are_not_cut(year):
    raw = f"{year}-06-30T00:00:00.123456789"
    rows = [raw, "2024-01-01T00:00:00", None]
    assert series(timestamp(9), *rows).tolist() == rows
    assert arrow(timestamp(9), *rows).to_pylist() == rows
    assert to_polars(*table(timestamp(9), *rows))["c"].to_list() == rows


def test_nanoseconds_out_of_range_are_text_one_by_one_too():
    raw = "9999-12-31T23:59:59.123456789"
    assert table(timestamp(9))[0].decode([raw]) == (raw,)


def test_months_are_offsets_and_numbers_where_there_are_none():
    months = {"type": "INTERVAL_YEAR_MONTH"}
    assert series(months, 14, None).tolist() == [pd.DateOffset(months=14), None]
    assert arrow(months, 14)[0].as_py().months == 14
    assert to_polars(*table(months, 14, None))["c"].to_list() == [14, None]


def test_maps_have_decoded_values():
    found = series(MAP, {"a": Decimal("1.5"), "b": None})
    assert found[0] == {"a": Decimal("1.500000000000000000"), "b": None}
    assert arrow(MAP, {"a": 1}).to_pylist() == [[("a", Decimal(1))]]


def test_multisets_map_members_to_their_counts():
    assert series(MULTISET, {"a": 2})[0] == {"a": 2}
    assert arrow(MULTISET, {"a": 2}).to_pylist() == [[("a", 2)]]


def test_nesting_goes_on_inside_arrays():
    rows = {"type": "ARRAY", "elementType": ROW}
    raw = [{"x": 1, "y": "2024-01-01"}, None]
    expected = [{"x": 1, "y": dt.date(2024, 1, 1)}, None]
    assert series(rows, raw)[0] == expected
    assert arrow(rows, raw).to_pylist() == [expected]


def test_values_of_an_unknown_type_stay_as_they_came():
    assert series({"type": "VARIANT"}, '{"a": 1}')[0] == '{"a": 1}'
    assert arrow({"type": "VARIANT"}, '{"a": 1}').to_pylist() == ['{"a": 1}']


def test_an_empty_result_has_its_columns():
    schema = Schema((column("a", INT), column("b", STRING)))
    assert list(to_pandas(schema, []).columns) == ["a", "b"]
    assert to_pandas(schema, []).dtypes.astype(str).tolist() == ["Int32", "str"]
    assert to_arrow(schema, []).column_names == ["a", "b"]
    assert to_polars(schema, []).schema == {"a": pl.Int32, "b": pl.String}


def test_repeated_column_names_stay_repeated():
    schema = Schema((column("a", INT), column("a", STRING)))
    frame = to_pandas(schema, [[1, "x"]])
    assert list(frame.columns) == ["a", "a"]
    assert frame.iloc[0].tolist() == [1, "x"]
    assert to_arrow(schema, [[1, "x"]]).column_names == ["a", "a"]


def test_polars_refuses_repeated_column_names():
    schema = Schema((column("a", INT), column("a", STRING)))
    with pytest.raises(pl.exceptions.DuplicateError):
        to_polars(schema, [[1, "x"]])


def test_a_result_without_columns_is_an_empty_frame():
    assert to_pandas(Schema(), []).shape == (0, 0)
    assert to_pandas(Schema(), [[], []]).shape == (2, 0)
    assert to_arrow(Schema(), []).shape == (0, 0)
    assert to_polars(Schema(), []).shape == (0, 0)


def test_the_index_counts_the_rows():
    frame = to_pandas(*table(INT, 5, 6))
    assert frame.index.equals(pd.RangeIndex(2))
