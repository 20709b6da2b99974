"""The ksqlDB engine: statements in, cursors out."""

from __future__ import annotations

import difflib
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streammagic.engines.answers import AnswerCursor
from streammagic.engines.ksqldb import doctor, entities, errors
from streammagic.engines.ksqldb.commands import Commands
from streammagic.engines.ksqldb.cursor import PrintCursor, PullCursor, PushCursor
from streammagic.engines.ksqldb.deploy import KsqlJobs
from streammagic.engines.ksqldb.rest import KsqlRest
from streammagic.engines.ksqldb.session import OFFSET_RESET, Session
from streammagic.engines.ksqldb.wire import Format
from streammagic.errors import SqlError, StreamMagicError
from streammagic.results.changes import Page, Schema
from streammagic.sql.ksqldb import KsqlDialect, literal
from streammagic.sql.statements import Kind, split

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from streammagic.engines.base import Lease, QueryOptions, Settings, StreamEngine
    from streammagic.engines.http import Stream
    from streammagic.engines.ksqldb.commands import Entity
    from streammagic.results.feed import Cursor
    from streammagic.sql.statements import Statement
    from streammagic.sql.variables import Rendered

_ADD = "add"
_NEAR = 0.6
_SAMPLE_SECONDS = 3.0


class KsqlEngine:
    """The `StreamEngine` for ksqlDB. Raises `ConnectionFailedError` where no server can be reached."""

    title = errors.TITLE

    def __init__(self, settings: Settings, lease: Lease) -> None:
        del lease  # what a kernel opens ends with its connections; nothing outlives it
        self._settings = settings
        self._dialect = KsqlDialect()
        self._rest = KsqlRest(settings.urls["server"], settings)
        self._session = Session(settings.properties)
        self._commands = Commands(self._rest, self._session, settings)
        self._jobs: KsqlJobs | None = None
        self._rest.info()
        for statement in split(settings.init_sql, self._dialect):
            _drain(self.query(statement, _nothing()))

    @property
    def jobs(self) -> KsqlJobs:
        """What it does for deployments."""
        if self._jobs is None:
            self._jobs = KsqlJobs(self._rest, self._commands, self._session, self._settings)
        return self._jobs

    def ping(self) -> str:
        """Return "ksqlDB" and its version."""
        return f"ksqlDB {self._rest.info(anew=True).version.text}"

    def query(self, statement: Statement, options: QueryOptions) -> Cursor:
        """Send a statement and return its cursor. Raises `StreamMagicError`."""
        settings = dict(options.settings)
        if options.start is not None:
            settings.setdefault(OFFSET_RESET, options.start)
        match statement.kind:
            case Kind.CLIENT:
                word = statement.words[0] if statement.words else statement.title
                return AnswerCursor(f"{word} belongs to ksqlDB's command line; a notebook has no use for it.")
            case Kind.SESSION:
                return self._set(statement, settings)
            case Kind.QUERY:
                return self._query(statement, settings)
            case _ if statement.words[:2] == ("RUN", "SCRIPT"):
                return self._script(statement, options)
            case _:
                return _CommandCursor(self, statement, settings)

    def clean(self, kind: str, endpoint: str, what: str) -> bool:
        """Return False: nothing of ksqlDB's is in a lease."""
        del kind, endpoint, what
        return False

    def succeed(self, before: StreamEngine) -> None:
        """Take over the properties and variables of another connection."""
        if isinstance(before, KsqlEngine):
            for name, value in before._session.properties.items():  # noqa: SLF001 - same class
                self._session.set_property(name, value)
            for name, value in before._session.variables.items():  # noqa: SLF001 - same class
                self._session.define(name, value)

    def close(self) -> None:
        """Close all connections; push queries end with theirs."""
        self._rest.close()

    def carry_out(
        self, statement: Statement, settings: Mapping[str, str], interrupted: threading.Event
    ) -> list[Entity]:
        """Send a statement that is answered at once. Its errors are placed in the statement as typed."""
        rendered = self._settings.variables.render(statement.text)
        sent = statement.retold(rendered.text)
        try:
            if statement.kind is Kind.ANSWER:
                return self._commands.ask(f"{sent.text};", sent)
            return self._commands.carry_out(sent, settings, interrupted)
        except StreamMagicError as error:
            raise self._told(error, statement, rendered) from error

    def _set(self, statement: Statement, settings: Mapping[str, str]) -> Cursor:
        """Have the server check a setting, which it forgets at once, and keep it here."""
        self.carry_out(statement, settings, threading.Event())
        known = self._session.apply(statement)
        if statement.words[:1] in (("UNSET",), ("UNDEFINE",)) and not known:
            return AnswerCursor("it was not set")
        return AnswerCursor()

    def _query(self, statement: Statement, settings: dict[str, str]) -> Cursor:
        if self._settings.own("emit_changes") == _ADD and statement.words[:1] == ("SELECT",):
            statement = self._pushed(statement)
        rendered = self._settings.variables.render(statement.text)
        sent = statement.retold(rendered.text)
        prints = statement.words[:1] == ("PRINT",)

        def send() -> Stream:
            try:
                return self._send(sent, settings, prints=prints)
            except StreamMagicError as error:
                raise self._told(error, statement, rendered) from error

        if prints:
            return PrintCursor(send, statement)
        if self._dialect.emit(statement) is None:
            return PullCursor(send, statement)
        start = settings.get(OFFSET_RESET) or self._session.properties.get(OFFSET_RESET) or "latest"
        return PushCursor(
            send,
            statement,
            rest=self._rest,
            describe=lambda: self._commands.explain(sent.text),
            examine=lambda: doctor.examine(self._commands, sent, start, self._first_record),
            limit=statement.limit,
            reads_from=start,
        )

    def _pushed(self, statement: Statement) -> Statement:
        if self._dialect.emit(statement) is not None:
            return statement
        return statement.retold(self._dialect.with_emit_changes(statement))

    def _send(self, statement: Statement, settings: Mapping[str, str], *, prints: bool) -> Stream:
        """Open the stream of a query, on the endpoint that this server has for it."""
        version = self._rest.info().version
        old = not (version.prints_on_stream if prints else version.streams_over_http1)
        text = self._session.expand(statement.text) if old else statement.text
        accept = Format.V1 if old or not prints else Format.DELIMITED
        return self._rest.query(
            f"{text};",
            properties={**self._session.properties, **settings},
            variables=self._session.variables,
            accept=accept,
            statement=statement,
            old=old,
        )

    def _first_record(self, topic: str) -> list[str | None] | None:
        """Return the first record of a topic; None where none comes within a moment."""
        sql = f"PRINT {literal(topic)} FROM BEGINNING LIMIT 1"
        statement = split(sql, self._dialect)[0]
        cursor = PrintCursor(lambda: self._send(statement, {}, prints=True), statement)
        timer = threading.Timer(_SAMPLE_SECONDS, cursor.interrupt)
        timer.daemon = True
        timer.start()
        try:
            return next((row for page in cursor for row in page.rows), None)
        finally:
            timer.cancel()
            cursor.close()

    def _script(self, statement: Statement, options: QueryOptions) -> Cursor:
        """Run the statements of a file, as the command line does; only what ends by itself may be in it."""
        path = statement.tokens[-1].text.strip("'\"")
        try:
            source = Path(path).expanduser().read_text()
        except OSError as error:
            raise SqlError(
                f"The script {path} can't be read: {error.strerror}.",
                engine=errors.TITLE,
                statement=statement.text,
                line=1,
                column=1,
            ) from None
        inner = split(source, self._dialect)
        notes: list[str] = []
        for each in inner:
            if self._dialect.emit(each) is not None or each.words[:1] == ("PRINT",):
                raise SqlError(
                    f"{path}, line {each.line}: a query without end has no place in a script.",
                    statement=statement.text,
                    hint="Write it into a cell of its own.",
                )
            try:
                notes += _drain(self.query(each, options))
            except StreamMagicError as error:
                error.message = f"{path}, line {each.line + (error.line or 1) - 1}: {error.message}"
                error.line = error.column = None
                raise
        return AnswerCursor(f"{len(inner)} statements of {Path(path).name} ran", *notes)

    def _told(self, error: StreamMagicError, statement: Statement, rendered: Rendered) -> StreamMagicError:
        """Return an error with its place in the statement as typed, and near misses for unknown names."""
        error.statement = statement.text
        if error.line is not None and error.column is not None and rendered.text != rendered.source:
            error.line, error.column = rendered.place_in_source(error.line, error.column)
        unknown = errors.unknown_source(error)
        if unknown is not None and (near := self._near(unknown)):
            error.hint = f"Did you mean {' or '.join(near)}?"
        return error

    def _near(self, name: str) -> list[str]:
        try:
            found = self._commands.ask("LIST STREAMS;") + self._commands.ask("LIST TABLES;")
        except StreamMagicError:
            return []
        known = [
            str(source["name"])
            for entity in found
            for source in (*entity.get("streams", ()), *entity.get("tables", ()))
        ]
        return difflib.get_close_matches(name.upper(), known, n=2, cutoff=_NEAR)


