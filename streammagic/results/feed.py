"""The feed: one reader thread that takes a query's pages into its table and its log.

The thread does all of a query's requests, also the first one. The person's thread only waits on a
condition, so that an interrupt never tears a request apart: stopping is a flag that the reader sees, and
it is the reader that closes what it opened, on every path.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from streammagic.errors import StreamMagicError
from streammagic.results.changes import Page, Row, Schema
from streammagic.results.fold import ExactFold, KeyedFold
from streammagic.results.log import ChangeLog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from streammagic.results.fold import Fold


class Cursor(Protocol):
    """What an engine gives for a statement: its pages, and the facts known about it.

    Iterating yields a page, empty or not, as soon as the engine accepted the statement, then every
    further page that holds changes, and ends when the result ends. It raises the `StreamMagicError` that
    ended the statement otherwise. ``schema`` is set from the first page on.
    """

    @property
    def schema(self) -> Schema:
        """The columns, known from the first page on."""

    @property
    def job_id(self) -> str | None:
        """The engine's id of the job, if there is one."""

    @property
    def is_query(self) -> bool:
        """Whether the pages are rows of a query, and not the answer to a command."""

    @property
    def reads_from(self) -> str:
        """Where a query began to read ("latest"), "" where that is not the query's to say."""

    @property
    def notes(self) -> list[str]:
        """What a person should know about how it came about."""

    def __iter__(self) -> Iterator[Page]: ...

    def interrupt(self) -> None:
        """Make a waiting iteration return; callable from any thread, any number of times."""

    def silence(self) -> list[str]:
        """Say why no row may have come so far, a sentence each; asks the engine. Any thread."""

    def close(self) -> None:
        """End the statement on the engine and let go of it; called once, by the reader."""


_TIMER_SECONDS = 0.2


class State:
    """Where a query is: the words a person reads."""

    STARTING = "starting"
    RUNNING = "running"
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"


