"""``%stream jobs`` and the other verbs that look at jobs and change nothing."""

from __future__ import annotations

import difflib
import threading
import time
from typing import TYPE_CHECKING

from streammagic.errors import OptionError
from streammagic.jobs import health
from streammagic.jobs.listing import Lister
from streammagic.jobs.samples import Samples
from streammagic.magics.frames import shown_frame
from streammagic.magics.job_page import figure_charts, job_page
from streammagic.magics.job_view import LiveJobs, follow_in_terminal, job_rows
from streammagic.magics.job_watch import WatchVerb
from streammagic.magics.options import at_least_one
from streammagic.views.blocks import line_bundle, plan_bundle
from streammagic.views.findings import FindingRow, findings_bundle
from streammagic.views.jobs import jobs_bundle
from streammagic.views.sparks import charts_bundle

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    import pandas as pd

    from streammagic.engines.jobs import JobEngine
    from streammagic.jobs.listing import Entry, Listing
    from streammagic.jobs.samples import Sample
    from streammagic.magics.desk import Desk, Verbs

_LINES = 50
_POINTS, _APART = 4, 1.0
"""Samples that are taken where nobody has kept any, and the seconds between them."""


class JobVerbs:
    """The verbs. No verb of these starts a cluster."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._samples = Samples()
        self._live: LiveJobs | None = None

    def add_to(self, verbs: Verbs) -> None:
        """Register the verbs."""
        jobs = verbs.add("jobs", "list the deployments, and how each one stands", self._jobs)
        jobs.add_argument("--all", action="store_true", help="also what was deleted, and all other jobs")
        jobs.add_argument("--watch", action="store_true", help="keep the list up to date")
        jobs.add_argument("--details", action="store_true", help="read the figures before returning")
        show = verbs.add("show", "show all of a deployment: SQL, graph, versions, savepoints", self._show)
        diagnose = verbs.add("diagnose", "tell how a job stands, and what to do about it", self._diagnose)
        logs = verbs.add("logs", "show the engine's last log lines about a job", self._logs)
        logs.add_argument(
            "--lines", metavar="N", type=at_least_one, default=_LINES, help=f"{_LINES} by default"
        )
        metrics = verbs.add("metrics", "show a job's figures over the last minutes", self._metrics)
        for parser in (show, diagnose, logs, metrics):
            parser.add_argument("name", metavar="NAME", help="a deployment, or a job by its id")
        for parser in (jobs, show, diagnose, logs, metrics):
            parser.add_argument("--conn", metavar="NAME", help="the connection to use")
        WatchVerb(self._desk, self._samples, self._lister, self._find).add_to(verbs)

    def _jobs(self, options: argparse.Namespace) -> pd.DataFrame:
        mode = self._desk.mode()
        lister = self._lister(options.conn)
        listing = lister.read(everything=options.all)
        entries = lister.with_figures(listing.entries) if options.details else listing.entries
        if mode == "live":
            frame = shown_frame(_frame(entries))
            self._show_live(options, listing)
            return frame
        if mode == "text" and options.watch:
            listing = follow_in_terminal(lambda: self._lister(options.conn).read(everything=options.all))
            entries = listing.entries
        notes = listing.notes
        if mode == "text" and not options.details and any(entry.is_live for entry in entries):
            notes = (*notes, "--details reads the figures")
        bundle = jobs_bundle(job_rows(entries), notes, steady=mode == "batch")
        return self._desk.returning(_frame(entries), bundle)

    def _show_live(self, options: argparse.Namespace, listing: Listing) -> None:
        """Show a panel; the one before is followed no longer."""
        if self._live is not None:
            self._live.stop()
        self._live = LiveJobs(
            self._desk, lambda: self._lister(options.conn), self._samples, everything=options.all
        )
        self._live.show(listing, watch=options.watch)

    def _show(self, options: argparse.Namespace) -> None:
        engine, entry = self._find(options.name, options.conn)
        steady = self._desk.mode() == "batch"
        plan = "" if engine is None or entry.job_id is None else engine.plan(entry.job_id)
        self._desk.show(job_page(entry, plan, steady=steady))
        if not steady and engine is not None and entry.is_live:
            samples = self._recent(engine, entry)
            self._desk.show(charts_bundle(f"{entry.name}: figures", figure_charts(samples, time.time())))

    def _diagnose(self, options: argparse.Namespace) -> pd.DataFrame:
        import pandas as pd

        engine, entry = self._reached(options.name, options.conn)
        if entry.state in ("stopped", "finished", "lost"):
            reason = f": {entry.reason}" if entry.reason else ""
            self._desk.show(line_bundle(f"{entry.name} is {entry.state}{reason}; there is no job to look at"))
            return pd.DataFrame(columns=["what", "verdict", "evidence", "remedy"])
        with self._desk.progress() as progress:
            progress.say(f"looking at {entry.name}")
            findings = engine.diagnose(entry.job_id or "")
        rows = [FindingRow(f.what, f.verdict, f.evidence, f.remedy) for f in findings]
        steady = self._desk.mode() == "batch"
        bundle = findings_bundle(health.summary(entry.name, findings), rows, steady=steady)
        columns = ["what", "verdict", "evidence", "remedy"]
        frame = pd.DataFrame([(r.what, r.verdict, r.evidence, r.remedy) for r in rows], columns=columns)
        return self._desk.returning(frame, bundle)

    def _logs(self, options: argparse.Namespace) -> None:
        engine, entry = self._reached(options.name, options.conn)
        lines = engine.logs(entry.job_id or "", options.lines)
        self._desk.show(plan_bundle("\n".join(lines), f"{entry.name}: last log lines"))

    def _metrics(self, options: argparse.Namespace) -> pd.DataFrame:
        engine, entry = self._reached(options.name, options.conn)
        if not entry.is_live:
            raise OptionError(f"{entry.name} is {entry.state}: a job has figures only while it runs.")
        samples = self._recent(engine, entry)
        bundle = charts_bundle(f"{entry.name}: figures", figure_charts(samples, time.time()))
        if self._desk.mode() == "batch":  # no figure is the same on the next run
            bundle = line_bundle(f"{entry.name}: figures are in the DataFrame")
        return self._desk.returning(_samples_frame(samples), bundle)

    def _recent(self, engine: JobEngine, entry: Entry) -> list[Sample]:
        """Return the figures kept of the last minutes, with those of now; a few where none were kept."""
        job_id = entry.job_id or ""
        wanted = 1 if self._samples.recent(job_id) else _POINTS
        never = threading.Event()
        with self._desk.progress() as progress:
            for at in range(wanted):
                if at:
                    progress.say(f"taking samples of {entry.name}")
                    never.wait(_APART)
                figures = engine.figures([job_id]).get(job_id)
                if figures is not None:
                    self._samples.add(job_id, figures)
        return self._samples.recent(job_id)

    def _lister(self, conn: str | None = None) -> Lister:
        desk = self._desk
        if conn is not None:
            return Lister(desk.ledger(), {conn: desk.deployer(conn)}, only=True)
        return Lister(desk.ledger(), desk.job_engines(), down=() if _embedded_runs() else ("local",))

    def _find(self, name: str, conn: str | None) -> tuple[JobEngine | None, Entry]:
        """Find a job by its name or id, and its engine, None where that can't be asked.

        Raises `OptionError` where there is none, or where several connections have one of that name.
        """
        lister = self._lister(conn)
        entries = lister.read(everything=True).entries
        found = [entry for entry in entries if name == entry.name and entry.version is not None]
        found = [entry for entry in found if entry.state != "deleted"] or found
        found = [entry for entry in found if entry.deployment is not None] or found[-1:]
        found = found or [entry for entry in entries if entry.job_id == name]
        if not found:
            raise _unknown(name, entries)
        if len(found) > 1:
            places = ", ".join(sorted(entry.connection or entry.place for entry in found))
            raise OptionError(f"There are several {name}: at {places}.", hint="Choose one with --conn NAME.")
        return lister.engine(found[0]), found[0]

    def _reached(self, name: str, conn: str | None) -> tuple[JobEngine, Entry]:
        """Find a job whose engine can be asked about it. Raises `OptionError` where there is none."""
        engine, entry = self._find(name, conn)
        if engine is None or entry.job_id is None:
            raise OptionError(
                f"{entry.name} is {entry.state}, and its engine can't be asked.",
                hint="%stream local start, or %stream connect, makes it reachable.",
            )
        return engine, entry


def _embedded_runs() -> bool:
    from streammagic import local

    return local.status() is not None


def _unknown(name: str, entries: Sequence[Entry]) -> OptionError:
    names = sorted({entry.name for entry in entries})
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"Did you mean {near[0]}?" if near else "%stream jobs --all lists what there is."
    return OptionError(f"There is no job {name}.", hint=hint)


def _frame(entries: Sequence[Entry]) -> pd.DataFrame:
    """Return the entries with missing values where something was not read."""
    import pandas as pd

    def figure(name: str) -> list[float | None]:
        return [None if entry.figures is None else getattr(entry.figures, name) for entry in entries]

    def times(values: list[float | None]) -> pd.Series:
        whole = pd.array([None if value is None else round(value * 1000) for value in values], dtype="Int64")
        return pd.Series(pd.to_datetime(whole, unit="ms", utc=True))

    whole = {name: [getattr(entry, name) for entry in entries] for name in ("version", "restarts")}
    return pd.DataFrame(
        {
            "name": [entry.name for entry in entries],
            "engine": [entry.engine for entry in entries],
            "connection": [entry.connection for entry in entries],
            "status": [entry.state for entry in entries],
            **{name: pd.array(values, dtype="Int64") for name, values in whole.items()},
            "started": times([entry.started for entry in entries]),
            "ended": times([entry.ended for entry in entries]),
            "rows_in": pd.array(figure("rows_in"), dtype="Float64"),
            "rows_out": pd.array(figure("rows_out"), dtype="Float64"),
            "lag": pd.array(figure("lag"), dtype="Int64"),
            "backpressure": pd.array(figure("backpressure"), dtype="Float64"),
            "checkpointed": times(figure("checkpointed")),
            "checkpoints_failed": pd.array(figure("checkpoints_failed"), dtype="Int64"),
            "sink": [entry.sink for entry in entries],
            "owner": [entry.owner for entry in entries],
            "reason": [entry.reason for entry in entries],
            "job_id": [entry.job_id for entry in entries],
        }
    )


def _samples_frame(samples: Sequence[Sample]) -> pd.DataFrame:
    import pandas as pd

    names = ("restarts", "rows_in", "rows_out", "lag", "backpressure", "checkpoints_failed")
    index = pd.to_datetime([sample.at for sample in samples], unit="s", utc=True).rename("at")
    values = {
        name: pd.array([getattr(sample.figures, name) for sample in samples], dtype="Float64")
        for name in names
    }
    return pd.DataFrame(values, index=index)
