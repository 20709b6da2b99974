"""Deployments that ended with their cluster, and what is said of them when the next one starts."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from streammagic.errors import DeploymentBusyError

if TYPE_CHECKING:
    from streammagic.engines.jobs import JobEngine
    from streammagic.jobs.ledger import Ledger


def lost(ledger: Ledger, engine: JobEngine) -> list[str]:
    """Write down which deployments the cluster no longer knows, and return a line about each."""
    known: set[str] | None = None
    lines = []
    for deployment in ledger.deployments(engine.place):
        run = deployment.run
        if run is None or run.state not in ("running", "submitting", "lost"):
            continue
        if known is None:
            known = {job.id for job in engine.jobs()}
        if run.job_id not in known:
            with suppress(DeploymentBusyError), ledger.claim(engine.place, deployment.name, "looked at", ""):
                ledger.set_run(run.job_id, "lost")
            lines.append(
                f"{deployment.name} ended with its cluster: %stream deploy {deployment.name} --resume starts "
                "it from its last state"
            )
    return lines
