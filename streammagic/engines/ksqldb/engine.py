"""The ksqlDB engine: statements in, cursors out."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from streammagic.engines.answers import AnswerCursor
from streammagic.engines.http import Interruption, timed_out
from streammagic.engines.ksqldb import doctor, entities, errors, misses
from streammagic.engines.ksqldb.commands import Commands
from streammagic.engines.ksqldb.cursor import PrintCursor, PullCursor, PushCursor
from streammagic.engines.ksqldb.deploy import KsqlJobs
from streammagic.engines.ksqldb.entities_pages import sql_type
from streammagic.engines.ksqldb.keys import UpsertKey
from streammagic.engines.ksqldb.rest import KsqlRest
from streammagic.engines.ksqldb.session import OFFSET_RESET, Session
from streammagic.engines.ksqldb.wire import Format
from streammagic.errors import ConnectionFailedError, SqlError, StreamMagicError
from streammagic.results.changes import Page
from streammagic.sql.catalog import Catalog, Column
from streammagic.sql.ksqldb import LEXER, KsqlDialect
from streammagic.sql.naming import literal
from streammagic.sql.naming_ksqldb import identifier
from streammagic.sql.statements import Kind, split

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from streammagic.engines.base import Lease, QueryOptions, Settings, StreamEngine
    from streammagic.engines.http import Stream
    from streammagic.engines.ksqldb.commands import Entity
    from streammagic.results.feed import Cursor
    from streammagic.sql.statements import Statement
    from streammagic.sql.variables import Rendered

_ADD = "add"
_SAMPLE_SECONDS = 3.0
_LATEST = "latest"
_WINDOWS = frozenset({"TUMBLING", "HOPPING", "SESSION"})


class _Answer(NamedTuple):
    """What became of a statement that is answered at once."""

    entities: list[Entity]
    notes: tuple[str, ...] = ()


class KsqlEngine:
    """The `StreamEngine` for ksqlDB. Raises `ConnectionFailedError` where no server can be reached."""

    title = errors.TITLE

    def __init__(self, settings: Settings, lease: Lease) -> None:
        del lease  # what a kernel opens ends with its connections; nothing outlives it
        self._settings = settings = replace(settings, variables=replace(settings.variables, lexer=LEXER))
        self._dialect = KsqlDialect()
        self._rest = KsqlRest(settings.urls["server"], settings)
        self._session = Session(settings.properties)
        self._commands = Commands(self._rest, self._session, settings)
        self._jobs: KsqlJobs | None = None
        self._default_start: str | None = None
        try:
            self._rest.info()
            self._run(settings.init_sql, "StreamMagic.ksql_init_sql", {}, Interruption())
        except StreamMagicError:
            self.close()
            raise

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
        """Return the cursor of a statement, which sends it."""
        start = {} if options.start is None else {OFFSET_RESET: options.start}
        settings = start | dict(options.settings)
        if statement.kind is Kind.QUERY:
            return self._query(statement, settings)
        replaces = options.replace and self._dialect.created_name(statement) is not None
        return _CommandCursor(
            lambda interruption: self._answer(statement, settings, interruption, replaces=replaces)
        )

    def catalog(self) -> Catalog:
        """Return the streams and tables with their columns, and the functions."""
        ask = self._commands.ask
        described = ask("DESCRIBE STREAMS;") + ask("DESCRIBE TABLES;")
        sources = [source for entity in described for source in entity.get("sourceDescriptions", ())]
        listed = ask("LIST FUNCTIONS;")
        return Catalog(
            {str(source["name"]): _columns(source) for source in sources},
            tuple(str(one["name"]) for entity in listed for one in entity.get("functions", ())),
        )

    def columns(self, table: str) -> tuple[Column, ...] | None:
        """Return the columns of a stream or table, named as typed; None where there is none."""
        try:
            source = self._commands.describe(table)
        except SqlError:
            return None
        return None if source is None else _columns(source)

    def setting(self, name: str) -> str | None:
        """Return what was SET on this connection, or given for every one."""
        return self._session.with_properties({}).get(name)

    def improve(self, error: StreamMagicError, statement: Statement) -> None:
        """Say what may have been meant by a name that is not there, as far as it can be told."""
        unknown = errors.unknown(error)
        if unknown is None:
            return
        try:
            error.hint = misses.hint(
                unknown,
                error.hint or "",
                statement,
                catalog=self.catalog,
                names=self._names,
            )
        except Exception:  # noqa: BLE001 - the first error is the one to tell
            return

    def complete(self, sql: str, position: int) -> list[str]:
        """Return nothing: ksqlDB has no such service."""
        del sql, position
        return []

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

    def _answer(
        self,
        statement: Statement,
        settings: Mapping[str, str],
        interruption: Interruption,
        *,
        replaces: bool = False,
    ) -> _Answer:
        """Carry out a statement that is answered at once. Its errors are placed in it as typed.

        ``replaces`` makes a CREATE one that takes the place of what is there.
        """
        if statement.kind is Kind.CLIENT:
            word = statement.words[0] if statement.words else statement.title
            return _Answer([], (f"{word} belongs to ksqlDB's command line; a notebook has no use for it.",))
        if statement.words[:2] == ("RUN", "SCRIPT"):
            return self._script(statement, settings, interruption)
        rendered = self._settings.variables.render(statement.text)
        if replaces and not {"REPLACE", "EXISTS"} & set(statement.words):
            rendered = _with_replace(rendered)
        sent = statement.retold(rendered.text)
        try:
            match statement.kind:
                case Kind.SESSION:
                    return self._set(sent, settings, interruption)
                case Kind.ANSWER:
                    return _Answer(
                        self._commands.ask(f"{sent.text};", sent, settings, interruption=interruption)
                    )
                case _:
                    return _Answer(self._commands.carry_out(sent, settings, interruption))
        except StreamMagicError as error:
            self._tell(error, statement, rendered)
            raise

    def _set(self, statement: Statement, settings: Mapping[str, str], interruption: Interruption) -> _Answer:
        """Have the server check a setting, which it forgets at once, and keep it here.

        A property is sent along too: a SET of one that nobody may set is accepted, but nothing after it. What
        is kept here is taken away without a question.
        """
        session = self._session
        takes_away = statement.words[:1] in (("UNSET",), ("UNDEFINE",))
        if takes_away and session.has(statement):
            session.apply(statement)
            return _Answer([])
        tried = {**settings, **session.tried(statement)}
        found = self._commands.ask(f"{statement.text};", statement, tried, interruption=interruption)
        session.apply(statement)
        return _Answer(found, ("it was not set",) if takes_away and not found else ())

    def _query(self, statement: Statement, settings: Mapping[str, str]) -> Cursor:
        if self._settings.own("emit_changes") == _ADD and statement.words[:1] == ("SELECT",):
            statement = statement.retold(self._dialect.with_emit_changes(statement))
        rendered = self._settings.variables.render(statement.text)
        sent = statement.retold(rendered.text)
        prints = statement.words[:1] == ("PRINT",)
        is_push = self._dialect.is_push(statement)

        def send(interruption: Interruption) -> Stream:
            seconds = self._settings.operation_timeout if is_push else None
            try:
                return self._send(sent, settings, interruption, seconds=seconds)
            except StreamMagicError as error:
                self._tell(error, statement, rendered)
                raise

        if prints:
            return PrintCursor(send, statement, numbered=self._rest.info().version.prints_on_stream)
        if not is_push:
            return PullCursor(send, statement)
        return PushCursor(
            send,
            statement,
            rest=self._rest,
            key=lambda interruption: self._key(sent, interruption),
            start=lambda interruption: self._start(settings, interruption),
            examine=lambda start, interruption: doctor.examine(
                self._commands,
                sent,
                start,
                lambda topic: self._first_record(topic, interruption),
                interruption,
            ),
            limit=statement.limit,
        )

    def _send(
        self,
        statement: Statement,
        settings: Mapping[str, str],
        interruption: Interruption,
        *,
        seconds: float | None = None,
        quiet: float | None = None,
    ) -> Stream:
        """Open the stream of a query, on the endpoint that this server has for it."""
        version = self._rest.info().version
        prints = statement.words[:1] == ("PRINT",)
        old = not (version.prints_on_stream if prints else version.streams_over_http1)
        text = self._session.expand(statement.text) if old else statement.text
        accept = Format.V1 if old or not prints else Format.DELIMITED
        return self._rest.query(
            f"{text};",
            properties=self._session.with_properties(settings),
            variables=self._session.variables,
            accept=accept,
            statement=statement,
            old=old,
            interruption=interruption,
            seconds=seconds,
            quiet=quiet,
        )

    def _key(self, statement: Statement, interruption: Interruption) -> UpsertKey:
        """Find out by what the rows of a push query replace each other.

        EXPLAIN tells no windows of a push query: they are its own, or those of the table that it reads.
        """
        description = self._commands.explain(statement.text, interruption=interruption)
        key = UpsertKey.of(description, statement, _window(statement))
        if key.parts is None or key.window or self._dialect.is_aggregation(statement):
            return key
        for name in description.get("sources") or []:
            source = self._commands.describe(identifier(str(name)), interruption=interruption)
            if source is not None and source.get("windowType"):
                return replace(key, window=str(source["windowType"]))
        return key

    def _start(self, settings: Mapping[str, str], interruption: Interruption) -> str:
        """Return where a query begins to read: as set for it, here, on the server, or by Kafka's default."""
        start = self._session.with_properties(settings).get(OFFSET_RESET) or self._default_start
        if start is not None:
            return start
        try:
            found = self._commands.ask("LIST PROPERTIES;", interruption=interruption)
        except StreamMagicError:
            return _LATEST
        known = (one for entity in found for one in entity.get("properties", ()))
        there = (str(one["value"]) for one in known if one["name"] == f"ksql.streams.{OFFSET_RESET}")
        self._default_start = next(there, _LATEST)
        return self._default_start

    def _first_record(self, topic: str, interruption: Interruption) -> list[str | None] | None:
        """Return the first record of a topic; None where none comes within a moment."""
        statement = split(f"PRINT {literal(topic)} FROM BEGINNING LIMIT 1", self._dialect)[0]
        seconds = _SAMPLE_SECONDS
        cursor = PrintCursor(
            lambda _: self._send(statement, {}, interruption, seconds=seconds, quiet=seconds),
            statement,
            numbered=self._rest.info().version.prints_on_stream,
        )
        deadline = time.monotonic() + seconds
        try:
            for page in cursor:
                if page.rows or time.monotonic() > deadline:
                    return next(iter(page.rows), None)
        except ConnectionFailedError as error:
            if not timed_out(error):
                raise
        finally:
            cursor.close()
        return None

    def _script(
        self, statement: Statement, settings: Mapping[str, str], interruption: Interruption
    ) -> _Answer:
        """Run the statements of a file, as the command line does, but for queries."""
        path = statement.tokens[-1].text.strip("'\"").replace("''", "'")
        try:
            source = Path(path).expanduser().read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SqlError(
                f"The script {path} can't be read: {getattr(error, 'strerror', None) or error}.",
                engine=errors.TITLE,
                statement=statement.text,
                line=1,
                column=1,
            ) from None
        try:
            notes = self._run(source, path, settings, interruption)
        except StreamMagicError as error:
            error.statement = statement.text
            raise
        return _Answer([], tuple(notes))

    def _run(
        self, source: str, name: str, settings: Mapping[str, str], interruption: Interruption
    ) -> list[str]:
        """Run the statements of a text and return what there is to say; its errors name its line."""
        statements = split(source, self._dialect)
        for each in statements:
            if each.kind is Kind.QUERY or each.words[:2] == ("RUN", "SCRIPT"):
                what = "script" if each.words[:1] == ("RUN",) else "query"
                raise SqlError(
                    f"{name}, line {each.line}: a {what} has no place here. Nothing was run.",
                    engine=errors.TITLE,
                    hint="Write it into a cell of its own.",
                )
        notes: list[str] = []
        for each in statements:
            if interruption.is_set():
                break
            try:
                answer = self._answer(each, settings, interruption)
            except StreamMagicError as error:
                error.message = f"{name}, line {each.line + (error.line or 1) - 1}: {error.message}"
                error.line = error.column = None
                raise
            told = (entities.rendered(entity).notes for entity in answer.entities)
            notes += (f"{each.title}: {note}" for each_told in told for note in each_told)
            notes += (f"{each.title}: {note}" for note in answer.notes)
        return notes

    @staticmethod
    def _tell(error: StreamMagicError, statement: Statement, rendered: Rendered) -> None:
        """Give an error its place in the statement as typed."""
        error.statement = statement.text
        if error.line is not None and "${" in rendered.text.split("\n")[error.line - 1]:
            error.column = None  # the server counts in what it put in its place
        if error.line is not None and error.column is not None and rendered.text != rendered.source:
            error.line, error.column = rendered.place_in_source(error.line, error.column)

    def _names(self, what: str) -> list[str]:
        """Return the names of the VARIABLES of this connection, or of the server's TOPICS or QUERIES."""
        if what == "VARIABLES":
            return list(self._session.variables)
        found = self._commands.ask(f"LIST {what};")
        field = "id" if what == "QUERIES" else "name"
        return [str(one[field]) for entity in found for one in entity.get(what.lower(), ())]


