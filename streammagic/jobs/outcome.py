"""What became of a deployment's newest run, as its engine says, and writing that down."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streammagic.jobs.ledger_values import ENDED

if TYPE_CHECKING:
    from streammagic.engines.jobs import Job, JobEngine
    from streammagic.jobs.ledger import Deployment, Ledger, Run

APPEARS_SECONDS = 60.0
"""How long a job may take to be known to its engine after it was sent."""

_CLOCKS_SECONDS = 5.0
"""How far this machine's clock and the engine's may be apart."""

_STATES = {
    "FINISHED": "finished",
    "FAILED": "failed",
    "CANCELED": "cancelled",
    "SUSPENDED": "lost",
    "PAUSED": "stopped",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """A state that the ledger does not have yet, why, and the savepoint that belongs to it."""

    state: str
    reason: str = ""
    savepoint: str | None = None


def belongs(job: Job | None, run: Run) -> bool:
    """Tell whether a job is that of a run, and not one from before that had its id.

    Of one that is over, and whose engine does not say when it was started, that can't be told.
    """
    if job is None or not job.is_over:
        return job is not None
    return job.started is not None and job.started > run.started - _CLOCKS_SECONDS


def is_another(job: Job | None, run: Run) -> bool:
    """Tell whether a job that goes on is none of a run's, though it has its id: the run was refused."""
    return job is not None and not job.is_over and run.accepted is False


def outcome(engine: JobEngine, deployment: Deployment, job: Job | None) -> Outcome | None:
    """Compare the ledger with the engine's word on the newest run's job; None where they agree.

    ``job`` is None where the engine does not know it. A job that was stopped with a savepoint, or paused, by
    somebody who was interrupted, or outside of here, is found with its state.
    """
    run = deployment.run
    if run is None:
        return None
    if run.state in ENDED:
        goes_on = job is not None and not job.is_over and not is_another(job, run)
        return Outcome("running") if goes_on else None
    if run.state == "submitting" and not belongs(job, run):
        late = time.time() - run.started > APPEARS_SECONDS
        return Outcome("failed", "it never started") if late else None
    if job is None:
        return Outcome("lost")
    state = _STATES.get(job.state, "running")
    if state == run.state:
        return None
    path = engine.last_savepoint(run.job_id) if state in ("finished", "stopped") else None
    if state == "stopped" or path is not None:
        return Outcome("stopped", savepoint=path)
    if state == "failed":
        error = engine.failure(run.job_id)
        return Outcome(state, "" if error is None else error.message)
    return Outcome(state)


def write_down(ledger: Ledger, deployment: Deployment, found: Outcome) -> None:
    """Write an outcome into the ledger; the caller holds the claim."""
    run = deployment.run
    if run is None:
        return
    if found.savepoint is not None:
        ledger.add_savepoint(run.job_id, found.savepoint, "stop")
    ledger.set_run(run.job_id, found.state, found.reason)
