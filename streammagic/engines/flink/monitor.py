"""What is to be known about jobs, asked of the JobManager: the reading half of Flink's `JobEngine`.

Source: page "REST API" of Flink's documentation. ``/jobs/overview`` and ``/jobs/:id/status`` are always
fresh; ``/jobs/:id`` and what lies below it are up to ``web.refresh-interval`` (3 s by default) old, metrics
up to ten seconds (see `metrics`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streammagic.engines.flink import errors
from streammagic.engines.flink.diagnosis import diagnose
from streammagic.engines.flink.figures import FigureReader, restarts
from streammagic.engines.flink.graph import Graph
from streammagic.engines.flink.jobmanager import ENDED
from streammagic.engines.flink.logs import Subject, lines_about
from streammagic.engines.flink.metrics import Metrics, side_by_side
from streammagic.engines.http import without_password
from streammagic.engines.jobs import Bundle, Job, Labels
from streammagic.errors import JobFailedError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from streammagic.engines.flink.jobmanager import JobManager
    from streammagic.engines.jobs import Figures, Finding
    from streammagic.errors import StreamMagicError

_PREFIX = "streammagic."
_SETTLED = 12.0
"""Seconds after a change of its tasks at which a job's metrics tell of it: they are at most ten old."""

_NO = (-1, 0)


@dataclass(frozen=True, slots=True)
class _Listed:
    """What the last list said of a job.

    ``changed`` is when its tasks changed last, in milliseconds since the epoch; ``quiet`` and ``age`` are the
    seconds since then and since its start, by the cluster's own clock.
    """

    id: str
    state: str
    changed: int
    quiet: float
    age: float

    @classmethod
    def of(cls, job: dict[str, Any]) -> _Listed:
        now, changed = job["start-time"] + job["duration"], int(job.get("last-modification", 0))
        return cls(
            str(job["jid"]), str(job["state"]), changed, (now - changed) / 1000, job["duration"] / 1000
        )

    @property
    def has_begun_only(self) -> bool:
        """Whether it may not be in the metrics yet."""
        return self.age <= _SETTLED


