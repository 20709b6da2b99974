"""Gateway sessions that outlive what happens to them.

A session holds everything a person has defined: in-memory tables, SETs, the current database. It dies
when the gateway does, or when idle for too long. So all that was defined is written into a journal, and
a new session starts with the journal replayed. Batch mode has a session of its own, because a table made
in a streaming session can't always be read in batch (measured: one with a WATERMARK can't).
"""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from streammagic.engines.flink.paging import POLL_SECONDS
from streammagic.errors import ConnectionFailedError, SessionLostError, SqlError, StreamMagicError
from streammagic.sql import naming
from streammagic.sql.flink import FlinkDialect
from streammagic.sql.statements import Kind, split

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from streammagic.engines.base import Lease, Settings
    from streammagic.engines.flink.gateway import Gateway
    from streammagic.results.changes import Row
    from streammagic.sql.statements import Statement

RUNTIME_MODE = "execution.runtime-mode"
_HEARTBEAT_SECONDS = 60.0
"""A tenth of the gateway's default idle time (``sql-gateway.session.idle-timeout``, 10 min)."""

_RETIRED_SECONDS = 0.5
_INTERRUPTED_SECONDS = 5.0


Name = tuple[str, ...]
"""A table or view, as catalog, database and its own name; "" for a catalog or database never named."""


@dataclass(slots=True)
class Entry:
    """A statement that later ones depend on. ``name`` is what it created, if that is a table or view."""

    statement: Statement
    name: Name | None
    sql: str


