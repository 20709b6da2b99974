"""The ledger's file: its tables, its transactions, and what becomes of a damaged one."""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
import time
import weakref
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from streammagic.errors import LedgerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_PATIENCE = 20.0  # seconds to wait for other writers
_NAP = 0.25  # seconds that SQLite waits by itself: nothing interrupts it meanwhile
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _tables(connection: sqlite3.Connection) -> None:
    for table in (
        """deployments (id INTEGER PRIMARY KEY, place TEXT NOT NULL, name TEXT NOT NULL, engine TEXT NOT NULL,
           created REAL NOT NULL, deleted REAL, UNIQUE (place, name))""",
        """versions (deployment INTEGER NOT NULL, number INTEGER NOT NULL, sha TEXT NOT NULL,
           bundle TEXT, created REAL NOT NULL, who TEXT NOT NULL, notebook TEXT NOT NULL,
           PRIMARY KEY (deployment, number))""",
        """runs (deployment INTEGER NOT NULL, job_id TEXT NOT NULL, version INTEGER NOT NULL,
           attempt INTEGER NOT NULL, state TEXT NOT NULL, started REAL NOT NULL, ended REAL, restored TEXT,
           reason TEXT NOT NULL, PRIMARY KEY (job_id, deployment), UNIQUE (deployment, version, attempt))""",
        """savepoints (deployment INTEGER NOT NULL, path TEXT NOT NULL, job_id TEXT NOT NULL,
           version INTEGER NOT NULL, kind TEXT NOT NULL, created REAL NOT NULL,
           PRIMARY KEY (path, deployment))""",
        """events (id INTEGER PRIMARY KEY, at REAL NOT NULL, place TEXT NOT NULL, name TEXT NOT NULL,
           what TEXT NOT NULL, detail TEXT NOT NULL, who TEXT NOT NULL, notebook TEXT NOT NULL)""",
        """claims (place TEXT NOT NULL, name TEXT NOT NULL, token TEXT NOT NULL, pid INTEGER NOT NULL,
           created REAL NOT NULL, boot REAL NOT NULL, what TEXT NOT NULL, notebook TEXT NOT NULL,
           since REAL NOT NULL, PRIMARY KEY (place, name))""",
    ):
        connection.execute(f"CREATE TABLE {table}")
    connection.execute("CREATE INDEX savepoints_of ON savepoints (deployment)")
    connection.execute("CREATE INDEX events_of ON events (name, place)")


def _jobs_of_many_runs(connection: sqlite3.Connection) -> None:
    """Let several runs of a deployment have one job id; note which ones their engine took."""
    connection.execute("ALTER TABLE runs RENAME TO runs_before")
    connection.execute(
        """CREATE TABLE runs (deployment INTEGER NOT NULL, job_id TEXT NOT NULL, version INTEGER NOT NULL,
           attempt INTEGER NOT NULL, state TEXT NOT NULL, started REAL NOT NULL, ended REAL, restored TEXT,
           reason TEXT NOT NULL, accepted INTEGER, UNIQUE (deployment, version, attempt))"""
    )
    columns = "rowid, deployment, job_id, version, attempt, state, started, ended, restored, reason"
    connection.execute(f"INSERT INTO runs ({columns}) SELECT {columns} FROM runs_before")  # noqa: S608
    connection.execute("DROP TABLE runs_before")
    connection.execute("CREATE INDEX runs_of_job ON runs (job_id)")


MIGRATIONS: list[Callable[[sqlite3.Connection], None]] = [_tables, _jobs_of_many_runs]
"""The n-th brings a file from schema n to n + 1. Those that were released never change."""


