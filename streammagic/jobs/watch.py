"""Alerts: jobs that are looked at again and again, and what is told of them, each thing once.

Everything that goes on behind the person's back is a `Loop`; all of them end with the process, and with
`stop_all`.
"""

from __future__ import annotations

import logging
import os
import shlex
import subprocess
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Protocol

from streammagic.errors import OptionError, StreamMagicError
from streammagic.views.amounts import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_LOG = logging.getLogger(__name__)
_STOP_SECONDS = 5.0
_HOOK_SECONDS = 60.0
_DETAIL = 4000  # characters that are handed to a command
_GROWING = 3  # looks in a row at which the lag must have grown
_GROWTH = 1.1
_FEWEST = 100  # rows that have to wait before anybody is told
_DOWN = frozenset({"failed", "lost"})
_ENDED = frozenset({"stopped", "finished", "cancelled", "deleted"})
ALARMS = frozenset({"failed", "restarted", "lagging", "not reached"})
"""The events for which the hook is called. The others, "running" and "ended", are only told."""


class Loop:
    """Something done again and again in a thread, until it is stopped or this process ends.

    ``step`` returns whether to go on. What it raises ends the loop, and is logged. ``ended`` is called last,
    in the thread, unless the process ends.
    """

    _all: ClassVar[set[Loop]] = set()
    _guard: ClassVar[threading.Lock] = threading.Lock()

    def __init__(
        self, step: Callable[[], bool], every: float, name: str, ended: Callable[[], None] = lambda: None
    ) -> None:
        self._step = step
        self._every = every
        self._ended = ended
        self._stopped = threading.Event()
        self._sooner = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"streammagic-{name}", daemon=True)

    @property
    def runs(self) -> bool:
        """Whether it goes on."""
        return self._thread.is_alive() and not self._stopped.is_set()

    def start(self) -> None:
        """Begin with the first step at once."""
        with self._guard:
            self._all.add(self)
        self._thread.start()

    def soon(self) -> None:
        """Do the next step at once; never waits."""
        self._sooner.set()

    def stop(self, seconds: float = _STOP_SECONDS) -> None:
        """Begin no further step, and wait up to ``seconds`` for the one under way (0: not at all)."""
        self._stopped.set()
        self._sooner.set()
        with self._guard:
            self._all.discard(self)
        if seconds and threading.current_thread() is not self._thread:
            self._thread.join(seconds)

    def _run(self) -> None:
        try:
            while not self._stopped.is_set() and self._step():
                self._sooner.wait(self._every)
                self._sooner.clear()
        except Exception:  # noqa: BLE001 - the thread has nobody else to tell
            _LOG.exception("A loop has ended.")
        finally:
            self.stop(0)
            self._ended()


def stop_all() -> None:
    """Stop every loop of this process, and wait for them."""
    running = list(Loop._all)  # noqa: SLF001 - same module
    for loop in running:
        loop.stop(0)
    for loop in running:
        loop.stop()


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What was seen of a job: its state (see `listing.Entry`), figures where they are known, and why."""

    state: str
    restarts: int | None = None
    lag: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened to a job."""

    name: str
    event: str
    detail: str


