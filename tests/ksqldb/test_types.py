import datetime as dt
import json
from decimal import Decimal

import pytest
from ksqldb import recordings

from streammagic.engines.ksqldb.types import column, from_field, parse_schema, parse_type
from streammagic.engines.ksqldb.wire import Format, Header, Parser, Rows
from streammagic.results.changes import DataType, Kind, Schema


def value(sql, raw):
    return column("c", parse_type(sql)).value(raw)


def utc(*parts):
    return dt.datetime(*parts, tzinfo=dt.UTC)


# --- SQL types ---


@pytest.mark.parametrize(
    ("text", "kind", "sql"),
    [
        ("BOOLEAN", Kind.BOOLEAN, "BOOLEAN"),
        ("INTEGER", Kind.INT32, "INTEGER"),
        ("INT", Kind.INT32, "INTEGER"),
        ("BIGINT", Kind.INT64, "BIGINT"),
        ("DOUBLE", Kind.FLOAT64, "DOUBLE"),
        ("STRING", Kind.STRING, "STRING"),
        ("varchar", Kind.STRING, "STRING"),
        ("BYTES", Kind.BYTES, "BYTES"),
        ("TIMESTAMP", Kind.TIMESTAMP_UTC, "TIMESTAMP"),
        ("DATE", Kind.DATE, "DATE"),
        ("TIME", Kind.TIME, "TIME"),
        ("DECIMAL(10, 2)", Kind.DECIMAL, "DECIMAL(10, 2)"),
        ("DECIMAL(10,2)", Kind.DECIMAL, "DECIMAL(10, 2)"),
        ("ARRAY<ARRAY<INTEGER>>", Kind.ARRAY, "ARRAY<ARRAY<INTEGER>>"),
        ("MAP<STRING, DECIMAL(4, 2)>", Kind.MAP, "MAP<STRING, DECIMAL(4, 2)>"),
        ("STRUCT< >", Kind.ROW, "STRUCT< >"),
        ("STRUCT<A INT, `b` VARCHAR>", Kind.ROW, "STRUCT<`A` INTEGER, `b` STRING>"),
        (" map < STRING , struct < a INT > > ", Kind.MAP, "MAP<STRING, STRUCT<`A` INTEGER>>"),
    ],
)
def test_a_type_is_known_and_spelled_as_ksqldb_does(text, kind, sql):
    found = parse_type(text)
    assert (found.kind, found.sql) == (kind, sql)
    assert parse_type(found.sql) == found


def test_the_parts_of_a_type_are_told():
    text = "STRUCT<`F1` STRING, `F``2` ARRAY<DECIMAL(4, 2)>, `f, 3> x` MAP<STRING, TIMESTAMP>>"
    found = parse_type(text)
    assert found.sql == text
    assert found.names == ("F1", "F`2", "f, 3> x")
    decimal = found.children[1].children[0]
    assert (decimal.kind, decimal.precision, decimal.scale) == (Kind.DECIMAL, 4, 2)
    assert [child.kind for child in found.children[2].children] == [Kind.STRING, Kind.TIMESTAMP_UTC]
    assert found.children[2].children[1].precision == 3


@pytest.mark.parametrize(
    "text",
    [
        "VARIANT",
        "FOO<BAR, `x>`>",
        "FOO(3)",
        "TIMESTAMP(3)",
        "ARRAY",
        "x y",
        "",
        "<",
        "ARRAY<>",
        "STRUCT<`a` INT",
    ],
)
def test_an_unknown_type_keeps_its_spelling_and_its_values(text):
    assert parse_type(text) == DataType(Kind.OTHER, text)
    assert value(text, {"any": [1]}) == {"any": [1]}


def test_an_unknown_type_within_a_known_one_leaves_the_rest_known():
    found = parse_type("STRUCT<`A` VARIANT, `B` ARRAY<FOO(3)>, `C` DATE>")
    assert [child.kind for child in found.children] == [Kind.OTHER, Kind.ARRAY, Kind.DATE]
    assert value(found.sql, {"A": 1, "B": ["x"], "C": 1}) == {"A": 1, "B": ["x"], "C": dt.date(1970, 1, 2)}


