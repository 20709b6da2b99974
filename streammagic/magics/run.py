"""Run the statements of a cell: send, wait as the mode asks, show, and keep what goes on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streammagic.engines.base import QueryOptions
from streammagic.errors import InterruptedQuery, OptionError, RefusedError, SqlError
from streammagic.magics.options import assignments
from streammagic.magics.output import ResultOutput
from streammagic.results.feed import Bounds, Feed, State
from streammagic.results.handle import Handle, Presentation, stop_all
from streammagic.sql.statements import Kind
from streammagic.views.blocks import line_bundle
from streammagic.views.channel import show
from streammagic.views.progress import Progress

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from streammagic.config import StreamMagic
    from streammagic.engines.base import StreamEngine
    from streammagic.errors import StreamMagicError
    from streammagic.magics.place import CellText
    from streammagic.magics.queries import Queries
    from streammagic.magics.reading import Checking
    from streammagic.results.feed import Cursor
    from streammagic.sql.dialect import Dialect
    from streammagic.sql.statements import Statement
    from streammagic.views.modes import Mode

_MAY_GO_ON = frozenset({Kind.QUERY, Kind.INSERT, Kind.CREATE_AS})
"""What may run for ever, and so may be left running when the prompt comes back."""

_WRITES = frozenset({Kind.INSERT, Kind.CREATE_AS})
_STOP_SECONDS = 20.0


@dataclass(frozen=True, kw_only=True)
class CellRun:
    """One execution of a cell on an engine.

    ``namespace`` is where ``-o`` binds its name; ``done`` is told of each statement that was taken.
    """

    cell: CellText
    cell_id: str
    mode: Mode
    options: argparse.Namespace
    config: StreamMagic
    magic: str
    engine: StreamEngine
    dialect: Dialect
    checking: Checking
    queries: Queries
    namespace: dict[str, Any]
    done: Callable[[StreamEngine, Statement], None]

    def run(self, statements: Sequence[Statement], remarks: Sequence[list[str]]) -> Handle:
        """Run statements (at least one) one after another and return the last one's handle.

        ``remarks`` is what there is to say of each.

        Raises the error of the first that fails, placed in the cell; what stands after it is not sent.
        An interrupt stops the statement that is waited for and is raised as `InterruptedQuery`.
        """
        answers: list[Handle] = []
        try:
            for statement, said in zip(statements[:-1], remarks, strict=False):
                self._run_one(statement, said, answers, name=None)
            return self._run_one(statements[-1], remarks[-1], answers, name=self.options.output)
        finally:
            self._show_answers(answers)

    def _run_one(
        self, statement: Statement, remarks: list[str], answers: list[Handle], *, name: str | None
    ) -> Handle:
        output = ResultOutput(self.cell, self.mode)
        feed = Feed(
            lambda: self._send(statement, remarks),
            self._bounds(statement),
            changed=output.changed,
            failed=lambda error: self._failed(error, statement),
            remarks=remarks,
        )
        handle = Handle(statement.text, feed, self._presentation(statement))
        output.attach(handle)
        self.queries.add(self.cell_id, handle)
        if name:
            self._bind(name, handle)
        try:
            feed.start()
            self._see_through(statement, handle, feed, output, answers)
            self.done(self.engine, statement)
        except KeyboardInterrupt:
            self._show_answers(answers)
            raise self._interrupted(handle, feed, output) from None
        return handle

    def _see_through(
        self, statement: Statement, handle: Handle, feed: Feed, output: ResultOutput, answers: list[Handle]
    ) -> None:
        """Wait for the end, or for as long as the mode asks, and show the result."""
        may_go_on = statement.kind in _MAY_GO_ON and not statement.writes_values
        with Progress(self.mode) as progress:
            progress.say(f"{self.engine.title} works on it: {statement.title}")
            feed.wait_until(lambda: feed.state != State.STARTING)
            if not may_go_on:
                feed.wait_until_ended()
        if handle.says_ok:
            answers.append(handle)
            return
        self._show_answers(answers)
        visible = self.options.view != "none"
        if self.mode == "live" and visible and not feed.has_ended:
            output.go_live()
        feed.wait_until_ended(self._patience() if may_go_on else None)
        if feed.has_ended:
            if visible:
                output.settle()
            if handle.error is not None:
                raise handle.error
        elif self.mode != "live" and visible:
            name = self.options.output
            show(line_bundle("running in the background" + (f" as {name}" if name else "")))

    def _patience(self) -> float | None:
        """Return how many seconds to wait for the end of what may have none."""
        if self.options.bg:
            return 0
        return self.config.patience if self.mode == "live" and not self.options.wait else None

    def _interrupted(self, handle: Handle, feed: Feed, output: ResultOutput) -> InterruptedQuery:
        """Stop the statement, as the person asked, and say what is left of it."""
        with Progress(self.mode) as progress:
            progress.say("stopping the query")
            feed.stop()
            feed.wait_until_ended(_STOP_SECONDS)
        if feed.schema.columns and self.options.view != "none":
            output.settle()
        ended = "stopped" if handle.has_ended else "still being stopped"
        return InterruptedQuery(f"{handle.line.partition(':')[0]} {ended}, {len(handle):,} rows kept")

    def _send(self, statement: Statement, remarks: list[str]) -> Cursor:
        options = self.options
        settings = assignments(options.set)
        remarks += self.checking.beside(statement, self.engine, settings, start=options.start)
        asked = QueryOptions(settings=settings, replace=options.replace, start=options.start)
        return self.engine.query(statement, asked)

    def _failed(self, error: StreamMagicError, statement: Statement) -> None:
        """Complete an error: where it is in the cell, and whether the SQL looks like another engine's."""
        self.engine.improve(error, statement)
        may_be_foreign = isinstance(error, SqlError) and not isinstance(error, RefusedError)
        if may_be_foreign and (foreign := self.dialect.foreign_hint(statement)):
            error.hint = f"{foreign} {error.hint}" if error.hint else foreign
        self.cell.locate(error, statement)

    def _bounds(self, statement: Statement) -> Bounds:
        options = self.options
        is_query = statement.kind is Kind.QUERY
        return Bounds(
            limit=options.limit if is_query else None,
            append_limit=statement.limit if statement.order is None else None,
            timeout=(options.timeout or self.config.timeout) if statement.kind in _MAY_GO_ON else None,
            keep=self.config.keep if options.keep is ... else options.keep,
            budget=self.config.memory_budget,
            place=tuple(options.key) if is_query else (),
            silence=self.config.silence or None,
        )

    def _presentation(self, statement: Statement) -> Presentation:
        return Presentation(
            title=statement.title,
            magic=self.magic,
            view=self.options.view if statement.kind is Kind.QUERY else "table",
            max_rows=self.config.max_rows,
            order=statement.order,
            writes=statement.kind in _WRITES,
            when_left="it ends with this notebook; %stream deploy NAME makes a job that lives on",
        )

    def _bind(self, name: str, handle: Handle) -> None:
        """Give the result its name, and stop the query that had it before."""
        before = self.namespace.get(name)
        self.namespace[name] = handle
        if isinstance(before, Handle):
            stop_all([before])

    def _show_answers(self, answers: list[Handle]) -> None:
        """Show the statements that were answered with OK, in one output."""
        if answers and self.options.view != "none":
            show(line_bundle(*(line for handle in answers for line in handle.lines)))
        answers.clear()


def check_options(options: argparse.Namespace) -> None:
    """Refuse, with a sentence, what does not fit together or is not to be had. Raises `OptionError`."""
    assignments(options.set)
    if options.view == "chart" or options.x or options.y:
        raise OptionError(
            "--view chart is not available in this version.",
            hint="Bind the result, -o NAME, and plot its DataFrame: NAME.df.plot().",
        )
