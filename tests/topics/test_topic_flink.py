"""Tables made from topics, on the real Flink: their text is accepted, and what was sent comes back."""

import datetime as dt
import io
import json
import uuid
from decimal import Decimal

import fastavro
import pandas as pd
import pytest
from fake_registry import framed

from streammagic.topics import Registry, infer, peek, registered, send, table_ddl

pytestmark = [pytest.mark.kafka, pytest.mark.flink]


@pytest.fixture
def read(shell, broker, topic):
    """Make the topic's table from its records and return its rows as dicts, oldest first."""

    def run(schema=None, query="SELECT * FROM {}", column=None):
        made = schema or infer(peek(broker, topic, limit=1000))
        shell.flink(table_ddl(topic, topic, made, "{{ kafka }}"))
        bounded = f"{topic} /*+ OPTIONS('scan.bounded.mode' = 'latest-offset') */"
        frame = shell.flink(query.format(bounded)).df
        shell.flink(f"DROP TABLE {topic}")
        rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
        return [row[column] for row in rows] if column else rows

    return run


ROWS = [
    {
        "id": 1,
        "whole": 2**62,
        "big": 2**70,
        "part": 1.5,
        "mixed": 1,
        "yes": True,
        "text": "é'`{{ kafka }}",
        "day": dt.date(2024, 2, 29),
        "local": dt.datetime(2024, 1, 1, 12, 0, 0, 123000),
        "zoned": dt.datetime(2024, 1, 1, 12, tzinfo=dt.timezone(dt.timedelta(hours=2))),
        "fine": pd.Timestamp("2024-01-01T00:00:00.123456789"),
        "order": {"sum": 1, "inner": {"value": [1, None, 2]}},
        "lines": [{"sku": "a", "n": 1}, {"sku": "b", "price": 0.5}],
        "empty": [],
        "nothing": None,
        "o`d d": "x",
    },
    {"id": 2, "part": None, "mixed": 1.5, "order": {"inner": {}}, "lines": [], "late": "2024-01-01"},
    {"id": 3, "mixed": None, "order": None, "lines": [None], "big": 1},
]


def test_what_is_sent_comes_back(broker, topic, read):
    send(broker, topic, ROWS, key="id")
    found = sorted(read(), key=lambda row: row["id"])
    assert all(isinstance(row.pop("ts"), pd.Timestamp) for row in found)
    item = dict.fromkeys(("sku", "n", "price"))
    assert found[0] == {
        "id": 1,
        "whole": 2**62,
        "big": Decimal(2**70),
        "part": 1.5,
        "mixed": 1.0,
        "yes": True,
        "text": "é'`{{ kafka }}",
        "day": dt.date(2024, 2, 29),
        "local": pd.Timestamp("2024-01-01T12:00:00.123"),
        "zoned": pd.Timestamp("2024-01-01T10:00:00Z"),
        "fine": pd.Timestamp("2024-01-01T00:00:00.123456789"),
        "order": {"sum": 1, "inner": {"value": [1, None, 2]}},
        "lines": [{**item, "sku": "a", "n": 1}, {**item, "sku": "b", "price": 0.5}],
        "empty": [],
        "nothing": None,
        "o`d d": "x",
        "late": None,
    }
    nothing = dict.fromkeys(found[0])
    order = {"sum": None, "inner": {"value": None}}
    late = dt.date(2024, 1, 1)
    assert found[1] == {**nothing, "id": 2, "mixed": 1.5, "order": order, "lines": [], "late": late}
    assert found[2] == {**nothing, "id": 3, "big": Decimal(1), "lines": [None]}


def deep(levels):
    return 1 if not levels else {"a": deep(levels - 1)}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (['{"a":1}', "poison", '{"a":[]}'], {1, "[]"}),
        (["one", "two"], {"one", "two"}),
        (['{"a":"2024-01-01 00:00:00"}'], {pd.Timestamp("2024-01-01")}),
        (['{"a":"2024-01-01 00:00:00.5Z"}'], {pd.Timestamp("2024-01-01T00:00:00.5Z")}),
        (['{"a":"2024-01-01T00:00Z"}'], {pd.Timestamp("2024-01-01T00:00:00Z")}),
        (['{"a":"2024-01-01T00:00:00+02:00"}'], {"2024-01-01T00:00:00+02:00"}),
        ([json.dumps({"a": 10**38 - 1})], {Decimal(10**38 - 1)}),
        ([json.dumps({"a": 10**40}), '{"a":1}'], {str(10**40), "1"}),
        (['{"a":{}}'], {"{}"}),
        ([json.dumps({"a": {f"k{n}{i}": i for i in range(3)}}) for n in range(10)], None),
        ([json.dumps({"a": deep(40)})], None),
        (['{"a":1,"a\\nb":2,"{{ secret(\'HOME\') }}":3}'], {1}),
        (['{"a":"x\\u2028y"}'], {"x\u2028y"}),
    ],
)
def test_every_table_that_is_inferred_can_be_read(broker, topic, read, values, expected):
    send(broker, topic, values)
    column = "value" if values[0] == "one" else "a"
    found = read(column=column)
    assert len(found) == len([value for value in values if value != "poison"])
    if expected is not None:
        assert {str(one) if isinstance(one, dict) else one for one in found} == {
            str(one) if "poison" in values else one for one in expected
        }


