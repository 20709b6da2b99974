"""What a schema registry tells of a topic."""

import datetime as dt
import json
from decimal import Decimal

import pytest
from fake_registry import framed

from streammagic.errors import ConnectionFailedError, OptionError, StreamMagicError
from streammagic.sql.secrets import mask
from streammagic.topics import Decoder, Record, Registry, registered, table_ddl
from streammagic.topics.avro import avro_columns


def logical(kind, name, **more):
    return {"type": kind, "logicalType": name, **more}


ENUM = {"type": "enum", "name": "Colour", "symbols": ["RED", "BLUE"]}
FIXED = {"type": "fixed", "name": "Four", "size": 4}
INNER = {"type": "record", "name": "Inner", "fields": [{"name": "x", "type": ["null", "int"]}]}


def record(*fields, **more):
    fields = [{"name": name, "type": kind} for name, kind in fields]
    return {"type": "record", "name": "Row", "namespace": "shop", "fields": fields, **more}


def column_of(kind):
    (column,) = avro_columns(record(("a", kind)), []).columns
    return str(column.type), column.remarks


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("boolean", "BOOLEAN"),
        ("int", "INT"),
        ("long", "BIGINT"),
        ("float", "FLOAT"),
        ("double", "DOUBLE"),
        ("string", "STRING"),
        ("bytes", "BYTES"),
        (["null", "string"], "STRING"),
        (["string", "null"], "STRING"),
        (["string"], "STRING"),
        (["null", "int", "long"], "BIGINT"),
        (["int", "float"], "FLOAT"),
        (["long", "float"], "DOUBLE"),
        (ENUM, "STRING"),
        (FIXED, "VARBINARY(4)"),
        (INNER, "ROW<x INT>"),
        ({"type": "array", "items": ["null", INNER]}, "ARRAY<ROW<x INT>>"),
        ({"type": "map", "values": "long"}, "MAP<STRING NOT NULL, BIGINT>"),
        (logical("bytes", "decimal", precision=10, scale=2), "DECIMAL(10, 2)"),
        (logical("bytes", "decimal", precision=50, scale=2), "BYTES"),
        ({**FIXED, "logicalType": "decimal", "precision": 9}, "DECIMAL(9, 0)"),
        (logical("int", "date"), "DATE"),
        (logical("int", "time-millis"), "TIME(3)"),
        (logical("long", "local-timestamp-millis"), "TIMESTAMP(3)"),
        (logical("string", "uuid"), "STRING"),
        (logical("long", "never-heard-of"), "BIGINT"),
        ({"type": ["null", "string"]}, "STRING"),
        ({"type": {"type": "long"}}, "BIGINT"),
    ],
)
def test_avro_types(kind, expected):
    assert column_of(kind) == (expected, ())


@pytest.mark.parametrize(
    ("kind", "expected", "remark"),
    [
        (logical("long", "timestamp-millis"), "TIMESTAMP(3)", "in UTC"),
        (logical("long", "timestamp-micros"), "BIGINT", "microseconds since 1970, UTC"),
        (logical("long", "local-timestamp-micros"), "BIGINT", "microseconds since 1970"),
        (logical("long", "time-micros"), "BIGINT", "microseconds since midnight"),
    ],
)
def test_avro_types_that_ask_for_a_remark(kind, expected, remark):
    assert column_of(kind) == (expected, (remark,))


def test_what_flink_cant_read_is_left_out_and_said():
    found = avro_columns(
        record(
            ("a", "int"),
            ("b", ["int", "string"]),
            ("c", "null"),
            ("d", {"type": "record", "name": "Node", "fields": [{"name": "next", "type": ["null", "Node"]}]}),
            ("e", "Unheard"),
        ),
        [],
    )
    assert [column.name for column in found.columns] == ["a"]
    assert found.notes == [
        "b is left out: Flink can't read a union of several types.",
        "c is left out: always null.",
        "d.next is left out: Flink can't read a type that contains itself.",
        "d is left out: no field of it can be read.",
        "e is left out: unknown type Unheard.",
    ]


def test_the_reading_schema_is_given_where_flinks_own_would_not_do():
    assert avro_columns(record(("a", "int"), ("b", INNER)), []).reader == ""
    found = avro_columns(
        record(("a", ENUM), ("b", ["null", "shop.Colour"]), ("c", logical("long", "time-micros"))), []
    )
    assert json.loads(found.reader) == {
        "type": "record",
        "name": "shop.Row",
        "fields": [
            {
                "name": "a",
                "type": ["null", {"type": "enum", "name": "shop.Colour", "symbols": ["RED", "BLUE"]}],
            },
            {"name": "b", "type": ["null", "shop.Colour"]},
            {"name": "c", "type": ["null", "long"]},
        ],
    }


