"""A query of ksqlDB on its way: its answer read as it comes, and let go of on every path."""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING

import stamina

from streammagic.engines.ksqldb import errors
from streammagic.engines.ksqldb.keys import UpsertKey
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
from streammagic.errors import JobFailedError, StreamMagicError
from streammagic.results.changes import Page, RowKind, Schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from streammagic.engines.http import Stream
    from streammagic.engines.ksqldb.rest import KsqlRest
    from streammagic.engines.ksqldb.wire import Event
    from streammagic.sql.statements import Statement

_LIMIT_REACHED = "Limit Reached"
_RETRY_SECONDS = 20.0
_PRINTED = re.compile(
    rb"rowtime: (?P<rowtime>.*?), key: (?P<key>.*?), value: (?P<value>.*?)"
    rb"(?:, partition: (?P<partition>\d+))?$",
    re.DOTALL,
)
_TEXT = parse_type("STRING")


class _QueryCursor:
    """What the cursors of all queries have."""

    def __init__(self, open_stream: Callable[[], Stream], statement: Statement) -> None:
        self.schema = Schema()
        self.job_id: str | None = None
        self.is_query = True
        self.notes: list[str] = []
        self.reads_from = ""
        self._open_stream = open_stream
        self._statement = statement
        self._stream: Stream | None = None
        self._interrupted = threading.Event()

    def interrupt(self) -> None:
        """Make the iteration end soon."""
        self._interrupted.set()
        if self._stream is not None:
            self._stream.shutdown()

    def silence(self) -> list[str]:
        """Say nothing."""
        return []

    def close(self) -> None:
        """Close the connection: whatever still runs for it on the server ends with it."""
        if self._stream is not None:
            self._stream.close()

    def _pieces(self) -> Iterator[bytes]:
        stream = self._stream = self._stream or self._open_stream()
        if not self._interrupted.is_set():
            yield from stream

    def _failed(self, failure: Failure) -> StreamMagicError:
        return errors.from_band(failure.code, failure.message, self._statement)


class PullCursor(_QueryCursor):
    """The `Cursor` of a pull query: it ends by itself.

    A server that was started again refuses pull queries for some seconds; the query is sent again until
    then, as long as no row has come.
    """

    def __iter__(self) -> Iterator[Page]:
        """Yield pages. Raises what ended the query, if that is an error."""
        started = threading.Event()
        for attempt in stamina.retry_context(
            on=lambda error: (
                not (started.is_set() or self._interrupted.is_set()) and errors.is_transient(error)
            ),
            attempts=None,
            timeout=_RETRY_SECONDS,
            wait_initial=0.2,
            wait_max=1.0,
        ):
            with attempt:
                for page in self._read():
                    if page.rows:
                        started.set()
                    yield page

    def _read(self) -> Iterator[Page]:
        self.close()
        self._stream = None
        parser = Parser(Format.V1)
        for event in _events(self._pieces(), parser, self):
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

    ``describe`` returns the ``queryDescription`` of the query's EXPLAIN, ``examine`` says why no row may
    have come. ``limit`` is the query's own LIMIT: without it the query ends only if somebody ends it.
    """

    def __init__(  # noqa: PLR0913 - all that one query needs, named at its only call
        self,
        open_stream: Callable[[], Stream],
        statement: Statement,
        *,
        rest: KsqlRest,
        describe: Callable[[], dict[str, object]],
        examine: Callable[[], list[str]],
        limit: int | None,
        reads_from: str,
    ) -> None:
        super().__init__(open_stream, statement)
        self.reads_from = reads_from
        self._rest = rest
        self._describe = describe
        self._examine = examine
        self._limit = limit
        self._query: str | None = None
        self._ended = False

    def __iter__(self) -> Iterator[Page]:
        """Yield pages. Raises what ended the query, if that is an error."""
        parser = Parser(Format.V1)
        for event in _events(self._pieces(), parser, self):
            match event:
                case Header():
                    self._query = event.query_id
                    self.schema = self._schema(event)
                    yield Page()
                case Rows():
                    yield self._page(event)
                case Failure():
                    self._ended = True
                    raise self._failed(event)
                case Final():
                    self._ended = True
                    if event.message == _LIMIT_REACHED:
                        return
                    raise self._ended_by_others()
        if not self._interrupted.is_set():
            self._ended = True
            if self._limit is None:
                raise self._ended_by_others()

    def silence(self) -> list[str]:
        """Say why no row may have come."""
        return self._examine()

    def close(self) -> None:
        """End the query on its server, and close the connection."""
        if self._stream is not None and self._query is not None and not self._ended:
            self._rest.close_query(self._stream.http, self._query)
        super().close()

    def _schema(self, header: Header) -> Schema:
        names = tuple(column.name for column in header.columns)
        try:
            key, inexact = UpsertKey.of(self._describe()).positions(names)
        except StreamMagicError as error:
            self.notes.append(f"whether rows replace each other is not known: {error.message}")
            key, inexact = None, ""
        return Schema(header.columns, key, inexact)

    def _page(self, event: Rows) -> Page:
        gone = event.tombstones
        if self.schema.key is None and gone is None:
            return Page(event.rows)
        usual = RowKind.INSERT if self.schema.key is None else RowKind.UPDATE_AFTER
        kinds = [RowKind.DELETE if away else usual for away in gone or [False] * len(event.rows)]
        return Page(event.rows, kinds)

    def _ended_by_others(self) -> JobFailedError:
        """Tell of an end that nobody here asked for. A server that is being stopped tells no more of it."""
        return JobFailedError(
            "ksqlDB ended the query, and not from here.",
            engine=errors.TITLE,
            statement=self._statement.text,
            hint="The server is being stopped, or somebody ended the query (TERMINATE, /close-query). What "
            "had come is kept: .frame(partial=True). Run the cell again to go on.",
        )


class PrintCursor(_QueryCursor):
    """The `Cursor` of PRINT, whose answer is lines of text.

    Source: io.confluent.ksql.rest.server.resources.streaming.TopicStream, lines as of 7.4.
    """

    def __iter__(self) -> Iterator[Page]:
        """Yield pages of (rowtime, key, value, partition), all text."""
        names = ("rowtime", "key", "value", "partition")
        self.schema = Schema(tuple(column(name, _TEXT) for name in names))
        rest = b""
        self._stream = self._open_stream()
        yield Page()
        for piece in self._pieces():
            *lines, rest = (rest + piece).split(b"\n")
            rows = [row for line in lines if (row := self._row(line)) is not None]
            if rows:
                yield Page(rows)
        if (row := self._row(rest)) is not None and not self._interrupted.is_set():
            yield Page([row])

    def _row(self, line: bytes) -> list[str | None] | None:
        if not line.strip():
            return None
        found = _PRINTED.match(line.strip())
        if found is None:
            self.notes.append(line.decode(errors="replace").strip())  # "Key format: …", or an error
            return None
        return [None if part is None else part.decode(errors="replace") for part in found.groups()]


def _events(pieces: Iterator[bytes], parser: Parser, cursor: _QueryCursor) -> Iterator[Event]:
    """Yield what a body says. Raises `ConnectionFailedError` where it broke off."""
    try:
        for piece in pieces:
            yield from parser.feed(piece)
        if not cursor._interrupted.is_set():  # noqa: SLF001 - the same module's
            yield from parser.finish()
    except (IncompleteError, MalformedError) as error:
        stream = cursor._stream  # noqa: SLF001 - the same module's
        if stream is None:
            raise
        raise stream.http.broken(error) from error
