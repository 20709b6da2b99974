"""The list of jobs as it is shown: once, in a panel that fills and follows, or on a line of a terminal."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, cast

from streammagic.errors import OptionError, StreamMagicError
from streammagic.jobs.life import Life
from streammagic.jobs.listing import with_figures
from streammagic.jobs.watch import Loop
from streammagic.views.channel import TerminalLine
from streammagic.views.job_panel import JobPanel, PanelRow
from streammagic.views.jobs import JobRow, count_line
from streammagic.views.live import LiveOutput

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from streammagic.engines.jobs import Figures
    from streammagic.jobs.listing import Entry, Lister, Listing
    from streammagic.jobs.samples import Samples
    from streammagic.magics.desk import Desk
    from streammagic.views.progress import Progress

_EVERY = 1.0  # seconds between two looks at the states, which take one request an engine
_FIGURES_EVERY = 5.0  # Flink makes new ones every ten seconds
_MOST_ROWS = 100
_LOG_LINES = 20


def job_rows(entries: Sequence[Entry]) -> list[JobRow]:
    """Return the entries as they are shown now."""
    return [_row(entry, time.time()) for entry in entries]


def _row(entry: Entry, now: float) -> JobRow:
    figures = entry.figures
    since = entry.started if entry.is_live else entry.ended
    checkpointed = None if figures is None else figures.checkpointed
    engine = entry.engine
    if entry.connection not in (None, engine):
        engine = f"{engine} at {entry.connection}"
    return JobRow(
        name=entry.name,
        engine=engine,
        state=entry.state,
        version=entry.version,
        sink=entry.sink or ("" if figures is None else ", ".join(figures.sinks)),
        reason=entry.reason,
        age=None if since is None else now - since,
        restarts=entry.restarts,
        rows_in=None if figures is None else figures.rows_in,
        rows_out=None if figures is None else figures.rows_out,
        lag=None if figures is None else figures.lag,
        backpressure=None if figures is None else figures.backpressure,
        checkpoint=None if checkpointed is None else now - checkpointed,
    )


def follow_in_terminal(read: Callable[[], Listing]) -> Listing:
    """Say on one line how the jobs stand until this is interrupted, and return how they stand then."""
    line, never = TerminalLine(), threading.Event()
    listing = read()
    try:
        while True:
            line.send({"text/plain": f"{count_line(job_rows(listing.entries))} (interrupt to end)"})
            never.wait(_EVERY)
            listing = read()
    except KeyboardInterrupt:
        return listing
    finally:
        line.send({})


class LiveJobs:
    """A panel in the cell that runs now. It is painted at once, and filled with figures from behind."""

    def __init__(
        self, desk: Desk, lister: Callable[[], Lister], samples: Samples, *, everything: bool
    ) -> None:
        self._desk = desk
        self._lister = lister
        self._samples = samples
        self._everything = everything
        self._entries: dict[str, Entry] = {}
        self._figures: dict[str, Figures] = {}
        self._figures_due = 0.0
        self._watching = False
        self._loop: Loop | None = None
        self._output: LiveOutput | None = None
        self._panel = JobPanel(self._do, self._refresh, self._watch)

    def show(self, listing: Listing, *, watch: bool) -> None:
        """Show a list; the figures that it lacks follow."""
        self._update(listing)
        self._output = LiveOutput(lambda: cast("dict[str, str]", self._panel.first_bundle()))
        self._panel.set_watching(on=watch)
        self._watching = watch
        self._begin(listing)

    def stop(self) -> None:
        """Follow no longer; the panel stays."""
        if self._loop is not None:
            self._loop.stop(0)
        self._panel.set_watching(on=False)

    def _begin(self, listing: Listing | None = None) -> None:
        """Have the figures read in a thread; again and again while that is wanted."""
        given = [] if listing is None else [listing]
        self._loop = Loop(lambda: self._step(given.pop() if given else None), _EVERY, "jobs", self._ended)
        self._loop.start()

    def _ended(self) -> None:
        self._settle()
        if self._watching:  # it was ended from elsewhere
            self._panel.set_watching(on=False)

    def _settle(self) -> None:
        """Show the picture that is saved with the notebook; from then on only the widget changes."""
        output, self._output = self._output, None
        if output is not None:
            output.finish(cast("dict[str, str]", self._panel.bundle()))

    def _step(self, listing: Listing | None) -> bool:
        """Bring the panel up to date; tell whether to go on."""
        try:
            self._panel.add_buttons()
            lister = self._lister()
            listing = listing or lister.read(everything=self._everything)
            self._update(listing)
            self._panel.add_buttons()
            if time.monotonic() >= self._figures_due:
                self._figures_due = time.monotonic() + _FIGURES_EVERY
                self._read_figures(lister, listing)
                self._update(listing)
        except StreamMagicError as error:
            self._panel.tell(error.message)
        self._settle()
        return self._watching

    def _read_figures(self, lister: Lister, listing: Listing) -> None:
        for entry in lister.with_figures(listing.entries[:_MOST_ROWS]):
            if entry.figures is not None and entry.job_id is not None:
                self._figures[_key(entry)] = entry.figures
                self._samples.add(entry.job_id, entry.figures)

    def _update(self, listing: Listing) -> None:
        shown = listing.entries[:_MOST_ROWS]
        self._entries = {_key(entry): entry for entry in shown}
        rows = []
        for key, entry in self._entries.items():
            known = with_figures(entry, self._figures.get(key)) if entry.is_live else entry
            rows.append(PanelRow(key, _row(known, time.time()), _acts(entry)))
        more = len(listing.entries) - len(shown)
        notes = [*listing.notes, *([f"{more} more are not shown"] if more else [])]
        self._panel.update(rows, notes, stamp=time.strftime("at %H:%M:%S"))

    def _refresh(self) -> None:
        self._figures_due = 0.0
        if self._loop is not None and self._loop.runs:
            self._loop.soon()
        else:
            self._begin()

    def _watch(self, on: bool) -> None:
        self._watching = on
        if self._loop is None:
            return  # not shown yet
        if on and not self._loop.runs:
            self._begin()
        elif not on:
            self._loop.soon()

    def _do(self, key: str, act: str, say: Callable[[str], None]) -> str:
        """Do something to a job: what the verb of that name does."""
        entry = self._entries.get(key)
        engine = None if entry is None else self._desk.job_engines().get(entry.connection or "")
        if entry is None or engine is None:
            raise OptionError("It is not there any more.", hint="Refresh shows what is.")
        if act == "logs":
            return "\n".join(engine.logs(entry.job_id or "", _LOG_LINES))
        life = Life(self._desk.office(engine, cast("Progress", _Saying(say))))
        try:
            if act == "savepoint":
                return f"saved, and goes on · {life.savepoint(entry.name)}"
            stopped = life.stop(entry.name)
        finally:
            self._refresh()
        return stopped.said + (f" · {stopped.shown}" if stopped.shown else "")


class _Saying:
    """What takes a progress' place where there is no cell to show one in."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say


def _key(entry: Entry) -> str:
    return f"{entry.place} {entry.job_id or entry.name}"


def _acts(entry: Entry) -> tuple[str, ...]:
    """Return what can be done to a job: stopping and saving is for what is in the ledger."""
    if entry.connection is None or entry.job_id is None:
        return ()
    if entry.deployment is None or not entry.is_live:
        return ("logs",)
    return ("stop", "savepoint", "logs") if entry.saves else ("stop", "logs")
