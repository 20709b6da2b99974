"""ksqlDB's streamed results: from the bytes of a response body, in pieces of any size, to events.

Sources: io.confluent.ksql.rest.entity.StreamedRow for ``application/vnd.ksql.v1+json`` (an array, an element
a line), io.confluent.ksql.api.server.DelimitedQueryStreamResponseWriter and its JSON sibling for the others.
Measured on ksqlDB 7.4: a push query that fails leaves a comma before the closing bracket, no element holds a
line break. The old writer of /query sends an empty line each second, and no bracket after a failure.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import orjson

from streammagic.engines.ksqldb.types import column, parse_schema, parse_type
from streammagic.results.changes import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from streammagic.results.changes import Column, DataType, Row

_BLANK = b" \t\r\n"
_BETWEEN = b"," + _BLANK
_TOMBSTONE = b'"tombstone"'
_SERVER_ERROR = 50000
_HALF = re.compile(rb"\\u[dD][89a-fA-F]")
"""An escape that may be half of a character, which orjson refuses and UTF-8 has no bytes for."""
_TOKEN = re.compile(rb'\\.?|["\[\]{}]', re.DOTALL)
_EXCERPT = 200
_BROKEN = "The result broke off in the middle of: {}"


class Format(StrEnum):
    """How a result is framed: what to send as ``Accept``.

    The old writer and /query send V1 for ``application/json`` too; a parser for JSON reads that as well.
    """

    V1 = "application/vnd.ksql.v1+json"
    DELIMITED = "application/vnd.ksqlapi.delimited.v1"
    JSON = "application/json"


class MalformedError(ValueError):
    """The body is not what its format says: an element that is no JSON or none of ksqlDB's."""


class IncompleteError(ValueError):
    """The body broke off in the middle of an element."""


@dataclass(frozen=True, slots=True)
class Header:
    """What comes first: the query's id on the server, and the columns. Servers before 5.5 send none."""

    query_id: str
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Rows:
    """Consecutive rows, raw. ``tombstones`` tells which of them delete a key; None where none does."""

    rows: list[Row]
    tombstones: list[bool] | None = None


@dataclass(frozen=True, slots=True)
class Final:
    """The server's last word of a query that ended well: "Limit Reached", "Query Completed"."""

    message: str


@dataclass(frozen=True, slots=True)
class Failure:
    """The error that ended a query after its start; ``code`` is an HTTP status and two more digits."""

    code: int
    message: str


Event = Header | Rows | Final | Failure


