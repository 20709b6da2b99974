"""One statement on its way through the gateway: submitted, followed page by page, closed on every path."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING

from streammagic.engines.flink import errors
from streammagic.engines.flink.jobmanager import ENDED
from streammagic.engines.flink.paging import Pace, PageReader
from streammagic.errors import (
    JobFailedError,
    OperationTimeoutError,
    SqlError,
    StreamMagicError,
)
from streammagic.results.changes import Page, Schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import tzinfo

    from streammagic.engines.base import Lease
    from streammagic.engines.flink.gateway import Gateway
    from streammagic.engines.flink.jobmanager import JobManager
    from streammagic.engines.flink.paging import ResultPage
    from streammagic.sql.statements import Statement

_END_SECONDS = 10.0


class StatementCursor:
    """The `Cursor` of a statement that the gateway has taken.

    ``job_id`` is the id chosen for its job before it was sent; it is None once the first page says that
    the statement has no job. ``follow_job`` makes the iteration last until the job has ended: that is
    for INSERTs, whose result is only the job's id.
    """

    def __init__(  # noqa: PLR0913 - all that one statement needs, named at its only call
        self,
        gateway: Gateway,
        jobmanager: JobManager | None,
        lease: Lease,
        *,
        session: str,
        operation: str,
        statement: Statement,
        job_id: str | None,
        follow_job: bool,
        operation_timeout: float,
        succeeded: Callable[[], None],
        notes: list[str],
        local: tzinfo | None,
    ) -> None:
        self.schema = Schema()
        self.job_id = job_id
        self.is_query = False
        self.reads_from = ""
        self.notes = notes
        self._gateway = gateway
        self._jobmanager = jobmanager
        self._lease = lease
        self._session = session
        self._operation = operation
        self._statement = statement
        self._held = job_id
        self._follow_job = follow_job
        self._operation_timeout = operation_timeout
        self._succeeded = succeeded
        self._interrupted = threading.Event()
        self._reader = PageReader(local)
        self._token = 0
        self._accepted = False
        self._refused = False
        self._ended = False

    def __iter__(self) -> Iterator[Page]:
        """Yield pages. Raises what ended the statement, if that is an error."""
        pace = Pace(self._interrupted)
        started = time.monotonic()
        while not self._interrupted.is_set():
            found = self._fetch()
            if not found.ready:
                if time.monotonic() - started > self._operation_timeout:
                    raise self._too_slow()
                pace.wait()
                continue
            if not self._accepted:
                self._accept(found)
                yield found.page
            elif found.page.rows:
                yield found.page
            if found.last:
                break
            if found.page.rows:
                pace.reset()
            else:
                pace.wait()
        if not self._interrupted.is_set():
            self._succeeded()
            self._ended = not self._follow_job or self._follow()

    def interrupt(self) -> None:
        """Make the iteration end soon."""
        self._interrupted.set()

    def silence(self) -> list[str]:
        """Say nothing: Flink's reasons are not looked for."""
        return []

    def close(self) -> None:
        """End the operation and, unless it has ended by itself, its job; wait until that is sure.

        An operation whose statement is still being submitted is waited for first: closing it at that
        moment could leave a job that comes to be afterwards. A refusal can come with a job running, where
        the gateway can't write the job's rows.
        """
        try:
            if self._ended:
                self._close_operation()
            else:
                if not self._refused:
                    self._await_submission()
                self._end_job()
        finally:
            if self._held is not None and self._jobmanager is not None:
                self._lease.release("job", self._jobmanager.endpoint, self._held)

    def _fetch(self) -> ResultPage:
        try:
            raw = self._gateway.fetch(self._session, self._operation, self._token, self._statement)
        except SqlError:
            self._refused = not self._accepted
            raise
        except JobFailedError as error:
            self._name_slot_holders(error)
            raise
        found = self._reader.read(raw)
        if found.ready:
            self._token += 1
        return found

    def _accept(self, found: ResultPage) -> None:
        self._accepted = True
        self.schema, self.job_id, self.is_query = found.schema, found.job_id, found.is_query

    def _follow(self) -> bool:
        """Wait for the job's end; tell whether it came before an interrupt. Raises what failed it."""
        job_id, jobmanager = self.job_id, self._jobmanager
        if jobmanager is None or job_id is None:
            return True
        pace = Pace(self._interrupted)
        while not self._interrupted.is_set():
            status = jobmanager.status(job_id)
            if status in ("FAILED", "CANCELED"):
                raise self._job_failure(None if status == "CANCELED" else jobmanager.failure(job_id) or "")
            if status is None or status in ENDED:
                return True
            pace.wait()
        return False

    def _job_failure(self, stack: str | None) -> StreamMagicError:
        """Say why a job that was followed has not finished; without a stack it was cancelled."""
        if stack is None:
            return JobFailedError(
                "The job was cancelled, and not from here.",
                engine=errors.TITLE,
                statement=self._statement.text,
            )
        error = errors.from_stack(stack or "The job failed.", self._statement)
        self._name_slot_holders(error)
        return error

    def _name_slot_holders(self, error: StreamMagicError) -> None:
        """Add to an error for want of slots what holds them; all others, and one without an answer, stay."""
        if self._jobmanager is None or not errors.wants_slots(error):
            return
        with contextlib.suppress(StreamMagicError):
            error.hint = errors.slots_hint(self._jobmanager.running())

    def _await_submission(self) -> None:
        """Poll until the gateway has submitted the statement or refused it."""
        pace = Pace(threading.Event())
        deadline = time.monotonic() + self._operation_timeout
        while not self._accepted and time.monotonic() < deadline:
            try:
                found = self._fetch()
            except StreamMagicError:
                return  # refused or lost: either way no more will come of it
            if found.ready:
                self._accept(found)
            else:
                pace.wait()

    def _end_job(self) -> None:
        job_id = self.job_id if self._accepted else self._held
        if self._jobmanager is None or job_id is None:
            self._close_operation()
            return
        release = self._close_operation if self.is_query or not self._accepted else None
        if not self._jobmanager.end(job_id, seconds=_END_SECONDS, release=release):
            raise OperationTimeoutError(
                f"Flink has not ended the query's job within {_END_SECONDS:g} s of being told to.",
                engine=errors.TITLE,
                statement=self._statement.text,
                hint="See the job in Flink's web interface, or stop the local cluster with "
                "`streammagic local stop`.",
            )
        if release is None:
            self._close_operation()

    def _close_operation(self) -> None:
        try:
            self._gateway.close_operation(self._session, self._operation)
        except StreamMagicError:
            return  # the gateway forgot it: the job is ended by its id all the same

    def _too_slow(self) -> OperationTimeoutError:
        return OperationTimeoutError(
            f"Flink neither accepted nor refused the statement within {self._operation_timeout:g} s.",
            engine=errors.TITLE,
            statement=self._statement.text,
            hint="Is the cluster busy? Raise the limit with %config StreamMagic.operation_timeout (seconds).",
        )
