"""JSON Schemas to the columns of Flink's format ``json``.

A schema says less than records do: of a date-time it does not tell whether it ends in Z, so it stays text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streammagic.sql.naming import is_writable
from streammagic.topics import sqltypes
from streammagic.topics.schema import TopicColumn

if TYPE_CHECKING:
    from streammagic.topics.sqltypes import SqlType

_DEEPEST = 12
_SIMPLE = {
    "string": sqltypes.STRING,
    "integer": sqltypes.BIGINT,
    "number": sqltypes.DOUBLE,
    "boolean": sqltypes.BOOLEAN,
}


def json_columns(schema: Any) -> tuple[TopicColumn, ...]:
    """Return the columns of an object's schema: those of its properties that SQL can name."""
    mapper = _Mapper(schema)
    top = mapper.plain(schema)
    columns = []
    for name, held in _properties(top).items():
        if is_writable(name):
            mapper.remarks = []
            kind = mapper.type_of(held, 0)
            columns.append(TopicColumn(name=name, type=kind, remarks=tuple(mapper.remarks)))
    return tuple(columns)


class _Mapper:
    def __init__(self, root: Any) -> None:
        self.remarks: list[str] = []
        self._root = root

    def type_of(self, schema: Any, depth: int) -> SqlType:
        """Return the type of a schema's values; STRING, which takes every JSON value, for what is several."""
        found = self.plain(schema)
        kinds = [kind for kind in _listed(found.get("type")) if kind != "null"]
        if sorted(kinds) == ["integer", "number"]:
            kinds = ["number"]
        if not kinds and "properties" in found:
            kinds = ["object"]
        if len(kinds) != 1 or depth >= _DEEPEST:
            return sqltypes.STRING
        if kinds == ["array"]:
            items = found.get("items")
            return sqltypes.array(
                self.type_of(items, depth + 1) if isinstance(items, dict) else sqltypes.STRING
            )
        if kinds == ["object"]:
            return self._object(found, depth)
        if kinds == ["string"] and found.get("format") == "date":
            return sqltypes.DATE
        if kinds == ["string"] and found.get("format") == "date-time":
            self.remarks.append("date-time: TIMESTAMP_LTZ(3) if it always ends in Z")
        return _SIMPLE.get(kinds[0], sqltypes.STRING)

    def plain(self, schema: Any) -> dict[str, Any]:
        """Return a schema with its reference followed, and an alternative to null reduced to the other."""
        for _ in range(_DEEPEST):
            if not isinstance(schema, dict):
                return {}
            reference = schema.get("$ref")
            branches = [b for b in schema.get("oneOf") or schema.get("anyOf") or () if b != {"type": "null"}]
            if isinstance(reference, str):
                schema = self._resolved(reference)
            elif len(branches) == 1:
                schema = branches[0]
            elif len(schema.get("allOf") or ()) == 1:
                schema = schema["allOf"][0]
            else:
                return schema
        return {}

    def _resolved(self, reference: str) -> Any:
        """Follow a JSON pointer inside the schema (RFC 6901); anything else is unknown."""
        found = self._root
        for part in reference.removeprefix("#").strip("/").split("/") if reference.startswith("#") else ("",):
            key = part.replace("~1", "/").replace("~0", "~")
            if key:
                found = found.get(key) if isinstance(found, dict) else None
            elif not reference.startswith("#"):
                return None
        return found

    def _object(self, schema: dict[str, Any], depth: int) -> SqlType:
        fields = [
            (name, self.type_of(held, depth + 1))
            for name, held in _properties(schema).items()
            if is_writable(name)
        ]
        if fields:
            return sqltypes.row(fields)
        more = schema.get("additionalProperties")
        return sqltypes.mapping(self.type_of(more, depth + 1) if isinstance(more, dict) else sqltypes.STRING)


def _properties(schema: dict[str, Any]) -> dict[str, Any]:
    found = schema.get("properties")
    return found if isinstance(found, dict) else {}


def _listed(kind: Any) -> list[Any]:
    return kind if isinstance(kind, list) else [kind] if kind else []
