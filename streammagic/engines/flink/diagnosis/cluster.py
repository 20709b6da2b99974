"""What the job runs on: task slots and TaskManagers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streammagic.engines.flink import errors
from streammagic.engines.flink.diagnosis.verdicts import RECENT, degraded, failing, healthy, not_assessed
from streammagic.views.amounts import ago, duration, plural

if TYPE_CHECKING:
    from streammagic.engines.flink.diagnosis.evidence import Evidence
    from streammagic.engines.jobs import Finding

_SILENT = 30.0
_LOSS = (
    "Heartbeat of TaskManager",
    "TaskManager with id",
    "RemoteTransportException",
    "is no longer reachable",
)
"""What failures say that are a TaskManager's own, not those of what ran on it."""


def slots(found: Evidence) -> Finding:
    """Tell whether the job's tasks have found room."""
    cluster = found.cluster
    if cluster is None:
        return not_assessed("slots", found.why["cluster"])
    evidence = f"{cluster.slots_free} of {cluster.slots} are free"
    if cluster.slots_free or not (found.waiting or _lacks_slots(found)):
        return healthy("slots", evidence)
    wanting = plural(found.waiting, "task waits", "tasks wait") if found.waiting else "some tasks wait"
    return failing(
        "slots",
        f"{evidence}; of this job {wanting} for one",
        "Stop another job or query, lower this one's parallelism, or start Flink with more slots.",
    )


def taskmanagers(found: Evidence) -> Finding:
    """Tell whether the TaskManagers are there, and were in the last minutes."""
    cluster, now = found.cluster, found.graph.now
    if cluster is None:
        return not_assessed("TaskManagers", found.why["cluster"])
    if not cluster.silent:
        return failing(
            "TaskManagers", "none is registered", "No task can run: see its log, and start it again."
        )
    silent, name = max((since, name) for name, since in cluster.silent.items())
    if silent > _SILENT:
        return degraded(
            "TaskManagers",
            f"{name} has been silent for {duration(silent)}",
            "It may be paused, out of memory or cut off: see its log.",
        )
    evidence = f"{plural(len(cluster.silent), 'is', 'are')} registered and heard of"
    lost = [now - entry["timestamp"] / 1000 for entry in found.exceptions or [] if _is_loss(entry)]
    if lost and min(lost) < RECENT:
        return degraded(
            "TaskManagers",
            f"{evidence}, but one was lost {ago(min(lost))}",
            "It is out of memory most often: see the end of its log; give it more, or less to do.",
        )
    return healthy("TaskManagers", evidence)


def _lacks_slots(found: Evidence) -> bool:
    """Tell whether the job is down because it found no slots."""
    if not found.exceptions or found.all_run:
        return False
    return errors.wants_slots(errors.from_stack(str(found.exceptions[0]["stacktrace"]), None))


def _is_loss(entry: dict[str, Any]) -> bool:
    stack = str(entry.get("stacktrace", ""))[:2000]
    return any(words in stack for words in _LOSS)
