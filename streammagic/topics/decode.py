"""Bytes out of a topic as text: UTF-8, JSON on one line, what a schema explains, else hexadecimal."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from streammagic.errors import StreamMagicError
from streammagic.topics.encode import as_json

if TYPE_CHECKING:
    from streammagic.topics.registry import RegisteredSchema, Registry

_BINARY = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SPACE_OR_STRING = re.compile(r'("(?:[^"\\]|\\.)*+")|\s+', re.DOTALL)
_HEADER = 5


def plain_text(data: bytes) -> str | None:
    """Return bytes as text; None if they are no UTF-8, or hold control characters as numbers do."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    return None if _BINARY.search(text) else text


def schema_id(data: bytes) -> int | None:
    """Return the id of a value's schema, None where it is not in Confluent's wire format.

    Source: Confluent's documentation of the wire format: a zero byte, then the id in four bytes, big end
    first, then the data.
    """
    if len(data) < _HEADER or data[0] != 0:
        return None
    return int.from_bytes(data[1:_HEADER], "big") or None  # ids begin at 1


class Decoder:
    """Turns keys, values and headers into text. It never fails: what it can't read is shown as bytes.

    ``notes`` are sentences on what could not be read and why, each once.
    """

    def __init__(self, registry: Registry | None = None) -> None:
        self.notes: list[str] = []
        self._registry = registry

    def text(self, data: bytes | None) -> str | None:
        """Return the text of a key, value or header; None stays None."""
        if data is None:
            return None
        text = plain_text(data)
        if text is not None:
            return _on_one_line(text)
        number = schema_id(data)
        if number is None:
            return as_hex(data)
        if self._registry is None:
            self._note("Some values look like Confluent's wire format; set StreamMagic.schema_registry.")
            return as_hex(data)
        return self._with_schema(number, data, self._registry)

    def _with_schema(self, number: int, data: bytes, registry: Registry) -> str:
        try:
            schema = registry.by_id(number)
        except StreamMagicError as error:
            self._note(error.message)
            return as_hex(data)
        if schema is None:
            self._note(f"The schema registry has no schema {number}.")
            return as_hex(data)
        return self._decoded(schema, number, data)

    def _decoded(self, schema: RegisteredSchema, number: int, data: bytes) -> str:
        body = data[_HEADER:]
        if schema.kind == "JSON":
            text = plain_text(body)
            return _on_one_line(text) if text is not None else as_hex(data)
        if schema.kind == "AVRO":
            try:
                return as_json(schema.read_avro(body)).decode()
            except ImportError:
                self._note("Avro values need the package fastavro: pip install fastavro.")
            except Exception as error:  # noqa: BLE001 - data that is not of its schema fails in any way
                self._note(f"A value is not of its schema {number}: {type(error).__name__}.")
        return f"{schema.kind.lower()}, schema id {number}: {as_hex(body)}"

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


def as_hex(data: bytes) -> str:
    """Return bytes as ``0x…``."""
    return f"0x{data.hex()}"


def _on_one_line(text: str) -> str:
    """Return JSON without the white space between its tokens, if it has line breaks; other text as it is.

    The tokens stay as they are: no number loses a digit.
    """
    if "\n" not in text:
        return text
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return text
    return _SPACE_OR_STRING.sub(r"\1", text)