class _CommandCursor:
    """The `Cursor` of a statement that is answered at once: its entities, as a table."""

    def __init__(self, engine: KsqlEngine, statement: Statement, settings: Mapping[str, str]) -> None:
        self.schema = Schema()
        self.job_id: str | None = None
        self.is_query = False
        self.reads_from = ""
        self.notes: list[str] = []
        self._engine = engine
        self._statement = statement
        self._settings = settings
        self._interrupted = threading.Event()

    def __iter__(self) -> Iterator[Page]:
        """Yield the answer as one page. Raises what the server refused or failed."""
        found = self._engine.carry_out(self._statement, self._settings, self._interrupted)
        answers = [entities.rendered(entity) for entity in found]
        for answer in answers:
            self.notes += answer.notes
        tables = [answer for answer in answers if answer.schema.columns]
        if not tables:
            yield Page()
            return
        self.schema = tables[0].schema
        alike = (answer for answer in tables if answer.schema.names == self.schema.names)
        yield Page([row for answer in alike for row in answer.rows])

    def interrupt(self) -> None:
        """Wait no longer for a command that is under way."""
        self._interrupted.set()

    def silence(self) -> list[str]:
        """Say nothing: there are no rows to wait for."""
        return []

    def close(self) -> None:
        """Do nothing: nothing is open."""


def _drain(cursor: Any) -> list[str]:
    """Run a statement to its end and return what there is to say about it."""
    try:
        for _ in cursor:
            pass
    finally:
        cursor.close()
    return list(cursor.notes)


def _nothing() -> QueryOptions:
    from streammagic.engines.base import QueryOptions

    return QueryOptions()
