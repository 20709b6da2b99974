"""Every type of Flink, from SQL through the gateway's JSON to pandas and Arrow, with nothing lost."""

import datetime as dt
import math
from decimal import Decimal

import pandas as pd
import pytest

pytestmark = pytest.mark.flink

COLUMNS = {
    # name: (expression, its type, pandas dtype, value)
    "b": ("TRUE", "BOOLEAN", "boolean", True),
    "i8": ("CAST(-128 AS TINYINT)", "TINYINT", "Int8", -128),
    "i16": ("CAST(32767 AS SMALLINT)", "SMALLINT", "Int16", 32767),
    "i32": ("2147483647", "INT", "Int32", 2147483647),
    "i64": ("9007199254740993", "BIGINT", "Int64", 2**53 + 1),
    "f32": ("CAST(1.5 AS FLOAT)", "FLOAT", "Float32", 1.5),
    "f64": ("1.0E-300", "DOUBLE", "Float64", 1e-300),
    "d": (
        "CAST('12345678901234567890.000000000000000001' AS DECIMAL(38, 18))",
        "DECIMAL(38, 18)",
        "object",
        Decimal("12345678901234567890.000000000000000001"),
    ),
    "d3": ("CAST(2 AS DECIMAL(20, 3))", "DECIMAL(20, 3)", "object", Decimal("2.000")),
    "c": ("CAST('ab' AS CHAR(3))", "CHAR(3)", "str", "ab "),
    "vc": ("CAST('ab' AS VARCHAR(5))", "VARCHAR(5)", "str", "ab"),
    "s": ("'a\"<b>é漢😀'", "STRING", "str", 'a"<b>é漢😀'),
    "by": ("x'00FF10'", "BYTES", "object", b"\x00\xff\x10"),
    "date_": ("DATE '9999-12-31'", "DATE", "object", dt.date(9999, 12, 31)),
    "time_": ("TIME '23:59:58'", "TIME(0)", "object", dt.time(23, 59, 58)),
    "ts3": (
        "TIMESTAMP '2024-01-01 00:00:00.123'",
        "TIMESTAMP(3)",
        "datetime64[us]",
        pd.Timestamp("2024-01-01 00:00:00.123"),
    ),
    "ts9": (
        "TIMESTAMP '2024-01-01 00:00:00.123456789'",
        "TIMESTAMP(9)",
        "datetime64[ns]",
        pd.Timestamp("2024-01-01 00:00:00.123456789"),
    ),
    "ltz9": (
        "CAST(TIMESTAMP '2024-01-01 00:00:00.123456789' AS TIMESTAMP_LTZ(9))",
        "TIMESTAMP_LTZ(9)",
        "datetime64[ns, UTC]",
        pd.Timestamp("2024-01-01 00:00:00.123456789", tz="UTC"),
    ),
    "day": (
        "INTERVAL '1 02:03:04.5' DAY TO SECOND(3)",
        "INTERVAL DAY TO SECOND",
        "timedelta64[ms]",
        pd.Timedelta(days=1, hours=2, minutes=3, seconds=4.5),
    ),
    "month": ("INTERVAL '1-2' YEAR TO MONTH", "INTERVAL YEAR TO MONTH", "object", pd.DateOffset(months=14)),
    "arr": (
        "ARRAY[CAST(1.10 AS DECIMAL(10, 2)), CAST(NULL AS DECIMAL(10, 2))]",
        "ARRAY<DECIMAL(10, 2)>",
        "object",
        [Decimal("1.10"), None],
    ),
    "m": (
        "MAP['k', CAST(TIMESTAMP '2024-01-01 00:00:00' AS TIMESTAMP_LTZ(3))]",
        "MAP<STRING, TIMESTAMP_LTZ(3)>",
        "object",
        {"k": dt.datetime(2024, 1, 1, tzinfo=dt.UTC)},
    ),
    "r": (
        "CAST(ROW(1, ROW('x', DATE '2024-02-29')) AS ROW<a INT, b ROW<c STRING, d DATE>>)",
        "ROW<`a` INT, `b` ROW<`c` STRING, `d` DATE>>",
        "object",
        {"a": 1, "b": {"c": "x", "d": dt.date(2024, 2, 29)}},
    ),
    "nested": (
        "ARRAY[MAP['k', ARRAY[CAST(1 AS BIGINT), 9007199254740993]]]",
        "ARRAY<MAP<STRING, ARRAY<BIGINT>>>",
        "object",
        [{"k": [1, 2**53 + 1]}],
    ),
}