ENDED = frozenset({State.FINISHED, State.STOPPED, State.FAILED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What ends or limits a result, chosen before it starts.

    ``limit`` is in rows of the table and ends the query. ``append_limit`` does so only while the table
    only grows: a top-level LIMIT, which Flink does not end by itself. ``timeout`` is in seconds from
    the moment the engine accepted the statement. ``keep`` is in changes, ``budget`` in bytes. ``silence``
    is in seconds without a row, after which the engine is asked why; None: never.
    """

    limit: int | None = None
    append_limit: int | None = None
    timeout: float | None = None
    keep: int | None = 100_000
    budget: int | None = None
    place: tuple[str, ...] = ()
    silence: float | None = None


class Feed:
    """Reads one statement to its end in a thread of its own.

    ``open_cursor`` sends the statement; ``remarks`` are what there is to say of it, a line each. From the
    reader, ``changed`` is called whenever there is something new to see, and ``failed`` with the error that
    ended the statement, before anyone else sees it. All other members may be used from any thread.
    """

    def __init__(
        self,
        open_cursor: Callable[[], Cursor],
        bounds: Bounds,
        changed: Callable[[], None] = lambda: None,
        failed: Callable[[StreamMagicError], None] = lambda _: None,
        remarks: list[str] | None = None,
    ) -> None:
        self.state = State.STARTING
        self.error: StreamMagicError | None = None
        self.end_note = ""
        self.started = time.monotonic()
        self.ended: float | None = None
        self.log = ChangeLog(bounds.keep)
        self.fold: Fold = ExactFold(budget=bounds.budget)
        self.cursor: Cursor | None = None
        self.advice: list[str] = []
        self.remarks = [] if remarks is None else remarks
        self._open_cursor = open_cursor
        self._bounds = bounds
        self._changed = changed
        self._failed = failed
        self._condition = threading.Condition()
        self._stop_note: str | None = None
        self._thread = threading.Thread(target=self._run, name="streammagic-reader", daemon=True)

    def start(self) -> None:
        """Start reading."""
        self._thread.start()

    @property
    def notes(self) -> list[str]:
        """What the engine had to say of how the statement was run."""
        return [] if self.cursor is None else self.cursor.notes

    @property
    def schema(self) -> Schema:
        """The columns, empty until the first page."""
        return Schema() if self.cursor is None else self.cursor.schema

    def wait_until(self, condition: Callable[[], bool], timeout: float | None = None) -> bool:
        """Wait until ``condition`` holds or the feed has ended; tell whether the condition holds.

        The condition is looked at after each page. Interruptible.
        """
        with self._condition:
            self._condition.wait_for(lambda: condition() or self.has_ended, timeout)
            return condition()

    def wait_until_ended(self, timeout: float | None = None) -> bool:
        """Wait for the end; tell whether it came within ``timeout`` seconds."""
        with self._condition:
            return self._condition.wait_for(lambda: self.has_ended, timeout)

    @property
    def has_ended(self) -> bool:
        """Whether nothing will change any more and the engine has been let go of."""
        return self.state in ENDED

    @property
    def elapsed(self) -> float:
        """Seconds since the start, until the end."""
        return (self.ended or time.monotonic()) - self.started

    def rate(self) -> float:
        """Return the changes per second over the whole run so far."""
        return self.log.seen / max(self.elapsed, 1e-3)

    def stop(self, note: str = "") -> None:
        """Ask the reader to end the query; `wait_until_ended` tells when it did."""
        with self._condition:
            if self._stop_note is None:
                self._stop_note = note
            cursor = self.cursor
        if cursor is not None:
            cursor.interrupt()

    def read(self, start: int = 0, stop: int | None = None) -> list[Row]:
        """Return raw rows of the table as it is now."""
        with self._condition:
            return self.fold.rows(start, stop)

    def window(self, count: int) -> tuple[int, int, list[Row]]:
        """Return (table size, position of the first row, rows) of what a small view shows.

        That is the newest ``count`` rows of a table that only grows, the first ones of another.
        """
        with self._condition:
            total = len(self.fold)
            start = max(total - count, 0) if self.fold.append_only else 0
            return total, start, self.fold.rows(start, start + count)

    def changes(self, newest: int | None = None) -> list[Page]:
        """Return the newest changes kept."""
        with self._condition:
            return self.log.pages(newest)

    def _run(self) -> None:
        error = self._attempt(self._read)
        if self.cursor is not None:
            closing_error = self._attempt(self.cursor.close)
            error = error or closing_error
        self._end(error)

    @staticmethod
    def _attempt(action: Callable[[], None]) -> StreamMagicError | None:
        try:
            action()
        except StreamMagicError as error:
            return error
        except Exception as caught:  # noqa: BLE001 - a defect must end the handle, not hang who waits for it
            defect = StreamMagicError(f"streammagic failed while reading: {caught!r}.", cause=repr(caught))
            defect.__cause__ = caught
            return defect
        return None

    def _end(self, error: StreamMagicError | None) -> None:
        stopped = self._stop_note is not None
        if stopped:
            error = None  # whatever broke, broke because we were leaving
        if error is not None:
            known = error
            if defect := self._attempt(lambda: self._failed(known)):
                known.add_note(defect.message)
        with self._condition:
            self.error, self.end_note = error, self._stop_note or ""
            self.ended = time.monotonic()
            self.state = State.STOPPED if stopped else State.FAILED if error else State.FINISHED
            self._condition.notify_all()
        self._changed()

    def _read(self) -> None:
        if self._stop_note is not None:
            return
        cursor = self._open_cursor()
        with self._condition:
            self.cursor = cursor
            if self._stop_note is not None:
                cursor.interrupt()
        timers: list[threading.Timer] = []
        try:
            for page in cursor:
                if self.state == State.STARTING:
                    self._accept(cursor)
                    timers = self._start_timers(cursor)
                if self._take(page):
                    return
        finally:
            for timer in timers:
                timer.cancel()
            for timer in timers:
                timer.join(_TIMER_SECONDS)  # one that asks the engine at this moment is not waited for

    def _accept(self, cursor: Cursor) -> None:
        schema = cursor.schema
        place = _positions(schema, self._bounds.place)
        with self._condition:
            if schema.key is not None:
                self.fold = KeyedFold(schema.key, budget=self._bounds.budget)
            elif place:
                self.fold = ExactFold(place=place, budget=self._bounds.budget)
            self.state = State.RUNNING
            self._condition.notify_all()
        self._changed()

    def _start_timers(self, cursor: Cursor) -> list[threading.Timer]:
        timers = []
        if self._bounds.timeout is not None:
            note = f"after {self._bounds.timeout:g} s"
            timers.append(threading.Timer(self._bounds.timeout, self.stop, [note]))
        if self._bounds.silence is not None and cursor.is_query:
            timers.append(threading.Timer(self._bounds.silence, self._ask_about_silence, [cursor]))
        for timer in timers:
            timer.daemon = True
            timer.start()
        return timers

    def _ask_about_silence(self, cursor: Cursor) -> None:
        """Have the engine's connection say why no row has come; what it says goes when one comes."""
        if self.log.seen or self.has_ended:
            return
        found: list[str] = []
        self._attempt(lambda: found.extend(cursor.silence()))  # advice that can't be had is none
        with self._condition:
            if not found or self.log.seen or self.has_ended:
                return
            self.advice = found
        self._changed()

    def _take(self, page: Page) -> bool:
        """Apply a page; tell whether a limit is reached."""
        if not page.rows:
            return False
        with self._condition:
            self.advice = []
            limit = self._bounds.limit
            only_grows = self.fold.append_only and page.kinds is None
            if self._bounds.append_limit is not None and only_grows:
                limit = min(self._bounds.append_limit, limit or self._bounds.append_limit)
            applied: int | None = None
            if limit is None:
                self.fold.apply(page)
            else:
                applied = self.fold.apply_until(page, limit)
            self.log.append(page if applied is None else page.head(applied))
            self._condition.notify_all()
        self._changed()
        return applied is not None


def _positions(schema: Schema, names: Sequence[str]) -> tuple[int, ...]:
    """Find columns by name, ignoring case where that is unambiguous. Raises StreamMagicError."""
    known = [name.casefold() for name in schema.names]
    for name in names:
        if name.casefold() not in known:
            raise StreamMagicError(
                f"--key {name}: the result has no such column.",
                hint=f"Its columns are {', '.join(schema.names)}.",
            )
    return tuple(known.index(name.casefold()) for name in names)
