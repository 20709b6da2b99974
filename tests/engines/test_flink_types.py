import datetime as dt
import json
from decimal import Decimal

import pandas as pd
import pytest

from streammagic.engines.flink.types import column, parse_type
from streammagic.results.changes import Kind

MAX = 2147483647


def naive(*parts):
    return dt.datetime(*parts)


def parsed(text):
    return parse_type(json.loads(text))


def decoded(text, raw):
    return column("c", json.loads(text)).value(raw)


ROW = """{"type": "ROW", "nullable": true, "fields": [
  {"name": "id", "fieldType": {"type": "INTEGER", "nullable": false}},
  {"name": "price", "fieldType": {"type": "DECIMAL", "nullable": true, "precision": 10, "scale": 2}}]}"""
STRING = f'{{"type": "VARCHAR", "nullable": true, "length": {MAX}}}'
MAP = f"""{{"type": "MAP", "nullable": true, "keyType": {STRING}, "valueType": {ROW}}}"""


@pytest.mark.parametrize(
    ("text", "kind", "sql"),
    [
        ('{"type": "BOOLEAN", "nullable": true}', Kind.BOOLEAN, "BOOLEAN"),
        ('{"type": "TINYINT", "nullable": true}', Kind.INT8, "TINYINT"),
        ('{"type": "SMALLINT", "nullable": true}', Kind.INT16, "SMALLINT"),
        ('{"type": "INTEGER", "nullable": true}', Kind.INT32, "INT"),
        ('{"type": "BIGINT", "nullable": false}', Kind.INT64, "BIGINT NOT NULL"),
        ('{"type": "FLOAT", "nullable": true}', Kind.FLOAT32, "FLOAT"),
        ('{"type": "DOUBLE", "nullable": true}', Kind.FLOAT64, "DOUBLE"),
        (
            '{"type": "DECIMAL", "nullable": true, "precision": 38, "scale": 18}',
            Kind.DECIMAL,
            "DECIMAL(38, 18)",
        ),
        ('{"type": "CHAR", "nullable": true, "length": 3}', Kind.STRING, "CHAR(3)"),
        ('{"type": "VARCHAR", "nullable": true, "length": 20}', Kind.STRING, "VARCHAR(20)"),
        (STRING, Kind.STRING, "STRING"),
        ('{"type": "BINARY", "nullable": true, "length": 4}', Kind.BYTES, "BINARY(4)"),
        (f'{{"type": "VARBINARY", "nullable": true, "length": {MAX}}}', Kind.BYTES, "BYTES"),
        ('{"type": "DATE", "nullable": true}', Kind.DATE, "DATE"),
        ('{"type": "TIME_WITHOUT_TIME_ZONE", "nullable": true, "precision": 0}', Kind.TIME, "TIME(0)"),
        (
            '{"type": "TIMESTAMP_WITHOUT_TIME_ZONE", "nullable": true, "precision": 3}',
            Kind.TIMESTAMP,
            "TIMESTAMP(3)",
        ),
        (
            '{"type": "TIMESTAMP_WITH_LOCAL_TIME_ZONE", "nullable": true, "precision": 9}',
            Kind.TIMESTAMP_UTC,
            "TIMESTAMP_LTZ(9)",
        ),
        (
            '{"type": "INTERVAL_DAY_TIME", "precision": 2, "fractionalPrecision": 3, "resolution": "SECOND"}',
            Kind.DURATION,
            "INTERVAL DAY TO SECOND",
        ),
        (
            '{"type": "INTERVAL_YEAR_MONTH", "nullable": true, "precision": 2, "resolution": "MONTH"}',
            Kind.MONTHS,
            "INTERVAL YEAR TO MONTH",
        ),
        (f'{{"type": "ARRAY", "nullable": true, "elementType": {STRING}}}', Kind.ARRAY, "ARRAY<STRING>"),
        (
            f'{{"type": "MULTISET", "nullable": true, "elementType": {STRING}}}',
            Kind.MULTISET,
            "MULTISET<STRING>",
        ),
        (ROW, Kind.ROW, "ROW<`id` INT NOT NULL, `price` DECIMAL(10, 2)>"),
        (MAP, Kind.MAP, "MAP<STRING, ROW<`id` INT NOT NULL, `price` DECIMAL(10, 2)>>"),
        ('{"type": "ROW", "nullable": true, "fields": []}', Kind.ROW, "ROW"),
        ('{"type": "VARIANT", "nullable": true}', Kind.OTHER, "VARIANT"),
        (
            '{"type": "TIMESTAMP_WITH_TIME_ZONE", "nullable": false, "precision": 3}',
            Kind.OTHER,
            "TIMESTAMP_WITH_TIME_ZONE NOT NULL",
        ),
        ('{"type": "RAW", "nullable": true, "class": "java.util.UUID"}', Kind.OTHER, "RAW"),
        ('{"type": "NULL", "nullable": true}', Kind.OTHER, "NULL"),
    ],
)
def test_a_logical_type_is_read(text, kind, sql):
    found = parsed(text)
    assert (found.kind, found.sql) == (kind, sql)


