"""Python values as SQL, in both engines: what is written, what is refused, and that nothing leaves its literal."""

import datetime as dt
import enum
import math
import subprocess
import sys
import uuid
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streammagic.errors import OptionError
from streammagic.sql import ksqldb
from streammagic.sql.literals_flink import FlinkWriter
from streammagic.sql.literals_frames import MAX_CELLS
from streammagic.sql.literals_ksqldb import KsqlWriter
from streammagic.sql.statements import CALCITE, tokenize

FLINK, KSQL = FlinkWriter(), KsqlWriter()
DIALECTS = [pytest.param(FLINK, CALCITE, id="flink"), pytest.param(KSQL, ksqldb.LEXER, id="ksqldb")]
HOSTILE = [
    "it's",
    "'; DROP TABLE t; --",
    "''",
    "'",
    "\\'",
    "`",
    '"',
    "a\nb\r\n",
    "--",
    "/*",
    "*/",
    "//",
    "/*+ x */",
    "a\0b",
    "😀",
    "${x}",
    "{{ x }}",
    "",
    "\u2028",
]
VALUES = st.one_of(
    st.integers(-(10**38) + 1, 10**38 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20, places=5),
    st.booleans(),
    st.none(),
    st.binary(),
    st.dates(),
    st.times().map(lambda value: value.replace(microsecond=0)),
    st.datetimes().map(lambda value: value.replace(microsecond=0)),
    st.datetimes(dt.datetime(2, 1, 1), dt.datetime(9998, 1, 1), timezones=st.just(dt.UTC)).map(
        lambda value: value.replace(microsecond=0)
    ),
    st.text(st.characters(exclude_categories=["Cs"])),
)


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


def texts(sql, lexer):
    return [token.text for token in tokenize(sql, lexer)]


@pytest.mark.parametrize(("writer", "lexer"), DIALECTS)
@settings(max_examples=500, deadline=None)
@given(
    text=st.lists(st.sampled_from(HOSTILE) | st.text(st.characters(exclude_categories=["Cs"]))).map("".join)
)
@example(text="'; DROP TABLE t; --")
@example(text="a\0'b\n")
def test_a_text_is_one_token_whatever_is_in_it(writer, lexer, text):
    assert texts(f"f({writer.literal(text)}) -- end", lexer) == [
        "f",
        "(",
        "'" + text.replace("'", "''") + "'",
        ")",
    ]
    assert writer.text(text) == text


@pytest.mark.parametrize(("writer", "lexer"), DIALECTS)
@settings(max_examples=500, deadline=None)
@given(value=VALUES, after=st.sampled_from(["", ", 1", " -1", ")"]))
def test_a_value_is_one_expression_also_behind_a_minus(writer, lexer, value, after):
    literal = writer.literal(value)
    tokens = texts(literal, lexer)
    assert texts(f"a -{literal}{after}", lexer) == ["a", "-", *tokens, *texts(after, lexer)]
    depths = [token.depth for token in tokenize(literal, lexer)]
    assert (depths[0], depths[-1], tokens.count("(")) == (0, 0, tokens.count(")"))
    assert "," not in [token.text for token in tokenize(literal, lexer) if token.depth == 0]


@pytest.mark.parametrize(("writer", "lexer"), DIALECTS)
@settings(max_examples=300, deadline=None)
@given(name=st.text(min_size=1, max_size=20))
@example(name="a`; DROP TABLE t; --")
@example(name="``")
@example(name="`a`b`")
def test_a_name_is_one_path_or_refused(writer, lexer, name):
    try:
        tokens = texts(writer.identifier(name), lexer)
    except OptionError:
        return
    assert all(token[0] == "`" or token.isidentifier() for token in tokens[::2])
    assert set(tokens[1::2]) <= {"."}
    assert len(tokens) % 2


@pytest.mark.parametrize(
    ("name", "flink", "ksql"),
    [
        ("orders", "orders", "`orders`"),
        ("ORDERS", "ORDERS", "ORDERS"),
        ("select", "`select`", "`select`"),
        ("db.t 1", "db.`t 1`", "`db`.`t 1`"),
        ("`a.b`.C", "`a.b`.C", "`a.b`.C"),
        ("we`ird", "`we``ird`", "`we``ird`"),
        (np.str_("x"), "x", "`x`"),
    ],
)
def test_names(name, flink, ksql):
    assert (FLINK.identifier(name), KSQL.identifier(name)) == (flink, ksql)


@pytest.mark.parametrize("name", ["", "a..b", "a\nb", "a\0b", "x" * 129, "{{ x }}", 5, None])
def test_what_is_no_name(name):
    with pytest.raises(OptionError, match="name"):
        FLINK.identifier(name)


