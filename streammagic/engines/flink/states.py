"""The state of jobs: taken in savepoints, found in checkpoints, removed.

Source: pages "REST API" (``/jobs/:id/stop``, ``/savepoints``, ``/savepoint-disposal``) and "Savepoints" of
Flink's documentation.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from streammagic.engines.flink import errors
from streammagic.engines.flink.jobmanager import wait_until
from streammagic.engines.flink.monitor import Monitor
from streammagic.engines.jobs import Stopped
from streammagic.errors import JobFailedError, OperationTimeoutError, StreamMagicError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streammagic.engines.flink.jobmanager import JobManager

_APPEARS_SECONDS = 3.0
_END_SECONDS = 30.0
_TASKS_SECONDS = 10.0
_SAVEPOINT_SECONDS = 600.0


class States(Monitor):
    """What `Monitor` reads, and jobs ended with and without their state.

    ``data`` is the directory of the embedded Flink's logs, checkpoints and savepoints, None for another's.
    """

    def __init__(self, jobmanager: JobManager, data: Path | None) -> None:
        super().__init__(jobmanager, None if data is None else data / "log")
        self._jobmanager = jobmanager
        self._data = data

    def stop(self, job_id: str, *, drain: bool) -> Stopped:
        """Stop a job with a savepoint; it has ended then."""
        self._await_tasks(job_id, "stopped with a savepoint")
        try:
            path = self._triggered(job_id, "stop", {"drain": drain})
        except JobFailedError:
            # Somebody else's stop of a moment ago may have ended it.
            wait_until(lambda: self._jobmanager.has_ended(job_id), _APPEARS_SECONDS)
            found = self.last_savepoint(job_id) if self._jobmanager.has_ended(job_id) else None
            if found is None:
                raise
            path = found
        if not wait_until(lambda: self._jobmanager.has_ended(job_id), _END_SECONDS):
            raise OperationTimeoutError(
                f"The savepoint was taken, and the job has not ended within {_END_SECONDS:g} s.",
                engine=errors.TITLE,
            )
        return Stopped(path=path, said="stopped with a savepoint", shown=path)

    def savepoint(self, job_id: str) -> str:
        """Take a savepoint of a running job and return its path."""
        self._await_tasks(job_id, "saved")
        return self._triggered(job_id, "savepoints", {"cancel-job": False})

    def checkpoint(self, job_id: str) -> str | None:
        """Return the newest checkpoint that was kept: as the JobManager says, else as the disk has it."""
        known = self._jobmanager.get(f"/jobs/{job_id}/checkpoints")
        latest = ((known or {}).get("latest") or {}).get("completed") or {}
        path = str(latest.get("external_path") or "")
        file = self._on_disk(path)
        if path and (file is None or file.exists()):  # removed meanwhile, it is told all the same
            return path
        if self._data is None:
            return None
        kept = (self._data / "checkpoints" / job_id).glob("chk-*/_metadata")
        newest = max(kept, key=lambda file: file.stat().st_mtime_ns, default=None)
        return None if newest is None else newest.parent.as_uri()

    @staticmethod
    def has_state(path: str) -> bool:
        """Return True: whether a savepoint can be read is found out by a start from it."""
        del path
        return True

    def cancel(self, job_id: str) -> None:
        """End a job without a savepoint; it has ended then."""
        if not self._jobmanager.end(job_id, seconds=_END_SECONDS):
            raise OperationTimeoutError(
                f"Flink has not ended the job within {_END_SECONDS:g} s of being told to.",
                engine=errors.TITLE,
                hint="It goes on being cancelled; %stream jobs tells when it has ended.",
            )

    def discard(self, path: str) -> None:
        """Remove a savepoint: on this disk, else by the JobManager."""
        file = self._on_disk(path)
        if file is not None:
            shutil.rmtree(file, ignore_errors=True)
        else:
            self._jobmanager.post("/savepoint-disposal", {"savepoint-path": path})

    def keeps_state(self, job_id: str) -> bool:
        """Tell whether checkpoints of a job are on this disk."""
        return self._data is not None and (self._data / "checkpoints" / job_id).is_dir()

    def savepoints(self, job_ids: Sequence[str]) -> list[str]:
        """Return the savepoints of those jobs on this disk: a savepoint's name begins with its job's."""
        if self._data is None:
            return []
        begins = tuple(f"savepoint-{job_id[:6]}-" for job_id in job_ids)
        found = sorted((self._data / "savepoints").glob("savepoint-*"))
        return [f"file:{folder}" for folder in found if folder.name.startswith(begins)]

    def last_savepoint(self, job_id: str) -> str | None:
        """Return the path of the savepoint that a job was stopped with, if it was."""
        known = self._jobmanager.get(f"/jobs/{job_id}/checkpoints")
        latest = ((known or {}).get("latest") or {}).get("savepoint") or {}
        return str(latest["external_path"]) if latest.get("external_path") else None

    def sweep(self, job_id: str) -> None:
        """Remove the checkpoints of a job that is over, where they are on this disk."""
        if self._data is not None:
            shutil.rmtree(self._data / "checkpoints" / job_id, ignore_errors=True)

    def _await_tasks(self, job_id: str, what: str) -> None:
        """Wait until all tasks run: a savepoint of a job whose tasks do not all run fails."""

        def settled() -> bool:
            job = self.job(job_id)
            return job is None or job.is_over or job.all_run

        wait_until(settled, _TASKS_SECONDS)
        job = self.job(job_id)
        if job is None or job.is_over or not job.all_run:
            state = "unknown to Flink" if job is None else job.state.lower()
            raise JobFailedError(
                f"The job is {state} and can't be {what}.",
                engine=errors.TITLE,
                hint="%stream diagnose tells why; %stream stop --no-savepoint ends it without a savepoint."
                if job is not None and not job.is_over
                else "deploy --resume starts it from its last savepoint.",
            )

    def _triggered(self, job_id: str, what: str, body: dict[str, Any]) -> str:
        """Start something asynchronous that ends with a savepoint; wait for it and return the path."""
        try:
            answer = self._jobmanager.post(f"/jobs/{job_id}/{what}", body)
        except StreamMagicError as error:
            if "savepoint" in (error.cause or "").lower() and "director" in (error.cause or "").lower():
                error.hint = "Flink has no place for savepoints: set execution.checkpointing.savepoint-dir."
            raise
        if answer is None:
            raise JobFailedError("Flink does not know this job any more.", engine=errors.TITLE)
        path = f"/jobs/{job_id}/savepoints/{answer['request-id']}"
        found: dict[str, Any] = {}

        def completed() -> bool:
            nonlocal found
            found = self._jobmanager.get(path) or {"status": {"id": "COMPLETED"}, "operation": {}}
            return bool(found["status"]["id"] == "COMPLETED")

        if not wait_until(completed, _SAVEPOINT_SECONDS):
            raise OperationTimeoutError(
                f"The savepoint was not complete within {_SAVEPOINT_SECONDS:g} s.", engine=errors.TITLE
            )
        operation = found.get("operation") or {}
        # COMPLETED means that it is over, not that it succeeded (measured on 2.3.0).
        if "location" not in operation:
            stack = (operation.get("failure-cause") or {}).get("stack-trace", "")
            failure = errors.from_stack(stack or "No savepoint was made, and Flink says no reason.", None)
            raise JobFailedError(
                f"No savepoint was made, and the job goes on: {failure.message}",
                engine=errors.TITLE,
                cause=failure.cause,
                details=failure.details,
                link=failure.link,
                hint="%stream stop --no-savepoint ends it without saving its state.",
            )
        return str(operation["location"])

    def _on_disk(self, path: str) -> Path | None:
        """Return the place of a savepoint in the embedded Flink's own directory, None for any other."""
        if self._data is None or not path.startswith("file:"):
            return None
        file = Path(unquote(urlsplit(path).path))
        return file if file.is_relative_to(self._data) else None
