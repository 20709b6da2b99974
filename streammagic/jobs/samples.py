"""Figures of the last minutes, kept while somebody looks at them."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from streammagic.engines.jobs import Figures

_KEPT = 600  # samples of a job
_WINDOW = 600.0  # seconds


@dataclass(frozen=True, slots=True)
class Sample:
    """The figures of a job at a time, in seconds since the epoch."""

    at: float
    figures: Figures


class Samples:
    """Samples by job id, the newest few hundred each. Any thread may use it."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._of: dict[str, deque[Sample]] = {}
        self._lock = threading.Lock()

    def add(self, job_id: str, figures: Figures) -> None:
        """Keep figures as those of now."""
        with self._lock:
            self._of.setdefault(job_id, deque(maxlen=_KEPT)).append(Sample(self._clock(), figures))

    def recent(self, job_id: str) -> list[Sample]:
        """Return the samples of the last ten minutes, oldest first."""
        since = self._clock() - _WINDOW
        with self._lock:
            return [sample for sample in self._of.get(job_id, ()) if sample.at >= since]