class Observer:
    """Turns what is seen of one job into what happened to it, each thing once."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._before: Look | None = None
        self._told_restarts = 0
        self._grown = 0
        self._lag_at_first = 0
        self._lagging = False

    def see(self, look: Look) -> list[Happening]:
        """Take in a look, and return what has happened since the one before."""
        before, self._before = self._before, look
        found = [*self._state(before, look), *self._restarts(before, look), *self._lag(before, look)]
        return [Happening(self._name, event, detail) for event, detail in found]

    def _state(self, before: Look | None, look: Look) -> list[tuple[str, str]]:
        if before is not None and before.state == look.state:
            return []
        if look.state in _DOWN:
            return [("failed", look.detail or look.state)]
        if look.state == "not reached":
            return [("not reached", look.detail)]
        if look.state in _ENDED:
            return [("ended", look.state)] if before is not None else []
        if look.state == "running" and before is not None and before.state != "starting":
            return [("running", "it runs again")]
        return []

    def _restarts(self, before: Look | None, look: Look) -> list[tuple[str, str]]:
        """Tell of restarts by their count, or by the state where that is quicker: metrics lag behind."""
        begins = look.state == "restarting" and (before is None or before.state != "restarting")
        if before is None:
            self._told_restarts = look.restarts or 0
            return [("restarted", look.detail)] if begins else []
        count = look.restarts if look.restarts is not None else self._told_restarts
        if count < self._told_restarts - 1:  # another job runs under the name now
            self._told_restarts = count
        if begins and count <= self._told_restarts:
            self._told_restarts += 1
            return [("restarted", look.detail)]
        if count > self._told_restarts:
            more, self._told_restarts = count - self._told_restarts, count
            return [("restarted", look.detail or f"{plural(more, 'restart')} since the last look")]
        return []

    def _lag(self, before: Look | None, look: Look) -> list[tuple[str, str]]:
        if look.lag is None or before is None or before.lag is None:
            self._grown = 0
            return []
        if look.lag <= before.lag:
            self._grown = 0
            self._lagging = self._lagging and look.lag > self._lag_at_first
            return []
        if not self._grown:
            self._lag_at_first = before.lag
        self._grown += 1
        much = look.lag >= max(_FEWEST, _GROWTH * self._lag_at_first)
        if self._lagging or self._grown < _GROWING or not much:
            return []
        self._lagging = True
        return [("lagging", f"{look.lag:,} rows wait, {self._lag_at_first:,} did before")]


class Hook(Protocol):
    """What is called for an alarm."""

    def __call__(self, name: str, event: str, detail: str) -> object:
        """Take in that something happened to the job of a name."""


def command_hook(command: str) -> Hook:
    """Return a hook that runs a command of the person's own, once for each alarm, for a minute at most.

    It is run without a shell; what happened is in its environment: STREAMMAGIC_JOB, STREAMMAGIC_EVENT,
    STREAMMAGIC_DETAIL. Raises `OptionError` where the command is no command.
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise OptionError(f"--on-failure {command}: {error}.", hint="A quote is not closed.") from None
    if not words:
        raise OptionError("--on-failure needs a command.")

    def run(name: str, event: str, detail: str) -> None:
        told = {"STREAMMAGIC_JOB": name, "STREAMMAGIC_EVENT": event, "STREAMMAGIC_DETAIL": detail[:_DETAIL]}
        environment = os.environ | {key: value.replace("\0", "\\0") for key, value in told.items()}
        done = subprocess.run(
            words,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_HOOK_SECONDS,
            check=False,
        )
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip().partition("\n")[0]
            raise OSError(f"{words[0]} ended with {done.returncode}" + (f": {said}" if said else ""))

    return run


class Watcher:
    """Looks at jobs every so many seconds, tells what happens to them, and calls a hook for alarms.

    ``look`` returns what is seen of each name; what it raises is told as "not reached". ``tell`` and, at the
    end, ``ended`` are called in a thread of the watcher's, and must not block.
    """

    def __init__(  # noqa: PLR0913 - all of it named but the three that it consists of
        self,
        names: Sequence[str],
        look: Callable[[Sequence[str]], Mapping[str, Look]],
        tell: Callable[[Happening], None],
        *,
        every: float,
        on_failure: Hook | None = None,
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        self._observers = {name: Observer(name) for name in names}
        self._look = look
        self._tell = tell
        self._hook = on_failure
        self._loop = Loop(self._step, every, "watch", ended)

    @property
    def runs(self) -> bool:
        """Whether it goes on."""
        return self._loop.runs

    def start(self) -> None:
        """Begin; the first look is taken at once."""
        self._loop.start()

    def stop(self) -> None:
        """End, after the look that is under way."""
        self._loop.stop()

    def _step(self) -> bool:
        try:
            seen = self._look(list(self._observers))
        except StreamMagicError as error:
            seen = {name: Look(state="not reached", detail=error.message) for name in self._observers}
        for name, observer in self._observers.items():
            for happening in observer.see(seen.get(name, Look(state="lost"))):
                self._tell(happening)
                if self._hook is not None and happening.event in ALARMS:
                    self._call(self._hook, happening)
        return True

    def _call(self, hook: Hook, happening: Happening) -> None:
        try:
            hook(happening.name, happening.event, happening.detail)
        except Exception as error:  # noqa: BLE001 - the person's own code may raise anything
            self._tell(Happening(happening.name, "hook failed", f"{type(error).__name__}: {error}"))
