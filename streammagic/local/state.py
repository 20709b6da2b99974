"""The cluster's identity on disk: which processes it consists of, what state it is in, what it lost."""

from __future__ import annotations

import json
import sys
import time
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, TextIO

import psutil

from streammagic import leases
from streammagic.errors import LocalEngineError
from streammagic.local.settings import TITLE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FORMAT = 2  # of state.json; another number is a cluster of another version of streammagic

START_LOCK, SUPERVISOR_LOCK, KAFKA_LOCK = "start.lock", "supervisor.lock", "kafka.lock"

STARTING, READY, REPAIRING, FAILED = "starting", "ready", "repairing", "failed"
STOPPED = ""


@dataclass(frozen=True)
class Member:
    """One process of the cluster: pid, and start time in seconds since the epoch."""

    pid: int
    created: float

    @classmethod
    def of(cls, pid: int) -> Member:
        """Describe a process that runs now.

        Raises:
            psutil.NoSuchProcess: it does not.

        """
        return cls(pid, psutil.Process(pid).create_time())


@dataclass(frozen=True)
class Kafka:
    """What the state says of the Kafka broker.

    - ``state``: STOPPED, STARTING, READY, REPAIRING, or FAILED with its ``reason``.
    - ``bootstrap``: "127.0.0.1:9092" from its first READY on until it is stopped or given up.
    - ``request``: the id of the last request that was heeded (see ``broker``).
    """

    state: str = STOPPED
    bootstrap: str = ""
    request: str = ""
    reason: str = ""


@dataclass(frozen=True)
class State:
    """What ``state.json`` says. ``jobs`` are the names of the jobs that ran when it was written."""

    cluster: str
    state: str
    flink_version: str
    gateway: str
    rest: str
    log_dir: str
    started: float
    boot: float
    jars: tuple[tuple[str, int, float], ...] = ()  # path, bytes, modification time
    members: dict[str, Member] = field(default_factory=dict)
    jobs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    reason: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    kafka: Kafka = Kafka()
    format: int = FORMAT

    def but(self, **changes: Any) -> State:
        """Return a copy with other values."""
        return replace(self, **changes)

    def alive(self, role: str) -> bool:
        """Tell whether that process of the cluster still runs."""
        member = self.members.get(role)
        return member is not None and leases.is_same_process(member.pid, member.created, self.boot)


def directory() -> Path:
    """Return <home>/local, made with mode 0700."""
    path = leases.home() / "local"
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def read() -> State | None:
    """Return what is written, None where nothing is or where it can't be read (an older version's)."""
    try:
        raw = json.loads((directory() / "state.json").read_text(encoding="utf-8"))
        if raw.get("format") != FORMAT:
            return None
        raw["members"] = {role: Member(**member) for role, member in raw["members"].items()}
        raw["jars"] = tuple(tuple(jar) for jar in raw["jars"])
        raw["jobs"], raw["notes"] = tuple(raw["jobs"]), tuple(raw["notes"])
        raw["kafka"] = Kafka(**raw["kafka"])
        return State(**raw)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None


def write(state: State) -> None:
    """Replace what is written, in one step.

    Raises:
        OSError: the disk is full or the directory gone.

    """
    leases.write_atomically(directory() / "state.json", json.dumps(asdict(state), indent=1))


def forget() -> None:
    """Remove the state: the cluster ended as it should."""
    (directory() / "state.json").unlink(missing_ok=True)


def fingerprint(jars: tuple[Path, ...]) -> tuple[tuple[str, int, float], ...]:
    """Return what changes when a jar is replaced.

    Raises:
        OSError: one is missing.

    """
    stats = [(jar, jar.stat()) for jar in jars]
    return tuple((str(jar), stat.st_size, stat.st_mtime) for jar, stat in stats)


def marker(home: Path) -> str:
    """Return the argument by which processes of this home are found when state.json is lost."""
    return f"-Dstreammagic.home={home}"


def survivors(state: State | None) -> list[psutil.Process]:
    """Find all living processes of this home's cluster, supervisor first, whatever became of the state."""
    sign = marker(leases.home())
    known = {member.pid for member in state.members.values()} if state else set()
    found = []
    for process in psutil.process_iter():
        try:
            if process.status() != psutil.STATUS_ZOMBIE and sign in process.cmdline():
                found.append(process)
        except psutil.Error:  # ended meanwhile, or another person's
            continue
    return sorted(found, key=lambda process: (not is_supervisor(process), process.pid not in known))


def lost_jobs(names: tuple[str, ...]) -> str:
    """Say which jobs were lost."""
    if not names:
        return "no deployed job was lost"
    shown = ", ".join(names[:5]) + (", …" if len(names) > 5 else "")  # noqa: PLR2004 - a line's length
    return f"its {len(names)} deployed jobs are lost ({shown})"


def is_supervisor(process: psutil.Process) -> bool:
    """Tell whether this is a supervisor, and not one of its JVMs."""
    return runs(process, "streammagic.local.supervisor")


def runs(process: psutil.Process, program: str) -> bool:
    """Tell whether a process was started with this module or main class; False where it has ended."""
    try:
        return program in process.cmdline()
    except psutil.Error:
        return False


def end(processes: list[psutil.Process], patience: float) -> None:
    """End processes: politely, and after ``patience`` seconds by force. All are gone on return."""
    for process in processes:
        _signal(process, "terminate")
    _, stubborn = psutil.wait_procs(processes, timeout=patience)
    for process in stubborn:
        _signal(process, "kill")
    psutil.wait_procs(stubborn, timeout=10)


def _signal(process: psutil.Process, how: str) -> None:
    try:
        getattr(process, how)()
    except psutil.NoSuchProcess:
        return


@contextmanager
def exclusive(name: str, *, wait: float, what: str = "starting the local Flink") -> Iterator[None]:
    """Hold the lock file ``name`` of this home; the system frees it when its holder dies.

    Raises:
        LocalEngineError: on Windows, or another process held it for ``wait`` seconds.

    """
    if sys.platform == "win32":
        raise LocalEngineError(WINDOWS, engine=TITLE)
    with (directory() / name).open("w") as file:
        deadline = time.monotonic() + wait
        while not _lock(file):
            if time.monotonic() >= deadline:
                raise LocalEngineError(
                    f"Another process has been {what} for too long.",
                    engine=TITLE,
                    hint="End it, or run `streammagic local stop`, then try again.",
                )
            time.sleep(0.05)
        yield


def is_free(name: str) -> bool:
    """Tell whether nobody holds that lock."""
    with (directory() / name).open("w") as file:
        return _lock(file)


def _lock(file: TextIO) -> bool:
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


WINDOWS = (
    "The local Flink runs on Linux and macOS only. On Windows use WSL, or connect to a Flink that runs "
    "elsewhere (`%stream connect`)."
)