def _with_replace(rendered: Rendered) -> Rendered:
    """Return a CREATE as CREATE OR REPLACE; each place of it still leads to the text as typed."""
    word, more = "CREATE", " OR REPLACE"
    cuts = [(start + len(more), origin) for start, origin in rendered.cuts[1:]]
    after = len(word), len(word)
    return replace(
        rendered,
        text=word + more + rendered.text[len(word) :],
        cuts=((0, 0), after, (after[0] + len(more), after[1]), *cuts),
    )


class _CommandCursor(AnswerCursor):
    """The `Cursor` of a statement that is answered at once: its entities, as a table.

    ``carry_out`` does that; it is asked to wait no longer by its argument.
    """

    def __init__(self, carry_out: Callable[[Interruption], _Answer]) -> None:
        super().__init__()
        self._carry_out = carry_out
        self._interruption = Interruption()

    def __iter__(self) -> Iterator[Page]:
        """Yield the answer as one page. Raises what the server refused or failed."""
        answer = self._carry_out(self._interruption)
        answers = [entities.rendered(entity) for entity in answer.entities]
        self.notes += [note for one in answers for note in one.notes]
        self.notes += answer.notes
        tables = [one for one in answers if one.schema.columns]
        if not tables:
            yield Page()
            return
        self.schema = tables[0].schema
        alike = (one for one in tables if one.schema.names == self.schema.names)
        yield Page([row for one in alike for row in one.rows])

    def interrupt(self) -> None:
        """Wait no longer for a command that is under way."""
        self._interruption.set()


def _columns(source: Entity) -> tuple[Column, ...]:
    """Return the columns of a source's description (SourceDescriptionEntity)."""
    return tuple(
        Column(str(field["name"]), sql_type(field.get("schema"))) for field in source.get("fields") or ()
    )


def _window(statement: Statement) -> str:
    """Return the kind of a query's windows, as its WINDOW clause has it; "" without one."""
    at = statement.top_level("WINDOW")
    clause = () if at is None else statement.tokens[at : at + 2]  # they may have a name
    return next((token.word for token in clause if token.word in _WINDOWS), "")