# --- the schema of a v1+json header ---


def test_a_schema_is_names_types_and_keys():
    found = parse_schema(
        "`ID` STRING KEY, `WINDOWSTART` BIGINT KEY, `P` DECIMAL(10, 2), `M` MAP<STRING, STRUCT<`A` INTEGER>>"
    )
    assert [(name, data_type.sql, is_key) for name, data_type, is_key in found] == [
        ("ID", "STRING", True),
        ("WINDOWSTART", "BIGINT", True),
        ("P", "DECIMAL(10, 2)", False),
        ("M", "MAP<STRING, STRUCT<`A` INTEGER>>", False),
    ]


@pytest.mark.parametrize(
    "name",
    [
        "q`r",
        "a,b> c",
        "a, b",
        "`",
        "``",
        "x` y",
        "` ",
        "KEY",
        "a STRING",
        "> `",
        "HEADER('x')",
        "lower Name",
        "ä🙂",
        "",
        "\n",
    ],
)
def test_a_name_may_look_like_anything(name):
    found = parse_schema(
        f"`A` INTEGER KEY, `{name}` STRING, `S` STRUCT<`{name}` DATE, `Z` TIME> KEY, `B` BIGINT"
    )
    assert [one[0] for one in found] == ["A", name, "S", "B"]
    assert [one[1].kind for one in found] == [Kind.INT32, Kind.STRING, Kind.ROW, Kind.INT64]
    assert [one[2] for one in found] == [True, False, True, False]
    assert found[2][1].names == (name.replace("``", "`"), "Z")


def test_columns_of_headers_are_told_from_their_mark():
    found = parse_schema(
        "`K` INTEGER KEY, `H` BYTES HEADER('abc'), `O` BYTES HEADER('a), `b` c'), `A` ARRAY<STRUCT<`KEY` STRING, `VALUE` BYTES>> HEADERS"
    )
    assert [(name, data_type.kind, is_key) for name, data_type, is_key in found] == [
        ("K", Kind.INT32, True),
        ("H", Kind.BYTES, False),
        ("O", Kind.BYTES, False),
        ("A", Kind.ARRAY, False),
    ]


def test_a_name_that_reads_as_two_columns_is_read_as_two():
    assert [name for name, _, _ in parse_schema("`a` STRING, `b` STRING")] == ["a", "b"]


def test_a_schema_may_have_thousands_of_columns():
    one = "STRUCT<`A` INTEGER, `b` STRING>"
    found = parse_schema(", ".join(f"`c{n}` {one}" for n in range(3000)))
    assert [name for name, _, _ in found] == [f"c{n}" for n in range(3000)]


@pytest.mark.timeout(20)
@pytest.mark.parametrize("end", [" !", ",", ", `x", " KEY KEY", "\n"])
def test_what_is_no_schema_is_refused_and_soon(end):
    with pytest.raises(ValueError, match="c0"):
        parse_schema(", ".join(f"`c{n}` STRUCT<`A` INTEGER, `b` STRING>" for n in range(100)) + end)


def test_no_columns_are_no_columns():
    assert parse_schema("") == []


# --- fields, as DESCRIBE tells them ---


def test_describe_and_the_header_of_a_query_tell_the_same_types(shared_ksqldb):  # noqa: ARG001
    described = json.loads(recordings.labelled("15", "DESCRIBE TYPES_S;").answer.body)
    fields = described[0]["sourceDescription"]["fields"]
    answer = recordings.labelled("11", "pull on stream application/vnd.ksql.v1+json").answer
    header = parsed(answer.body, Format.V1)[0]
    assert [(field["name"], from_field(field["schema"])) for field in fields] == [
        (one.name, one.type) for one in header.columns
    ]


