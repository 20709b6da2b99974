import json
from datetime import UTC, datetime

import pytest
from flink_json import standard_of, takes
from hypothesis import given
from hypothesis import strategies as st

from streammagic.errors import OptionError
from streammagic.topics import Record, infer
from streammagic.topics.profile import Shape, shape_of

WHEN = datetime(2024, 1, 1, tzinfo=UTC)


def records(*values, keys=None):
    def raw(value):
        return value if isinstance(value, bytes | None) else json.dumps(value).encode()

    keys = keys or [None] * len(values)
    return [
        Record(partition=0, offset=at, timestamp=WHEN, key=key, value=raw(value))
        for at, (key, value) in enumerate(zip(keys, values, strict=True))
    ]


def inferred(*values, **more):
    return infer(records(*values, **more))


def types(*values):
    return {column.name: str(column.type) for column in inferred(*values).columns}


def type_of(*values):
    """The type of one field that has these values."""
    return types(*({"a": value} for value in values))["a"]


def remarks(*values):
    return inferred(*values).columns[0].remarks


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1], "BIGINT"),
        ([1, None], "BIGINT"),
        ([-(2**63), 2**63 - 1], "BIGINT"),
        ([2**63], "DECIMAL(38, 0)"),
        ([1, 2**63], "DECIMAL(38, 0)"),
        ([10**38 - 1], "DECIMAL(38, 0)"),
        ([10**38], "STRING"),
        ([1, 10**38], "STRING"),
        ([10**38, 1.5], "DOUBLE"),
        ([1, 1.5], "DOUBLE"),
        ([2**63, 1.5], "DOUBLE"),
        ([1e300], "DOUBLE"),
        ([True], "BOOLEAN"),
        ([True, 1], "STRING"),
        (["x"], "STRING"),
        (["x", 1], "STRING"),
        ([None], "STRING"),
        ([{}], "MAP<STRING, STRING>"),
        ([[]], "ARRAY<STRING>"),
        ([[None]], "ARRAY<STRING>"),
        ([[1], [2.5, None]], "ARRAY<DOUBLE>"),
        ([[1], ["x"]], "ARRAY<STRING>"),
        ([[[1]], [[2**63]]], "ARRAY<ARRAY<DECIMAL(38, 0)>>"),
        ([[{"b": 1}, {"c": "x"}]], "ARRAY<ROW<b BIGINT, c STRING>>"),
        ([{"b": {"c": True}}], "ROW<b ROW<c BOOLEAN>>"),
        ([{"b": 1}, {"b": 1.5}, {}], "ROW<b DOUBLE>"),
        ([{"b": 1}, [1]], "STRING"),
        ([{"b": 1}, "x"], "STRING"),
    ],
)
def test_the_type_takes_all_values(values, expected):
    assert type_of(*values) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["2024-02-29"], "DATE"),
        (["2024-02-29", None], "DATE"),
        (["2023-02-29"], "STRING"),
        (["2024-01-01T00:00:00"], "TIMESTAMP(3)"),
        (["2024-01-01T00:00"], "TIMESTAMP(3)"),
        (["2024-01-01T00:00:00.123"], "TIMESTAMP(3)"),
        (["2024-01-01T00:00:00", "2024-01-01T00:00:00.1234"], "TIMESTAMP(6)"),
        (["2024-01-01T00:00:00.1234567"], "TIMESTAMP(9)"),
        (["2024-01-01T00:00:00Z"], "TIMESTAMP_LTZ(3)"),
        (["2024-01-01T00:00:00.123456Z"], "TIMESTAMP_LTZ(6)"),
        (["2024-01-01 00:00:00"], "TIMESTAMP(3)"),
        (["2024-01-01 00:00:00.5Z"], "TIMESTAMP_LTZ(3)"),
        (["2024-01-01 00:00"], "STRING"),
        (["2024-01-01T24:00:00"], "STRING"),
        (["2024-01-01T23:60:00"], "STRING"),
        (["2024-01-01T00:00:00z"], "STRING"),
        (["2024-01-01T00:00:00+02:00"], "STRING"),
        (["2024-01-01T00:00:00+00:00"], "STRING"),
        (["2024-01-01T00:00:00", "2024-01-01T00:00:00Z"], "STRING"),
        (["2024-01-01", "2024-01-01T00:00:00"], "STRING"),
        (["2024-01-01T00:00:00", "2024-01-01 00:00:00"], "STRING"),
        (["2024-01-01", ""], "STRING"),
        (["٢٠٢٤-٠١-٠١"], "STRING"),  # noqa: RUF001 - digits, but not ours
        (["2024-01-01T00:00:00Z\n"], "STRING"),
    ],
)
def test_times_are_told_from_text(values, expected):
    assert type_of(*values) == expected


