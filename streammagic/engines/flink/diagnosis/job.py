"""The job itself: its state, what failed it, how often it was restarted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streammagic.engines.flink import errors
from streammagic.engines.flink.diagnosis.verdicts import RECENT, degraded, failing, healthy, not_assessed
from streammagic.views.amounts import ago, plural

if TYPE_CHECKING:
    from streammagic.engines.flink.diagnosis.evidence import Evidence
    from streammagic.engines.jobs import Finding

_LOOP = 2  # recent failures that make a loop
_STARTS = 30.0  # seconds that a job may take until all its tasks run
_ON_ITS_WAY = ("INITIALIZING", "CREATED", "RUNNING")


def state(found: Evidence) -> Finding:
    """Tell whether all of the job runs."""
    if found.state == "FINISHED":
        return healthy("state", "finished: its sources have ended")
    if found.state in ("CANCELLING", "CANCELED"):
        return failing("state", "it was cancelled")
    if found.graph.is_over or found.state == "FAILING":
        return failing("state", found.state.lower(), "Repair the cause, then start it from its last state.")
    age = found.graph.now - found.graph.started
    evidence = (
        f"{found.state.lower()}, {found.running} of {plural(found.total, 'task')} run, started {ago(age)}"
    )
    if found.all_run:
        return healthy("state", evidence)
    if found.waiting:
        evidence += f"; {plural(found.waiting, 'waits', 'wait')} for a slot"
    verdict = degraded if found.state in _ON_ITS_WAY and age <= _STARTS else failing
    return verdict("state", evidence, "The findings below tell why.")


def failures(found: Evidence) -> Finding:
    """Tell what failed the job last."""
    if found.exceptions is None:
        return not_assessed("failures", found.why["exceptions"])
    if not found.exceptions:
        return healthy("failures", "none is recorded")
    newest = found.exceptions[0]
    error = errors.from_stack(str(newest["stacktrace"]), None)
    since = found.graph.now - newest["timestamp"] / 1000
    task = str(newest.get("taskName") or "").partition(" - execution")[0]
    evidence = f"{error.message} ({ago(since)}{f', in {task}' if task else ''})"
    if found.all_run and since > RECENT:
        return healthy("failures", f"{evidence} It has recovered.")
    remedy = error.hint or "If a row does it, let the query bear it (TRY_CAST, WHERE), and replace the job."
    verdict = degraded if found.all_run and not _loops(found) else failing
    return verdict("failures", evidence, remedy)


def restarts(found: Evidence) -> Finding:
    """Tell how often the job was restarted, and whether that goes on."""
    count = found.restarts
    if not found.graph.restarted:
        count = 0
    if count is None:
        return not_assessed("restarts", "Flink counts them only while the job lives")
    if not count:
        return healthy("restarts", "none")
    since = found.graph.now - found.graph.restarted
    evidence = f"{count} since it was started, the last {ago(since)}"
    if found.state == "RESTARTING" or _loops(found):
        return failing(
            "restarts",
            evidence,
            "It fails again and again, each time from its last checkpoint: see failures.",
        )
    return degraded("restarts", evidence) if since < RECENT else healthy("restarts", evidence)


def _loops(found: Evidence) -> bool:
    """Tell whether the job fails again and again."""
    since = (found.graph.now - RECENT) * 1000
    recent = [entry for entry in found.exceptions or [] if entry["timestamp"] >= since]
    return not found.graph.is_over and len(recent) >= _LOOP and (found.uptime or 0.0) < RECENT / 2
