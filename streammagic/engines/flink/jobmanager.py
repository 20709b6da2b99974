"""The JobManager's REST API: what became of a job, and ending it.

Source: "REST API" page of Flink's documentation. ``/jobs/:id/status`` and ``/jobs/overview`` are always
fresh; ``/jobs/:id`` and ``/exceptions`` are up to ``web.refresh-interval`` old.
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import orjson

from streammagic.engines.flink.errors import from_answer
from streammagic.engines.http import Http, HttpStatusError

if TYPE_CHECKING:
    from collections.abc import Callable

    from streammagic.engines.base import Settings

ENDED = frozenset({"FINISHED", "CANCELED", "FAILED", "SUSPENDED"})
"""Job states that nothing follows. Source: org.apache.flink.api.common.JobStatus.isTerminalState."""

_STARTING = frozenset({"INITIALIZING", "CREATED"})
_STARTING_TASKS = ("scheduled", "deploying", "reconciling", "initializing", "created")
_STALE_SECONDS = 4.0
_NOT_FOUND = 404


class JobManager:
    """A cluster's JobManager. Raises `ConnectionFailedError` where it can't be reached."""

    def __init__(self, url: str, settings: Settings) -> None:
        self._http = Http(
            url,
            settings,
            title="Flink's JobManager",
            hint="Set STREAMMAGIC_FLINK_REST to its address, usually port 8081.",
        )

    @property
    def endpoint(self) -> str:
        """The base URL."""
        return self._http.base

    def status(self, job_id: str) -> str | None:
        """Return a job's state ("RUNNING", "FAILED", …), None where no such job is known."""
        answer = self.get(f"/jobs/{job_id}/status")
        return None if answer is None else str(answer["status"])

    def jobs(self) -> list[dict[str, Any]]:
        """Return all jobs as ``/jobs/overview`` has them: jid, name, state, start-time, tasks {…}."""
        answer = self.get("/jobs/overview")
        return [] if answer is None else list(answer["jobs"])

    def running(self) -> list[str]:
        """Return the names of the jobs that have running tasks, the oldest first."""
        found = [job for job in self.jobs() if job["state"] not in ENDED and job["tasks"].get("running")]
        return [str(job["name"]) for job in sorted(found, key=lambda job: int(job["start-time"]))]

    def failure(self, job_id: str) -> str | None:
        """Return the Java stack of what failed a job, None where Flink names none.

        It is waited for a little: Flink shows it up to ``web.refresh-interval`` (3 s by default) late.
        """
        wait_until(lambda: self._failure(job_id) is not None, _STALE_SECONDS)
        return self._failure(job_id)

    def _failure(self, job_id: str) -> str | None:
        answer = self.get(f"/jobs/{job_id}/exceptions") or {}
        entries = answer.get("exceptionHistory", {}).get("entries", [])
        if entries:
            return str(entries[0]["stacktrace"])
        return answer.get("root-exception")

    def is_settling(self, job_id: str) -> bool:
        """Tell whether a task of the job is just being set up.

        Cancelling a job at that moment can bring the whole TaskManager down: the collect sink's close()
        meets a lock that its open() has not made yet, and Flink takes the NullPointerException for fatal
        (seen on 2.3.0). So cancelling waits until this is over.
        """
        for job in self.jobs():
            if job["jid"] == job_id and job["state"] not in ENDED:
                return job["state"] in _STARTING or any(job["tasks"].get(s) for s in _STARTING_TASKS)
        return False

    def end(self, job_id: str, *, seconds: float, release: Callable[[], None] | None = None) -> bool:
        """End a job and wait until it has; tell whether it has within ``seconds``.

        ``release`` is tried first, if given: letting go of a SELECT makes Flink cancel its job.
        """
        deadline = time.monotonic() + seconds
        wait_until(lambda: not self.is_settling(job_id), min(5.0, seconds))
        if release is not None:
            release()
            if wait_until(lambda: self.has_ended(job_id), min(1.5, seconds)):
                return True
        if not self.has_ended(job_id):
            self._cancel(job_id)
        return wait_until(lambda: self.has_ended(job_id), deadline - time.monotonic())

    def end_if_it_appears(self, job_id: str, *, seconds: float) -> None:
        """End a job that may or may not come to be within ``seconds``: its statement's answer was lost."""
        if wait_until(lambda: self.status(job_id) is not None, seconds):
            self.end(job_id, seconds=seconds)

    def has_ended(self, job_id: str) -> bool:
        """Tell whether a job is over, or was never there."""
        status = self.status(job_id)
        return status is None or status in ENDED

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _cancel(self, job_id: str) -> None:
        try:
            self._http.patch(f"/jobs/{job_id}?mode=cancel")
        except HttpStatusError as error:
            if not self.has_ended(job_id):
                raise from_answer(error, None) from None

    def get(self, path: str) -> dict[str, Any] | None:
        """GET; None where the job is not known, which some paths answer with 404 and some with 500."""
        return self._answer(lambda: self._http.get(path))

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """POST; None where the job is not known."""
        return self._answer(lambda: self._http.post(path, body))

    @staticmethod
    def _answer(ask: Callable[[], bytes]) -> dict[str, Any] | None:
        try:
            answer: dict[str, Any] = orjson.loads(ask())
        except HttpStatusError as error:
            if error.status == _NOT_FOUND or any(
                "FlinkJobNotFoundException" in text for text in error.errors
            ):
                return None
            raise from_answer(error, None) from None
        return answer


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Poll a condition, at first often; tell whether it came to hold."""
    deadline = time.monotonic() + seconds
    pause = 0.01
    never = threading.Event()
    while not condition():
        if time.monotonic() >= deadline:
            return False
        never.wait(pause)
        pause = min(pause * 1.5, 0.2)
    return True
