"""The Flink engine: statements in, cursors out, with a session that survives what happens to it."""

from __future__ import annotations

import contextlib
import difflib
import re
import uuid
from typing import TYPE_CHECKING

from streammagic.engines.answers import AnswerCursor
from streammagic.engines.flink import bundles, errors
from streammagic.engines.flink.cursor import StatementCursor
from streammagic.engines.flink.deploy import JOB_ID, FlinkJobs
from streammagic.engines.flink.gateway import Gateway
from streammagic.engines.flink.jobmanager import JobManager
from streammagic.engines.flink.session import RUNTIME_MODE, Sessions
from streammagic.engines.flink.zones import LOCAL_ZONE, zone
from streammagic.errors import (
    ConnectionFailedError,
    OptionError,
    SessionLostError,
    SqlError,
    StreamMagicError,
)
from streammagic.sql import naming
from streammagic.sql.catalog import Catalog, Column
from streammagic.sql.flink import FlinkDialect
from streammagic.sql.statements import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from streammagic.engines.base import Lease, QueryOptions, Settings, StreamEngine
    from streammagic.results.changes import Page, Row, Schema
    from streammagic.results.feed import Cursor
    from streammagic.sql.statements import Statement

_APPEARS_SECONDS = 5.0
_DESCRIBED = 100
"""Tables whose columns are asked for: each costs the gateway some milliseconds."""

_TIME_MARK = re.compile(r" \*(?:ROWTIME|PROCTIME)\*")
_STARTS_NO_JOB = frozenset({Kind.DEFINITION, Kind.SESSION, Kind.ANSWER})
_CHANGES_SESSION = frozenset({Kind.DEFINITION, Kind.SESSION, Kind.CREATE_AS})