@pytest.mark.parametrize(
    ("values", "option"),
    [
        ({"a": "2024-01-01T00:00:00"}, "ISO-8601"),
        ({"a": [{"b": "2024-01-01T00:00:00Z"}]}, "ISO-8601"),
        ({"a": "2024-01-01 00:00:00"}, None),
        ({"a": "2024-01-01"}, None),
        ({"a": "2024-01-01 00:00:00", "b": "2024-01-01 00:00:00", "c": "2024-01-01T00:00:00"}, None),
    ],
)
def test_the_format_of_times_is_named_where_it_is_not_flinks_default(values, option):
    assert inferred(values).options.get("json.timestamp-format.standard") == option


def test_times_in_the_format_that_fewer_columns_have_stay_text_and_it_is_said():
    schema = inferred({"a": "2024-01-01T00:00:00", "b": "2024-01-01T00:00:00Z", "c": "2024-01-01 00:00:00"})
    assert [str(column.type) for column in schema.columns] == ["TIMESTAMP(3)", "TIMESTAMP_LTZ(3)", "STRING"]
    assert schema.columns[2].remarks == ("times, in another format than the table's other times",)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([{"a": None}], ("always null",)),
        ([{"a": 1}, {"b": 1}, {"a": None}], ("missing in 1 of 3",)),
        ([{"a": 1}, {"a": "x"}, {"a": [1]}], ("mixed: arrays, integers and text",)),
        ([{"a": True}, {"a": "2024-01-01"}], ("mixed: booleans and dates",)),
        ([{"a": "x"}, {"a": "2024-01-01"}], ()),
        ([{"a": {}}], ("always an empty object",)),
        ([{"a": {"b": [{"c": None}]}}], ("b[].c: always null",)),
        (
            [{"a": "2024-01-01T00:00:00+02:00"}],
            ("times with an offset, which Flink's JSON format does not read; only Z",),
        ),
    ],
)
def test_what_a_person_should_know_stands_beside_the_column(values, expected):
    assert remarks(*values) == expected


def test_objects_with_many_keys_that_vary_are_a_map():
    values = [{"counts": {f"user-{number}-{at}": at for at in range(3)}} for number in range(10)]
    assert types(*values) == {"counts": "MAP<STRING, BIGINT>"}
    assert remarks(*values) == ("30 different keys in 10 objects",)


def test_the_values_of_such_a_map_are_merged():
    values = [{"a": {f"k{number}": {"x": number}, f"l{number}": {"y": "z"}}} for number in range(10)]
    assert types(*values) == {"a": "MAP<STRING, ROW<x BIGINT, y STRING>>"}


def test_a_wide_object_that_is_always_the_same_is_no_map():
    wide = {f"f{number}": number for number in range(40)}
    assert types({"a": wide}, {"a": wide})["a"].startswith("ROW<f0 BIGINT, f1 BIGINT,")


@pytest.mark.parametrize("name", ["", "a\nb", "{{ secret('x') }}", "x" * 200, "\ud800", "a\x00"])
def test_a_field_that_sql_cant_name_is_left_out_and_it_is_said(name):
    schema = inferred({name: 1, "b": {name: 1}, "c": {"d": 1, name: 1}})
    assert {column.name: str(column.type) for column in schema.columns} == {
        "b": "MAP<STRING, STRING>",
        "c": "ROW<d BIGINT>",
    }
    assert len(schema.notes) == 1


def test_what_is_nested_very_deep_is_text():
    value = 1
    for _ in range(50):
        value = {"a": value}
    assert type_of(value).endswith(f"<a STRING{'>' * 11}")
    deep = b"[" * 100_000
    assert inferred(b'{"a":1}', b'{"a":2}', deep).notes[0].startswith("1 of 3 values are no JSON object")


@pytest.mark.parametrize(
    "poison", [b"", b"poison", b"{", b"[1]", b"5", b"null", b'"x"', b'{"a":NaN}', b"\xff\xfe", b'{"a":1} x']
)
def test_what_is_no_json_object_is_counted_and_skipped(poison):
    schema = inferred({"a": 1}, poison, {"a": 2})
    assert types({"a": 1}) == {"a": "BIGINT"}
    assert schema.notes == ("1 of 3 values are no JSON object; the table skips such values.",)
    assert schema.options == {"json.ignore-parse-errors": "true"}


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([b"x"], "STRING"),
        ([b"x", b"y", b'{"a":1}'], "STRING"),
        ([b"[1,2]"], "STRING"),
        ([b"\x00\x00\x00\x00\x00\x00\x00\x05"], "BYTES"),
        ([b"\xff", b"x"], "BYTES"),
    ],
)
def test_what_is_mostly_no_json_is_one_column(values, kind):
    schema = inferred(*values)
    assert schema.format == "raw"
    assert [(column.name, str(column.type)) for column in schema.columns] == [("value", kind)]


def test_confluents_wire_format_is_recognised():
    assert "of schema 7; with StreamMagic.schema_registry" in inferred(b"\0\0\0\0\7\2x").notes[0]


def test_of_no_values_nothing_is_inferred():
    for none in ([], records(None)):
        with pytest.raises(OptionError, match="no record to learn"):
            infer(none)