class Monitor:
    """Reads; changes nothing. ``logs`` is the directory of Flink's log files, None where it is elsewhere.

    Every method raises `ConnectionFailedError` where the JobManager can't be reached. Safe to use from
    several threads at once.
    """

    def __init__(self, jobmanager: JobManager, logs: Path | None = None) -> None:
        self._jobmanager = jobmanager
        self._log_directory = logs
        self._metrics = Metrics(jobmanager)
        self._labels: dict[str, Labels | None] = {}
        self._restarts: dict[str, tuple[int, int]] = {}
        self._listed: dict[str, _Listed] = {}

    def jobs(self) -> list[Job]:
        """Return all jobs that the cluster remembers, by one request."""
        found = self._jobmanager.jobs()
        self._listed = {str(job["jid"]): _Listed.of(job) for job in found}
        return [_job(job) for job in found]

    def job(self, job_id: str) -> Job | None:
        """Return one job as it is now, None where the cluster does not know it."""
        return next((job for job in self.jobs() if job.id == job_id), None)

    def labels(self, job_ids: Sequence[str]) -> dict[str, Labels]:
        """Return the labels of those jobs that have some: one request for each job met first."""
        unknown = [job_id for job_id in dict.fromkeys(job_ids) if job_id not in self._labels]
        side_by_side(self._read_labels, unknown)
        found = {job_id: self._labels.get(job_id) for job_id in job_ids}
        return {job_id: labels for job_id, labels in found.items() if labels is not None}

    def restarts(self, job_ids: Sequence[str]) -> dict[str, int]:
        """Return how often each of these jobs was restarted, as far as Flink says so.

        What `jobs` has said last tells which of them have had a change of their tasks since they were asked:
        one request for all of those, and one for each where that finds a restart. A job that has only just
        begun is in no metrics yet, and is asked by itself. None otherwise.
        """
        listed = [self._listed[job_id] for job_id in job_ids if job_id in self._listed]
        asked = [job for job in listed if self._restarts.get(job.id, _NO)[0] != job.changed]
        begun = [job.id for job in asked if job.has_begun_only]
        for job_id, count in zip(begun, side_by_side(self._restarts_of_new, begun), strict=True):
            self._restarts[job_id] = -1, count
        older = [job for job in asked if not job.has_begun_only]
        if older:
            self._count_restarts(older)
        return {job.id: self._restarts[job.id][1] for job in listed if job.id in self._restarts}

    def figures(self, job_ids: Sequence[str]) -> dict[str, Figures]:
        """Return the figures of those of these jobs that are known, asked for in parallel.

        Requests: two a job and one a vertex (one more for a vertex that is met first), and as many as it
        takes to see Flink fetch its metrics, once in ten seconds.
        """
        if not job_ids:
            return {}
        self._metrics.refresh()
        reader = FigureReader(self._jobmanager, self._metrics)
        found = zip(job_ids, side_by_side(reader.read, job_ids), strict=True)
        return {job_id: figures for job_id, figures in found if figures is not None}

    def failure(self, job_id: str) -> StreamMagicError | None:
        """Return what failed a job last, None where nothing did."""
        stack = self._stack(job_id)
        if stack is None and self._jobmanager.status(job_id) == "FAILED":
            stack = self._jobmanager.failure(job_id)  # it is shown a little late, and waited for
        if stack is None:
            return None
        error = errors.from_stack(stack, None)
        return JobFailedError(
            error.message,
            engine=error.engine,
            cause=error.cause,
            hint=error.hint,
            details=error.details,
            link=error.link,
        )

    def diagnose(self, job_id: str) -> list[Finding]:
        """Look a job over: about ten requests and three a vertex.

        A watermark that is far behind the clock is looked at twice, which takes up to ten seconds.
        """
        return diagnose(self._jobmanager, self._metrics, job_id)

    def logs(self, job_id: str, lines: int) -> list[str]:
        """Return the last log lines about a job, oldest first, or one line that says where they are."""
        address = f"{without_password(self._jobmanager.endpoint)}/#/job/running/{job_id}"
        if self._log_directory is None:
            return [f"The logs are kept by the cluster: {address}/exceptions"]
        job, graph = self.job(job_id), self._graph(job_id)
        names = [] if job is None else [job.title]
        names += [] if graph is None else [vertex.name for vertex in graph.vertices]
        subject = (
            Subject(job_id) if job is None else Subject(job_id, tuple(names), job.started or 0.0, job.ended)
        )
        try:
            found = lines_about(self._log_directory, subject, lines)
        except OSError as error:
            return [f"The logs in {self._log_directory} can't be read ({error.strerror}); see {address}"]
        return found or [f"No line in {self._log_directory} names this job; see {address}"]

    def plan(self, job_id: str) -> str:
        """Return the job's graph as text, one vertex a line; "" where the job is not known."""
        graph = self._graph(job_id)
        return "" if graph is None else graph.text()

    def _graph(self, job_id: str) -> Graph | None:
        answer = self._jobmanager.get(f"/jobs/{job_id}")
        return None if answer is None else Graph.of(answer)

    def _read_labels(self, job_id: str) -> None:
        answer = self._jobmanager.get(f"/jobs/{job_id}/config")
        if answer is None:
            return  # not known yet, or no longer: whoever asks again may be told
        config = (answer.get("execution-config") or {}).get("user-config") or {}
        self._labels[job_id] = _labels(config)

    def _restarts_of_new(self, job_id: str) -> int:
        graph = self._graph(job_id)
        if graph is None or not graph.restarted:
            return 0
        return restarts(self._metrics.of_job(job_id, ("numRestarts",)).get("numRestarts"), graph) or 1

    def _count_restarts(self, asked: Sequence[_Listed]) -> None:
        """Read the restarts of jobs; what can't change any more unseen is known for ever."""
        fresh = self._metrics.refresh()
        ids = [job.id for job in asked]
        found = dict.fromkeys(ids, 0.0)
        if self._metrics.most_of_jobs(ids, "numRestarts") != 0:
            counts = side_by_side(lambda job_id: self._metrics.of_job(job_id, ("numRestarts",)), ids)
            found = {
                job_id: own["numRestarts"]
                for job_id, own in zip(ids, counts, strict=True)
                if "numRestarts" in own
            }
        for job in asked:
            if job.id in found:
                settled = fresh and job.quiet > _SETTLED
                self._restarts[job.id] = job.changed if settled else -1, int(found[job.id])

    def _stack(self, job_id: str) -> str | None:
        answer = self._jobmanager.get(f"/jobs/{job_id}/exceptions?maxExceptions=1") or {}
        entries = (answer.get("exceptionHistory") or {}).get("entries") or []
        if entries:
            return str(entries[0]["stacktrace"])
        root = answer.get("root-exception")
        return None if root is None else str(root)


def _job(job: dict[str, Any]) -> Job:
    ended = job["end-time"]
    return Job(
        id=str(job["jid"]),
        title=str(job["name"]),
        state=str(job["state"]),
        started=job["start-time"] / 1000,
        ended=ended / 1000 if ended > 0 and job["state"] in ENDED else None,
        tasks={state: int(count) for state, count in job["tasks"].items()},
    )


def _labels(config: dict[str, str]) -> Labels | None:
    """Read what `FlinkJobs.submit` sent as ``pipeline.global-job-parameters``."""
    name, version = config.get(f"{_PREFIX}name"), str(config.get(f"{_PREFIX}version", ""))
    if not name or not version.isdecimal():
        return None
    packed = config.get(f"{_PREFIX}bundle")
    return Labels(
        name=str(name),
        version=int(version),
        sha=str(config.get(f"{_PREFIX}sha", "")),
        owner=str(config.get(f"{_PREFIX}owner", "")),
        bundle=None if packed is None else Bundle.unpacked(str(packed)),
    )
