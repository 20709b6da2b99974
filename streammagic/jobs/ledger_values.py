"""What the ledger tells: deployments, their versions, runs and savepoints, and what happened to them.

All times are seconds since the epoch.
"""

from __future__ import annotations

import getpass
import os
import socket
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streammagic.engines.jobs import Bundle

ENDED = frozenset({"stopped", "finished", "failed", "cancelled", "lost"})
STATES = ENDED | {"submitting", "running"}

_NAMESPACE = uuid.UUID("6b1f7f1c-4f0e-5c1a-9a52-0d6f3a2b7e11")
_LOCAL = "local"


@dataclass(frozen=True, slots=True)
class Version:
    """One bundle that was deployed under a name. Numbers begin at 1 and never come again.

    A bundle that isn't known (a job found on a cluster without one) has an empty statement; ``sha`` is the
    real one all the same.
    """

    number: int
    sha: str
    bundle: Bundle
    created: float
    who: str
    notebook: str


@dataclass(frozen=True, slots=True)
class Run:
    """One job of a version. ``state`` is one of `STATES`; ``ended`` is None until it is one of `ENDED`.

    ``restored`` is the savepoint or checkpoint that it went on from, ``reason`` why it is in its state.
    """

    job_id: str
    version: int
    attempt: int
    state: str
    started: float
    ended: float | None
    restored: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Savepoint:
    """State of a run that was kept at ``path``. ``kind`` is "stop", "manual" or "checkpoint"."""

    path: str
    job_id: str
    version: int
    kind: str
    created: float


@dataclass(frozen=True, slots=True)
class Deployment:
    """A name at a place, and all that was ever deployed under it; each tuple is oldest first.

    ``created`` is when it was first deployed, or deployed again after a delete. ``deleted`` is None for one
    that is there. There is always a version.
    """

    place: str
    name: str
    engine: str
    created: float
    deleted: float | None
    versions: tuple[Version, ...]
    runs: tuple[Run, ...]
    savepoints: tuple[Savepoint, ...]

    @property
    def current(self) -> Version:
        """The newest version."""
        return self.versions[-1]

    @property
    def run(self) -> Run | None:
        """The newest run, None where none was begun."""
        return self.runs[-1] if self.runs else None

    @property
    def savepoint(self) -> Savepoint | None:
        """The newest savepoint that was not dropped."""
        return self.savepoints[-1] if self.savepoints else None

    def ordinal(self, version: int) -> int:
        """Return which version this is since the name was last deployed anew: what a person is told.

        A notebook that deploys and deletes thus says the same on every run.
        """
        return sum(1 for v in self.versions if v.created >= self.created and v.number <= version) or 1

    def next_attempt(self, version: int) -> int:
        """Return the number that the next run of a version gets."""
        return 1 + max((run.attempt for run in self.runs if run.version == version), default=0)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened: what ("deployed", "running", "deleted", …), and who did it from where."""

    at: float
    place: str
    name: str
    what: str
    detail: str
    who: str
    notebook: str


def job_id(name: str, version: int, attempt: int, place: str = _LOCAL) -> str:
    """Return the id of a run's job, 32 hex digits: always the same for the same run, of no other run.

    The place counts, so that the same name may be deployed on two clusters.
    """
    run = f"{name}\0{version}\0{attempt}"
    return uuid.uuid5(_NAMESPACE, run if place == _LOCAL else f"{run}\0{place}").hex


def who() -> str:
    """Return who is asking, as user@host."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container whose user has no name
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"