class LedgerFile:
    """One SQLite file, opened when needed. Safe to use from several threads and after a fork.

    There is one connection, with which the threads take turns. It is opened anew where the file was
    replaced, removed or set aside meanwhile. ``notes`` are sentences about what had to be done to open it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notes: tuple[str, ...] = ()
        self._connection: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None
        _files.add(self)

    def open(self) -> None:
        """Make sure that the file is there and can be used. Raises `LedgerError`."""
        with _turn, _explained(self.path):
            self._connected()

    def close(self) -> None:
        """Close the connection. A later transaction opens it again."""
        with _turn:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    @contextmanager
    def transaction(self, mode: Literal["IMMEDIATE", "DEFERRED"]) -> Iterator[sqlite3.Connection]:
        """Give the connection inside a transaction, durable at its end, undone where anything is raised.

        DEFERRED is for reading: it sees one moment and holds up nobody. Raises `LedgerError`.
        """
        with _turn, _explained(self.path):
            connection = self._connected()
            try:
                _begin(connection, mode)
                _check_schema(connection, self.path)
                yield connection
                connection.execute("COMMIT")
            except sqlite3.DatabaseError as error:
                _roll_back(connection)
                if _code(error) in _DAMAGED:
                    self.close()  # the next one finds it damaged and sets it aside
                raise
            except BaseException:
                _roll_back(connection)
                raise

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None or _identity(self.path) != self._identity:
            self.close()
            # Alone: WAL can't be switched on, nor a file be set aside, by two at once.
            with _alone(self.path):
                self._connection = self._opened()
            self._identity = _identity(self.path)
        return self._connection

    def _opened(self) -> sqlite3.Connection:
        try:
            return _open(self.path)
        except sqlite3.DatabaseError as error:
            if _code(error) not in _DAMAGED:
                raise
            kept = _set_aside(self.path)
            note = (
                f"The ledger of deployments was damaged ({error}). It is kept as {kept.name}, and a new one "
                "is begun; %stream attach takes what runs into it."
            )
            self.notes = (*self.notes, note)
        return _open(self.path)


_turn = threading.RLock()
"""Held by the thread that uses a file: one for all of them, so that a fork can wait for it."""
_files: weakref.WeakSet[LedgerFile] = weakref.WeakSet()


def _before_fork() -> None:
    # SQLite keeps the locks that a process holds in its memory. A child that inherits them believes that
    # it holds them too, whatever connection it uses.
    _turn.acquire()
    for file in list(_files):
        file.close()


os.register_at_fork(before=_before_fork, after_in_parent=_turn.release, after_in_child=_turn.release)


def _open(path: Path) -> sqlite3.Connection:
    """Open the file, made where it is missing, checked, and brought to the newest schema."""
    if not path.exists():
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))
    elif path.stat().st_mode & 0o077:
        path.chmod(0o600)
    connection = sqlite3.connect(path, timeout=_NAP, isolation_level=None, check_same_thread=False)
    try:
        _check(connection)
        _migrate(connection, path)
        connection.execute("PRAGMA journal_mode = WAL").fetchone()
        connection.execute("PRAGMA synchronous = FULL")
    except BaseException:
        connection.close()
        raise
    return connection


def _check(connection: sqlite3.Connection) -> None:
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        error = sqlite3.DatabaseError(found)
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    version = _schema(connection)
    if version > len(MIGRATIONS):
        _check_schema(connection, path)
    if version == len(MIGRATIONS):
        return
    _begin(connection, "IMMEDIATE")
    for step in MIGRATIONS[version:]:
        step(connection)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    connection.execute("COMMIT")


def _schema(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _check_schema(connection: sqlite3.Connection, path: Path) -> None:
    version = _schema(connection)
    if version != len(MIGRATIONS):
        raise LedgerError(
            f"The ledger of deployments was written by a newer streammagic (schema {version}; this one knows "
            f"{len(MIGRATIONS)}): {path}.",
            hint="Upgrade streammagic here (or restart the kernel, if that was done). The file is unchanged.",
        )


def _begin(connection: sqlite3.Connection, mode: str) -> None:
    """Begin a transaction after those of others, asking again and again.

    SQLite could wait by itself, but not be interrupted meanwhile.
    """
    deadline = time.monotonic() + _PATIENCE
    if connection.in_transaction:  # what an interrupt left
        connection.execute("ROLLBACK")
    while True:
        try:
            connection.execute(f"BEGIN {mode}")
        except sqlite3.OperationalError as error:
            if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        else:
            return


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _set_aside(path: Path) -> Path:
    """Rename a damaged file together with its log, which must not be applied to the next one."""
    number = 1
    while (kept := path.with_name(f"{path.stem}.corrupt-{number}{path.suffix}")).exists():
        number += 1
    path.rename(kept)
    for end in ("-wal", "-shm"):
        log = path.with_name(path.name + end)
        if log.exists():
            log.rename(kept.with_name(kept.name + end))
    return kept


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    lock = os.open(path.with_suffix(".lock"), os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _code(error: sqlite3.Error) -> int:
    """Return SQLite's primary code, 0 for an error of the Python module's own."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what SQLite and the file system raise into a `LedgerError` that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        message, hint = _EXPLANATIONS.get(
            _code(error), ("can't be used", "%stream status tells where it is.")
        )
        raise LedgerError(
            f"The ledger of deployments {message}: {path}.", cause=str(error), hint=hint
        ) from error
    except OSError as error:
        raise LedgerError(
            f"The ledger of deployments can't be opened: {path} ({error.strerror}).",
            cause=str(error),
            hint=_ELSEWHERE,
        ) from error


_ELSEWHERE = "Make its directory writable, or set STREAMMAGIC_HOME to one that is."
_EXPLANATIONS = {
    sqlite3.SQLITE_FULL: ("can't be written, the disk is full", "Make room, then run the cell again."),
    sqlite3.SQLITE_READONLY: ("can't be written, it is read-only", _ELSEWHERE),
    sqlite3.SQLITE_CANTOPEN: ("can't be opened", _ELSEWHERE),
    sqlite3.SQLITE_PERM: ("can't be opened", _ELSEWHERE),
    sqlite3.SQLITE_IOERR: ("can't be read or written", "Is its disk full, or gone? Then run the cell again."),
    sqlite3.SQLITE_BUSY: (
        f"has been locked by another process for {_PATIENCE:g} s",
        "Is a kernel or a copy program stopped in the middle of its work? Then run the cell again.",
    ),
    **dict.fromkeys(_DAMAGED, ("is damaged", "Run the cell again: it is set aside, and a new one is begun.")),
}
