"""Flink's metrics as its REST API hands them out: late, by name, and only for what runs.

Source: pages "REST API" (``/jobs/:id/metrics``, ``/jobs/:id/vertices/:id/subtasks/metrics``,
``/taskmanagers/metrics``) and "Metrics" of Flink's documentation.
"""

from __future__ import annotations

import math
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from streammagic.engines.flink.jobmanager import JobManager

    Item = TypeVar("Item")
    Answer = TypeVar("Answer")

_THREADS = 8
FETCHED_EVERY = 10.0
"""Seconds between two fetches of Flink's, ``metrics.fetcher.update-interval`` by default."""

_PATIENCE = 0.4  # seconds for a fetch, which takes 30 to 100 ms where nothing is overloaded
_JOBS_A_REQUEST = 100  # a request line has 4096 characters at most
_WITNESS = "/taskmanagers/metrics?get=Status.JVM.CPU.Time&agg=sum"


def side_by_side(ask: Callable[[Item], Answer], items: Iterable[Item]) -> list[Answer]:
    """Return the answers for all items, asked for in up to 8 threads, which have ended on return.

    The first failure is raised.
    """
    asked = list(items)
    if len(asked) < 2:  # noqa: PLR2004 - one needs no thread
        return [ask(item) for item in asked]
    pool = ThreadPoolExecutor(min(_THREADS, len(asked)), "streammagic-ask")
    try:
        return list(pool.map(ask, asked))
    finally:
        pool.shutdown(cancel_futures=True)


class Metrics:
    """Metrics by name. Each method may raise `StreamMagicError`; all may be called by several threads."""

    def __init__(self, jobmanager: JobManager) -> None:
        self._jobmanager = jobmanager
        self._names: dict[tuple[str, str], list[str]] = {}
        self._fetched = self._missed = -math.inf
        self._lock = threading.Lock()

    def refresh(self, within: float = FETCHED_EVERY) -> bool:
        """Have metrics that are at most ``within`` seconds old; tell whether they are known to be.

        Flink answers from what its last fetch brought, however long ago that was, and starts another one
        behind the answer when ``FETCHED_EVERY`` is over (``MetricFetcherImpl``). So a fetch is provoked, and
        its end is seen by a figure that always grows. It is not seen where somebody else has just provoked
        one; that is not waited for twice within ``within``.
        """
        with self._lock:
            now = time.monotonic()
            if now - self._fetched < within:
                return True
            if now - self._missed < within:
                return False
            deadline = now + max(_PATIENCE, _PATIENCE + self._fetched + FETCHED_EVERY - now)
            if self._changes(self._jobmanager.get(_WITNESS), deadline):
                self._fetched = time.monotonic()
                return True
            self._missed = time.monotonic()
            return False

    def _changes(self, before: object, deadline: float) -> bool:
        """Wait until the figure that always grows has grown."""
        never, pause = threading.Event(), 0.02
        while self._jobmanager.get(_WITNESS) == before:
            if time.monotonic() >= deadline:
                return False
            never.wait(pause)
            pause = min(pause * 1.3, 0.2)
        return True

    def of_job(self, job_id: str, names: Sequence[str]) -> dict[str, float]:
        """Return those of a job's own metrics that there are."""
        answer = self._jobmanager.get(f"/jobs/{job_id}/metrics?get={','.join(names)}")
        return {str(metric["id"]): _number(metric["value"]) for metric in _metrics(answer)}

    def most_of_jobs(self, job_ids: Sequence[str], name: str) -> float | None:
        """Return the greatest value that a metric has among several jobs, None where none of them has it."""
        found: list[float] = []
        for first in range(0, len(job_ids), _JOBS_A_REQUEST):
            jobs = ",".join(job_ids[first : first + _JOBS_A_REQUEST])
            answer = self._jobmanager.get(f"/jobs/metrics?get={name}&agg=max&jobs={jobs}")
            found += [_number(metric["max"]) for metric in _metrics(answer)]
        return max(found, default=None)

    def of_vertex(
        self, job_id: str, vertex: str, wanted: Callable[[str], bool]
    ) -> dict[str, tuple[float, float, float]]:
        """Return the wanted metrics of a vertex, each as the sum, the least and the most of its subtasks.

        The names are asked for first, once for ever: one that is not there would empty the answer (2.3.0).
        Operators stand in them as ``Source__orders[1].numRecordsOut``: cut to 80 characters, and with ``_``
        for blanks, dots, colons and commas (``MetricQueryService``).
        """
        path = f"/jobs/{job_id}/vertices/{vertex}/subtasks/metrics"
        names = self._names.get((job_id, vertex))
        if names is None:
            names = [str(metric["id"]) for metric in _metrics(self._jobmanager.get(path))]
            if any(name.endswith(".numRecordsIn") for name in names):  # else its operators are not made yet
                self._names[job_id, vertex] = names
        chosen = [quote(name) for name in names if wanted(name)]
        if not chosen:
            return {}
        answer = self._jobmanager.get(f"{path}?get={','.join(chosen)}&agg=sum,min,max")
        return {
            str(metric["id"]): (_number(metric["sum"]), _number(metric["min"]), _number(metric["max"]))
            for metric in _metrics(answer)
        }


def _metrics(answer: object) -> list[dict[str, object]]:
    return answer if isinstance(answer, list) else []


def _number(value: object) -> float:
    """Read a value: a number or its text; NaN for anything else, which Flink uses itself."""
    try:
        return float(str(value))
    except ValueError:
        return math.nan
