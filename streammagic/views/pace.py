"""When each live output is drawn: one thread for all, at a pace that a page and a server can follow."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Bundle = dict[str, str]

OUTPUT_PERIOD = 1 / 5
"""Seconds between two pictures of one output: the eye follows no more, and each rebuilds its DOM."""
PROCESS_PERIOD = 1 / 50
"""Seconds between two messages of all outputs: a Jupyter server drops what exceeds 1000 a second."""


@dataclass(eq=False, slots=True)
class Drawing:
    """One output as the render thread sees it.

    ``draw`` sends one picture: the bundle given, or where that is None one of its own; it never raises.
    ``touched`` says that there is something to draw, ``due`` not before when; ``last`` is the last bundle
    of all, ``sent`` is set when that one is out.
    """

    draw: Callable[[Bundle | None], None]
    due: float
    touched: bool = False
    last: Bundle | None = None
    sent: threading.Event = field(default_factory=threading.Event)


class RenderThread:
    """The thread that draws; it exists while there are drawings, and sleeps while none has anything new."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._drawings: dict[Drawing, None] = {}  # a set in the order of arrival
        self._thread: threading.Thread | None = None

    def add(self, drawing: Drawing) -> None:
        """Draw ``drawing`` from now on; not if this is interrupted, for then nobody will finish it."""
        try:
            with self._changed:
                self._drawings[drawing] = None
                if self._thread is None or not self._thread.is_alive():  # in a fork it is not
                    self._thread = threading.Thread(target=self._run, name="streammagic-render", daemon=True)
                    self._thread.start()
                self._changed.notify()
        except KeyboardInterrupt:
            with self._changed:
                self._drawings.pop(drawing, None)
                self._changed.notify()
            raise

    def touch(self, drawing: Drawing) -> None:
        """Have ``drawing`` drawn when it is due."""
        with self._changed:
            drawing.touched = True
            self._changed.notify()

    def finish(self, drawing: Drawing, last: Bundle, timeout: float) -> None:
        """Have ``last`` drawn next, for the last time, and wait for it; a second call does nothing.

        An interrupt ends the wait only: the drawing is finished all the same.
        """
        try:
            waits = self._end(drawing, last)
        except KeyboardInterrupt:
            self._end(drawing, last)
            raise
        if waits:
            drawing.sent.wait(timeout)

    def _end(self, drawing: Drawing, last: Bundle) -> bool:
        """Make ``last`` the last picture; tell whether there is something to wait for."""
        with self._changed:
            if drawing not in self._drawings or drawing.last is not None:
                return False
            drawing.last, drawing.touched, drawing.due = last, True, 0.0
            self._changed.notify()
            return threading.current_thread() is not self._thread

    def _run(self) -> None:
        next_message = 0.0
        while (turn := self._wait_for_turn(next_message)) is not None:
            drawing, last = turn
            drawing.draw(last)
            drawing.due = 0.0 if drawing.last else time.monotonic() + OUTPUT_PERIOD
            next_message = time.monotonic() + PROCESS_PERIOD
            if last is not None:
                drawing.sent.set()

    def _wait_for_turn(self, not_before: float) -> tuple[Drawing, Bundle | None] | None:
        """Wait for the drawing that is due first; return it and its last bundle, None when all are done."""
        with self._changed:
            while self._drawings:
                touched = [drawing for drawing in self._drawings if drawing.touched]
                if not touched:
                    self._changed.wait()
                    continue
                first = min(touched, key=lambda drawing: drawing.due)
                rest = max(first.due, not_before) - time.monotonic()
                if rest > 0:
                    self._changed.wait(rest)
                    continue
                first.touched = False  # before it is drawn: what comes in meanwhile is drawn again
                if first.last is not None:
                    del self._drawings[first]
                return first, first.last
            self._thread = None
            return None
