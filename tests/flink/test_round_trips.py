"""Every Python value that is written into Flink's SQL comes back from the real one: its type and its value."""

import datetime as dt
import math
import struct
import uuid
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from streammagic.sql.literals_flink import FlinkWriter
from streammagic.sql.literals_frames import MAX_CELLS

pytestmark = pytest.mark.flink

WRITER = FlinkWriter()
ZONES = st.sampled_from(
    [dt.UTC, dt.timezone(dt.timedelta(hours=-9, minutes=-30)), dt.timezone(dt.timedelta(hours=14))]
)
TOKYO = dt.timezone(dt.timedelta(hours=9))
TEXTS = st.text(st.characters(exclude_categories=["Cs"])).filter(lambda text: "{{" not in text)
ON_FLINK = settings(
    max_examples=3,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def select(shell, literals, tail=""):
    """The types and the Python values of a SELECT of expressions, NOT NULL taken off the types."""
    columns = ", ".join(f"{literal} AS c{at}" for at, literal in enumerate(literals))
    shell.run_cell_magic("flink", "-o last", f"SELECT {columns} {tail}")
    handle = shell.user_ns["last"]
    (row,) = handle
    return [column.type.sql.removesuffix(" NOT NULL") for column in handle.schema.columns], list(row)


def round_trip(shell, values):
    types, found = select(shell, [WRITER.literal(value) for value in values])
    assert list(map(exactly, found)) == list(map(exactly, values))
    return types


def exactly(value):
    """A value with its type, such that NaN is equal to itself, 0.0 not to -0.0, and 1.0 not to 1.00."""
    if isinstance(value, float):
        return "float", "nan" if math.isnan(value) else struct.pack("d", value)
    if isinstance(value, Decimal):
        return "Decimal", str(value or abs(value))
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        return type(value), value.astimezone(dt.UTC)
    return type(value), value


def whole(strategy):
    """Values without digits below milliseconds."""
    return strategy.map(lambda value: value.replace(microsecond=value.microsecond // 1000 * 1000))


def many(strategy):
    return st.lists(strategy, min_size=8, max_size=16)


@ON_FLINK
@given(values=many(TEXTS))
@example(
    values=[
        "it's",
        "''",
        "`a`",
        "a\nb\r\n",
        "--",
        "/*",
        "*/",
        "//",
        "\\'",
        "a\0b",
        "\x1b\x7f\x85\u2028",
        "😀é漢",
        "NULL",
        "",
        " a ",
        "%_",
        "${a}",
    ]
)
def test_text(shell, values):
    assert round_trip(shell, values) == [f"CHAR({len(value.encode('utf-16-le')) // 2})" for value in values]


def test_long_text(shell):
    round_trip(shell, ["ab " * 23_000, "😀 " * 20_000])


@ON_FLINK
@given(values=many(st.integers(-(2**63), 2**63 - 1) | st.integers(-(2**31), 2**31 - 1)))
@example(values=[0, -1, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**63 - 1, -(2**63)])
def test_whole_numbers(shell, values):
    assert round_trip(shell, values) == ["INT" if -(2**31) <= value < 2**31 else "BIGINT" for value in values]


@ON_FLINK
@given(values=many(st.integers(2**63 + 1, 10**38 - 1)))
@example(values=[2**63 + 1, 10**38 - 1])
def test_numbers_beyond_bigint_are_decimals(shell, values):
    values = [sign * value for value, sign in zip(values, [1, -1] * len(values), strict=False)]
    types, found = select(shell, [WRITER.literal(value) for value in values])
    assert types == [f"DECIMAL({len(str(abs(value)))}, 0)" for value in values]
    assert [int(value) for value in found] == values


@ON_FLINK
@given(values=many(st.floats()))
@example(
    values=[0.0, -0.0, math.inf, -math.inf, math.nan, 5e-324, -1.7976931348623157e308, 1e16, 1e-7, 0.1, 1 / 3]
)
def test_floats_to_the_bit(shell, values):
    assert set(round_trip(shell, values)) == {"DOUBLE"}


@ON_FLINK
@given(
    values=many(
        st.tuples(st.integers(-(10**38) + 1, 10**38 - 1) | st.integers(-(10**6), 10**6), st.integers(0, 38))
    )
)
@example(
    values=[
        (0, 0),
        (0, 2),
        (1, 2),
        (-1, 38),
        (10**38 - 1, 38),
        (5, 0),
        (2**63 - 1, 3),
        (2**63, 3),
        (-(2**63), 1),
    ]
)
def test_decimals_with_their_scale(shell, values):
    numbers = [Decimal((number < 0, tuple(map(int, str(abs(number)))), -scale)) for number, scale in values]
    types = round_trip(shell, numbers)
    assert [name.rpartition(", ")[2] for name in types] == [f"{scale})" for _, scale in values]


def test_truth_and_nothing(shell):
    assert round_trip(shell, [True, False]) == ["BOOLEAN", "BOOLEAN"]
    nulls = [None, pd.NaT, pd.NA, np.datetime64("NaT")]
    assert select(shell, [f"CAST({WRITER.literal(null)} AS BIGINT)" for null in nulls]) == (
        ["BIGINT"] * 4,
        [None] * 4,
    )


@ON_FLINK
@given(values=many(st.dates()))
@example(
    values=[
        dt.date.min,
        dt.date.max,
        dt.date(1582, 10, 4),
        dt.date(1582, 10, 5),
        dt.date(1582, 10, 14),
        dt.date(1582, 10, 15),
        dt.date(2024, 2, 29),
    ]
)
def test_dates(shell, values):
    assert set(round_trip(shell, values)) == {"DATE"}


@ON_FLINK
@given(values=many(whole(st.times())))
@example(values=[dt.time(0), dt.time(23, 59, 59, 999000), dt.time(0, 0, 0, 1000)])
def test_times(shell, values):
    assert set(round_trip(shell, values)) == {"TIME(3)"}


@ON_FLINK
@given(values=many(st.datetimes()))
@example(
    values=[dt.datetime.min, dt.datetime.max, dt.datetime(1582, 10, 10, 1, 2, 3, 4), dt.datetime(1970, 1, 1)]
)
def test_naive_datetimes(shell, values):
    assert set(round_trip(shell, values)) == {"TIMESTAMP(6)"}


@ON_FLINK
@given(values=many(st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(9999, 12, 29), timezones=ZONES)))
@example(values=[dt.datetime(2024, 1, 1, tzinfo=dt.UTC), dt.datetime(2024, 1, 1, 0, 0, 0, 1, tzinfo=dt.UTC)])
def test_aware_datetimes_are_the_same_instant_in_any_zone(shell, values):
    expected = ["TIMESTAMP_LTZ(6)" if value.microsecond % 1000 else "TIMESTAMP_LTZ(3)" for value in values]
    assert round_trip(shell, values) == expected
    shell.flink("SET 'table.local-time-zone' = 'Asia/Tokyo'")
    _, found = select(shell, [f"CAST({WRITER.literal(value)} AS STRING)" for value in values])
    shell.flink("RESET 'table.local-time-zone'")
    assert [dt.datetime.fromisoformat(text) for text in found] == [
        value.astimezone(TOKYO).replace(tzinfo=None) for value in values
    ]


def test_aware_datetimes_at_the_ends_of_the_years(shell):
    ends = [dt.datetime.min.replace(tzinfo=dt.UTC), dt.datetime.max.replace(tzinfo=dt.UTC)]
    assert round_trip(shell, ends) == ["TIMESTAMP_LTZ(3)", "TIMESTAMP_LTZ(6)"]


@ON_FLINK
@given(
    values=many(
        st.timedeltas().map(
            lambda value: value // dt.timedelta(milliseconds=1) * dt.timedelta(milliseconds=1)
        )
    )
)
@example(
    values=[
        dt.timedelta(0),
        dt.timedelta(milliseconds=-1),
        dt.timedelta(days=999, hours=23, milliseconds=1),
        dt.timedelta(days=1000),
        dt.timedelta(days=-1000),
        dt.timedelta.min,
        dt.timedelta(999999999),
    ]
)
def test_intervals(shell, values):
    assert set(round_trip(shell, values)) == {"INTERVAL DAY TO SECOND"}


@ON_FLINK
@given(values=many(st.binary()))
@example(values=[b"", b"\0", bytes(range(256))])
def test_bytes(shell, values):
    assert round_trip(shell, values) == [f"BINARY({len(value)})" for value in values]


@ON_FLINK
@given(
    values=many(st.datetimes(dt.datetime(1678, 1, 1), dt.datetime(2261, 12, 31))), nanos=st.integers(1, 999)
)
def test_timestamps_of_pandas_keep_their_nanoseconds(shell, values, nanos):
    stamps = [pd.Timestamp(value).as_unit("ns") + pd.Timedelta(nanos, "ns") for value in values]
    assert set(round_trip(shell, stamps)) == {"TIMESTAMP(9)"}
    zoned = [stamp.tz_localize("UTC").tz_convert("Europe/Berlin") for stamp in stamps]
    types, found = select(shell, [WRITER.literal(stamp) for stamp in zoned])
    assert (set(types), found) == ({"TIMESTAMP_LTZ(9)"}, zoned)


def test_scalars_of_numpy_and_others(shell):
    moment = np.datetime64("2024-01-01T01:02:03.123456789", "ns")
    values = [
        np.int8(-1),
        np.uint64(2**63 - 1),
        np.float32(0.1),
        np.bool_(True),
        np.str_("it's"),
        moment,
        np.datetime64("2024-02-29"),
        np.timedelta64(5, "s"),
        pd.Timedelta(-5, "ms"),
        uuid.UUID(int=5),
    ]
    _, found = select(shell, [WRITER.literal(value) for value in values])
    assert found == [
        -1,
        2**63 - 1,
        float(np.float32(0.1)),
        True,
        "it's",
        pd.Timestamp(moment),
        dt.date(2024, 2, 29),
        dt.timedelta(seconds=5),
        dt.timedelta(milliseconds=-5),
        str(uuid.UUID(int=5)),
    ]


LISTS = [
    ["a", "abc", "it's"],
    [1, -1, None, 2**40],
    [1.5, -0.0, math.inf],
    [Decimal("1.5"), Decimal("2.25")],
    [dt.date(2024, 1, 1)],
    [dt.datetime(2024, 1, 1), dt.datetime(2024, 1, 1, 0, 0, 0, 1)],
    [dt.datetime(2024, 1, 1, tzinfo=dt.UTC), dt.datetime(2024, 1, 1, 0, 0, 0, 1, tzinfo=dt.UTC)],
    [b"", b"abc"],
    [(1, "a"), (2, "b")],
]


def test_lists_stand_after_in(shell):
    hits = [f"{WRITER.literal(values[0])} IN {WRITER.literal(values)}" for values in LISTS]
    misses = [
        f"{WRITER.literal(values[0])} IN {WRITER.literal(values[1:])}"
        for values in LISTS
        if len(values) > 1 and None not in values
    ]
    assert select(shell, hits + misses)[1] == [True] * len(hits) + [False] * len(misses)


def test_a_negative_number_after_a_minus_opens_no_comment(shell):
    assert select(
        shell,
        [f"5 -{WRITER.literal(-3)}", f"5 -{WRITER.literal(-1.5)}", f"5 -{WRITER.literal(Decimal('-2.5'))}"],
    )[1] == [8, 6.5, Decimal("7.5")]


MOMENT = pd.Timestamp("2024-01-01 01:02:03.123456789")
COLUMNS = {
    # name: (values, dtype, Flink's type)
    "int64": ([2**53 + 1, -(2**63)], "int64", "BIGINT"),
    "int8": ([-128, 127], "int8", "TINYINT"),
    "Int32 and NULL": ([-1, None], "Int32", "INT"),
    "uint64": ([2**64 - 1, 0], "uint64", "DECIMAL(20, 0)"),
    "float64": ([0.1, -1e-300], "float64", "DOUBLE"),
    "float64 odd": ([-0.0, math.inf], "float64", "DOUBLE"),
    "float32": ([0.5, np.nan], "float32", "FLOAT"),
    "bool": ([True, False], "bool", "BOOLEAN"),
    "boolean": ([True, None], "boolean", "BOOLEAN"),
    "str": (["it's -- /* `", "NULL"], "str", "STRING"),
    "str and NULL": (["NULL", None], "str", "STRING"),
    "str padded": (["a", "abc  "], "object", "STRING"),
    "decimal": ([Decimal("1.5"), Decimal("-12.25")], "object", "DECIMAL(4, 2)"),
    "decimal long": ([Decimal("12345678901234567890.01"), None], "object", "DECIMAL(22, 2)"),
    "decimal small": ([Decimal("0.01"), None], "object", "DECIMAL(2, 2)"),
    "date": ([dt.date(2024, 2, 29), dt.date(1582, 10, 10)], "object", "DATE"),
    "time": ([dt.time(1, 2, 3, 4000), None], "object", "TIME(3)"),
    "ts s": ([dt.datetime(2024, 1, 1), None], "datetime64[s]", "TIMESTAMP(0)"),
    "ts ms": ([MOMENT.floor("ms"), MOMENT.floor("s")], "datetime64[ms]", "TIMESTAMP(3)"),
    "ts us": ([MOMENT.floor("us"), None], "datetime64[us]", "TIMESTAMP(6)"),
    "ts ns": ([MOMENT, MOMENT.floor("s")], "datetime64[ns]", "TIMESTAMP(9)"),
    "ltz s": ([MOMENT.floor("s"), None], "datetime64[s, Asia/Tokyo]", "TIMESTAMP_LTZ(0)"),
    "ltz us": ([MOMENT.floor("us"), MOMENT.floor("s")], "datetime64[us, UTC]", "TIMESTAMP_LTZ(6)"),
    "ltz ns": ([MOMENT, None], "datetime64[ns, Europe/Berlin]", "TIMESTAMP_LTZ(9)"),
    "ltz objects": ([dt.datetime(2024, 1, 1, tzinfo=dt.UTC), None], "object", "TIMESTAMP_LTZ(6)"),
    "interval": (
        [dt.timedelta(days=-2000, milliseconds=1), None],
        "timedelta64[ms]",
        "INTERVAL DAY TO SECOND",
    ),
    "bytes": ([b"", b"\0\1"], "object", "BYTES"),
    "bytes and NULL": ([b"", None], "object", "BYTES"),
    "category": (["x", None], "category", "STRING"),
    "only NULL": ([None, None], "object", "STRING"),
    "select": ([1, 2], "object", "BIGINT"),
    'we`ird, "name" 😀': ([1, 2.5], "object", "DOUBLE"),
}


@pytest.fixture
def frame():
    data = {name: pd.Series(values, dtype=dtype) for name, (values, dtype, _) in COLUMNS.items()}
    return pd.DataFrame(data).set_axis([10, 20])


def types_of(handle):
    return {column.name: column.type.sql.removesuffix(" NOT NULL") for column in handle.schema.columns}


def same(found, wanted):
    if pd.isna(wanted):
        return found is None
    if isinstance(wanted, float):
        return exactly(float(found)) == exactly(wanted)
    return bool(found == (int(wanted) if isinstance(wanted, np.integer) else wanted))


def test_a_frame_is_a_table_with_its_types_and_values(shell, frame):
    expected = {name: sql for name, (_, _, sql) in COLUMNS.items()}
    for tail in ("", "AS t", "t"):
        shell.run_cell_magic("flink", "-o last", f"SELECT * FROM {WRITER.literal(frame)} {tail}")
        handle = shell.user_ns["last"]
        assert types_of(handle) == expected
    rows = list(handle)
    assert len(rows) == 2
    wrong = [
        (name, row[at], frame[name].iloc[line])
        for line, row in enumerate(sorted(rows, key=lambda row: row[0], reverse=True))
        for at, name in enumerate(COLUMNS)
        if not same(row[at], frame[name].iloc[line])
    ]
    assert wrong == []


def test_a_view_of_a_frame_is_described_and_read_back(shell, frame):
    shell.run_cell_magic(
        "flink", "", f"CREATE TEMPORARY VIEW loaded AS SELECT * FROM {WRITER.literal(frame)}"
    )
    described = {row[0]: row[1] for row in shell.flink("DESCRIBE loaded")}
    assert described == {
        name: sql.replace("DAY TO SECOND", "SECOND(3)") for name, (_, _, sql) in COLUMNS.items()
    }
    back = shell.flink("SELECT * FROM loaded").df
    again = shell.flink(f"SELECT * FROM {WRITER.literal(back)}").df
    pd.testing.assert_frame_equal(again, back)
    shell.run_cell_magic("flink", "-o handed", "SELECT * FROM loaded")
    assert WRITER.literal(shell.user_ns["handed"]) == WRITER.literal(shell.user_ns["handed"].df)


def test_a_frame_without_rows_keeps_its_types(shell, frame):
    shell.run_cell_magic("flink", "-o last", f"SELECT * FROM {WRITER.literal(frame.iloc[:0])}")
    handle = shell.user_ns["last"]
    by_dtype = {name: sql for name, (_, dtype, sql) in COLUMNS.items() if dtype != "object"}
    assert {name: sql for name, sql in types_of(handle).items() if name in by_dtype} == by_dtype
    assert list(handle) == []


def test_the_largest_frame_is_planned(shell):
    frame = pd.DataFrame(
        {f"c{at}": [f"text number {at} {row}" for row in range(MAX_CELLS // 10)] for at in range(10)}
    )
    shell.run_cell_magic("flink", "-o last", f"SELECT * FROM {WRITER.literal(frame)}")
    assert sorted(shell.user_ns["last"]) == sorted(frame.itertuples(index=False, name=None))