LITERALS = [
    # value, Flink, ksqlDB
    ("it's", "'it''s'", "'it''s'"),
    (5, "5", "5"),
    (-5, "(-5)", "(-5)"),
    (2**63 - 1, "9223372036854775807", "9223372036854775807"),
    (-(2**63), "(-9223372036854775808)", "(-9223372036854775808)"),
    (2**63, "CAST('9223372036854775808' AS DECIMAL(19, 0))", "CAST('9223372036854775808' AS DECIMAL(19, 0))"),
    (1.5, "1.5E0", "1.5E0"),
    (-1e16, "(-1E16)", "(-1E16)"),
    (5e-324, "5E-324", "5E-324"),
    (Decimal("1.10"), "1.10", "1.10"),
    (Decimal("-0.01"), "(-0.01)", "(-0.01)"),
    (Decimal("1E2"), "CAST('100' AS DECIMAL(3, 0))", "CAST('100' AS DECIMAL(3, 0))"),
    (Decimal("0." + "1" * 20), "CAST('." + "1" * 20 + "' AS DECIMAL(20, 20))", "0." + "1" * 20),
    (True, "TRUE", "TRUE"),
    (None, "NULL", "NULL"),
    (dt.date(2024, 1, 2), "DATE '2024-01-02'", "PARSE_DATE('2024-01-02', 'yyyy-MM-dd')"),
    (dt.time(1, 2, 3, 4000), "TIME '01:02:03.004'", "PARSE_TIME('01:02:03.004', 'HH:mm:ss.SSS')"),
    (dt.datetime(2024, 1, 1), "TIMESTAMP '2024-01-01 00:00:00.000000'", "FROM_UNIXTIME(1704067200000)"),
    (dt.datetime(2024, 1, 1, tzinfo=dt.UTC), "TO_TIMESTAMP_LTZ(1704067200000, 3)", "FROM_UNIXTIME(1704067200000)"),
    (dt.datetime(1969, 12, 31, 23, 59, 59, 999000), "TIMESTAMP '1969-12-31 23:59:59.999000'", "FROM_UNIXTIME(-1)"),
    (b"ab", "X'6162'", "TO_BYTES('YWI=', 'base64')"),
    (bytearray(b""), "X''", "TO_BYTES('', 'base64')"),
    ([1, "a", None], "(1, 'a', NULL)", "(1, 'a', NULL)"),
    ({3, 20, 1}, "(1, 3, 20)", "(1, 3, 20)"),
    ({"b", 1, "a"}, "(1, 'a', 'b')", "(1, 'a', 'b')"),
    (range(2), "(0, 1)", "(0, 1)"),
    (Colour.RED, "'red'", "'red'"),
    (Level.HIGH, "3", "3"),
    (uuid.UUID(int=1), "'00000000-0000-0000-0000-000000000001'", "'00000000-0000-0000-0000-000000000001'"),
    (np.int8(-1), "(-1)", "(-1)"),
    (np.float32(0.5), "0.5E0", "0.5E0"),
    (np.float64(0.1), "0.1E0", "0.1E0"),
    (np.bool_(False), "FALSE", "FALSE"),
    (np.str_("x"), "'x'", "'x'"),
    (np.bytes_(b"a"), "X'61'", "TO_BYTES('YQ==', 'base64')"),
    (np.datetime64("2024-01-02"), "DATE '2024-01-02'", "PARSE_DATE('2024-01-02', 'yyyy-MM-dd')"),
    (np.datetime64("NaT"), "NULL", "NULL"),
    (np.array([1, 2]), "(1, 2)", "(1, 2)"),
    (np.array(7), "7", "7"),
    (pd.NaT, "NULL", "NULL"),
    (pd.NA, "NULL", "NULL"),
    (pd.Series([1.5, None]), "(1.5E0, NULL)", "(1.5E0, NULL)"),
    (pd.Index(["a"]), "('a')", "('a')"),
    (pd.Timestamp("2024-01-01", tz="Europe/Berlin"), "TO_TIMESTAMP_LTZ(1704063600000, 3)", "FROM_UNIXTIME(1704063600000)"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "flink", "ksql"), LITERALS, ids=lambda value: repr(value)[:40])
def test_literals(value, flink, ksql):
    assert (FLINK.literal(value), KSQL.literal(value)) == (flink, ksql)


