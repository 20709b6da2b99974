"""A topic's table as the text of a CREATE TABLE, laid out to be read and changed by a person."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

from streammagic.sql.naming import identifier, literal, path
from streammagic.views.cells import cut, visible

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streammagic.topics.schema import TopicColumn, TopicSchema

_COMMENT_WIDTH = 110
_REMARK_LIMIT = 160
_IDLE = "5 s"
"""After which a partition without records no longer holds the windows of all others up (Flink 1.18 on)."""

JAAS = "KAFKA_JAAS_CONFIG"
"""The secret that holds ``sasl.jaas.config`` for Kafka's Java client; a table's text must not."""

_JAVA_NAMES = {
    "security.protocol": "properties.security.protocol",
    "sasl.mechanism": "properties.sasl.mechanism",
    "sasl.mechanisms": "properties.sasl.mechanism",
}
"""librdkafka's settings that Kafka's Java client, which Flink uses, has too and that are no secret."""


def table_ddl(
    topic: str,
    name: str,
    schema: TopicSchema,
    bootstrap_sql: str,
    properties: Mapping[str, str] | None = None,
) -> str:
    """Return the CREATE TABLE of a topic.

    ``bootstrap_sql`` is the brokers' address as SQL: a literal, or the variable ``{{ kafka }}``.
    ``properties`` are the client's security settings as librdkafka has them; what is secret among them
    becomes a variable. Every name and comment that comes out of data is made harmless: it ends neither
    its line nor its quotes, and begins no variable.
    """
    notes = "".join(f"{line}\n" for note in schema.notes for line in _comment(note))
    options = _options(topic, schema, bootstrap_sql, properties or {})
    lines = ",\n".join(f"  {literal(key)} = {value}" for key, value in options.items())
    return f"{notes}CREATE TABLE {path(name)} (\n{_body(schema)}\n) WITH (\n{lines}\n)"


def _body(schema: TopicSchema) -> str:
    """Return the columns, with the remarks at the end of their lines, and the watermark."""
    stamp = _free("ts", schema)
    parts = [(_column(column), _remarks(column)) for column in schema.columns]
    if schema.key is not None:
        parts.append((f"{identifier(schema.key)} STRING", "the record's key"))
    parts.append((f"{identifier(stamp)} TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL", ""))
    time = identifier(schema.event_time or stamp)
    watermark = f"WATERMARK FOR {time} AS {time} - INTERVAL '5' SECOND"
    if schema.event_time:
        parts.append((watermark, f"a partition without records is waited for {_IDLE}"))
    lines = [
        f"  {text}{'' if at == len(parts) - 1 else ','}{f'  -- {remark}' if remark else ''}"
        for at, (text, remark) in enumerate(parts)
    ]
    if not schema.event_time:
        lines.append(f"  -- , {watermark}  -- for windows")
    return "\n".join(lines)


def _column(column: TopicColumn) -> str:
    return f"{identifier(column.name)} {column.type.laid_out(2)}"


def _remarks(column: TopicColumn) -> str:
    return _harmless(cut("; ".join(column.remarks), _REMARK_LIMIT))


def _free(name: str, schema: TopicSchema) -> str:
    """Return a name that no column has: Flink compares them as they are written."""
    taken = {*schema.names, schema.key}
    while name in taken:
        name = f"kafka_{name}"
    return name


def _options(
    topic: str, schema: TopicSchema, bootstrap_sql: str, properties: Mapping[str, str]
) -> dict[str, str]:
    """Return the table's options with their values as SQL, in the order to be read."""
    options = {
        "connector": literal("kafka"),
        "topic": literal(topic),
        "properties.bootstrap.servers": bootstrap_sql,
        **_security(properties),
        "scan.startup.mode": literal("earliest-offset"),
        "format": literal(schema.format),
        **{key: literal(value) for key, value in schema.options.items()},
    }
    if schema.event_time is not None:
        options["scan.watermark.idle-timeout"] = literal(_IDLE)
    if schema.key is not None:
        options |= {
            "key.format": literal("raw"),
            "key.fields": literal(schema.key),
            "value.fields-include": literal("EXCEPT_KEY"),
        }
    return options


def _security(properties: Mapping[str, str]) -> dict[str, str]:
    found = {_JAVA_NAMES[key]: literal(value) for key, value in properties.items() if key in _JAVA_NAMES}
    if any(key.startswith("sasl.") for key in properties):
        found["properties.sasl.jaas.config"] = f"'{{{{ secret(\"{JAAS}\") }}}}'"
    return found


def _comment(note: str) -> list[str]:
    return textwrap.wrap(
        _harmless(cut(note, 4 * _REMARK_LIMIT)),
        _COMMENT_WIDTH,
        initial_indent="-- ",
        subsequent_indent="-- ",
        break_on_hyphens=False,
    )


def _harmless(text: str) -> str:
    """Return foreign text for a comment: on one line, and without the beginning of a variable."""
    return re.sub(r"\{(?=\{)", "{ ", visible(text))
