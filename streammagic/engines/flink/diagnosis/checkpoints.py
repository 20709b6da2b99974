"""The job's checkpoints.

Source: pages "REST API" (``/jobs/:id/checkpoints`` and ``…/config``) and "Checkpointing" of Flink's
documentation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streammagic.engines.flink import errors
from streammagic.engines.flink.diagnosis.verdicts import degraded, failing, healthy, not_assessed
from streammagic.views.amounts import ago, duration, size

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streammagic.engines.flink.diagnosis.evidence import Evidence
    from streammagic.engines.jobs import Finding

_NAME = "checkpoints"
_NEVER = 10**15  # milliseconds: Long.MAX_VALUE stands for "off"
_PATIENCE = 60.0
_IN_A_ROW = 3
_MESSAGE = 200


def checkpoints(found: Evidence) -> Finding:
    """Tell whether checkpoints are taken, succeed, and are quick enough."""
    for part in ("checkpointing", "checkpoints"):
        if part in found.why:
            return not_assessed(_NAME, found.why[part])
    # Where they are off, some versions answer 404, others with an interval of 292 million years.
    interval = (found.checkpointing or {}).get("interval") or _NEVER
    if interval >= _NEVER or found.checkpoints is None:
        return degraded(
            _NAME,
            "they are off: a failure ends the job, and what it has counted is lost",
            "Set 'execution.checkpointing.interval' = '10 s'.",
        )
    return _taken(found, found.checkpoints, interval / 1000)


def _taken(found: Evidence, taken: Mapping[str, Any], interval: float) -> Finding:
    latest = taken.get("latest") or {}
    completed = latest.get("completed") or {}
    at = completed["latest_ack_timestamp"] / 1000 if completed else found.graph.started
    since = found.graph.now - at
    late = since > max(3 * interval, _PATIENCE)
    if late and not found.all_run:
        return degraded(_NAME, f"none was completed for {duration(since)}, as not all tasks run")
    row = _failed_in_a_row(taken)
    if row >= _IN_A_ROW or (row and late):
        last = f"the last was completed {ago(since)}" if completed else "none was ever completed"
        which = "last one" if row == 1 else f"last {row}"
        return failing(
            _NAME,
            f"the {which} failed{_reason(latest.get('failed') or {})}; {last}",
            "A restart would go back that far. Backpressure and missing slots keep them from being taken.",
        )
    if late:
        return degraded(
            _NAME,
            f"none was completed for {duration(since)}, with an interval of {duration(interval)}",
            "Their barriers wait behind rows: see backpressure. "
            "'execution.checkpointing.unaligned.enabled' = 'true' lets them pass.",
        )
    return _completed(completed, taken.get("counts") or {}, since, interval)


def _completed(
    completed: Mapping[str, Any], counts: Mapping[str, int], since: float, interval: float
) -> Finding:
    failed = counts.get("failed", 0)
    if not completed:
        tried = f"; {failed:,} could not be begun, as not all tasks ran" if failed else ""
        return not_assessed(_NAME, f"none was due yet, with an interval of {duration(interval)}{tried}")
    took = completed.get("end_to_end_duration", 0) / 1000
    state = size(completed.get("state_size", 0))
    evidence = (
        f"the last was completed {ago(since)}, took {duration(took)}, {state}; "
        f"{counts.get('completed', 0):,} completed, {failed:,} failed"
    )
    if took > max(interval, 1.0):
        return degraded(
            _NAME, evidence, f"Lengthen the interval of {duration(interval)}, or see backpressure."
        )
    return healthy(_NAME, evidence)


def _failed_in_a_row(taken: Mapping[str, Any]) -> int:
    """Count the newest ones that failed, one after another."""
    row = 0
    for checkpoint in taken.get("history") or []:  # the newest first
        if checkpoint["status"] == "COMPLETED":
            break
        row += checkpoint["status"] == "FAILED"
    return row


def _reason(failure: Mapping[str, Any]) -> str:
    message = str(failure.get("failure_message") or "").strip()
    told = [error.message for error in errors.chain(message) if error.message]
    first = (told[-1] if told else message).partition("\n")[0]
    return f": {first[:_MESSAGE]}" if first else ""