@pytest.mark.parametrize(
    ("value", "sql"),
    [
        (math.inf, "CAST('Infinity' AS DOUBLE)"),
        (-math.inf, "CAST('-Infinity' AS DOUBLE)"),
        (math.nan, "CAST('NaN' AS DOUBLE)"),
        (dt.datetime(2024, 1, 1, 0, 0, 0, 1, tzinfo=dt.UTC), "TO_TIMESTAMP_LTZ(1704067200000001, 6)"),
        (pd.Timestamp("2024-01-01 00:00:00.000000001"), "TIMESTAMP '2024-01-01 00:00:00.000000001'"),
        (pd.Timestamp("2024-01-01 00:00:00.000000001", tz="UTC"), "TO_TIMESTAMP_LTZ(1704067200000000001, 9)"),
        (dt.timedelta(days=1, hours=2, milliseconds=3), "INTERVAL '1 02:00:00.003' DAY(3) TO SECOND(3)"),
        (dt.timedelta(seconds=-1), "INTERVAL -'0 00:00:01.000' DAY(3) TO SECOND(3)"),
        (dt.timedelta(days=-1000), "(INTERVAL '0.001' SECOND * (-86400000000))"),
        (np.timedelta64(5, "ms"), "INTERVAL '0 00:00:00.005' DAY(3) TO SECOND(3)"),
        (pd.Timedelta("1s"), "INTERVAL '0 00:00:01.000' DAY(3) TO SECOND(3)"),
        ([(1, "a"), (2, "b")], "((1, 'a'), (2, 'b'))"),
        (dt.date(1582, 10, 10), "CAST('1582-10-10' AS DATE)"),
    ],
)
def test_literals_that_only_flink_has(value, sql):
    assert FLINK.literal(value) == sql


@pytest.mark.parametrize(
    "value",
    [
        math.inf,
        math.nan,
        dt.timedelta(1),
        [(1, 2)],
        pd.DataFrame({"a": [1]}),
        dt.datetime(2024, 1, 1, 0, 0, 0, 1),
    ],
)
def test_what_ksqldb_has_not_is_refused(value):
    with pytest.raises(OptionError, match="ksqlDB"):
        KSQL.literal(value)


def test_a_frame_for_ksqldb_names_the_way():
    with pytest.raises(OptionError, match="VALUES table") as caught:
        KSQL.literal(pd.DataFrame({"a": [1]}))
    assert "%stream load DF --as NAME --engine ksql" in caught.value.hint


@pytest.mark.parametrize(
    ("value", "message", "hint"),
    [
        ({"a": 1}, "dict", "| raw"),
        (object(), "type object", "Possible are"),
        (1j, "complex", "Possible are"),
        (np.complex64(1), "numpy.complex64", "Possible are"),
        ([], "empty", "Leave the condition out"),
        (set(), "empty", "Leave the condition out"),
        (pd.Series([], dtype="int64"), "empty", "Leave the condition out"),
        ([pd.DataFrame({"a": [1]})], "DataFrame", "one of its columns"),
        (10**38, "39 digits", "Round it"),
        (Decimal("1E38"), "39 digits", "Round it"),
        (Decimal("NaN"), "DECIMAL", "None for NULL"),
        (Decimal("-Infinity"), "DECIMAL", "None for NULL"),
        ("a\ud800b", "surrogate", "encoding"),
        ("\ud83d\ude00", "surrogate", "encoding"),
        (dt.time(1, 2, 3, 4), "milliseconds", "Round it"),
        (dt.time(1, tzinfo=dt.UTC), "time zone", "tzinfo=None"),
        (dt.timedelta(microseconds=1), "milliseconds", "Round it"),
        (pd.Timedelta(1, "ns"), "milliseconds", "Round it"),
        (np.timedelta64(3, "M"), "timedelta64", "Possible are"),
        (np.datetime64("20000-01-01", "s"), "datetime64", "Possible are"),
        (dt.datetime(1, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=1))), "years 1 to 9999", "no others"),
    ],
)
def test_what_is_refused(value, message, hint):
    with pytest.raises(OptionError, match=message) as caught:
        FLINK.literal(value)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("value", "flink", "ksql"),
    [
        ("it's `a`", "it's `a`", "it's `a`"),
        (-5, "-5", "-5"),
        (True, "true", "true"),
        (1.5, "1.5", "1.5"),
        (math.inf, "Infinity", "Infinity"),
        (Decimal("1E2"), "100", "100"),
        (Colour.RED, "red", "red"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000001"),
        (dt.date(2024, 1, 2), "2024-01-02", "2024-01-02"),
        (dt.datetime(2024, 1, 1, 0, 0, 0, 500000), "2024-01-01 00:00:00.5", "2024-01-01T00:00:00.500"),
        (
            dt.datetime(2024, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=1))),
            "2023-12-31 23:00:00Z",
            "2023-12-31T23:00:00.000",
        ),
        (np.int64(3), "3", "3"),
    ],
)
def test_texts(value, flink, ksql):
    assert (FLINK.text(value), KSQL.text(value)) == (flink, ksql)


