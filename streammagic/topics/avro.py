"""Avro schemas to the columns of Flink's format ``avro-confluent``, as measured on Flink 2.3.

That format reads with a schema it derives from the table. So a type is right if Avro resolves what was
written into what Flink derives, and Flink then takes the number for what it is:

- an enum and a fixed resolve into nothing that Flink derives; with them, the reading schema is given
- a timestamp of microseconds would be taken for milliseconds, so it stays a number
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from streammagic.topics import sqltypes
from streammagic.topics.schema import TopicColumn
from streammagic.topics.sqltypes import SqlType

_PRIMITIVE = {
    "boolean": "BOOLEAN",
    "int": "INT",
    "long": "BIGINT",
    "float": "FLOAT",
    "double": "DOUBLE",
    "bytes": "BYTES",
    "string": "STRING",
}
_NUMBERS = {"int": 0, "long": 1, "float": 2, "double": 3}
_NAMED = frozenset({"record", "error", "enum", "fixed"})
_MICROSECONDS = {
    "timestamp-micros": "microseconds since 1970, UTC",
    "local-timestamp-micros": "microseconds since 1970",
    "timestamp-nanos": "nanoseconds since 1970, UTC",
    "local-timestamp-nanos": "nanoseconds since 1970",
    "time-micros": "microseconds since midnight",
}
_MOST_DIGITS = 38
_MAP_KEY = "STRING NOT NULL"  # what Flink derives of a map; the given schema and the table must agree


@dataclass(slots=True)
class AvroColumns:
    """The columns of an Avro record.

    ``reader`` is the schema to read with, as JSON, where Flink's own would not do, else "". ``notes`` say
    what is left out and why.
    """

    columns: tuple[TopicColumn, ...] = ()
    reader: str = ""
    notes: list[str] = field(default_factory=list)


def avro_columns(schema: Any, named: list[Any]) -> AvroColumns:
    """Return the columns of a record schema; ``named`` are the schemas it refers to."""
    mapper = _Mapper()
    for other in named:
        mapper.learn(other, "")
    mapper.learn(schema, "")
    return mapper.columns(schema)


def envelope_row(schema: Any) -> Any:
    """Return the row's schema inside the schema of a Debezium envelope, None if it is no such schema."""
    fields = {f["name"]: f["type"] for f in schema.get("fields", ())} if isinstance(schema, dict) else {}
    if not {"before", "after", "op"} <= set(fields):
        return None
    branches = fields["before"] if isinstance(fields["before"], list) else [fields["before"]]
    return next((b for b in branches if isinstance(b, dict) and b.get("type") == "record"), None)


@dataclass(slots=True)
class _Found:
    """A type, and the Avro schema to read it with."""

    sql: SqlType
    reader: Any


