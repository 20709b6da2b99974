"""Looking a job over: the evidence that Flink has, and what follows from it, finding by finding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streammagic.engines.flink.diagnosis import checkpoints, cluster, flow, job
from streammagic.engines.flink.diagnosis.evidence import Gatherer
from streammagic.engines.flink.diagnosis.verdicts import failing

if TYPE_CHECKING:
    from streammagic.engines.flink.jobmanager import JobManager
    from streammagic.engines.flink.metrics import Metrics
    from streammagic.engines.jobs import Finding


def diagnose(jobmanager: JobManager, metrics: Metrics, job_id: str) -> list[Finding]:
    """Return one finding for each thing that can go wrong, also where it has not.

    Of a job that is over only that much as is left of it.
    """
    gatherer = Gatherer(jobmanager, metrics, job_id)
    found = gatherer.gather()
    if found is None:
        return [
            failing(
                "state",
                "Flink does not know this job",
                "Its cluster was started anew, or it ended long ago: deploy --resume starts it from its last "
                "state.",
            )
        ]
    findings = [job.state(found), job.failures(found), job.restarts(found)]
    if not found.graph.is_over:
        findings += [
            cluster.slots(found),
            cluster.taskmanagers(found),
            checkpoints.checkpoints(found),
            flow.backpressure(found),
            flow.source(found),
            flow.event_time(found, lambda: gatherer.later_flows(found.graph)),
        ]
    return findings