class Journal:
    """What was defined, in order: the statements that bring a new session to where the old one was."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._place: tuple[str, str] = ("", "")

    def add(self, statement: Statement, name: str | None, sql: str | None = None) -> None:
        """Take in a statement that succeeded; ``sql`` stands in for it where it can't be sent again.

        What it makes void is taken out: an earlier definition of the same, an earlier SET of the same key.
        """
        words = statement.words
        if name is not None:
            self.forget(name)
        elif words[:1] == ("DROP",) and (dropped := FlinkDialect.subject(statement)) is not None:
            self.forget(dropped)
            return
        elif words[:1] in (("SET",), ("RESET",)):
            key = statement.tokens[1].text if len(statement.tokens) > 1 else None
            self.entries = [e for e in self.entries if not _sets(e.statement, key)]
            if words[:1] == ("RESET",):
                return
        elif words[:1] == ("USE",):
            self._use(statement)
        self.entries.append(
            Entry(statement, None if name is None else self.resolved(name), sql or statement.text)
        )

    def resolved(self, name: str) -> Name:
        """Return the full name of what a name as typed means now."""
        found = naming.parts(name)
        missing = max(3 - len(found), 0)  # catalog, database, table
        return (*self._place[:missing], *found)

    def creation(self, name: str) -> Statement | None:
        """Return the statement that created a table or view, if it was run here."""
        wanted = self.resolved(name)
        return next((e.statement for e in self.entries if e.name == wanted), None)

    def forget(self, name: str) -> None:
        """Take out what made a table or view, and what altered it: it was dropped, or is made anew."""
        gone = self.resolved(name)

        def is_about(entry: Entry) -> bool:
            subject = FlinkDialect.subject(entry.statement)
            return entry.name == gone or (subject is not None and self.resolved(subject) == gone)

        self.entries = [entry for entry in self.entries if not is_about(entry)]

    def setting(self, key: str) -> str | None:
        """Return what a SET of this session gave a key; None after RESET or without one."""
        for entry in reversed(self.entries):
            tokens = entry.statement.tokens
            if _sets(entry.statement, f"'{key}'") and len(tokens) > 3:  # noqa: PLR2004 - SET key = value
                return tokens[3].text.strip("'")
        return None

    def _use(self, statement: Statement) -> None:
        words = statement.words
        named = naming.parts("".join(token.text for token in statement.tokens[1:]))
        if words[1:2] == ("CATALOG",):
            self._place = (naming.parts(statement.tokens[2].text)[0], "")
        elif words[1:2] != ("MODULES",) and named:
            self._place = (named[0], named[1]) if len(named) > 1 else (self._place[0], named[0])


def _sets(statement: Statement, key: str | None) -> bool:
    """Tell whether a statement is a SET of a key as typed, in quotes; of any key for None."""
    return statement.words[:1] == ("SET",) and (key is None or statement.tokens[1].text == key)


class Sessions:
    """The sessions of one connection, one for each runtime mode that is used. Thread-safe."""

    def __init__(self, gateway: Gateway, settings: Settings, lease: Lease) -> None:
        self.journal = Journal()
        self._gateway = gateway
        self._settings = settings
        self._lease = lease
        self._handles: dict[str, str] = {}
        self._lock = threading.RLock()
        self._ended = threading.Event()
        self._heart: threading.Thread | None = None
        self._retired: list[tuple[float, str]] = []
        self._closer: threading.Thread | None = None

    def get(self, mode: str) -> tuple[str, list[str]]:
        """Return the session for a runtime mode, and what there is to say if it had to be opened.

        Raises `ConnectionFailedError` once this is closed: nobody would close what is opened then.
        """
        with self._lock:
            if self._ended.is_set():
                raise ConnectionFailedError("This connection to Flink is closed.")
            if mode in self._handles:
                return self._handles[mode], []
            return self._open(mode)

    def ping(self) -> bool:
        """Tell that the gateway answers. Raises `ConnectionFailedError` where it does not."""
        return bool(self._gateway.info())

    def forget(self, handle: str) -> None:
        """Note that the gateway no longer knows a session; the next `get` opens it anew."""
        with self._lock:
            self._handles = {mode: known for mode, known in self._handles.items() if known != handle}
            self._lease.release("session", self._gateway.endpoint, handle)

    def record(self, statement: Statement, name: str | None, mode: str, sql: str | None = None) -> None:
        """Write a statement that changed session ``mode`` into the journal, and run it in the others."""
        with self._lock:
            self.journal.add(statement, name, sql)
            others = [handle for known, handle in self._handles.items() if known != mode]
        self._run_in(others, sql or statement.text)

    def define(self, statement: Statement, name: str) -> None:
        """Run a definition of ours as if it had been typed; a lost session is opened anew."""
        session, _ = self.get("streaming")
        try:
            self.run(session, statement.text)
        except SessionLostError:
            self.forget(session)
            session, _ = self.get("streaming")
            self.run(session, statement.text)
        self.record(statement, name, "streaming")

    def run_in_all(self, sql: str) -> None:
        """Run a statement that ends by itself in every session that is open."""
        with self._lock:
            handles = list(self._handles.values())
        self._run_in(handles, sql)

    def _run_in(self, handles: Iterable[str], sql: str) -> None:
        for handle in handles:
            try:
                self.run(handle, sql)
            except SessionLostError:
                self.forget(handle)  # opened anew, it gets what the journal holds

    def run(
        self,
        handle: str,
        sql: str,
        config: Mapping[str, str] | None = None,
        statement: Statement | None = None,
    ) -> list[Row]:
        """Run a statement that ends by itself, without a cursor; return its raw rows.

        ``config`` holds for it only. An error has its place in ``statement``, if that is given.
        """
        operation = self._gateway.submit(handle, sql, config or {}, statement)
        rows: list[Row] = []
        token = 0
        try:
            while True:
                page = orjson.loads(self._gateway.fetch(handle, operation, token, statement))
                if page["resultType"] == "NOT_READY":
                    self._ended.wait(POLL_SECONDS)
                    continue
                rows += [change["fields"] for change in page["results"]["data"]]
                if page["resultType"] == "EOS":
                    return rows
                token += 1
        finally:
            if handle in self._handles.values():  # a workshop's end with it
                with contextlib.suppress(StreamMagicError):  # what happened before is what counts
                    self._gateway.close_operation(handle, operation)

    @contextlib.contextmanager
    def workshop(self, definitions: Sequence[str], mode: str) -> Iterator[str]:
        """Open a session of its own with the definitions run in it; it is closed soon after the block."""
        with self._lock:
            handle = self._opened(mode)
        try:
            for sql in definitions:
                self._define(handle, sql)
            yield handle
        except BaseException:
            # An operation that was being submitted would be cancelled with its session, and its job too.
            self._retire(handle, after=_INTERRUPTED_SECONDS)
            raise
        self._retire(handle, after=_RETIRED_SECONDS)

    def _retire(self, handle: str, *, after: float) -> None:
        """Close a session a little later: that costs the gateway what a job's start needs just now."""
        with self._lock:
            self._retired.append((time.monotonic() + after, handle))
            if self._closer is None:
                self._closer = threading.Thread(target=self._close_retired, name="streammagic-closer")
                self._closer.daemon = True
                self._closer.start()

    def _close_retired(self) -> None:
        while True:
            with self._lock:
                if not self._retired:
                    self._closer = None
                    return
                due, handle = self._retired[0]
            self._ended.wait(due - time.monotonic())
            self._close_session(handle)
            with self._lock:
                self._retired.pop(0)

    def _close_session(self, handle: str) -> None:
        try:
            self._gateway.close_session(handle)
        except SessionLostError:
            pass  # then it is closed
        except StreamMagicError:
            return  # a gateway that is gone has no sessions; the lease stays for whoever cleans up
        self._lease.release("session", self._gateway.endpoint, handle)

    def _define(self, handle: str, sql: str) -> None:
        statement = split(sql, FlinkDialect())[0]
        try:
            if self._gateway.version == "v1" or statement.kind not in (Kind.DEFINITION, Kind.SESSION):
                self.run(handle, sql, statement=statement)
            else:
                self._gateway.configure(handle, sql, statement)
        except SqlError as error:
            if "already exists" in (error.cause or ""):
                return  # a catalog that keeps its tables has it
            error.line = error.column = None  # it is in no text that the person has before them
            error.hint = f"It is in what was defined before: {statement.title}. {error.hint or ''}".rstrip()
            raise

    def close(self) -> None:
        """Close all sessions, and with them every SELECT in them. Never raises."""
        self._ended.set()
        with self._lock:
            handles, self._handles = list(self._handles.values()), {}
        for handle in handles:
            self._close_session(handle)
        for thread in (self._heart, self._closer):
            if thread is not None:
                thread.join()

    def _opened(self, mode: str) -> str:
        """Open a session as the settings have it."""
        properties = dict(self._settings.properties)
        if mode != "streaming":
            properties[RUNTIME_MODE] = mode
        handle = self._gateway.open_session(properties)
        self._lease.hold("session", self._gateway.endpoint, handle)
        for statement in split(self._settings.init_sql, FlinkDialect()):
            self.run(handle, statement.text)
        return handle

    def _open(self, mode: str) -> tuple[str, list[str]]:
        handle = self._handles[mode] = self._opened(mode)
        notes = self._replay(handle)
        if self._heart is None:
            self._heart = threading.Thread(target=self._beat, name="streammagic-heartbeat", daemon=True)
            self._heart.start()
        return handle, notes

    def _replay(self, handle: str) -> list[str]:
        notes = []
        for entry in self.journal.entries:
            if entry.statement.kind is Kind.SESSION and RUNTIME_MODE in entry.sql:
                continue  # each mode's session has its own
            try:
                self.run(handle, entry.sql)
            except SessionLostError:
                raise
            except StreamMagicError as error:
                notes.append(f"could not run again: {entry.sql.splitlines()[0]} … ({error.message})")
        return notes

    def _beat(self) -> None:
        while not self._ended.wait(_HEARTBEAT_SECONDS):
            with self._lock:
                handles = list(self._handles.values())
            for handle in handles:
                try:
                    self._gateway.heartbeat(handle)
                except SessionLostError:
                    self.forget(handle)
                except StreamMagicError:
                    continue  # out of reach for now; the next statement will say so