class FlinkEngine:
    """The `StreamEngine` for Flink. Raises `ConnectionFailedError` where its gateway can't be reached."""

    title = errors.TITLE

    def __init__(self, settings: Settings, lease: Lease) -> None:
        self._settings = settings
        self._lease = lease
        self._dialect = FlinkDialect()
        self._gateway = Gateway(settings.urls["gateway"], settings)
        rest = settings.urls.get("rest")
        self._jobmanager = JobManager(rest, settings) if rest else None
        self._sessions = Sessions(self._gateway, settings, lease)
        self._jobs: FlinkJobs | None = None

    @property
    def jobs(self) -> FlinkJobs:
        """What it does for deployments. Raises `ConnectionFailedError` without a JobManager's address."""
        if self._jobmanager is None:
            raise ConnectionFailedError(
                "Jobs are looked after at Flink's JobManager, and its address is not set.",
                engine=errors.TITLE,
                hint="Set STREAMMAGIC_FLINK_REST to it, usually port 8081.",
            )
        if self._jobs is None:
            self._jobs = FlinkJobs(self._jobmanager, self._sessions, self._settings)
        return self._jobs

    def ping(self) -> str:
        """Return "Apache Flink" and its version."""
        return self._gateway.info()

    def query(self, statement: Statement, options: QueryOptions) -> Cursor:
        """Send a statement. A lost session is opened anew first, and a note of the cursor says so."""
        if options.start:
            raise OptionError(
                "--from is for engines whose queries choose where to start; in Flink the table does.",
                hint="Write FROM t /*+ OPTIONS('scan.startup.mode'='earliest-offset') */.",
            )
        if statement.kind is Kind.CLIENT:
            return AnswerCursor(
                f"{statement.words[0]} belongs to the SQL client; a notebook has no use for it."
            )
        if self._settings.auto_kafka() and statement.kind in (Kind.DEFINITION, Kind.CREATE_AS):
            statement = bundles.with_brokers(statement)
        mode = self._runtime_mode(statement, options)
        if self._is_mode_switch(statement):
            self._sessions.journal.add(statement, None)
            return AnswerCursor(f"{statement.words[0]} {RUNTIME_MODE}: OK")
        name = self._dialect.created_name(statement)
        if options.replace and name is not None and "REPLACE" not in statement.words:
            self._drop(name)
        cursor = self._submit(
            statement, options, mode, lambda handle: self._record(statement, name, mode, handle)
        )
        return (
            cursor
            if name is None
            else _CreateCursor(cursor, statement, self._sessions.journal.creation(name))
        )

    def catalog(self) -> Catalog:
        """Return the tables and views of the current database, with their columns, and all functions.

        SHOW FUNCTIONS lists names that only the Table API has (dateFormat); the dialect knows Flink's own.
        """
        names = [str(row[0]) for row in self._ask("SHOW TABLES")]
        tables = {}
        for name in names[:_DESCRIBED]:
            with contextlib.suppress(SqlError):  # dropped since, or its definition holds no longer
                tables[name] = self._described(naming.identifier(name))
        return Catalog(dict.fromkeys(names, ()) | tables, self._functions())

    def columns(self, table: str) -> tuple[Column, ...] | None:
        """Return the columns of a table, named as typed; None where there is none."""
        try:
            return self._described(table)
        except SqlError:
            return None

    def setting(self, name: str) -> str | None:
        """Return what was SET in this session, or given for every session."""
        return self._sessions.journal.setting(name) or self._settings.properties.get(name)

    def improve(self, error: StreamMagicError, statement: Statement) -> None:
        """Add near misses to an error. That this may fail as well must not hide it."""
        with contextlib.suppress(Exception):
            errors.with_near_misses(error, lambda kind: self._names(kind, statement.text))

    def complete(self, sql: str, position: int) -> list[str]:
        """Return the engine's completions for an offset in ``sql``."""
        handle, _ = self._sessions.get("streaming")
        return self._gateway.complete(handle, sql, position)

    def _functions(self) -> tuple[str, ...]:
        own = (str(row[0]) for row in self._ask("SHOW USER FUNCTIONS"))
        return (*own, *self._dialect.vocabulary.functions)

    def _described(self, table: str) -> tuple[Column, ...]:
        """Return the columns as DESCRIBE tells them: a type may end with ``*ROWTIME*``."""
        return tuple(
            Column(str(name), _TIME_MARK.sub("", str(kind)), _TIME_MARK.search(str(kind)) is not None)
            for name, kind, *_ in self._ask(f"DESCRIBE {table}")
        )

    def _ask(self, sql: str) -> list[Row]:
        """Run a statement that is answered at once."""
        session, _ = self._sessions.get("streaming")
        return self._sessions.run(session, sql)

    def succeed(self, before: StreamEngine) -> None:
        """Take over the definitions and settings of another connection: they are run in the first session."""
        if isinstance(before, FlinkEngine):
            self._sessions.journal = before._sessions.journal  # noqa: SLF001 - same class

    def close(self) -> None:
        """Close the sessions, which ends every SELECT in them, and all connections."""
        self._sessions.close()
        self._gateway.close()
        if self._jobmanager is not None:
            self._jobmanager.close()

    def _submit(
        self, statement: Statement, options: QueryOptions, mode: str, succeeded: Callable[[str], None]
    ) -> StatementCursor:
        job_id = None if statement.kind in _STARTS_NO_JOB else uuid.uuid4().hex
        config = {key: value for key, value in options.settings.items() if key != RUNTIME_MODE}
        if job_id is not None:
            config[JOB_ID] = job_id
            if self._jobmanager is not None:
                self._lease.hold("job", self._jobmanager.endpoint, job_id)
        try:
            session, operation, notes = self._send(statement, config, mode)
        except StreamMagicError as error:
            self._abandon(job_id, may_have_been_taken=isinstance(error, ConnectionFailedError))
            raise
        return StatementCursor(
            self._gateway,
            self._jobmanager,
            self._lease,
            session=session,
            operation=operation,
            statement=statement,
            job_id=job_id,
            follow_job=statement.kind is not Kind.QUERY,
            operation_timeout=self._settings.operation_timeout,
            succeeded=lambda: succeeded(session),
            notes=notes,
            local=zone(self.setting(LOCAL_ZONE) or ""),
        )

    def _names(self, kind: str, statement: str) -> Catalog:
        """Return what near misses of a "table", "column" or "function" are looked for in."""
        if kind == "function":
            return Catalog({}, self._functions())
        tables: dict[str, tuple[Column, ...]] = {str(row[0]): () for row in self._ask("SHOW TABLES")}
        if kind == "column":
            named = (name for name in tables if name.casefold() in statement.casefold())
            tables |= {name: self._described(naming.identifier(name)) for name in named}
        return Catalog(tables)

    def _send(self, statement: Statement, config: Mapping[str, str], mode: str) -> tuple[str, str, list[str]]:
        """Send a statement; return its session, its operation, and what there is to say about the session."""
        session, notes = self._sessions.get(mode)
        try:
            return session, self._gateway.submit(session, statement.text, config, statement), notes
        except SessionLostError:  # so it was not taken, and may be sent again
            self._sessions.forget(session)
        session, replayed = self._sessions.get(mode)
        notes = [
            "the gateway had lost the session: opened anew, definitions and settings run again",
            *replayed,
        ]
        return session, self._gateway.submit(session, statement.text, config, statement), notes

    def _abandon(self, job_id: str | None, *, may_have_been_taken: bool) -> None:
        """Let go of the job id of a statement that failed to be sent, and of its job if it came to be."""
        if job_id is None or self._jobmanager is None:
            return
        if may_have_been_taken:
            try:
                self._jobmanager.end_if_it_appears(job_id, seconds=_APPEARS_SECONDS)
            except StreamMagicError:
                return  # out of reach as well: the lease keeps the id for whoever cleans up
        self._lease.release("job", self._jobmanager.endpoint, job_id)

    def clean(self, kind: str, endpoint: str, what: str) -> bool:
        """End a session or job that a dead process held, if it is one of this engine's."""
        if kind == "session" and endpoint == self._gateway.endpoint:
            try:
                self._gateway.close_session(what)
            except SessionLostError:
                return True  # it is gone already
            return True
        if kind == "job" and self._jobmanager is not None and endpoint == self._jobmanager.endpoint:
            return self._jobmanager.end(what, seconds=_APPEARS_SECONDS)
        return False

    def _record(self, statement: Statement, name: str | None, mode: str, session: str) -> None:
        """Keep what changed the session, so that the next session can be brought to the same state."""
        only_asks = statement.words == ("SET",) and len(statement.tokens) == 1
        if statement.kind not in _CHANGES_SESSION or only_asks:
            return
        sql = None
        if statement.kind is Kind.CREATE_AS:  # its job must not run again; its table must be there again
            sql = self._sessions.run(session, f"SHOW CREATE TABLE {name}")[0][0]
        self._sessions.record(statement, name, mode, sql)

    def _runtime_mode(self, statement: Statement, options: QueryOptions) -> str:
        if statement.kind in (Kind.DEFINITION, Kind.SESSION):
            return "streaming"  # recorded there, and run in the batch session too
        chosen = options.settings.get(RUNTIME_MODE) or self._sessions.journal.setting(RUNTIME_MODE)
        chosen = chosen or self._settings.properties.get(RUNTIME_MODE, "streaming")
        return chosen.lower()

    @staticmethod
    def _is_mode_switch(statement: Statement) -> bool:
        return (
            statement.words[:1] in (("SET",), ("RESET",))
            and len(statement.tokens) > 1
            and statement.tokens[1].text.strip("'") == RUNTIME_MODE
        )

    def _drop(self, name: str) -> None:
        created = self._sessions.journal.creation(name)
        if created is None:
            return
        what = next(token.word for token in created.tokens if token.word in ("TABLE", "VIEW"))
        temporary = "TEMPORARY " if "TEMPORARY" in created.words else ""
        self._sessions.run_in_all(f"DROP {temporary}{what} IF EXISTS {name}")


