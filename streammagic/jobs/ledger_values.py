"""What the ledger tells: deployments, their versions, runs and savepoints, and what happened to them.

All times are seconds since the epoch.
"""

from __future__ import annotations

import getpass
import os
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streammagic.engines.jobs import Bundle

ENDED = frozenset({"stopped", "finished", "failed", "cancelled", "lost"})
STATES = ENDED | {"submitting", "running"}


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
    """One start of a version. ``state`` is one of `STATES`; ``ended`` is None until it is one of `ENDED`.

    An engine may have one ``job_id`` for all runs of a deployment; the newest of them is meant then.
    ``restored`` is the path of the state that it went on from, ``reason`` why it is in its state.
    ``accepted`` tells whether its engine took it: None where that is not known, and False as well once what
    it made was taken away.
    """

    job_id: str
    version: int
    attempt: int
    state: str
    started: float
    ended: float | None
    restored: str | None
    reason: str
    accepted: bool | None = None


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

    @property
    def was_accepted(self) -> bool:
        """Whether its engine has accepted a start of it since it was last deleted."""
        return any(run.accepted for run in self.runs)

    @property
    def is_refused(self) -> bool:
        """Whether its engine has refused all starts of it since the name was last deployed anew."""
        refused = [run.accepted is False for run in self.runs if run.started >= self.created]
        return bool(refused) and all(refused)

    def stands_there(self, version: int) -> bool:
        """Tell whether what its engine was last given, and has not refused, asks for the same as a version.

        True where nothing is known to have been given.
        """
        given = next((run.version for run in reversed(self.runs) if run.accepted is not False), version)
        shas = {v.number: v.sha for v in self.versions}
        return given == version or shas.get(given) == shas.get(version)

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


def who() -> str:
    """Return who is asking, as user@host."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):  # a container whose user has no name
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"