@pytest.mark.parametrize(
    "value",
    [None, pd.NA, [1], {"a": 1}, b"a", dt.timedelta(1), Decimal("NaN"), pd.DataFrame({"a": [1]}), "\ud800"],
)
def test_what_has_no_text(value):
    with pytest.raises(OptionError):
        FLINK.text(value)


def test_a_frame_of_plain_columns():
    frame = pd.DataFrame({"n": [1, -2], "a `b`": ["x", "it's"]}, index=[7, 8])
    assert FLINK.literal(frame) == (
        "(SELECT CAST(c1 AS BIGINT) AS `n`, CAST(c2 AS STRING) AS `a ``b``` FROM (VALUES (1, 'x'), (-2, 'it''s')) AS t(c1, c2))"
    )


def test_a_column_with_null_is_read_from_strings():
    frame = pd.DataFrame({"n": pd.array([1, None], "Int64"), "s": ["NULL", None], "b": [b"", None]})
    assert FLINK.literal(frame) == (
        "(SELECT CAST(NULLIF(c1, 'NULL') AS BIGINT) AS `n`, CAST(NULLIF(c2, 'NULL_') AS STRING) AS `s`, "
        "CAST(NULLIF(c3, X'00') AS BYTES) AS `b` "
        "FROM (VALUES ('1', 'NULL', X''), ('NULL', 'NULL_', X'00')) AS t(c1, c2, c3))"
    )


def test_the_nan_of_numpy_is_null_and_that_of_float64_a_number():
    assert FLINK.literal(pd.DataFrame({"x": [1.5, math.nan]})).count("'NULL'") == 2
    masked = pd.arrays.FloatingArray(np.array([math.nan, 1.0]), np.array([False, True]))
    assert "VALUES ('NaN'), ('NULL')" in FLINK.literal(pd.DataFrame({"x": masked}))


def test_a_frame_without_rows_has_types_and_no_rows():
    frame = pd.DataFrame({"n": pd.Series([], dtype="int64"), "o": pd.Series([], dtype=object)})
    assert FLINK.literal(frame) == (
        "(SELECT CAST(NULL AS BIGINT) AS `n`, CAST(NULL AS STRING) AS `o` FROM (VALUES (0)) AS t(c1) WHERE FALSE)"
    )


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame(), "no columns"),
        (pd.DataFrame([[1, 2]]), "named 0"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "two columns named 'a'"),
        (pd.DataFrame({"a\nb": [1]}), "can't be a name"),
        (pd.DataFrame({"": [1]}), "can't be a name"),
        (pd.DataFrame({"a": [1, "x"]}), "'a': It has values of several types: int and str"),
        (pd.DataFrame({"a": [2**53 + 1, 0.5]}, dtype=object), "several types: float and int"),
        (pd.DataFrame({"a": [[1]]}), "'a': It has values of type list"),
        (pd.DataFrame({"a": [{"k": 1}]}), "'a': It has values of type dict"),
        (pd.DataFrame({"a": [Decimal("1E30"), Decimal("1E-30")]}), "61 digits"),
        (
            pd.DataFrame(
                {"a": [dt.datetime(2024, 1, 1), dt.datetime(2024, 1, 1, tzinfo=dt.UTC)]}, dtype=object
            ),
            "time zone",
        ),
        (pd.DataFrame({"a": pd.to_timedelta([1], unit="us")}), "milliseconds"),
        (pd.DataFrame({"a": ["\ud800"]}, dtype=object), "surrogate"),
    ],
)
def test_frames_that_are_refused(frame, message):
    with pytest.raises(OptionError, match=message):
        FLINK.literal(frame)


def test_a_frame_above_the_limit_names_it_and_the_way():
    with pytest.raises(OptionError, match=f"{MAX_CELLS + 1:,} cells.*may hold {MAX_CELLS:,}") as caught:
        FLINK.literal(pd.DataFrame({"a": range(MAX_CELLS + 1)}))
    assert "%stream load DF --as NAME --topic TOPIC" in caught.value.hint
    assert FLINK.literal(pd.DataFrame({"a": range(MAX_CELLS)}))


def test_what_has_a_frame_stands_for_it():
    class Handle:
        df = property(lambda _: pd.DataFrame({"a": [1]}))

    assert FLINK.literal(Handle()) == FLINK.literal(pd.DataFrame({"a": [1]}))
    with_column = pd.DataFrame({"df": [1]})
    assert "AS `df`" in FLINK.literal(with_column)


def test_importing_it_imports_neither_pandas_nor_numpy():
    code = (
        "import sys; from streammagic.sql import literals_flink, literals_ksqldb; "
        "literals_flink.FlinkWriter().literal([1, 'a']); "
        "assert not {'pandas', 'numpy'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
