"""From sampled records to the table that takes all of them: JSON, Debezium's envelopes, else raw."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from streammagic.errors import OptionError
from streammagic.sql.naming import is_writable
from streammagic.topics import sqltypes
from streammagic.topics.debezium import is_envelope, payload, rows
from streammagic.topics.decode import plain_text, schema_id
from streammagic.topics.profile import ISO, Profile, Typing
from streammagic.topics.schema import TopicColumn, TopicSchema

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from streammagic.topics.records import Record

_EVENT_TIME = re.compile(
    r"(?:(?:event|order(?:ed)?|created|occurred|happened|measured|recorded)_?)?(?:time|timestamp|ts|at)|datetime",
    re.IGNORECASE,
)
"""Names of columns that say when it happened."""

NOT_JSON = object()
"""What `parsed` returns for a value that is no JSON."""


def infer(records: Sequence[Record]) -> TopicSchema:
    """Return the table that takes all of the sampled records.

    A value that is no JSON object is counted in a note, and the table skips such values; where they are
    half of the sample or more, the table has one column with the whole value. Tombstones don't count.

    Raises `OptionError` if there is no value to learn from.
    """
    valued = [record for record in records if record.value is not None]
    if not valued:
        raise OptionError(
            "There is no record to learn the columns from.",
            hint="Send some first, or write the CREATE TABLE by hand.",
        )
    found = [(record, parsed(record.value)) for record in valued]
    sampled = [(record, value) for record, value in found if isinstance(value, dict)]
    if 2 * len(sampled) <= len(found):
        schema = _raw([record.value for record in valued if record.value is not None])
        names: set[str] = set()
    else:
        objects = [value for _, value in sampled]
        schema = _debezium(objects) if all(map(is_envelope, objects)) else _json(objects)
        schema = _skipping(schema, len(found) - len(sampled), len(found))
        names = {name for value in objects for name in value}
    if len(valued) < len(records):
        tombstones = f"{len(records) - len(valued):,} of {len(records):,} records are tombstones (no value)"
        schema = replace(schema, notes=(*schema.notes, f"{tombstones}; the table leaves them out."))
    return schema if schema.format == "debezium-json" else with_key(schema, sampled or found, names)


def parsed(value: bytes | None) -> Any:
    """Return a value's JSON, or `NOT_JSON` where Flink's parser would not take it either."""
    try:
        text = (value or b"").decode()
        return json.loads(text, strict=False, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return NOT_JSON


def _no_constant(name: str) -> Any:
    raise ValueError(name)  # NaN and Infinity are Python's idea of JSON


def columns_of(objects: Sequence[dict[str, Any]]) -> tuple[tuple[TopicColumn, ...], Typing, list[str]]:
    """Return the columns that take all of the objects, how times are read, and notes."""
    top = Profile()
    for value in objects:
        top.add(value)
    typing = Typing.of(top)
    columns, notes = [], []
    for name, held in top.fields.items():
        if not is_writable(name):
            notes.append(f"The field {name!r} is left out: its name can't be written in SQL.")
            continue
        typing.remarks.clear()
        kind = typing.type_of(held)
        missing = top.seen - held.seen
        remarks = [f"missing in {missing:,} of {top.seen:,}"] if missing else []
        columns.append(TopicColumn(name=name, type=kind, remarks=(*remarks, *typing.remarks)))
    if top.has_many_keys():
        notes.append(f"{len(top.fields):,} different fields in {top.seen:,} records: are they data?")
    return tuple(columns), typing, notes


def uses_iso(columns: Sequence[TopicColumn], typing: Typing) -> bool:
    """Tell whether the table must name the ISO-8601 format, its times being no SQL ones."""
    return typing.times == ISO and any("TIMESTAMP" in str(column.type) for column in columns)


def _json(objects: Sequence[dict[str, Any]]) -> TopicSchema:
    columns, typing, notes = columns_of(objects)
    options = {"json.timestamp-format.standard": "ISO-8601"} if uses_iso(columns, typing) else {}
    if not columns:
        return replace(_raw([b""]), notes=("No record has a field that could be a column.", *notes))
    return TopicSchema(
        columns=columns,
        format="json",
        options=options,
        event_time=_event_time(columns, objects),
        notes=tuple(notes),
    )


def _debezium(objects: Sequence[dict[str, Any]]) -> TopicSchema:
    """Return the changelog's table: its columns are those of the rows inside the envelopes."""
    columns, typing, notes = columns_of(rows(objects))
    options = {}
    if any(payload(value) is not value for value in objects):
        options["debezium-json.schema-include"] = "true"
    if uses_iso(columns, typing):
        options["debezium-json.timestamp-format.standard"] = "ISO-8601"
    if any(payload(value).get("op") == "u" and payload(value).get("before") is None for value in objects):
        notes.append(
            "Updates have no before image, which Flink needs. "
            "In PostgreSQL: ALTER TABLE … REPLICA IDENTITY FULL."
        )
    notes.insert(0, "Debezium's envelopes: the table is a changelog, with updates and deletes.")
    return TopicSchema(columns=columns, format="debezium-json", options=options, notes=tuple(notes))