def test_a_field_with_a_back_tick_is_spelled_as_sql_wants_it():
    found = from_field({"type": "STRUCT", "fields": [{"name": "b`t", "schema": {"type": "INTEGER"}}]})
    assert (found.sql, found.names) == ("STRUCT<`b``t` INTEGER>", ("b`t",))
    assert parse_type(found.sql) == found


def test_a_field_of_an_unknown_type_or_without_digits_is_bearable():
    assert from_field({"type": "VARIANT", "fields": None, "memberSchema": None}) == DataType(
        Kind.OTHER, "VARIANT"
    )
    bare = from_field({"type": "DECIMAL", "fields": None, "memberSchema": None})
    assert column("c", bare).value(Decimal("1.25")) == Decimal("1.25")


# --- values ---


def parsed(body, form):
    parser = Parser(form)
    return parser.feed(body) + parser.finish()


def decoded(number, label, form):
    """Return the rows that a recorded answer holds, as Python values by column name."""
    events = parsed(recordings.labelled(number, label).answer.body, form)
    (header,) = (event for event in events if isinstance(event, Header))
    schema = Schema(header.columns)
    return [
        dict(zip(schema.names, schema.decode(row), strict=True))
        for event in events
        if isinstance(event, Rows)
        for row in event.rows
    ]


# As recording 10 inserts them: "all types", NULLs, "quoted DEC, odd values", and the last one.
NULLS = dict.fromkeys(
    ["B", "I", "L", "D", "DEC", "S", "BYT", "TS", "DT", "TM", "AR", "M", "ST", "mixed Case"]
)
INSERTED = [
    {
        "K": 1,
        "B": True,
        "I": -2147483648,
        "L": 9223372036854775807,
        "D": 1.0e10,
        "DEC": Decimal("12.5000"),
        "S": 'é"\\n',
        "BYT": b"hello",
        "TS": utc(2023, 1, 2, 3, 4, 5, 678000),
        "DT": dt.date(2023, 1, 2),
        "TM": dt.time(3, 4),
        "AR": [1, None, 3],
        "M": {"a": 1, "b": None},
        "ST": {
            "A": 1,
            "b": "x",
            "TS": utc(2023, 1, 2, 3, 4, 5, 678000),
            "DT": dt.date(2023, 1, 2),
            "TM": dt.time(3, 4, 5),
            "DEC": Decimal("10.0000"),
            "BYT": b"hello",
            "N": {"X": 0.1},
        },
        "mixed Case": "mc",
    },
    {"K": 2, **NULLS},
    # The server cuts a TIME to whole seconds: 00:00:10.123 was inserted.
    {
        "K": 3,
        **NULLS,
        "TM": dt.time(0, 0, 10),
        "D": 3.0,
        "DEC": Decimal("1.0000"),
        "TS": utc(1969, 12, 31, 23, 59, 59, 999000),
    },
    {"K": 4, **NULLS, "L": -9223372036854775807, "D": 0.1, "DEC": Decimal("-0.0001")},
]


@pytest.mark.parametrize(
    ("label", "form"),
    [
        ("pull on stream application/vnd.ksql.v1+json", Format.V1),
        ("pull on stream application/vnd.ksqlapi.delimited.v1", Format.DELIMITED),
        ("pull on stream application/json", Format.JSON),
    ],
)
def test_every_type_comes_back_as_it_was_inserted(shared_ksqldb, label, form):  # noqa: ARG001
    rows = decoded("11", label, form)
    assert rows == [INSERTED[0], *INSERTED]  # the first row was inserted twice, written in two ways
    # equal numbers may differ in type and digits
    assert [str(row["DEC"]) for row in rows] == ["12.5000", "12.5000", "None", "1.0000", "-0.0001"]
    assert str(rows[0]["ST"]["DEC"]) == "10.0000"
    assert {type(row["D"]) for row in rows} == {float, type(None)}
    assert type(rows[0]["ST"]["N"]["X"]) is float


