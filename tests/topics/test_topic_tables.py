"""The text of a CREATE TABLE. What foreign data can do to it: nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streammagic.sql.flink import FlinkDialect
from streammagic.sql.naming import identifier, is_writable, path, table_name
from streammagic.sql.statements import split, tokenize
from streammagic.sql.variables import Variables
from streammagic.topics import TopicColumn, TopicSchema, table_ddl
from streammagic.topics import sqltypes as sql


def column(name, kind=sql.BIGINT, *remarks):
    return TopicColumn(name=name, type=kind, remarks=remarks)


def schema(*columns, form="json", **more):
    return TopicSchema(columns=columns or (column("id"),), format=form, **more)


def ddl(made, **more):
    return table_ddl("orders", more.pop("name", "orders"), made, more.pop("at", "{{ kafka }}"), **more)


def test_a_table_as_a_person_would_write_it():
    made = schema(
        column("id"),
        column("order", sql.row([("sum", sql.DOUBLE), ("a b", sql.array(sql.STRING))]), "missing in 1 of 2"),
        options={"json.timestamp-format.standard": "ISO-8601"},
        key="key",
        notes=("Something to know.",),
    )
    assert (
        ddl(made)
        == """\
-- Something to know.
CREATE TABLE orders (
  id BIGINT,
  `order` ROW<`sum` DOUBLE, `a b` ARRAY<STRING>>,  -- missing in 1 of 2
  key STRING,  -- the record's key
  ts TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL
  -- , WATERMARK FOR ts AS ts - INTERVAL '5' SECOND  -- for windows
) WITH (
  'connector' = 'kafka',
  'topic' = 'orders',
  'properties.bootstrap.servers' = {{ kafka }},
  'scan.startup.mode' = 'earliest-offset',
  'format' = 'json',
  'json.timestamp-format.standard' = 'ISO-8601',
  'key.format' = 'raw',
  'key.fields' = 'key',
  'value.fields-include' = 'EXCEPT_KEY'
)"""
    )


def test_the_event_time_has_a_watermark():
    text = ddl(schema(column("created", sql.timestamp(3, zoned=False)), event_time="created"))
    assert "  WATERMARK FOR created AS created - INTERVAL '5' SECOND  -- a partition" in text
    assert "'scan.watermark.idle-timeout' = '5 s'" in text
    assert "for windows" not in text


def test_the_records_timestamp_gets_a_name_that_is_free():
    text = ddl(schema(column("ts"), column("kafka_ts")))
    assert "  kafka_kafka_ts TIMESTAMP_LTZ(3) METADATA" in text


def test_a_long_row_is_laid_out_over_lines():
    inner = sql.row([(f"a_rather_long_name_{number}", sql.STRING) for number in range(5)])
    text = ddl(schema(column("top", sql.array(sql.row([("inner", sql.mapping(inner))])))))
    assert (
        """
  top ARRAY<ROW<
    `inner` MAP<STRING, ROW<
      a_rather_long_name_0 STRING,
"""
        in text
    )
    assert max(map(len, text.splitlines())) < 100


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("orders", "orders"),
        ("_x1", "_x1"),
        ("order", "`order`"),
        ("Value", "`Value`"),
        ("1x", "`1x`"),
        ("a-b", "`a-b`"),
        ("a`b", "`a``b`"),
        ("größe", "`größe`"),
    ],
)
def test_a_name_has_backticks_where_it_needs_them(name, written):
    assert identifier(name) == written


def test_a_tables_name_may_have_parts():
    assert path("db.order") == "db.`order`"
    assert path("`a.b`") == "`a.b`"
    assert table_name("shop.orders-v1") == "shop_orders_v1"


def test_security_settings_go_along_and_secrets_do_not():
    properties = {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "PLAIN",
        "sasl.username": "me",
        "sasl.password": "hidden",
        "socket.keepalive.enable": "true",
    }
    text = ddl(schema(), properties=properties)
    assert "'properties.security.protocol' = 'SASL_SSL'" in text
    assert "'properties.sasl.jaas.config' = '{{ secret(\"KAFKA_JAAS_CONFIG\") }}'" in text
    assert "hidden" not in text
    assert "keepalive" not in text


def no_secret(name):
    raise AssertionError(name)


FOREIGN = st.text(max_size=30) | st.sampled_from(
    [
        "{{ secret('HOME') }}",
        "'{{ kafka }}'",
        "{{{ kafka }}}",
        "a\nDROP TABLE x;",
        "x -- y",
        "*/ /*",
        "`",
        "';",
    ]
)


@given(st.lists(FOREIGN.filter(is_writable), min_size=1, max_size=4, unique=True), FOREIGN, FOREIGN)
def test_foreign_names_and_remarks_do_nothing(names, remark, note):
    made = schema(*(column(name, sql.row([(name, sql.STRING)]), remark) for name in names), notes=(note,))
    text = Variables({"kafka": lambda _: "host:9092", "secret": no_secret}).render(ddl(made)).text
    statement = only(split(text, FlinkDialect()))
    assert statement.words[:2] == ("CREATE", "TABLE")
    # the columns, and only those, are on the first level of parentheses
    inside = [token.text for token in tokenize(statement.text) if token.depth == 1]
    assert "DROP" not in inside
    assert [identifier(name) for name in names] == [
        text for at, text in enumerate(inside) if inside[at + 1 : at + 2] == ["ROW"]
    ]
    assert text.count("host:9092") == 1


def only(items):
    (item,) = items
    return item