def _skipping(schema: TopicSchema, poison: int, total: int) -> TopicSchema:
    """Let the table skip what is no JSON object, and say how much of it there was.

    A field of a wrong type is null in such a table; a null time would end a query with a watermark.
    """
    if not poison:
        return schema
    note = f"{poison:,} of {total:,} values are no JSON object; the table skips such values."
    options = {**schema.options, f"{schema.format}.ignore-parse-errors": "true"}
    return replace(schema, options=options, event_time=None, notes=(note, *schema.notes))


def _raw(values: Sequence[bytes]) -> TopicSchema:
    """Return the table with the whole value in one column."""
    is_text = all(plain_text(value) is not None for value in values)
    return TopicSchema(
        columns=(TopicColumn(name="value", type=sqltypes.STRING if is_text else sqltypes.BYTES),),
        format="raw",
        notes=(_what_it_is(values, is_text=is_text),),
    )


def _what_it_is(values: Sequence[bytes], *, is_text: bool) -> str:
    if is_text:
        return "The values are text, but no JSON objects."
    number = schema_id(values[0])
    if number is not None and all(value[:5] == values[0][:5] for value in values):
        return (
            f"The values look like Confluent's wire format, of schema {number}; with "
            "StreamMagic.schema_registry set, its schema gives the columns."
        )
    return "The values are neither text nor JSON."


@dataclass(frozen=True, slots=True)
class _Keys:
    """The keys of the sample, with the JSON of their values."""

    pairs: list[tuple[bytes, Any]]
    is_text: bool


def with_key(schema: TopicSchema, found: Sequence[tuple[Record, Any]], names: Iterable[str]) -> TopicSchema:
    """Add a column for the records' keys, unless a column has them already or there is none to read.

    ``found`` are records with their values decoded, ``names`` those of all fields of the values.
    """
    keys = _Keys(
        [(record.key, value) for record, value in found if record.key is not None],
        all(record.key is None or plain_text(record.key) is not None for record, _ in found),
    )
    if not keys.pairs:
        return schema
    if not keys.is_text:
        note = "The records' keys are no text; they are left out."
        return replace(schema, notes=(*schema.notes, note))
    names = set(names)
    same = next((name for name in schema.names if _is_key(name, keys)), None)
    if same is not None:
        return replace(schema, notes=(*schema.notes, f"The records' key is the column {same}."))
    free = next(name for name in ("key", "message_key", "kafka_key", "_key", "__key") if name not in names)
    return replace(schema, key=free)


def _is_key(name: str, keys: _Keys) -> bool:
    """Tell whether that field of every value says the same as the record's key."""
    return all(
        isinstance(value, dict) and name in value and _as_key(value[name]) == key for key, value in keys.pairs
    )


def _as_key(value: Any) -> bytes | None:
    if isinstance(value, str):
        return value.encode("utf-8", "replace")
    return str(value).encode() if isinstance(value, int) and not isinstance(value, bool) else None


def _event_time(columns: Sequence[TopicColumn], objects: Sequence[dict[str, Any]]) -> str | None:
    """Return the column that says when it happened: the only time there is, in every record, and so named."""
    times = [column for column in columns if str(column.type).startswith("TIMESTAMP")]
    if len(times) != 1:
        return None
    name = times[0].name
    certain = all(value.get(name) is not None for value in objects)
    # a time attribute has milliseconds at most
    return name if certain and str(times[0].type).endswith("(3)") and _EVENT_TIME.fullmatch(name) else None