class _CreateCursor:
    """A CREATE that may be run twice: the same again is no error, another shows how it differs."""

    def __init__(self, cursor: StatementCursor, statement: Statement, before: Statement | None) -> None:
        self._cursor = cursor
        self._statement = statement
        self._before = before
        self._extra: list[str] = []

    def __iter__(self) -> Iterator[Page]:
        try:
            yield from self._cursor
        except SqlError as error:
            if self._before is None or "already exists" not in (error.cause or ""):
                raise
            if self._before.normal != self._statement.normal:
                raise self._differs(error, self._before) from None
            self._extra.append("exists already with this definition: left as it is")

    @property
    def schema(self) -> Schema:
        return self._cursor.schema

    @property
    def job_id(self) -> str | None:
        return self._cursor.job_id

    @property
    def is_query(self) -> bool:
        return False

    @property
    def reads_from(self) -> str:
        return ""

    @property
    def notes(self) -> list[str]:
        return self._cursor.notes + self._extra

    def interrupt(self) -> None:
        self._cursor.interrupt()

    def silence(self) -> list[str]:
        return []

    def close(self) -> None:
        self._cursor.close()

    def _differs(self, error: SqlError, before: Statement) -> StreamMagicError:
        lines = difflib.unified_diff(
            before.text.splitlines(),
            self._statement.text.splitlines(),
            "as it is",
            "as in this cell",
            lineterm="",
        )
        return SqlError(
            "It exists already, with another definition.",
            engine=errors.TITLE,
            statement=self._statement.text,
            line=1,
            column=1,
            cause=error.cause,
            hint="Run the cell with --replace to put this definition in its place, or DROP it first.",
            details="\n".join(lines),
        )
