"""All jobs of all engines in one list: what the ledger knows, and what runs without being in it."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from streammagic.errors import StreamMagicError
from streammagic.jobs.ledger_values import ENDED
from streammagic.jobs.outcome import APPEARS_SECONDS, is_another, outcome, write_down

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from streammagic.engines.jobs import Figures, Job, JobEngine, Labels
    from streammagic.jobs.ledger import Deployment, Ledger, Run, Version

_PASSING = frozenset({"deleted", "not reached", "starting"})

LIVE = frozenset({"running", "starting", "restarting", "failing", "stopping"})
"""States in which a job holds resources."""

_STATES = {
    "INITIALIZING": "starting",
    "CREATED": "starting",
    "RECONCILING": "starting",
    "RESTARTING": "restarting",
    "FAILING": "failing",
    "CANCELLING": "stopping",
    "FINISHED": "finished",
    "CANCELED": "cancelled",
    "FAILED": "failed",
    "SUSPENDED": "lost",
    "PAUSED": "stopped",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the list: a deployment with its newest job, or a job that no deployment here knows.

    ``state`` is "running", "starting", "restarting", "failing", "stopping"; "stopped", "finished",
    "cancelled", "failed", "lost", "deleted"; or "not reached", where its cluster can't be asked.
    ``connection`` is None then. ``version`` is None for what was not deployed. Times are seconds since the
    epoch. ``figures`` and ``restarts`` are None where they were not read. ``saves``: its engine takes
    savepoints.
    """

    name: str
    place: str
    engine: str
    state: str
    connection: str | None = None
    version: int | None = None
    job_id: str | None = None
    started: float | None = None
    ended: float | None = None
    reason: str = ""
    sink: str = ""
    owner: str = ""
    restarts: int | None = None
    figures: Figures | None = None
    deployment: Deployment | None = None
    saves: bool = True

    @property
    def is_live(self) -> bool:
        """Whether its job holds resources."""
        return self.state in LIVE


@dataclass(frozen=True, slots=True)
class Listing:
    """What was found, by name, and sentences about engines that could not be asked."""

    entries: tuple[Entry, ...]
    notes: tuple[str, ...] = ()


class Lister:
    """Makes lists. ``engines`` can be asked, by connection; ``only``: what is elsewhere is left out.

    The clusters at the places ``down`` are known not to run.
    """

    def __init__(
        self,
        ledger: Ledger,
        engines: Mapping[str, JobEngine],
        *,
        down: Iterable[str] = (),
        only: bool = False,
    ) -> None:
        self._ledger = ledger
        self._only = only
        self._engines: dict[str, tuple[str, JobEngine]] = {}
        self._unknown: list[str] = []
        for connection, engine in engines.items():
            try:
                self._engines.setdefault(engine.place, (connection, engine))
            except StreamMagicError as error:  # one that has to be asked where it is
                self._unknown.append(f"{connection}: {error.message}")
        self._down = frozenset(down) - self._engines.keys()

    def read(self, *, everything: bool = False) -> Listing:
        """Return the deployments, and the deployed jobs found that are none of the ledger's.

        One request an engine, one for each job that is in no ledger and met first, and one for each job
        whose tasks have changed since its restarts were read. With ``everything`` also what was deleted, and
        all jobs that an engine remembers. An engine that can't be reached is a note.
        """
        jobs: dict[str, dict[str, Job]] = {}
        notes = list(self._unknown)
        for place, (connection, engine) in self._engines.items():
            try:
                jobs[place] = {job.id: job for job in engine.jobs()}
            except StreamMagicError as error:
                notes.append(f"{connection}: {error.message}")
        entries = [
            self._settled(self._deployed(found, jobs), _newest_job(found, jobs))
            for found in self._ledger.deployments(deleted=everything)
            if found.place in self._engines or not self._only
        ]
        for place, found in jobs.items():
            entries += self._others(place, list(found.values()), entries, everything=everything)
        entries.sort(key=lambda entry: (entry.name.casefold(), entry.place, entry.started or 0.0))
        return Listing(self._with_restarts(entries), tuple(notes))

    def with_figures(self, entries: Sequence[Entry]) -> tuple[Entry, ...]:
        """Return the entries with the figures of those that are live; an engine that fails leaves none."""
        found: dict[tuple[str, str], Figures] = {}
        for place, job_ids in _live(entries).items():
            try:
                figures = self._engine(place).figures(job_ids)
            except StreamMagicError:
                continue
            found |= {(place, job_id): values for job_id, values in figures.items()}
        return tuple(with_figures(entry, found.get((entry.place, entry.job_id or ""))) for entry in entries)

    def engine(self, entry: Entry) -> JobEngine | None:
        """Return the engine of an entry, None where it can't be asked."""
        return None if entry.connection is None else self._engine(entry.place)

    def _engine(self, place: str) -> JobEngine:
        return self._engines[place][1]

    def _deployed(self, deployment: Deployment, jobs: Mapping[str, Mapping[str, Job]]) -> Entry:
        """Return what is to be said about a deployment."""
        run, place = deployment.run, deployment.place
        job = _newest_job(deployment, jobs)
        version = deployment.current if run is None else _version(deployment, run.version)
        started, ended = _times(run, job)
        return Entry(
            name=deployment.name,
            place=place,
            engine=deployment.engine,
            state=self._state(deployment, job, reached=place in jobs),
            connection=self._engines[place][0] if place in jobs else None,
            version=deployment.ordinal(version.number),
            job_id=None if run is None else run.job_id,
            started=started,
            ended=ended,
            reason=_reason(run, job),
            sink=version.bundle.table,
            owner=version.who,
            deployment=deployment,
            saves=place not in jobs or bool(self._engine(place).words.savepoint),
        )

    def _state(self, deployment: Deployment, job: Job | None, *, reached: bool) -> str:
        """Return the state of a deployment: its cluster's word, else the ledger's where that still holds."""
        run = deployment.run
        if deployment.deleted is not None:
            return "deleted"
        if run is None:
            return "stopped"
        if job is not None:
            return _state(job, run.state)
        if run.state in ENDED:
            return run.state
        if not reached and deployment.place not in self._down:
            return "not reached"
        if run.state == "submitting" and reached:
            return "starting" if time.time() - run.started < APPEARS_SECONDS else "failed"
        return "lost"

    def _settled(self, entry: Entry, job: Job | None) -> Entry:
        """Write down what the ledger does not know yet: that a job has ended, and why; or that it runs again.

        Not while somebody is changing the deployment: they know better why it ended.
        """
        deployment = entry.deployment
        if deployment is None or entry.state in _PASSING or entry.place not in self._engines:
            return entry
        try:
            found = outcome(self._engine(entry.place), deployment, job)
            if found is None:
                return entry
            with self._ledger.claim(entry.place, entry.name, "looked at", ""):
                write_down(self._ledger, deployment, found)
        except StreamMagicError:
            return entry
        return replace(entry, state=found.state, reason=entry.reason or found.reason)

    def _others(
        self, place: str, jobs: Sequence[Job], known: Sequence[Entry], *, everything: bool
    ) -> list[Entry]:
        """Return the jobs of an engine that the ledger does not know: the deployed ones, or all."""
        connection, engine = self._engines[place]
        found_jobs = {job.id: job for job in jobs}
        ours = {
            run.job_id
            for entry in known
            if entry.deployment is not None and entry.place == place
            for run in entry.deployment.runs
            if not is_another(found_jobs.get(run.job_id), run)
        }
        asked = {
            job.id: job
            for job in jobs
            if job.id not in ours and (everything or job.is_paused or not job.is_over)
        }
        try:
            labels = engine.labels(list(asked))
        except StreamMagicError:
            labels = {}
        found = []
        for job_id, job in asked.items():
            if everything or job_id in labels:
                found.append(_other(place, connection, job, labels.get(job_id)))
        return found

    def _with_restarts(self, entries: Sequence[Entry]) -> tuple[Entry, ...]:
        counts: dict[tuple[str, str], int] = {}
        for place, job_ids in _live(entries).items():
            try:
                found = self._engine(place).restarts(job_ids)
            except StreamMagicError:
                continue
            counts |= {(place, job_id): count for job_id, count in found.items()}
        return tuple(
            replace(entry, restarts=counts.get((entry.place, entry.job_id or ""))) if entry.is_live else entry
            for entry in entries
        )