def test_tombstones_are_told():
    assert inferred({"a": 1}, None, None).notes == (
        "2 of 3 records are tombstones (no value); the table leaves them out.",
    )


@pytest.mark.parametrize(
    ("values", "keys", "key", "note"),
    [
        ([{"a": 1}], [None], None, ""),
        ([{"a": 1}], [b"x"], "key", ""),
        ([{"a": 1}, {"a": 2}], [None, b"x"], "key", ""),
        ([{"a": 1}], ["größe".encode()], "key", ""),
        ([{"a": "x"}], [b"x"], None, "The records' key is the column a."),
        ([{"a": 1}, {"a": 2}], [b"1", b"2"], None, "The records' key is the column a."),
        ([{"a": 1}, {"a": 2}], [b"1", b"1"], "key", ""),
        ([{"key": 1}], [b"x"], "message_key", ""),
        ([{"key": 1}, {"message_key": 1}], [b"x", None], "kafka_key", ""),
        ([{"a": True}], [b"True"], "key", ""),
        ([{"a": 1}], [b"\x00\x00\x00\x01"], None, "The records' keys are no text; they are left out."),
        ([b"text"], [b"x"], "key", ""),
    ],
)
def test_a_key_is_a_column_where_the_value_does_not_have_it(values, keys, key, note):
    schema = inferred(*values, keys=keys)
    assert schema.key == key
    assert note in (*schema.notes, "")


def test_the_one_time_that_every_record_has_is_its_event_time():
    value = {"event_time": "2024-01-01T00:00:00", "n": 1}
    assert inferred(value, value).event_time == "event_time"
    assert inferred(value, {"n": 1}).event_time is None
    assert inferred(value, {**value, "event_time": None}).event_time is None
    assert inferred({**value, "other": "2024-01-01T00:00:00"}).event_time is None
    assert inferred({"expires_at": "2024-01-01T00:00:00"}).event_time is None
    assert inferred({"ts": "2024-01-01T00:00:00.123456"}).event_time is None  # no time attribute has 6 digits
    assert inferred(value, value, b"x").event_time is None


ROWS = [{"id": 1, "at": "2024-01-01T00:00:00Z"}, {"id": 2**63, "at": None}]


@pytest.mark.parametrize("wrapped", [False, True])
def test_debeziums_envelopes_are_a_changelog_of_the_rows_inside(wrapped):
    envelopes = [
        {"before": None, "after": ROWS[0], "op": "c", "ts_ms": 1},
        {"before": ROWS[0], "after": ROWS[1], "op": "u", "ts_ms": 1},
        {"before": ROWS[1], "after": None, "op": "d", "ts_ms": 1},
    ]
    schema = inferred(*({"schema": {}, "payload": e} if wrapped else e for e in envelopes), None)
    assert schema.format == "debezium-json"
    assert [str(column.type) for column in schema.columns] == ["DECIMAL(38, 0)", "TIMESTAMP_LTZ(3)"]
    assert schema.options == {
        "debezium-json.timestamp-format.standard": "ISO-8601",
        **({"debezium-json.schema-include": "true"} if wrapped else {}),
    }


def test_updates_without_what_was_before_are_told():
    schema = inferred({"before": None, "after": {"id": 1}, "op": "u"})
    assert any("REPLICA IDENTITY FULL" in note for note in schema.notes)


def test_an_object_that_only_has_an_op_is_no_envelope():
    assert inferred({"op": "c", "after": 1}).format == "json"


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**40), 10**40),
    st.integers(-5, 5),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.sampled_from(
        [
            "2024-01-01",
            "2024-01-01T00:00",
            "2024-01-01T00:00:00.1234",
            "2024-01-01T00:00:00Z",
            "2024-01-01 00:00:00",
            "2024-01-01 00:00:00.1Z",
            "2024-01-01T00:00:00+01:00",
        ]
    ),
)
NAMES = st.sampled_from(["a", "b", "c", "d e", "order", "x`y"]) | st.text(max_size=3)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
OBJECTS = st.lists(st.dictionaries(NAMES, VALUES, max_size=5), min_size=1, max_size=8)


@given(OBJECTS)
def test_every_schema_takes_its_samples(objects):
    schema = inferred(*objects)
    if schema.format == "raw":  # no field that SQL can name
        return
    columns = {column.name: column.type for column in schema.columns}
    standard = standard_of(schema)
    for value in objects:
        for name, held in value.items():
            assert name not in columns or takes(columns[name], held, standard), (name, columns[name])


@given(st.datetimes(min_value=datetime(1, 1, 1), max_value=datetime(9999, 12, 31)), st.sampled_from("T "))
def test_every_time_that_python_writes_is_recognised(moment, gap):
    text = moment.isoformat(gap)
    expected = Shape.ISO_LOCAL if gap == "T" else Shape.SQL_LOCAL
    assert shape_of(text) == (expected, 6 if moment.microsecond else 0)


@given(st.text(alphabet="0123456789-:TZ+. ", max_size=30))
def test_what_looks_like_a_time_never_raises(text):
    shape_of(text)
