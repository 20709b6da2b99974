"""JVMs as children of the supervisor: started, watched, restarted, ended."""

from __future__ import annotations

import logging
import os
import subprocess
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import psutil

from streammagic.local import state

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from streammagic.local.archives import Archives

log = logging.getLogger(__name__)

_LOOP_DEATHS, _LOOP_SECONDS = 4, 300.0  # so many deaths of one JVM in so long are a crash loop
_OUT_BYTES = 16 * 2**20  # of a JVM's own output: the `print` connector writes there without end


class Recipe(Protocol):
    """What JVMs are started from; ``root`` is the directory they run in, ``logs`` that of their logs."""

    @property
    def root(self) -> Path: ...  # noqa: D102
    @property
    def logs(self) -> Path: ...  # noqa: D102
    def command(self, role: str, archive_flags: tuple[str, ...] = ()) -> list[str]: ...  # noqa: D102
    def environment(self, inherited: Mapping[str, str]) -> dict[str, str]: ...  # noqa: D102


@dataclass
class Jvms:
    """Some JVMs of one cluster; used by the supervisor's main thread only."""

    recipe: Recipe
    archives: Archives
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _deaths: dict[str, deque[float]] = field(default_factory=dict)

    def start(self, role: str) -> None:
        """Start one JVM; it is not ready yet when this returns.

        Raises:
            OSError: the executable can't be started.

        """
        command = self.recipe.command(role, self.archives.flags(role))
        # Append mode, so that the file may be cut while the JVM writes.
        with self._out(role).open("ab") as out:
            self._running[role] = subprocess.Popen(
                command,
                env=self.recipe.environment(os.environ),
                cwd=self.recipe.root,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        log.info("%s started, pid %d", role, self._running[role].pid)

    def members(self) -> dict[str, state.Member]:
        """Return the identities of the JVMs that run."""
        found = {}
        for role, process in self._running.items():
            try:
                found[role] = state.Member.of(process.pid)
            except psutil.NoSuchProcess:
                continue
        return found

    def died(self) -> list[str]:
        """Return the JVMs that ended since they were started."""
        return [role for role, process in self._running.items() if process.poll() is not None]

    def is_crash_loop(self, role: str) -> bool:
        """Count one death, and tell whether there were too many of late."""
        now = time.monotonic()
        deaths = self._deaths.setdefault(role, deque(maxlen=_LOOP_DEATHS))
        deaths.append(now)
        log.warning("%s ended with code %s", role, self._running[role].returncode)
        return len(deaths) == _LOOP_DEATHS and now - deaths[0] < _LOOP_SECONDS

    def ask_to_end(self, *roles: str) -> None:
        """Let these JVMs (all by default) begin to end; ``end`` waits for it."""
        for role in roles or tuple(self._running):
            self._running[role].terminate()

    def end(self, *roles: str, patience: float = 4.0) -> None:
        """End these JVMs (all by default), by force after ``patience`` seconds."""
        self.ask_to_end(*roles)
        chosen = [self._running.pop(role) for role in roles or tuple(self._running)]
        deadline = time.monotonic() + patience
        for process in chosen:
            try:
                process.wait(max(deadline - time.monotonic(), 0.01))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def last_words(self, role: str, lines: int = 15) -> str:
        """Return the end of a JVM's log, and of its output where it said something."""
        said = []
        for path in (self.recipe.logs / f"{role}.log", self._out(role)):
            if path.is_file() and path.stat().st_size:
                # Of a stack the messages: its frames would push them out.
                told = [line for line in _tail(path).splitlines() if not line.startswith("\tat ")]
                said.append(f"{path.name}:\n" + "\n".join(told[-lines:]))
        return "\n".join(said)

    def cut_outputs(self) -> None:
        """Empty the outputs that have grown too long."""
        for role in self._running:
            path = self._out(role)
            if path.exists() and path.stat().st_size > _OUT_BYTES:
                os.truncate(path, 0)

    def _out(self, role: str) -> Path:
        return self.recipe.logs / f"{role}.out"


def _tail(path: Path, size: int = 16384) -> str:
    with path.open("rb") as file:
        file.seek(max(path.stat().st_size - size, 0))
        return file.read().decode("utf-8", "replace")
