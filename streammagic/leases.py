"""What this process holds on engines, written down so that another can clean up after it.

A kernel that is killed can't close its sessions and cancel its ad-hoc jobs. So each is noted in a file
before it is made, and taken out when it has ended; the supervisor of the local cluster (or the next
start, for remote engines) finds the file of a dead process and does the rest.
"""

from __future__ import annotations

import atexit
import json
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

import platformdirs
import psutil

Kind: TypeAlias = Literal["session", "job"]

# Start times are read from a clock that may be set while a process lives.
_CLOCK_TOLERANCE = 2.0  # seconds


class Held(NamedTuple):
    """One thing held: DELETE {endpoint}/sessions/{id} or PATCH {endpoint}/jobs/{id}?mode=cancel ends it."""

    kind: Kind
    endpoint: str
    id: str


@dataclass(frozen=True)
class LeaseRecord:
    """One lease file as another process sees it; ``created`` is seconds since the epoch."""

    path: Path
    pid: int
    created: float
    held: tuple[Held, ...]
    alive: bool


def home() -> Path:
    """Return the directory of everything streammagic keeps for this person, made with mode 0700.

    It is ``$STREAMMAGIC_HOME``, or else the platform's user data directory.

    Raises:
        OSError: the directory can't be made.

    """
    given = os.environ.get("STREAMMAGIC_HOME")
    path = Path(given).expanduser().absolute() if given else Path(platformdirs.user_data_dir("streammagic"))
    if not path.is_dir():
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def is_same_process(pid: int, created: float, boot: float | None = None) -> bool:
    """Tell whether ``pid`` is still the process that started at ``created`` (seconds since the epoch).

    ``boot`` is the machine's start as it was known when ``created`` was read. Linux derives start times
    from it, so both move when the clock is set, and their difference does not.
    """
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        # Fresh, and before create_time(): psutil keeps it as the base of start times.
        boot_now = psutil.boot_time()
        started = process.create_time()
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:  # another user's process under a pid used again
        return False
    if abs(started - created) <= _CLOCK_TOLERANCE:
        return True
    return boot is not None and abs((started - boot_now) - (created - boot)) <= _CLOCK_TOLERANCE


class Lease:
    """What this process holds; get it with ``Lease.open()``. Its methods may be called by any thread.

    A call writes one small file and renames it, well under a millisecond: when it returns, it is on disk.
    """

    _mine: Lease | None = None
    _opening = threading.Lock()

    def __init__(self, directory: Path) -> None:
        self._pid = os.getpid()
        self._boot = psutil.boot_time()
        self._created = psutil.Process().create_time()
        self._path = directory / f"{self._pid}-{self._created:.2f}.json"
        self._held: dict[Held, None] = {}
        self._lock = threading.Lock()
        self._write()

    @classmethod
    def open(cls) -> Lease:
        """Return the lease of this process, made at the first call, and made anew in a forked child.

        Raises:
            OSError: the file can't be written.

        """
        with cls._opening:
            lease = cls._mine
            directory = home() / "leases"
            if lease is None or not lease._is_for(directory):  # noqa: SLF001 - same class
                directory.mkdir(mode=0o700, exist_ok=True)
                lease = cls._mine = cls(directory)
            return lease

    def hold(self, kind: Kind, endpoint: str, id: str) -> None:  # noqa: A002 - the engines' own word
        """Note that this process is about to make ``id``; durable when it returns.

        Raises:
            OSError: the file can't be written.

        """
        with self._lock:
            self._held[Held(kind, endpoint.rstrip("/"), id)] = None
            self._write()

    def release(self, kind: Kind, endpoint: str, id: str) -> None:  # noqa: A002 - as above
        """Take ``id`` out: it has ended. Nothing happens where it was not held.

        Raises:
            OSError: the file can't be written.

        """
        with self._lock:
            if self._held.pop(Held(kind, endpoint.rstrip("/"), id), self) is None:
                self._write()

    def held(self) -> list[Held]:
        """Return what is held now, oldest first."""
        with self._lock:
            return list(self._held)

    def close(self) -> None:
        """Remove the file: nothing that this process made is left. A later ``open()`` starts anew."""
        with self._lock:
            self._held.clear()
            self._path.unlink(missing_ok=True)
        cls = type(self)
        if cls._mine is self:
            cls._mine = None

    def _is_for(self, directory: Path) -> bool:
        return self._pid == os.getpid() and self._path.parent == directory

    def _write(self) -> None:
        text = json.dumps(
            {"pid": self._pid, "created": self._created, "boot": self._boot, "held": list(self._held)}
        )
        write_atomically(self._path, text)


def write_atomically(path: Path, text: str) -> None:
    """Replace the file in one step, readable by its owner only: a reader sees the old text or the new.

    Raises:
        OSError: the file can't be written.

    """
    draft = f"{path}.{os.getpid()}.{threading.get_ident()}.part"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)
    os.replace(draft, path)  # noqa: PTH105 - a hot path: no Path objects


def leases() -> list[LeaseRecord]:
    """Return all leases below ``home()``, of living processes and of dead ones."""
    found = []
    for path in sorted((home() / "leases").glob("*.json")):
        record = _read(path)
        if record is not None:
            found.append(record)
    return found


def _read(path: Path) -> LeaseRecord | None:
    try:
        text: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        pid, created = int(text["pid"]), float(text["created"])
        held = tuple(Held(*item) for item in text["held"])
    except FileNotFoundError:  # closed meanwhile
        return None
    except (ValueError, KeyError, TypeError):  # not ours, or of another version
        return None
    return LeaseRecord(path, pid, created, held, is_same_process(pid, created, text.get("boot")))


def _after_fork() -> None:
    # A lock that a thread of the parent held would stay locked in the child for ever.
    Lease._opening = threading.Lock()  # noqa: SLF001 - same module
    Lease._mine = None  # noqa: SLF001 - the parent's lease stays the parent's


os.register_at_fork(after_in_child=_after_fork) if hasattr(os, "register_at_fork") else None


@atexit.register
def _close_at_exit() -> None:
    lease = Lease._mine  # noqa: SLF001 - same module
    if lease is not None and not lease.held():
        lease.close()
