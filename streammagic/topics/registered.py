"""A topic's table from the schema that a registry has of it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from streammagic.errors import OptionError, StreamMagicError
from streammagic.topics.avro import avro_columns, envelope_row
from streammagic.topics.decode import plain_text, schema_id
from streammagic.topics.infer import NOT_JSON, with_key
from streammagic.topics.jsonschema import json_columns
from streammagic.topics.schema import TopicSchema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streammagic.topics.records import Record
    from streammagic.topics.registry import RegisteredSchema, Registry

_HEADER = 5
USER_INFO = "SCHEMA_REGISTRY_USER_INFO"
"""The secret that holds ``user:password`` for the registry; a table's text must not."""

_JAR = (
    "{} is in a jar of its own: %stream local add "
    "org.apache.flink:flink-sql-avro-confluent-registry:<Flink's version>, or ADD JAR."
)


def registered(registry: Registry, topic: str, records: Sequence[Record] = ()) -> TopicSchema | None:
    """Return the table of the subject ``<topic>-value``, None if the registry has no such subject.

    ``records`` are a sample, which tells of the keys. Raises `OptionError` for values that none of Flink's
    formats reads, and `ConnectionFailedError` without a registry.
    """
    schema = registry.latest(f"{topic}-value")
    if schema is None:
        return None
    if schema.kind == "AVRO":
        found = _avro(schema, registry)
        if found.format != "avro-confluent":
            return found
    elif schema.kind == "JSON":
        found = _json(schema, topic, records)
    else:
        raise OptionError(
            f"The values of {topic} are {schema.kind.capitalize()}, with a schema of the registry; none of "
            "Flink's formats reads those.",
            hint=f"%stream peek {topic} shows them; a table can only have their bytes ('format' = 'raw').",
        )
    valued = [(record, _value(schema, record.value)) for record in records if record.value is not None]
    return with_key(found, valued, found.names)


def _avro(schema: RegisteredSchema, registry: Registry) -> TopicSchema:
    content = schema.content()
    try:
        row = envelope_row(content)
        named = [json.loads(text) for text in schema.named]
        found = avro_columns(content if row is None else row, [*named, content])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise StreamMagicError("The registered schema is no Avro schema.", cause=repr(error)) from None
    form = "avro-confluent" if row is None else "debezium-avro-confluent"
    notes = [*found.notes, _JAR.format(form)]
    options = {f"{form}.url": registry.url}
    if registry.user_info:
        options[f"{form}.basic-auth.credentials-source"] = "USER_INFO"
        options[f"{form}.basic-auth.user-info"] = f'{{{{ secret("{USER_INFO}") }}}}'
    if found.reader and row is None:
        # a symbol of an enum is foreign text, and must not begin a variable of ours
        options[f"{form}.schema"] = found.reader.replace("{{", "{\\u007b")
    elif found.reader:
        notes.append("It has enums or fixed-size bytes, which Flink can't read in Debezium's envelopes.")
    if not found.columns:
        raise OptionError("The registered schema has no field that Flink can read.", details="\n".join(notes))
    return TopicSchema(columns=found.columns, format=form, options=options, notes=tuple(notes))


def _json(schema: RegisteredSchema, topic: str, records: Sequence[Record]) -> TopicSchema:
    if any(
        record.value and plain_text(record.value) is None and schema_id(record.value) for record in records
    ):
        raise OptionError(
            f"The values of {topic} are JSON in Confluent's wire format: five bytes stand before the JSON, "
            "and none of Flink's formats reads that.",
            hint=f"%stream peek {topic} shows them. Written without the schema's id they can be read in SQL.",
        )
    columns = json_columns(schema.content())
    if not columns:
        raise OptionError(f"The registered schema of {topic} names no property.")
    return TopicSchema(columns=columns, format="json")


def _value(schema: RegisteredSchema, value: bytes | None) -> Any:
    """Return a value decoded, `NOT_JSON` where that fails: it serves to find the key in it only."""
    try:
        if schema.kind == "AVRO":
            return schema.read_avro((value or b"")[_HEADER:])
        return json.loads(value or b"")
    except Exception:  # noqa: BLE001 - data that is not of its schema fails in any way; no fastavro is one more
        return NOT_JSON
