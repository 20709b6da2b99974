"""The handle: a query as a variable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streammagic.errors import OperationTimeoutError, PartialResultError
from streammagic.results import frame
from streammagic.results.changes import Change, RowKind
from streammagic.results.feed import State
from streammagic.results.order import in_order
from streammagic.results.snapshot import exactness, snapshot
from streammagic.views.blocks import line_bundle, plan_bundle
from streammagic.views.channel import show
from streammagic.views.errors import error_card
from streammagic.views.table import table_bundle

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from streammagic.errors import StreamMagicError
    from streammagic.results.changes import Row, Schema
    from streammagic.results.feed import Feed


@dataclass(frozen=True, slots=True)
class Stats:
    """Figures of a query: changes read, kept in and dropped from the log; rows of the table; changes/s."""

    read: int
    kept: int
    dropped: int
    rows: int
    rate: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Presentation:
    """How a result is shown.

    ``title`` names the statement in a few words, ``magic`` the engine by its magic's word. ``view`` is
    "table" or "changes". ``order`` are the terms of the statement's own ORDER BY. ``writes`` marks a
    statement whose job writes elsewhere: one line says what becomes of it, and ``when_left`` what a person
    should know who does not wait for it.
    """

    title: str = ""
    magic: str = ""
    view: str = "table"
    max_rows: int = 20
    order: tuple[str, ...] | None = None
    writes: bool = False
    when_left: str = ""


class Handle:
    """A statement that was sent, its rows, and the way to stop it.

    Safe to use from any thread and at any time, also while rows arrive and after the end. Reading waits
    for nothing but the engine's first answer.
    """

    def __init__(self, sql: str, feed: Feed, presentation: Presentation) -> None:
        self.sql = sql
        self._feed = feed
        self._presentation = presentation
        self.shown = False
        self._ordered: list[Row] | None = None

    @property
    def status(self) -> str:
        """One of "starting", "running", "finished", "stopped", "failed"."""
        return self._feed.state

    @property
    def error(self) -> StreamMagicError | None:
        """What ended the query, if it failed."""
        return self._feed.error

    @property
    def job_id(self) -> str | None:
        """The engine's id of the job behind the statement; None where it needs none."""
        return None if self._feed.cursor is None else self._feed.cursor.job_id

    @property
    def schema(self) -> Schema:
        """Names and types of the columns."""
        self._await_first_answer()
        return self._feed.schema

    @property
    def stats(self) -> Stats:
        """Figures of the query so far."""
        feed = self._feed
        return Stats(feed.log.seen, feed.log.kept, feed.log.dropped, len(feed.fold), feed.rate())

    @property
    def magic(self) -> str:
        """The word after ``%%`` of the engine that the statement was sent to."""
        return self._presentation.magic

    @property
    def advice(self) -> list[str]:
        """Why no row may have come so far, a sentence each; empty while that is not a question."""
        return list(self._feed.advice)

    @property
    def exact(self) -> bool:
        """Whether the table is the exact fold of every change sent."""
        return exactness(self._feed) == "exact"

    @property
    def df(self) -> pd.DataFrame:
        """The whole table as it is now, as a new DataFrame.

        Raises `PartialResultError` where rows were dropped to stay within the memory budget, and the
        query's own error if it failed; `frame` gives what is there all the same.
        """
        return self.frame()

    def frame(self, *, partial: bool = False) -> pd.DataFrame:
        """Return the table as a DataFrame; with ``partial`` also a shortened or broken-off one."""
        rows = self._rows(partial=partial)
        return frame.to_pandas(self._feed.schema, rows)

    def arrow(self) -> pa.Table:
        """Return the table as a `pyarrow.Table`. Raises as `df` does, and ImportError without pyarrow."""
        rows = self._rows()
        return frame.to_arrow(self._feed.schema, rows)

    def polars(self) -> pl.DataFrame:
        """Return the table as a `polars.DataFrame`. Raises as `df` does, and ImportError without polars."""
        rows = self._rows()
        return frame.to_polars(self._feed.schema, rows)

    @property
    def changes(self) -> list[Change]:
        """The changes kept, oldest first; `stats` tells how many older ones were dropped."""
        self._await_first_answer()
        schema = self._feed.schema
        return [
            Change(kind, schema.decode(row))
            for page in self._feed.changes()
            for kind, row in zip(page.kinds or [RowKind.INSERT] * len(page), page.rows, strict=True)
        ]

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """Iterate over the rows of the table as it is now, as tuples of Python values."""
        rows = self._rows()
        return map(self._feed.schema.decode, rows)

    def __len__(self) -> int:
        return len(self._feed.fold)

    def __bool__(self) -> bool:
        return True

    def wait(self, *, rows: int | None = None, seconds: float | None = None) -> Handle:
        """Wait until the table has ``rows`` rows, the query has ended, or ``seconds`` have passed.

        Returns the handle; raises the query's error if it failed.
        """
        if rows is None:
            self._feed.wait_until_ended(seconds)
        else:
            self._feed.wait_until(lambda: len(self._feed.fold) >= rows, seconds)
        if self.error is not None:
            raise self.error
        return self

    def stop(self, *, seconds: float = 15) -> Handle:
        """End the query and its job, and wait until the engine confirmed it.

        Harmless on one that has ended. Raises `OperationTimeoutError` after ``seconds``; the query is
        then still being stopped in the background.
        """
        self._feed.stop()
        if not self._feed.wait_until_ended(seconds):
            raise OperationTimeoutError(
                f"The engine has not confirmed the stop within {seconds:g} s.",
                statement=self.sql,
                hint="It goes on being stopped in the background; `.status` tells when it has ended.",
            )
        return self

    @property
    def has_ended(self) -> bool:
        """Whether nothing will change any more."""
        return self._feed.has_ended

    @property
    def says_ok(self) -> bool:
        """Whether all that the engine answered is that it is done."""
        if self.status != State.FINISHED or self._presentation.writes:
            return False
        return not self._feed.schema.columns or (not self._is_query() and self._feed.read() == [["OK"]])

    @property
    def line(self) -> str:
        """What became of the statement, in one line."""
        word = "OK" if self.says_ok else self.status
        left = (
            "" if self.has_ended or not self._presentation.when_left else f" · {self._presentation.when_left}"
        )
        notes = "".join(f" · {note}" for note in self._feed.notes)
        return f"{self._presentation.title}: {word}{left}{notes}"

    @property
    def lines(self) -> list[str]:
        """What became of the statement, and what there is to say of it, a line each."""
        return [self.line, *self._feed.remarks]

    def bundle(self) -> dict[str, str]:
        """Render what is to be seen now, as text/html and text/plain."""
        if self.error is not None:
            return error_card(self.error)
        if self._presentation.writes or self.says_ok:
            return line_bundle(*self.lines)
        if self.has_ended and not self._feed.schema.columns:
            return line_bundle("stopped before the first answer")
        ordered = self._final_rows() if self.has_ended else None
        if ordered is not None and (text := _preformatted(self._feed.schema, ordered)) is not None:
            return plan_bundle(text)
        shown = self._presentation
        return table_bundle(snapshot(self._feed, view=shown.view, max_rows=shown.max_rows, ordered=ordered))

    def _ipython_display_(self) -> None:
        """Show the handle as the value of a cell, unless the magic that returned it has just done so."""
        if not self.shown:
            show(self.bundle())

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        del include, exclude
        return self.bundle()

    def __repr__(self) -> str:
        return f"<streammagic.Handle {self.status}, {len(self)} rows>"

    def _await_first_answer(self) -> None:
        self._feed.wait_until(lambda: self._feed.state != State.STARTING)

    def _rows(self, *, partial: bool = False) -> list[Row]:
        self._await_first_answer()
        if not partial:
            if self.error is not None:
                raise self.error
            if self._feed.fold.partial:
                raise PartialResultError(
                    f"The table is partial: its oldest {self._feed.fold.dropped:,} rows were dropped.",
                    statement=self.sql,
                    hint="Ask for what is there with .frame(partial=True), raise the limit with "
                    "%config StreamMagic.memory_budget (bytes), or aggregate in SQL.",
                )
        return self._final_rows() if self._feed.has_ended else self._feed.read()

    def _final_rows(self) -> list[Row]:
        """Return all rows of an ended query, a finished one's in an order that is the same on every run."""
        if self._ordered is None:
            rows = self._feed.read()
            if self.status == State.FINISHED and self._is_query():
                rows = in_order(self._feed.schema, rows, self._presentation.order)
            self._ordered = rows
        return self._ordered

    def _is_query(self) -> bool:
        return self._feed.cursor is not None and self._feed.cursor.is_query


def _preformatted(schema: Schema, rows: list[Row]) -> str | None:
    """Return the text of an answer that is one block of lines (a plan, a DDL), else None."""
    if len(schema.columns) != 1 or len(rows) != 1 or not isinstance(rows[0][0], str):
        return None
    text: str = rows[0][0]
    return text if "\n" in text.strip() else None


def stop_all(handles: Sequence[Handle]) -> list[Handle]:
    """Stop several queries at once; return those that did not confirm in time."""
    for handle in handles:
        handle._feed.stop()  # noqa: SLF001 - all are told before any is waited for
    late = []
    for handle in handles:
        try:
            handle.stop()
        except OperationTimeoutError:
            late.append(handle)
    return late