def _live(entries: Iterable[Entry]) -> dict[str, list[str]]:
    """Return the ids of the jobs that live, by place."""
    found: dict[str, list[str]] = {}
    for entry in entries:
        if entry.is_live and entry.connection is not None and entry.job_id is not None:
            found.setdefault(entry.place, []).append(entry.job_id)
    return found


def _state(job: Job, written: str = "") -> str:
    """Return a job's state in a word; ``written`` is the ledger's, which knows why a job was ended."""
    if job.state == "RUNNING":
        return "running" if job.all_run else "starting"
    state = _STATES.get(job.state, job.state.lower())
    return written if written in ENDED and job.is_over else state


def _reason(run: Run | None, job: Job | None) -> str:
    """Return why a deployment is not as it should be, where that is known."""
    if job is not None and job.state == "RUNNING" and not job.all_run:
        running = job.tasks.get("running", 0) + job.tasks.get("finished", 0)
        return f"{running} of {job.tasks.get('total', 0)} tasks run"
    return "" if run is None or (job is not None and not job.is_over) else run.reason


def _newest_job(deployment: Deployment, jobs: Mapping[str, Mapping[str, Job]]) -> Job | None:
    run = deployment.run
    job = None if run is None else jobs.get(deployment.place, {}).get(run.job_id)
    return None if run is None or is_another(job, run) else job


def _times(run: Run | None, job: Job | None) -> tuple[float | None, float | None]:
    """Return when a deployment's newest job was started and ended: as its engine says, else the ledger."""
    if run is None or job is None:
        return (None, None) if run is None else (run.started, run.ended)
    started = run.started if job.started is None else job.started
    return started, run.ended if job.ended is None and job.is_over else job.ended


def _version(deployment: Deployment, number: int) -> Version:
    found = (version for version in deployment.versions if version.number == number)
    return next(found, deployment.current)


def _other(place: str, connection: str, job: Job, labels: Labels | None) -> Entry:
    bundle = None if labels is None else labels.bundle
    return Entry(
        name=job.title if labels is None else labels.name,
        place=place,
        engine=connection if bundle is None else bundle.engine,
        state=_state(job),
        connection=connection,
        version=None if labels is None else labels.version,
        job_id=job.id,
        started=job.started,
        ended=job.ended,
        sink="" if bundle is None else bundle.table,
        owner="" if labels is None else labels.owner,
    )


def with_figures(entry: Entry, figures: Figures | None) -> Entry:
    """Return an entry with figures, whose restarts are newer than its own."""
    if figures is None:
        return entry
    restarts = entry.restarts if figures.restarts is None else figures.restarts
    return replace(entry, figures=figures, restarts=restarts)