def test_bytes_are_read_as_bytes(broker, topic, read):
    send(broker, topic, [b"\xff\x00\x01"])
    assert read(column="value") == [b"\xff\x00\x01"]


def test_a_key_that_the_value_does_not_have_is_a_column(broker, topic, read):
    send(broker, topic, [{"key": 1, "n": 2}], key=["key", "n"])
    assert read(column="message_key") == ['{"key":1,"n":2}']


def test_debeziums_changes_are_a_table(broker, topic, read):
    rows = [{"id": 1, "n": "a"}, {"id": 1, "n": "b"}, {"id": 2, "n": "c"}]
    envelopes = [
        {"before": None, "after": rows[0], "op": "c"},
        {"before": rows[0], "after": rows[1], "op": "u"},
        {"before": None, "after": rows[2], "op": "r"},
        {"before": rows[1], "after": None, "op": "d"},
    ]
    send(broker, topic, envelopes)
    assert read(query="SELECT id, n FROM {}") == [{"id": 2, "n": "c"}]


def test_the_event_time_makes_windows(broker, topic, read):
    send(
        broker,
        topic,
        [{"event_time": f"2024-01-01T00:00:{second:02}", "n": 1} for second in range(0, 60, 10)],
    )
    query = (
        "SELECT window_start, SUM(n) AS total FROM TUMBLE(TABLE {0}, DESCRIPTOR(event_time), INTERVAL '30' SECOND) "
        "GROUP BY window_start, window_end"
    )
    # a hint has no place inside TUMBLE
    schema = infer(peek(broker, topic))
    bounded = {**schema.options, "scan.bounded.mode": "latest-offset"}
    found = read(
        type(schema)(
            columns=schema.columns, format=schema.format, options=bounded, event_time=schema.event_time
        ),
        query=query.replace("{0}", topic),
    )
    assert sorted(row["total"] for row in found) == [3, 3]


def test_a_partition_without_records_holds_no_window_up(shell, broker):
    name = f"t{uuid.uuid4().hex[:8]}"
    broker.create(name, 3)
    rows = [{"k": "same", "event_time": f"2024-01-01T00:{minute:02}:00"} for minute in range(5)]
    send(broker, name, rows, key="k")
    shell.flink(table_ddl(name, name, infer(peek(broker, name)), "{{ kafka }}"))
    found = shell.rows(
        f"SELECT COUNT(*) FROM TUMBLE(TABLE {name}, DESCRIPTOR(event_time), INTERVAL '1' MINUTE) "
        "GROUP BY window_start, window_end",
        "--limit 3 --timeout 60",
    )
    assert found == [(1,)] * 3
    shell.flink(f"DROP TABLE {name}")
    broker.delete([name])


AVRO = {
    "type": "record",
    "name": "Order",
    "namespace": "shop",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "colour", "type": {"type": "enum", "name": "Colour", "symbols": ["RED", "BLUE"]}},
        {"name": "colours", "type": {"type": "map", "values": "Colour"}},
        {"name": "four", "type": {"type": "fixed", "name": "Four", "size": 4}},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "exactly", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {"name": "day", "type": ["null", {"type": "int", "logicalType": "date"}]},
        {"name": "time", "type": {"type": "int", "logicalType": "time-millis"}},
        {"name": "either", "type": ["int", "string"]},
        {"name": "number", "type": ["null", "int", "long"]},
        {
            "name": "lines",
            "type": {
                "type": "array",
                "items": {
                    "type": "record",
                    "name": "Line",
                    "fields": [{"name": "c", "type": ["null", "Colour"]}],
                },
            },
        },
    ],
}
MOMENT = dt.datetime(2024, 1, 1, 12, 0, 0, 123456, tzinfo=dt.UTC)
ORDER = {
    "id": 7,
    "colour": "RED",
    "colours": {"x": "BLUE"},
    "four": b"abcd",
    "price": Decimal("1.10"),
    "at": MOMENT,
    "exactly": MOMENT,
    "day": None,
    "time": dt.time(12, 1, 2, 3000),
    "either": "x",
    "number": 2**40,
    "lines": [{"c": "RED"}, {"c": None}],
}


@pytest.fixture
def avro_format(shell):
    shell.flink('ADD JAR {{ jar("org.apache.flink:flink-sql-avro-confluent-registry:2.3.0") }}')


@pytest.mark.usefixtures("avro_format")
@pytest.mark.parametrize("with_enums", [True, False])
def test_avro_with_a_schema_of_the_registry_comes_back(broker, topic, read, registry, with_enums):
    simple = {"id", "price", "at", "exactly", "day", "time", "either", "number"}
    fields = [field for field in AVRO["fields"] if with_enums or field["name"] in simple]
    schema = {**AVRO, "fields": fields}
    number = registry.register(f"{topic}-value", schema)
    buffer = io.BytesIO()
    fastavro.schemaless_writer(buffer, fastavro.parse_schema(schema), ORDER)
    send(broker, topic, [framed(number, buffer.getvalue())])
    (row,) = read(registered(Registry(registry.url), topic, peek(broker, topic)))
    expected = {
        **ORDER,
        "at": pd.Timestamp("2024-01-01T12:00:00.123"),
        "exactly": int(MOMENT.timestamp()) * 1_000_000 + 123_456,
    }
    del row["ts"], expected["either"]  # a union is left out
    assert row == {name: value for name, value in expected.items() if with_enums or name in simple}