@pytest.fixture
def every_type(shell):
    """A result of two rows: a value of every type, then NULL of every type."""
    values = ", ".join(
        f"CAST({sql} AS {as_type}) AS `{name}`" for name, (sql, as_type, *_) in COLUMNS.items()
    )
    nulls = ", ".join(f"CAST(NULL AS {as_type})" for _, as_type, *_ in COLUMNS.values())
    return shell.flink(f"SELECT 1 AS id, {values} UNION ALL SELECT 2, {nulls}")


def test_every_type_keeps_its_value_and_its_null(every_type):
    frame = every_type.df.sort_values("id")
    expected = {name: (dtype, value) for name, (_, _, dtype, value) in COLUMNS.items()}
    assert {name: (str(frame[name].dtype), frame[name].iloc[0]) for name in COLUMNS} == expected
    assert [name for name in COLUMNS if not pd.isna(frame[name].iloc[1])] == []


def test_every_type_is_named_as_flink_names_it(every_type):
    named = {column.name: column.type.sql.removesuffix(" NOT NULL") for column in every_type.schema.columns}
    assert {name: named[name].replace(" NOT NULL", "") for name in COLUMNS} == {
        name: as_type for name, (_, as_type, *_) in COLUMNS.items()
    }


def test_every_type_goes_to_arrow_and_polars(every_type):
    first, second = sorted(every_type.arrow().to_pylist(), key=lambda row: row["id"])
    assert first["d"] == COLUMNS["d"][3]
    assert first["i64"] == 2**53 + 1
    assert first["arr"] == [Decimal("1.10"), None]
    assert first["ltz9"] == COLUMNS["ltz9"][3]
    assert set(second.values()) == {2, None}


def test_polars_has_it_too(shell):
    frame = shell.flink("SELECT CAST('0.10' AS DECIMAL(38, 18)) AS d, 9007199254740993 AS n").polars()
    assert frame.row(0) == (Decimal("0.10"), 2**53 + 1)


def test_infinity_and_nan_are_values(shell):
    # not of constants: those are folded by the planner, which has no infinity
    frame = shell.flink(
        "CREATE TEMPORARY TABLE a_row (n INT) WITH ('connector' = 'datagen', 'number-of-rows' = '1');"
        "SELECT 1E308 * (10 + ABS(SIGN(n))) a, CAST(-1E308 * (10 + ABS(SIGN(n))) AS FLOAT) b, "
        "1E308 * (10 + ABS(SIGN(n))) - 1E308 * (10 + ABS(SIGN(n))) c FROM a_row"
    ).df
    assert frame["a"].iloc[0] == math.inf
    assert frame["b"].iloc[0] == -math.inf
    assert math.isnan(frame["c"].iloc[0])
    assert not frame.isna().any(axis=None)


def test_a_multiset_is_counts_by_member(shell):
    handle = shell.flink(
        "SELECT COLLECT(s) AS m FROM (VALUES ('a'), ('b'), ('a')) AS t(s)",
        "--set execution.runtime-mode=batch",
    )
    assert handle.df["m"].tolist() == [{"a": 2, "b": 1}]


def test_a_column_of_nulls_and_no_rows_keep_their_types(shell):
    empty = shell.flink(
        "SELECT CAST(1 AS BIGINT) AS n, DATE '2024-01-01' AS d FROM (VALUES (1)) AS t(x) WHERE x = 0"
    ).df
    assert (len(empty), str(empty["n"].dtype), list(empty.columns)) == (0, "Int64", ["n", "d"])
    nulls = shell.flink("SELECT CAST(NULL AS BIGINT) AS n").df
    assert (str(nulls["n"].dtype), nulls["n"].isna().tolist()) == ("Int64", [True])


def test_repeated_and_hostile_column_names_stay(shell):
    assert list(shell.flink("SELECT 1 AS a, 2 AS a, 3 AS `<i>x</i>`").df.columns) == ["a", "a0", "<i>x</i>"]


@pytest.mark.parametrize("how", ["SET", "--set"])
def test_a_moment_is_the_same_in_every_time_zone(shell, how):
    zone = "table.local-time-zone"
    sql = "SELECT TO_TIMESTAMP_LTZ(0, 3) AS a, ARRAY[TO_TIMESTAMP_LTZ(1783252800000, 3)] AS b, TIMESTAMP '1970-01-01 00:00:00' AS c"
    if how == "SET":
        shell.flink(f"SET '{zone}' = 'America/New_York'")
        (row,) = shell.rows(sql)
        shell.flink(f"RESET '{zone}'")
    else:
        (row,) = shell.rows(sql, f"--set {zone}=Asia/Kolkata")
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    assert row == (epoch, [dt.datetime(2026, 7, 5, 12, tzinfo=dt.UTC)], epoch.replace(tzinfo=None))