def test_values_in_arrays_and_maps_are_encoded_as_at_the_top_and_in_structs_otherwise(shared_ksqldb):  # noqa: ARG001
    (row,) = decoded("12", "SELECT K, CAST('NaN' AS DOUBLE) AS N1", Format.V1)
    del row["ROWTIME"]  # the moment of the recording
    moment = utc(2023, 1, 2, 3, 4, 5, 678000)
    assert row == {
        "K": 1,
        **dict.fromkeys(["N1", "P", "M"]),  # a CAST of 'NaN' or 'Infinity' is NULL
        "ST": {"X": None, "Y": None},
        "AA": [[1, 2], [3]],
        "MS": {"k": {"A": 1}},
        "ATS": [moment],
        "MDT": {"d": dt.date(2023, 1, 2)},
        "KSQL_COL_0": 2,
        "KSQL_COL_1": "lit",
        "AD": [Decimal("12.5000")],
        "AB": [b"hello"],
        "AST": [{"TS": moment}],
    }
    assert str(row["AD"][0]) == "12.5000"


@pytest.mark.parametrize(
    ("sql", "raw", "expected"),
    [
        ("DOUBLE", "Infinity", float("inf")),
        ("DOUBLE", "-Infinity", float("-inf")),
        ("DOUBLE", 3, 3.0),
        ("DECIMAL(5, 2)", 7, Decimal("7.00")),
        ("DECIMAL(38, 0)", Decimal(12345678901234567890123456789012345678), Decimal(12345678901234567890123456789012345678)),
        ("BYTES", "", b""),
        ("TIME", "23:59:59", dt.time(23, 59, 59)),
        ("STRUCT<`T` TIME>", {"T": 86399999}, {"T": dt.time(23, 59, 59, 999000)}),
        ("STRUCT<`T` TIMESTAMP>", {"T": -1}, {"T": utc(1969, 12, 31, 23, 59, 59, 999000)}),
        ("STRUCT<`D` DATE>", {"D": -1}, {"D": dt.date(1969, 12, 31)}),
        ("STRUCT<`A` ARRAY<DATE>, `M` MAP<STRING, TIMESTAMP>>", {"A": [0, None], "M": {"x": 0}}, {"A": [dt.date(1970, 1, 1), None], "M": {"x": utc(1970, 1, 1)}}),
        ("MAP<INTEGER, STRING>", {"1": "a"}, {1: "a"}),
        ("STRUCT<`M` MAP<INTEGER, STRING>>", {"M": [[1, "a"]]}, {"M": {1: "a"}}),
        ("STRUCT< >", {}, {}),
        # beyond Python's years
        ("TIMESTAMP", "+10000-01-01T00:00:00.000", "+10000-01-01T00:00:00.000"),
        ("DATE", "+10000-01-01", "+10000-01-01"),
        ("STRUCT<`T` TIMESTAMP>", {"T": 9223372036854775807}, {"T": 9223372036854775807}),
        ("STRUCT<`D` DATE>", {"D": 2147483647}, {"D": 2147483647}),
    ],
)  # fmt: skip
def test_a_value_is_decoded(sql, raw, expected):
    found = value(sql, raw)
    assert found == expected
    assert type(found) is type(expected)


def test_a_nan_is_a_float():
    assert value("DOUBLE", "NaN") != value("DOUBLE", "NaN")


def test_a_field_whose_name_the_type_spells_otherwise_is_decoded_by_its_place():
    # the server does not double back-ticks: this type may be of a field "b`t" or "b``t"
    assert value("STRUCT<`b``t` DATE, `C` TIME>", {"b``t": 0, "C": 0}) == {
        "b``t": dt.date(1970, 1, 1),
        "C": dt.time(),
    }


def test_null_stays_null_at_every_depth():
    sql = "STRUCT<`A` ARRAY<DATE>, `M` MAP<STRING, TIME>, `S` STRUCT<`D` DECIMAL(4, 2)>>"
    assert value(sql, None) is None
    assert value(sql, {"A": None, "M": {"k": None}, "S": {"D": None}}) == {
        "A": None,
        "M": {"k": None},
        "S": {"D": None},
    }
