"""Starting a job under an id that was chosen before, and watching it until it is well."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from streammagic.engines.jobs import Labels
from streammagic.errors import (
    DeploymentBusyError,
    DuplicateJobError,
    InterruptedQuery,
    JobFailedError,
    OperationTimeoutError,
    OptionError,
    SqlError,
    StreamMagicError,
)
from streammagic.jobs.outcome import belongs, outcome, write_down

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from streammagic.engines.jobs import Bundle, Job, JobEngine, Restore
    from streammagic.jobs.ledger import Deployment, Ledger, Run

_START_SECONDS = 120.0
_APPEARS_SECONDS = 3.0
_SUBMITTED_SECONDS = 10.0  # after which a job that was being submitted is no longer waited for
REFUSALS = (SqlError, OptionError)
"""What a submit raises where nothing of the run was begun."""

_FAILING = ("FAILING", "FAILED", "RESTARTING", "CANCELLING", "CANCELED", "SUSPENDED")


@dataclass(frozen=True, kw_only=True)
class Office:
    """Where deployments are dealt with: the books, the engine, and who is asking.

    ``notebook`` names the notebook or script. ``say`` is told what takes long. ``make_topic`` creates a
    topic, given its name and whether only the newest record of a key need be kept, and tells whether it
    had to; ``drop_topics`` deletes some. ``notes`` collects what the person should know in the end.
    """

    ledger: Ledger
    engine: JobEngine
    notebook: str
    owner: str
    say: Callable[[str], None]
    make_topic: Callable[[str, bool], bool]
    drop_topics: Callable[[tuple[str, ...]], None]
    notes: list[str] = field(default_factory=list)


def launch(  # noqa: PLR0913 - one start, all of it named
    office: Office, name: str, version: int, bundle: Bundle, *, restore: Restore | None, settle: float
) -> Run:
    """Start a version of a deployment and watch it; the caller holds the claim of its name.

    Whether ``restore`` is of the same query is found out here, from the ledger.
    Returns when all its tasks have run for ``settle`` seconds (0: when it was accepted), or it has ended by
    itself. Raises what failed it; it is ended then, and written down as failed.
    """
    run = _begin(office, name, version, bundle, restore)
    adopt(office, bundle)
    try:
        if settle > 0:
            office.say(f"waiting until all tasks of {name} run")
            watch(office.engine, run.job_id, settle)
    except StreamMagicError as error:
        office.say(f"ending {name}, which failed")
        office.engine.abandon(bundle, run.job_id, restore)
        office.ledger.set_run(run.job_id, "failed", error.message)
        raise
    except KeyboardInterrupt:
        raise InterruptedQuery(
            f"{name} is deployed and goes on; nobody has waited for its tasks. %stream jobs shows it"
        ) from None
    return run


def adopt(office: Office, bundle: Bundle) -> None:
    """Make the table of a deployment known to this notebook; where that fails it is a note: the job runs."""
    try:
        office.engine.adopt(bundle)
    except StreamMagicError as error:
        office.notes.append(f"the table {bundle.table} is not known in this notebook: {error.message}")


def living(office: Office, name: str) -> list[Job]:
    """Return the jobs of a deployment that go on: those of its runs, and others that bear its name."""
    deployment = office.ledger.deployment(office.engine.place, name)
    runs = () if deployment is None else deployment.runs
    known = {run.job_id for run in runs if run.accepted is not False}
    jobs = [job for job in office.engine.jobs() if not job.is_over]
    labels = office.engine.labels([job.id for job in jobs if job.title == name and job.id not in known])
    named = {job_id for job_id, found in labels.items() if found.name == name}
    return [job for job in jobs if job.id in known or job.id in named]


def _begin(office: Office, name: str, version: int, bundle: Bundle, restore: Restore | None) -> Run:
    """Send a bundle under the first id that is free, and write down that it runs."""
    ledger, engine = office.ledger, office.engine
    labels = Labels(name=name, version=version, sha=bundle.sha, owner=office.owner, bundle=bundle)
    path = None if restore is None else restore.path
    deployment = ledger.deployment(engine.place, name)
    attempt, again = 1, False
    if deployment is not None:
        attempt, again = deployment.next_attempt(version), deployment.was_accepted
        if restore is not None:
            restore = replace(restore, same=deployment.stands_there(version))
    goes_on = None if restore is None else engine.job_id(bundle, name, version, attempt)
    if any(job.id != goes_on for job in living(office, name)):
        raise DeploymentBusyError(
            f"{name} runs already, by a start that this ledger does not hold for its newest.",
            hint=f"%stream attach {name} takes it into the ledger; %stream delete {name} ends it.",
        )
    while True:
        job_id = engine.job_id(bundle, name, version, attempt)
        run = ledger.begin_run(engine.place, name, version, attempt, job_id, path)
        office.say(f"starting {name}")
        try:
            with _written_down(office, run):
                engine.submit(bundle, job_id, labels, restore, again=again)
        except DuplicateJobError as error:
            if engine.job_id(bundle, name, version, attempt + 1) == job_id:  # all its runs have it
                ledger.set_run(job_id, "failed", error.message, refused=True)
                raise
            job = engine.job(job_id)
            if job is not None and not job.is_over:
                raise DeploymentBusyError(
                    f"{name} was started by somebody else at the same time, and runs.",
                    hint=f"%stream attach {name} takes it into this ledger.",
                ) from None
            # The books were lost, and ids are used up.
            used = {job.id for job in engine.jobs()}
            attempt += 1
            while engine.job_id(bundle, name, version, attempt) in used:
                attempt += 1
            continue
        ledger.set_run(job_id, "running")
        return replace(run, state="running", accepted=True)


@contextmanager
def _written_down(office: Office, run: Run) -> Iterator[None]:
    """Leave no run in doubt: whatever interrupts its start, the ledger says what became of it."""
    try:
        yield
    except StreamMagicError as error:
        refused = isinstance(error, REFUSALS)
        office.ledger.set_run(run.job_id, "failed", error.message, refused=refused)
        raise
    except KeyboardInterrupt:
        if _appears(office.engine, run, _APPEARS_SECONDS):
            office.ledger.set_run(run.job_id, "running")
            raise InterruptedQuery("the job was started, and goes on; %stream jobs shows it") from None
        raise InterruptedQuery(
            "the start was interrupted, and may still come about; %stream jobs tells"
        ) from None


def _appears(engine: JobEngine, run: Run, seconds: float) -> bool:
    """Wait until the engine knows the job of a run; tell whether it does."""
    deadline = time.monotonic() + seconds
    never = threading.Event()
    while not belongs(engine.job(run.job_id), run):
        if time.monotonic() > deadline:
            return False
        never.wait(0.05)
    return True


def watch(engine: JobEngine, job_id: str, settle: float) -> None:
    """Wait until all tasks of a job have run for ``settle`` seconds without a failure.

    A job that ends by itself is well too. Raises what failed it otherwise.
    """
    deadline = time.monotonic() + _START_SECONDS
    never = threading.Event()
    well_since: float | None = None
    pause = 0.02
    while True:
        job = engine.job(job_id)
        if job is None or job.state in _FAILING:
            raise _failure(engine, job_id, job)
        if job.state == "FINISHED":
            return
        now = time.monotonic()
        if not job.all_run:
            well_since = None
        elif well_since is None:
            well_since, pause = now, 0.1
        elif now - well_since >= settle:
            break
        if well_since is None and now > deadline:
            raise OperationTimeoutError(
                f"Not all tasks run after {_START_SECONDS:g} s: {_tasks(job)}.",
                hint=engine.words.slow,
            )
        left = settle - (now - well_since) if well_since is not None else pause
        never.wait(min(pause, max(left, 0.01)))
        pause = min(pause * 1.2, 0.2)
    if engine.restarts([job_id]).get(job_id):
        raise _failure(engine, job_id, job)


def await_end(office: Office, name: str, run: Run) -> Run:
    """Wait until a run has ended by itself, and return it as the ledger has it then.

    It may have been paused as well. Raises what failed it, and `InterruptedQuery` when the person no longer
    waits: it goes on then.
    """
    office.say(f"waiting until {name} has written everything")
    never = threading.Event()
    pause = 0.05
    try:
        while (job := office.engine.job(run.job_id)) is not None and not job.is_over:
            never.wait(pause)
            pause = min(pause * 1.3, 0.5)
    except KeyboardInterrupt:
        raise InterruptedQuery(f"{name} goes on; nobody waits for its end. %stream jobs shows it") from None
    found = office.ledger.deployment(office.engine.place, name)
    if found is not None:
        found = reconcile(office, found)
    if job is None or not (job.state == "FINISHED" or job.is_paused):
        raise _failure(office.engine, run.job_id, job)
    return run if found is None or found.run is None else found.run


def _tasks(job: Job) -> str:
    return ", ".join(f"{count} {state}" for state, count in job.tasks.items() if count and state != "total")


def _failure(engine: JobEngine, job_id: str, job: Job | None) -> StreamMagicError:
    error = engine.failure(job_id)
    if error is not None:
        return error
    state = "was lost" if job is None else f"is {job.state.lower()}"
    return JobFailedError(f"The job {state}, and the engine says no reason.")


def reconcile(office: Office, deployment: Deployment) -> Deployment:
    """Bring the newest run's state in the ledger up to what the engine says, and return the deployment."""
    run = deployment.run
    if run is None:
        return deployment
    found = outcome(office.engine, deployment, office.engine.job(run.job_id))
    if found is None:
        return deployment
    write_down(office.ledger, deployment, found)
    return office.ledger.deployment(deployment.place, deployment.name) or deployment


def settle_submission(office: Office, deployment: Deployment, *, claimed: bool = False) -> Deployment:
    """Wait for a job that somebody was submitting when they were interrupted; return the deployment after it.

    ``claimed``: the caller holds its claim. Raises `DeploymentBusyError` where somebody else is still at it.
    """
    run = deployment.run
    if run is None or run.state != "submitting":
        return deployment
    office.say(f"waiting for a start of {deployment.name} that was interrupted")
    left = _SUBMITTED_SECONDS - (time.time() - run.started)
    if not _appears(office.engine, run, max(left, 0)):
        claim = office.ledger.claim(deployment.place, deployment.name, "looked at", office.notebook)
        with nullcontext() if claimed else claim:
            office.ledger.set_run(run.job_id, "failed", "it never started")
    return reconcile(office, office.ledger.deployment(deployment.place, deployment.name) or deployment)
