"""A query of ksqlDB on its way: its answer read as it comes, and let go of on every path."""

from __future__ import annotations

import re
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from streammagic.engines.http import Interruption
from streammagic.engines.ksqldb import errors
from streammagic.engines.ksqldb.types import column, parse_type
from streammagic.engines.ksqldb.wire import (
    Failure,
    Final,
    Format,
    Header,
    IncompleteError,
    MalformedError,
    Parser,
    Rows,
)
from streammagic.errors import ConnectionFailedError, JobFailedError, StreamMagicError
from streammagic.results.changes import Page, RowKind, Schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from streammagic.engines.http import Stream
    from streammagic.engines.ksqldb.keys import UpsertKey
    from streammagic.engines.ksqldb.rest import KsqlRest
    from streammagic.engines.ksqldb.wire import Event
    from streammagic.results.changes import Row
    from streammagic.sql.statements import Statement

_LIMIT_REACHED = "Limit Reached"
_RETRY_SECONDS = 20.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 1.0
_MOST_NOTES = 20
_RECORD = b"rowtime: "
_PRINTED = re.compile(
    rb"rowtime: (?P<rowtime>.*?), key: (?P<key>.*?), value: (?P<value>.*?)"
    rb"(?:, partition: (?P<partition>\d+))?$",
    re.DOTALL,
)
_TEXT = parse_type("STRING")


class _QueryCursor:
    """What the cursors of all queries have. ``open_stream`` sends the query."""

    def __init__(self, open_stream: Callable[[Interruption], Stream], statement: Statement) -> None:
        self.schema = Schema()
        self.job_id: str | None = None
        self.is_query = True
        self.notes: list[str] = []
        self.reads_from = ""
        self._open_stream = open_stream
        self._statement = statement
        self._stream: Stream | None = None
        self._interruption = Interruption()

    def interrupt(self) -> None:
        """Make the iteration end soon."""
        self._interruption.set()

    def silence(self) -> list[str]:
        """Say nothing."""
        return []

    def close(self) -> None:
        """Close the connection: whatever still runs for it on the server ends with it."""
        if self._stream is not None:
            self._stream.close()

    def _pieces(self) -> Iterator[bytes]:
        self._stream = self._open_stream(self._interruption)
        yield from self._stream

    def _events(self) -> Iterator[Event]:
        """Yield what the answer says; ends where it is interrupted.

        Raises `ConnectionFailedError` where the answer breaks off, or is none of ksqlDB's.
        """
        parser = Parser(Format.V1)
        try:
            for piece in self._pieces():
                yield from parser.feed(piece)
            if self._interruption.is_set():
                return
            yield from _last(parser)
        except (MalformedError, IncompleteError) as error:
            if self._stream is not None and parser.header_seen and isinstance(error, IncompleteError):
                raise self._stream.http.broken(error) from error
            raise ConnectionFailedError(
                "What was answered is no result of ksqlDB.",
                engine=errors.TITLE,
                statement=self._statement.text,
                cause=str(error),
                hint="Check STREAMMAGIC_KSQLDB: is there a proxy before the server?",
            ) from error

    def _failed(self, failure: Failure) -> StreamMagicError:
        return errors.from_band(failure.code, failure.message, self._statement)

    def _ended_by_others(self) -> JobFailedError:
        """Tell of an end that nobody here asked for. A server that is being stopped tells no more of it."""
        return JobFailedError(
            "ksqlDB ended the query, and not from here.",
            engine=errors.TITLE,
            statement=self._statement.text,
            hint="The server is being stopped, or somebody ended the query (TERMINATE, /close-query). What "
            "had come is kept: .frame(partial=True). Run the cell again to go on.",
        )


class PullCursor(_QueryCursor):
    """The `Cursor` of a pull query: it ends by itself.

    A server that was started again refuses pull queries for some seconds; the query is sent again until
    then, as long as no row has come.
    """

    def __iter__(self) -> Iterator[Page]:
        """Yield pages. Raises what ended the query, if that is an error."""
        deadline, pause = time.monotonic() + _RETRY_SECONDS, _FIRST_PAUSE
        while True:
            started = False
            try:
                for page in self._read():
                    started = started or bool(page.rows)
                    yield page
            except StreamMagicError as error:
                late = time.monotonic() + pause > deadline
                if started or late or not errors.is_transient(error) or self._interruption.wait(pause):
                    raise
            else:
                return
            pause = min(pause * 2, _LONGEST_PAUSE)
            self.close()

    def _read(self) -> Iterator[Page]:
        for event in self._events():
            match event:
                case Header():
                    self.schema = Schema(event.columns)
                    yield Page()
                case Rows():
                    yield Page(event.rows)
                case Failure():
                    raise self._failed(event)
                case Final():
                    return