class _Mapper:
    def __init__(self) -> None:
        self._named: dict[str, Any] = {}
        self._open: list[str] = []  # the records that are being mapped, outermost first
        self._written: set[str] = set()  # what the reading schema has defined already
        self._exact = False
        self._remarks: list[str] = []
        self._notes: list[str] = []

    def learn(self, schema: Any, namespace: str) -> None:
        """Know every named type inside a schema by its full name."""
        if isinstance(schema, list):
            for branch in schema:
                self.learn(branch, namespace)
        if not isinstance(schema, dict):
            return
        kind = schema.get("type")
        if isinstance(kind, str) and kind in _NAMED:
            name = _full_name(schema, namespace)
            namespace = name.rpartition(".")[0]
            self._named[name] = {**schema, "name": name}
        for inner in ("type", "items", "values"):
            if isinstance(schema.get(inner), dict | list):
                self.learn(schema[inner], namespace)
        for member in schema.get("fields", ()):
            self.learn(member.get("type"), namespace)

    def columns(self, schema: Any) -> AvroColumns:
        record = self._record(schema, "", top=True)
        if record is None:
            return AvroColumns(notes=[*self._notes, "The schema has no field that Flink can read."])
        types = dict(record.sql.fields)
        kept: dict[str, list[str]] = {name: [] for name in types}
        for remark in self._remarks:
            place, _, text = remark.partition(": ")
            column, _, rest = place.partition(".")
            kept[column].append(f"{rest}: {text}" if rest else text)
        columns = tuple(TopicColumn(name=n, type=t, remarks=tuple(kept[n])) for n, t in types.items())
        return AvroColumns(columns, json.dumps(record.reader) if self._exact else "", self._notes)

    def _type(self, schema: Any, namespace: str, path: str) -> _Found | None:
        """Return a type; None, with a note, for what Flink can't read."""
        if isinstance(schema, list):
            return self._union(schema, namespace, path)
        if isinstance(schema, str):
            if schema in _PRIMITIVE:
                return _Found(SqlType(_PRIMITIVE[schema]), schema)
            full = schema if "." in schema else f"{namespace}.{schema}".lstrip(".")
            named = self._named.get(full) or self._named.get(schema)
            if named is not None:
                return self._complex(named, "", path)
            return self._left_out(path, "always null" if schema == "null" else f"unknown type {schema}")
        return self._complex(schema, namespace, path)

    def _complex(self, schema: dict[str, Any], namespace: str, path: str) -> _Found | None:
        kind = schema.get("type")
        if isinstance(kind, list) or (isinstance(kind, dict) and "type" in kind):
            return self._type(kind, namespace, path)
        logical = self._logical(schema, namespace, path)
        if logical is not None:
            return logical
        if kind in ("record", "error"):
            return self._record(schema, path, top=False, namespace=namespace)
        if kind == "enum":
            self._exact = True
            return _Found(
                sqltypes.STRING, self._definition(schema, namespace, symbols=schema.get("symbols", []))
            )
        if kind == "fixed":
            self._exact = True
            size = int(schema.get("size", 1))
            return _Found(SqlType(f"VARBINARY({size})"), self._definition(schema, namespace, size=size))
        if kind == "array":
            found = self._type(schema.get("items"), namespace, f"{path}[]")
            reader = {"type": "array", "items": ["null", found.reader]} if found else None
            return found and _Found(sqltypes.array(found.sql), reader)
        if kind == "map":
            found = self._type(schema.get("values"), namespace, f"{path}{{}}")
            reader = {"type": "map", "values": ["null", found.reader]} if found else None
            return found and _Found(sqltypes.mapping(found.sql, _MAP_KEY), reader)
        return self._type(kind, namespace, path) if isinstance(kind, str) else self._left_out(path, "no type")

    def _logical(self, schema: dict[str, Any], namespace: str, path: str) -> _Found | None:
        """Return the type of a logical type, None for one that changes nothing."""
        kind, logical = schema.get("type"), str(schema.get("logicalType", ""))
        if logical == "decimal" and kind in ("bytes", "fixed"):
            digits, scale = int(schema.get("precision", 0)), int(schema.get("scale", 0))
            if not 0 <= scale <= digits <= _MOST_DIGITS or not digits:
                return None
            more = {"logicalType": "decimal", "precision": digits, "scale": scale}
            reader = {"type": "bytes", **more}
            if kind == "fixed":
                self._exact = True
                reader = self._definition(schema, namespace, size=schema.get("size", 1), **more)
            return _Found(SqlType(f"DECIMAL({digits}, {scale})"), reader)
        if logical == "date" and kind == "int":
            return _Found(sqltypes.DATE, {"type": "int", "logicalType": "date"})
        if logical == "time-millis" and kind == "int":
            return _Found(SqlType("TIME(3)"), {"type": "int", "logicalType": "time-millis"})
        if logical in ("timestamp-millis", "local-timestamp-millis") and kind == "long":
            if logical == "timestamp-millis":
                self._remarks.append(f"{path}: in UTC")
            return _Found(
                sqltypes.timestamp(3, zoned=False), {"type": "long", "logicalType": "timestamp-millis"}
            )
        if logical in _MICROSECONDS and kind == "long":
            self._remarks.append(f"{path}: {_MICROSECONDS[logical]}")
            return _Found(sqltypes.BIGINT, "long")
        return None

    def _union(self, branches: list[Any], namespace: str, path: str) -> _Found | None:
        real = [branch for branch in branches if branch != "null"]
        if len(real) == 1:
            return self._type(real[0], namespace, path)
        if real and all(isinstance(branch, str) and branch in _NUMBERS for branch in real):
            widest = max(real, key=lambda branch: _NUMBERS[branch])
            return self._type("double" if {"long", "float"} <= set(real) else widest, namespace, path)
        return self._left_out(path, "Flink can't read a union of several types" if real else "always null")

    def _record(self, schema: Any, path: str, *, top: bool, namespace: str = "") -> _Found | None:
        name = _full_name(schema, namespace)
        if name in self._open:
            return self._left_out(path, "Flink can't read a type that contains itself")
        self._open.append(name)
        inside = name.rpartition(".")[0]
        found = []
        for member in schema.get("fields", ()):
            place = f"{path}.{member['name']}".lstrip(".")
            held = self._type(member.get("type"), inside, place)
            if held is not None:
                found.append((str(member["name"]), held))
        self._open.pop()
        if not found:
            return None if top else self._left_out(path, "no field of it can be read")
        members = [{"name": field, "type": ["null", held.reader]} for field, held in found]
        reader = self._definition(schema, namespace, fields=members)
        return _Found(sqltypes.row([(field, held.sql) for field, held in found]), reader)

    def _definition(self, schema: dict[str, Any], namespace: str, **more: Any) -> Any:
        """Return the definition of a named type; only its name where it was defined before."""
        name = _full_name(schema, namespace)
        if name in self._written:
            return name
        self._written.add(name)
        return {"type": schema["type"], "name": name, **more}

    def _left_out(self, path: str, why: str) -> _Found | None:
        self._notes.append(f"{path} is left out: {why}.")
        return None


def _full_name(schema: dict[str, Any], namespace: str) -> str:
    name = str(schema.get("name", ""))
    if "." in name:
        return name
    space = str(schema.get("namespace", namespace) or "")
    return f"{space}.{name}" if space else name