class Parser:
    """Reads one response body. Time and memory are linear in it, whatever the pieces.

    An element is given out once its end is sure: with the line break or, in JSON, the bracket that ends it.
    Integers are exact. Where a DECIMAL is among the columns, at any depth, no number passes through float,
    and DOUBLEs at the top level are made floats again. Tokens and objects that are not known are dropped.
    """

    def __init__(self, format: Format) -> None:  # noqa: A002 - the word of the protocol
        self._format = format
        self._pending: list[bytes] = []
        self._opened = False
        self._closed = False
        self._begun = False
        self._header_seen = False
        self._exact = False
        self._doubles: list[int] = []
        self._depth = 0
        self._quoted = False
        self._escaped = False

    @property
    def closed(self) -> bool:
        """Whether the closing bracket was read: known after `finish` only. DELIMITED has none."""
        return self._closed

    @property
    def header_seen(self) -> bool:
        """Whether the columns are known."""
        return self._header_seen

    def feed(self, data: bytes) -> list[Event]:
        """Take the next bytes of the body and return the events that they complete.

        Raises MalformedError.
        """
        if self._format is Format.JSON:
            return self._feed_nested(data)
        end = data.rfind(b"\n")
        if end < 0:
            self._pending.append(data)
            return []
        block = b"".join((*self._pending, data[:end]))
        self._pending = [data[end + 1 :]]
        return self._lines(block)

    def finish(self) -> list[Event]:
        """Return the events that the end of the body completes: a last element without a line break.

        Raises IncompleteError where the body broke off in the middle of an element.
        """
        rest = b"".join(self._pending)
        self._pending = []
        if self._format is Format.JSON:
            if self._depth > 1 or rest.strip(b"[]" + _BETWEEN):
                raise IncompleteError(_BROKEN.format(_excerpt(rest)))
            return []
        closed = self._closed
        try:
            return self._lines(rest)
        except MalformedError as error:
            self._closed = closed
            raise IncompleteError(_BROKEN.format(_excerpt(rest))) from error

    def _lines(self, block: bytes) -> list[Event]:
        """Read a block of whole lines, an element each."""
        block = block.strip(_BLANK)
        if self._format is Format.V1:
            if block and not self._opened:
                self._opened = True
                block = block.removeprefix(b"[").lstrip(_BLANK)
            if block.endswith(b"]"):
                self._closed = True
                block = block[:-1]
            block = block.strip(_BETWEEN)
        if not block:
            return []
        if self._begun:
            return self._events(self._load_lines(block), marked=_TOMBSTONE in block)
        self._begun = True
        first, _, rest = block.partition(b"\n")
        return self._events(self._load_first(first.rstrip(_BETWEEN), rest.strip(_BLANK)))

    def _load_first(self, first: bytes, rest: bytes) -> Iterator[Any]:
        """Yield the first element and, once it is understood, the others: it tells how exact they are."""
        yield self._load(first)
        yield from self._load_lines(rest)

    def _load_lines(self, block: bytes) -> list[Any]:
        """Parse all lines at once, or one by one where they are not separated as usual."""
        separated = block if self._format is not Format.DELIMITED else block.replace(b"\n", b",")
        try:
            elements: list[Any] = self._loads(b"".join((b"[", separated, b"]")))
        except ValueError:
            lines = (line.strip(_BETWEEN) for line in block.split(b"\n"))
            return [self._load(line) for line in lines if line]
        return elements

    def _feed_nested(self, data: bytes) -> list[Event]:
        """Take bytes of an array without line breaks: its elements end where the brackets say so."""
        ends = self._ends(data)
        if not ends:
            self._pending.append(data)
            return []
        before = b"".join(self._pending)
        block = before + data[: ends[-1]]
        self._pending = [data[ends[-1] :]]
        if self._begun:
            return self._events(self._load_lines(block.strip(_BETWEEN)), marked=_TOMBSTONE in block)
        self._begun = True
        end = len(before) + ends[0]
        first = block[:end].lstrip(_BLANK).removeprefix(b"[")
        return self._events(self._load_first(first, block[end:].strip(_BETWEEN)))

    def _ends(self, data: bytes) -> list[int]:
        """Return where in these bytes elements end, and remember how the bytes leave off."""
        ends = []
        depth, quoted, token = self._depth, self._quoted, b""
        for found in _TOKEN.finditer(data, int(self._escaped)):
            token = found[0]
            if token == b'"':
                quoted = not quoted
            elif not quoted and token in b"[{":
                depth += 1
            elif not quoted and token in b"]}":
                depth -= 1
                if depth == 1:
                    ends.append(found.end())
                self._closed = not depth
        self._depth, self._quoted = depth, quoted
        if data:
            self._escaped = token == b"\\"
        return ends

    def _load(self, element: bytes) -> Any:
        try:
            return self._loads(element)
        except ValueError as error:
            raise MalformedError(f"This is no result of ksqlDB: {_excerpt(element)}") from error

    def _loads(self, raw: bytes) -> Any:
        """Parse JSON as exactly as the columns ask for; half characters become U+FFFD. Raises ValueError."""
        if not self._exact:
            try:
                return orjson.loads(raw)
            except ValueError:
                if not _HALF.search(raw):
                    raise
        value = json.loads(raw, parse_float=Decimal if self._exact else float)
        return _mended(value) if _HALF.search(raw) else value

    def _events(self, elements: Iterable[Any], *, marked: bool = True) -> list[Event]:
        """Turn elements into events. ``marked`` tells that some of the rows may be tombstones."""
        if not marked and isinstance(elements, list):
            alike = elements
            with suppress(KeyError, TypeError):
                alike = [element["row"]["columns"] for element in elements]
            if set(map(type, alike)) == {list}:
                return self._rows(alike)
        events: list[Event] = []
        rows: list[Row] = []
        tombstones: list[bool] = []
        for element in elements:
            if isinstance(element, list):
                rows.append(element)
                tombstones.append(False)
            elif isinstance(element, dict) and (row := element.get("row")):
                if not isinstance(row, dict) or not isinstance(row.get("columns"), list):
                    raise MalformedError(f"This is no row of ksqlDB: {str(row)[:_EXCERPT]}")
                rows.append(row["columns"])
                tombstones.append(bool(row.get("tombstone")))
            else:
                event = self._event(element)
                if event is not None:
                    events += self._rows(rows, tombstones)
                    events.append(event)
                    rows, tombstones = [], []
        return events + self._rows(rows, tombstones)

    def _rows(self, rows: list[Row], tombstones: list[bool] | None = None) -> list[Event]:
        for at in self._doubles:
            for row in rows:
                if isinstance(row[at], Decimal):
                    row[at] = float(row[at])
        return [Rows(rows, tombstones if tombstones and any(tombstones) else None)] if rows else []

    def _event(self, element: Any) -> Event | None:
        """Return what an element other than a row says; None for one that is not known."""
        match element:
            case {"header": {"schema": str(schema)}}:
                return self._header(element["header"], _columns(schema))
            case {"columnNames": list(names), "columnTypes": list(types)} if len(names) == len(types):
                return self._header(element, list(zip(names, map(parse_type, types), strict=True)))
            case {"errorMessage": dict(error)}:
                return _failure(error)
            case {"error_code": _}:
                return _failure(element)
            case {"finalMessage": str(message)}:
                return Final(message)
            case dict():
                return None
            case _:
                raise MalformedError(f"This is no element of a result: {str(element)[:_EXCERPT]}")

    def _header(self, said: dict[str, Any], columns: list[tuple[str, DataType]]) -> Header:
        self._header_seen = True
        self._exact = any(data_type.contains(Kind.DECIMAL) for _, data_type in columns)
        if self._exact:
            self._doubles = [at for at, (_, one) in enumerate(columns) if one.kind is Kind.FLOAT64]
        made = tuple(column(name, data_type) for name, data_type in columns)
        return Header(str(said.get("queryId") or ""), made)


def _columns(schema: str) -> list[tuple[str, DataType]]:
    try:
        return [(name, data_type) for name, data_type, _ in parse_schema(schema)]
    except ValueError as error:
        raise MalformedError(str(error)) from error


def _failure(error: dict[str, Any]) -> Failure:
    return Failure(int(error.get("error_code") or _SERVER_ERROR), str(error.get("message") or ""))


def _mended(value: Any) -> Any:
    """Replace the halves of characters in texts, which a Java string may hold and UTF-8 may not."""
    match value:
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case list():
            return [_mended(item) for item in value]
        case dict():
            return {_mended(key): _mended(item) for key, item in value.items()}
        case _:
            return value


def _excerpt(raw: bytes) -> str:
    return raw[:_EXCERPT].decode(errors="replace")