def test_precision_and_scale_are_read():
    found = parsed('{"type": "DECIMAL", "nullable": true, "precision": 38, "scale": 18}')
    assert (found.precision, found.scale) == (38, 18)
    assert (
        parsed('{"type": "TIMESTAMP_WITH_LOCAL_TIME_ZONE", "nullable": true, "precision": 9}').precision == 9
    )


def test_fields_of_a_row_keep_their_names_and_types():
    found = parsed(ROW)
    assert found.names == ("id", "price")
    assert [child.kind for child in found.children] == [Kind.INT32, Kind.DECIMAL]


def test_a_nested_kind_is_found_at_any_depth():
    assert parsed(MAP).contains(Kind.DECIMAL)
    assert parsed(MAP).contains(Kind.MAP)
    assert not parsed(MAP).contains(Kind.DATE)


@pytest.mark.parametrize(
    ("text", "raw", "expected"),
    [
        ('{"type": "INTEGER"}', 7, 7),
        ('{"type": "BIGINT"}', 2**63 - 1, 2**63 - 1),
        ('{"type": "DOUBLE"}', 1, 1.0),
        ('{"type": "DOUBLE"}', "-Infinity", float("-inf")),
        ('{"type": "DOUBLE"}', Decimal("0.1"), 0.1),
        ('{"type": "BOOLEAN"}', False, False),
        (STRING, "ü", "ü"),
        ('{"type": "BINARY", "length": 2}', "AP8=", b"\x00\xff"),
        ('{"type": "DATE"}', "2024-02-29", dt.date(2024, 2, 29)),
        ('{"type": "TIME_WITHOUT_TIME_ZONE", "precision": 3}', "01:02:03.004", dt.time(1, 2, 3, 4000)),
        (
            '{"type": "TIMESTAMP_WITHOUT_TIME_ZONE", "precision": 6}',
            "2024-01-01T00:00:00",
            naive(2024, 1, 1),
        ),
        (
            '{"type": "TIMESTAMP_WITH_LOCAL_TIME_ZONE", "precision": 3}',
            "2024-01-01T00:00:00.5Z",
            dt.datetime(2024, 1, 1, 0, 0, 0, 500000, dt.UTC),
        ),
        (
            '{"type": "TIMESTAMP_WITH_LOCAL_TIME_ZONE", "precision": 9}',
            "2024-01-01T00:00:00.123456789Z",
            pd.Timestamp("2024-01-01T00:00:00.123456789Z"),
        ),
        (
            '{"type": "INTERVAL_DAY_TIME", "precision": 2, "fractionalPrecision": 3, "resolution": "SECOND"}',
            1500,
            dt.timedelta(seconds=1.5),
        ),
        (
            '{"type": "INTERVAL_YEAR_MONTH", "precision": 2, "resolution": "MONTH"}',
            14,
            pd.DateOffset(months=14),
        ),
        (
            '{"type": "ARRAY", "elementType": {"type": "DATE"}}',
            ["2024-01-01", None],
            [dt.date(2024, 1, 1), None],
        ),
        (ROW, {"id": 1, "price": 2}, {"id": 1, "price": Decimal("2.00")}),
        (MAP, {"k": {"id": 1, "price": None}, "n": None}, {"k": {"id": 1, "price": None}, "n": None}),
        (f'{{"type": "MULTISET", "elementType": {STRING}}}', {"a": 2}, {"a": 2}),
        ('{"type": "VARIANT"}', {"any": ["thing"]}, {"any": ["thing"]}),
        ('{"type": "ROW", "fields": []}', {}, {}),
    ],
)
def test_a_raw_value_becomes_its_python_value(text, raw, expected):
    found = decoded(text, raw)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize("text", ['{"type": "INTEGER"}', ROW, MAP, '{"type": "DATE"}', '{"type": "VARIANT"}'])
def test_null_is_none_of_every_type(text):
    assert decoded(text, None) is None


@pytest.mark.parametrize(
    ("raw", "expected"),
    [(1, "1.00"), (Decimal("1.5"), "1.50"), (Decimal("-0.01"), "-0.01"), (Decimal("1E+2"), "100.00")],
)
def test_a_decimal_has_the_scale_of_its_column(raw, expected):
    assert str(decoded('{"type": "DECIMAL", "precision": 38, "scale": 2}', raw)) == expected


def test_a_decimal_of_38_digits_is_exact():
    raw = Decimal("99999999999999999999.999999999999999999")
    assert decoded('{"type": "DECIMAL", "precision": 38, "scale": 18}', raw) == raw


def test_columns_of_numbers_are_told_apart():
    assert column("n", {"type": "BIGINT"}).numeric
    assert not column("s", json.loads(STRING)).numeric
