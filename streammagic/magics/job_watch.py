"""``%stream watch``: being told when a job fails, restarts or falls behind."""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from streammagic.errors import OptionError, StreamMagicError
from streammagic.jobs.watch import Look, Watcher, command_hook
from streammagic.magics.options import seconds
from streammagic.views.blocks import line_bundle
from streammagic.views.cells import cut, visible
from streammagic.views.live import LiveOutput

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping, Sequence

    from streammagic.engines.jobs import JobEngine
    from streammagic.jobs.listing import Entry, Lister
    from streammagic.jobs.samples import Samples
    from streammagic.jobs.watch import Happening
    from streammagic.magics.desk import Desk, Verbs

_EVERY = 10.0
_LINES = 20
_DETAIL = 120  # characters
_DOWN = frozenset({"restarting", "failing", "failed"})


class WatchVerb:
    """The verb, and the watchers that it has started."""

    def __init__(
        self,
        desk: Desk,
        samples: Samples,
        lister: Callable[[str | None], Lister],
        find: Callable[[str, str | None], tuple[JobEngine | None, Entry]],
    ) -> None:
        self._desk = desk
        self._samples = samples
        self._lister = lister
        self._find = find
        self._watchers: list[Watcher] = []

    def add_to(self, verbs: Verbs) -> None:
        """Register the verb."""
        watch = verbs.add("watch", "tell when a job fails, restarts or falls behind", self._run)
        watch.add_argument("name", metavar="NAME", nargs="*", help="the deployments to watch")
        watch.add_argument(
            "--every",
            metavar="S",
            type=seconds,
            default=_EVERY,
            help=f"seconds between two looks, {_EVERY:g} by default",
        )
        watch.add_argument(
            "--on-failure",
            metavar="COMMAND",
            help="a command to run then; $STREAMMAGIC_JOB, _EVENT and _DETAIL tell it what happened",
        )
        watch.add_argument("--stop", action="store_true", help="end all watching")
        watch.add_argument("--conn", metavar="NAME", help="the connection to use")

    def _run(self, options: argparse.Namespace) -> None:
        if options.stop:
            count = self._stop()
            self._desk.show(line_bundle("nothing is watched any more" if count else "nothing was watched"))
            return
        if not options.name:
            raise OptionError("Which deployments?", hint="%stream watch NAME…, or %stream watch --stop.")
        for name in options.name:
            self._find(name, options.conn)
        hook = command_hook(options.on_failure) if options.on_failure else None
        told = _Told(options.name, options.every, self._desk)
        watcher = Watcher(
            options.name,
            lambda names: self._look(names, options.conn),
            told,
            every=options.every,
            on_failure=hook,
            ended=told.finish,
        )
        self._watchers.append(watcher)
        watcher.start()

    def _stop(self) -> int:
        running = [watcher for watcher in self._watchers if watcher.runs]
        self._watchers.clear()
        for watcher in running:
            watcher.stop()
        return len(running)

    def _look(self, names: Sequence[str], conn: str | None) -> Mapping[str, Look]:
        """Look at the jobs of these names, and keep their figures."""
        lister = self._lister(conn)
        entries = lister.read(everything=True).entries
        named = [entry for entry in entries if entry.name in names and entry.version is not None]
        # Of several under one name the one that lives, and else the one that the ledger knows, is meant.
        named.sort(key=lambda entry: (entry.is_live, entry.deployment is not None))
        meant = {entry.name: entry for entry in named}
        found = {}
        for entry in lister.with_figures(list(meant.values())):
            if entry.figures is not None and entry.job_id is not None:
                self._samples.add(entry.job_id, entry.figures)
            lag = None if entry.figures is None else entry.figures.lag
            found[entry.name] = Look(
                state=entry.state, restarts=entry.restarts, lag=lag, detail=_why(lister, entry)
            )
        return found


def _why(lister: Lister, entry: Entry) -> str:
    """Return why a job is not well, asking the engine where the ledger does not say."""
    engine = lister.engine(entry)
    if entry.reason or (entry.state not in _DOWN and not entry.restarts):
        return entry.reason
    if engine is None or entry.job_id is None:
        return ""
    try:
        failure = engine.failure(entry.job_id)
    except StreamMagicError as error:
        return error.message
    return "" if failure is None else failure.message


class _Told:
    """What was told, kept on the screen: the newest lines in the cell's output, or each on a terminal's."""

    def __init__(self, names: Sequence[str], every: float, desk: Desk) -> None:
        self._lock = threading.Lock()
        self._first = f"watching {', '.join(names)}, every {every:g} s; %stream watch --stop ends it"
        self._lines: deque[str] = deque(maxlen=_LINES)
        self._output: LiveOutput | None = None
        if desk.mode() == "live":
            self._output = LiveOutput(self._bundle)
        else:
            desk.show(line_bundle(self._first))

    def __call__(self, happening: Happening) -> None:
        clock = time.strftime("%H:%M:%S")
        detail = f": {cut(visible(happening.detail), _DETAIL)}" if happening.detail else ""
        line = f"{clock} {visible(happening.name)} {happening.event}{detail}"
        with self._lock:
            self._lines.append(line)
        if self._output is not None:
            self._output.touch()
        else:
            sys.stderr.write(f"{line}\n")

    def finish(self) -> None:
        """Let what was told stay as it is."""
        if self._output is not None:
            self._first = "watched until " + time.strftime("%H:%M:%S")
            self._output.finish(self._bundle())

    def _bundle(self) -> dict[str, str]:
        with self._lock:
            return line_bundle(self._first, *self._lines)