def test_types_of_other_schemas_are_found():
    other = {
        "type": "record",
        "name": "Address",
        "namespace": "geo",
        "fields": [{"name": "zip", "type": "string"}],
    }
    found = avro_columns(record(("home", "geo.Address"), ("work", ["null", "geo.Address"])), [other])
    assert [str(column.type) for column in found.columns] == ["ROW<zip STRING>"] * 2


def records(*values, key=None):
    return [
        Record(partition=0, offset=at, timestamp=None, key=key, value=value)
        for at, value in enumerate(values)
    ]


def test_the_table_of_an_avro_topic(registry, avro):
    schema = record(("id", "long"), ("colour", ENUM), ("at", logical("long", "timestamp-millis")))
    number = registry.register("orders-value", schema)
    value = avro(number, schema, {"id": 7, "colour": "RED", "at": 0})
    found = registered(Registry(registry.url), "orders", records(value, key=b"7"))
    assert found.format == "avro-confluent"
    assert found.options["avro-confluent.url"] == registry.url
    assert found.key is None
    assert "The records' key is the column id." in found.notes
    text = table_ddl("orders", "orders", found, "{{ kafka }}")
    assert "  `at` TIMESTAMP(3),  -- in UTC\n" in text
    assert '\n  \'avro-confluent.schema\' = \'{"type": "record"' in text


def test_the_registrys_credentials_are_in_no_text(registry):
    registry.user_info = "me:hidden word"
    registry.register("orders-value", record(("id", "long")))
    url = registry.url.replace("//", "//me:hidden%20word@")
    text = table_ddl("orders", "orders", registered(Registry(url), "orders"), "{{ kafka }}")
    assert f"'avro-confluent.url' = '{registry.url}'" in text
    assert "'avro-confluent.basic-auth.user-info' = '{{ secret(\"SCHEMA_REGISTRY_USER_INFO\") }}'" in text
    assert "hidden" not in mask(text)


def test_a_symbol_of_an_enum_begins_no_variable(registry):
    symbols = ["{{ secret('HOME') }}", "{{{ kafka }}}"]
    registry.register("orders-value", record(("a", {**ENUM, "symbols": symbols})))
    found = registered(Registry(registry.url), "orders")
    reader = found.options["avro-confluent.schema"]
    assert "{{" not in reader
    assert json.loads(reader)["fields"][0]["type"][1]["symbols"] == symbols


def test_an_envelope_of_debezium_in_avro_is_a_changelog(registry):
    row = {"type": "record", "name": "Value", "fields": [{"name": "id", "type": "int"}]}
    envelope = record(("before", ["null", row]), ("after", ["null", "Value"]), ("op", "string"))
    registry.register("orders-value", envelope)
    found = registered(Registry(registry.url), "orders")
    assert found.format == "debezium-avro-confluent"
    assert [(column.name, str(column.type)) for column in found.columns] == [("id", "INT")]


JSON_SCHEMA = {
    "type": "object",
    "properties": {
        "id": {"type": "integer"},
        "price": {"type": ["null", "number"]},
        "tags": {"type": "array", "items": {"type": "string"}},
        "address": {"$ref": "#/definitions/Address"},
        "more": {"type": "object", "additionalProperties": {"type": "integer"}},
        "either": {"oneOf": [{"type": "null"}, {"type": "boolean"}]},
        "any": {},
        "several": {"type": ["string", "integer"]},
        "day": {"type": "string", "format": "date"},
        "at": {"type": "string", "format": "date-time"},
        "self": {"$ref": "#"},
        "lost": {"$ref": "#/definitions/Nowhere"},
    },
    "definitions": {"Address": {"type": "object", "properties": {"zip": {"type": "string"}}}},
}


def test_the_table_of_a_json_schema(registry):
    registry.register("orders-value", JSON_SCHEMA, "JSON")
    found = registered(Registry(registry.url), "orders", records(b'{"id":1}', key=b"x"))
    types = {column.name: str(column.type) for column in found.columns}
    assert types.pop("self").startswith("ROW<id BIGINT, price DOUBLE, ")
    assert types == {
        "id": "BIGINT",
        "price": "DOUBLE",
        "tags": "ARRAY<STRING>",
        "address": "ROW<zip STRING>",
        "more": "MAP<STRING, BIGINT>",
        "either": "BOOLEAN",
        "any": "STRING",
        "several": "STRING",
        "day": "DATE",
        "at": "STRING",
        "lost": "STRING",
    }
    assert (found.format, found.key) == ("json", "key")