class PushCursor(_QueryCursor):
    """The `Cursor` of a push query: of a stream's rows, or of a table's upserts and tombstones.

    ``key`` tells by what rows replace each other, ``start`` where a query begins to read, ``examine`` why no
    row may have come to one that begins there: they ask the server. Without a ``limit``, the query's own
    LIMIT, it ends only if somebody ends it.
    """

    def __init__(  # noqa: PLR0913 - all that one query needs, named at its only call
        self,
        open_stream: Callable[[Interruption], Stream],
        statement: Statement,
        *,
        rest: KsqlRest,
        key: Callable[[Interruption], UpsertKey],
        start: Callable[[Interruption], str],
        examine: Callable[[str, Interruption], list[str]],
        limit: int | None,
    ) -> None:
        super().__init__(open_stream, statement)
        self._rest = rest
        self._key = key
        self._start = start
        self._examine = examine
        self._limit = limit
        self._query: str | None = None

    def __iter__(self) -> Iterator[Page]:
        """Yield pages. Raises what ended the query, if that is an error."""
        try:
            yield from self._read()
        except StreamMagicError:
            self._query = None  # it has ended
            raise
        if not self._interruption.is_set():
            self._query = None

    def silence(self) -> list[str]:
        """Say why no row may have come."""
        return self._examine(self.reads_from, self._interruption)

    def close(self) -> None:
        """End the query on its server, and close the connection."""
        if self._stream is not None and self._query:
            self._rest.close_query(self._stream.http, self._query)
        super().close()

    def _read(self) -> Iterator[Page]:
        for event in self._events():
            match event:
                case Header():
                    self._query = event.query_id
                    self.schema = self._schema(event)
                    self.reads_from = self._start(self._interruption)
                    yield Page()
                case Rows():
                    yield self._page(event)
                case Failure():
                    raise self._failed(event)
                case Final() if event.message == _LIMIT_REACHED:
                    return
                case Final():
                    raise self._ended_by_others()
        if self._limit is None and not self._interruption.is_set():
            raise self._ended_by_others()

    def _schema(self, header: Header) -> Schema:
        names = tuple(column.name for column in header.columns)
        try:
            key, inexact = self._key(self._interruption).positions(names)
        except StreamMagicError as error:
            key, inexact = None, f"whether rows replace each other is not known ({error.message})"
        return Schema(header.columns, key, inexact)

    def _page(self, event: Rows) -> Page:
        gone = event.tombstones
        if self.schema.key is None and gone is None:
            return Page(event.rows)
        usual = RowKind.INSERT if self.schema.key is None else RowKind.UPDATE_AFTER
        kinds = [RowKind.DELETE if away else usual for away in gone or [False] * len(event.rows)]
        return Page(event.rows, kinds)


class PrintCursor(_QueryCursor):
    """The `Cursor` of PRINT, whose answer is lines of text; values may have lines of their own.

    ``numbered`` tells that every record ends with its partition. An old server may tell none: there, with an
    empty line, as it sends each second, or the next record.

    Sources: io.confluent.ksql.rest.server.resources.streaming.TopicStream, lines as of 7.4;
    DelimitedPrintResponseWriter and PrintSubscriber, which send nothing, not even the head of the answer,
    before the first record, and an error as a line of JSON.
    """

    def __init__(
        self, open_stream: Callable[[Interruption], Stream], statement: Statement, *, numbered: bool
    ) -> None:
        super().__init__(open_stream, statement)
        self._begun = b""
        self._numbered = numbered

    def silence(self) -> list[str]:
        """Say why no record may have come."""
        if "BEGINNING" in self._statement.words:
            return ["the topic has no records so far"]
        return ["PRINT shows what comes from now on: FROM BEGINNING shows what is there as well"]

    def __iter__(self) -> Iterator[Page]:
        """Yield pages of (rowtime, key, value, partition), all text; empty ones where only lines came.

        Raises what ended it.
        """
        names = ("rowtime", "key", "value", "partition")
        self.schema = Schema(tuple(column(name, _TEXT) for name in names))
        yield Page()
        rest = b""
        for piece in self._pieces():
            *lines, rest = (rest + piece).split(b"\n")
            yield Page([row for line in lines for row in self._rows(line)])
        if self._interruption.is_set():
            return
        yield Page([*self._rows(rest), *self._rows(b"", last=True)])
        if self._statement.limit is None:
            raise self._ended_by_others()

    def _rows(self, line: bytes, *, last: bool = False) -> Iterator[Row]:
        """Take a line and yield the records that it ends."""
        blank = not line.strip()
        if self._begun and (last or line.startswith(_RECORD) or (blank and not self._numbered)):
            yield from self._row(self._begun)
            self._begun = b""
        if self._begun:
            self._begun += b"\n" + line
        elif line.startswith(_RECORD):
            self._begun = line
        elif not blank:
            self._say(line)
        found = _PRINTED.match(self._begun)
        if found is not None and found["partition"]:
            yield from self._row(self._begun)
            self._begun = b""

    def _row(self, record: bytes) -> Iterator[Row]:
        found = _PRINTED.match(record)
        if found is None:
            self._say(record)
        else:
            yield [None if part is None else part.decode(errors="replace") for part in found.groups()]

    def _say(self, line: bytes) -> None:
        """Note a line that is no record ("Key format: …"). Raises what it says, if that is an error."""
        with suppress(MalformedError):
            for event in Parser(Format.DELIMITED).feed(line + b"\n"):
                if isinstance(event, Failure):
                    raise self._failed(event)
        if len(self.notes) < _MOST_NOTES:
            self.notes.append(line.decode(errors="replace").strip())


def _last(parser: Parser) -> list[Event]:
    """Return what the end of a body completes. Raises `IncompleteError` where it has no closing bracket."""
    events = parser.finish()
    ended = any(isinstance(event, Failure | Final) for event in events)
    if not (parser.closed or ended):
        raise IncompleteError("The bracket at its end is missing.")
    return events