def test_json_in_the_wire_format_is_refused_in_one_sentence(registry):
    number = registry.register("orders-value", JSON_SCHEMA, "JSON")
    with pytest.raises(OptionError, match="five bytes stand before the JSON"):
        registered(Registry(registry.url), "orders", records(framed(number, b'{"id":1}')))


def test_protobuf_is_refused_in_one_sentence(registry):
    registry.register("orders-value", 'syntax = "proto3"; message Row { int64 id = 1; }', "PROTOBUF")
    with pytest.raises(
        OptionError, match="are Protobuf, with a schema of the registry; none of Flink's formats"
    ):
        registered(Registry(registry.url), "orders")


def test_of_an_unknown_subject_there_is_no_table(registry):
    assert registered(Registry(registry.url), "orders") is None
    assert registry.asked == ["/subjects/orders-value/versions/latest"]


def test_avro_values_are_shown_as_json(registry, avro):
    schema = record(
        ("id", "long"),
        ("price", logical("bytes", "decimal", precision=10, scale=2)),
        ("at", logical("long", "timestamp-micros")),
        ("colour", ["null", ENUM]),
    )
    number = registry.register("any", schema)
    at = dt.datetime(2024, 1, 1, 12, 0, 0, 123456, tzinfo=dt.UTC)
    data = avro(number, schema, {"id": 1, "price": Decimal("1.10"), "at": at, "colour": "RED"})
    decoder = Decoder(Registry(registry.url))
    shown = '{"id":1,"price":1.10,"at":"2024-01-01T12:00:00.123456Z","colour":"RED"}'
    assert [decoder.text(data), decoder.text(data)] == [shown] * 2
    assert registry.asked == [f"/schemas/ids/{number}"]
    assert decoder.notes == []


def test_an_avro_schema_that_refers_to_others_is_resolved(registry, avro):
    address = {"type": "record", "name": "geo.Address", "fields": [{"name": "zip", "type": "string"}]}
    registry.register("address", address)
    schema = record(("home", "geo.Address"))
    number = registry.register(
        "any", schema, references=[{"name": "geo.Address", "subject": "address", "version": 1}]
    )
    data = avro(number, record(("home", address)), {"home": {"zip": "x"}})
    assert Decoder(Registry(registry.url)).text(data) == '{"home":{"zip":"x"}}'


OTHER_VALUES = [
    # the schema's kind, the schema, the data, what is shown, the note
    ("JSON", "{}", b'{"a":\n1}', '{"a":1}', []),
    ("PROTOBUF", "x", b"\0\x08\x01", "protobuf, schema id 1: 0x000801", []),
    (
        "AVRO",
        '"string"',
        b"\x10x",
        "avro, schema id 1: 0x1078",
        ["A value is not of its schema 1: EOFError."],
    ),
    ("AVRO", "no", b"x", "avro, schema id 1: 0x78", ["A value is not of its schema 1: StreamMagicError."]),
]


@pytest.mark.parametrize("case", OTHER_VALUES)
def test_other_values_with_a_schema(registry, case):
    kind, schema, body, shown, notes = case
    number = registry.register("any", schema, kind)
    decoder = Decoder(Registry(registry.url))
    assert decoder.text(framed(number, body)) == shown
    assert decoder.notes == notes


@pytest.mark.parametrize(
    "schema", ["5", "[]", "null", '{"fields":5}', '{"type":"record","fields":[5]}', '{"fields":[{}]}']
)
def test_what_is_no_avro_schema_is_an_error_of_ours(registry, schema):
    registry.register("orders-value", schema)
    with pytest.raises(StreamMagicError, match="schema"):
        registered(Registry(registry.url), "orders")


def test_an_unknown_schema_leaves_bytes_and_a_note(registry):
    decoder = Decoder(Registry(registry.url))
    assert decoder.text(framed(9, b"x")) == "0x000000000978"
    assert decoder.notes == ["The schema registry has no schema 9."]


def test_a_registry_that_fails_is_asked_once(registry):
    registry.status = 500
    decoder = Decoder(Registry(registry.url))
    assert [decoder.text(framed(number, b"x"))[:4] for number in (1, 2, 3)] == ["0x00"] * 3
    assert len(registry.asked) == 1
    assert decoder.notes == [f"The schema registry at {registry.url} answered with HTTP 500."]


def test_refused_credentials_are_said(registry):
    registry.user_info = "me:hidden word"
    with pytest.raises(ConnectionFailedError, match="refused the credentials") as caught:
        Registry(registry.url.replace("//", "//me:wrong word@")).latest("x")
    assert "wrong word" not in f"{caught.value} {caught.value.cause}"


def test_a_registry_that_is_not_there_is_said(registry):
    registry.close()
    with pytest.raises(ConnectionFailedError, match="can't be reached"):
        Registry(registry.url).latest("x")
