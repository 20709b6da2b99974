"""One statement's output area: nothing, one static display, or one that is updated while rows come."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from streammagic.magics.place import card, one_line
from streammagic.views.blocks import line_bundle
from streammagic.views.channel import show
from streammagic.views.live import LiveOutput

if TYPE_CHECKING:
    from streammagic.magics.place import CellText
    from streammagic.results.handle import Handle
    from streammagic.views.modes import Mode


class ResultOutput:
    """Shows one handle. `changed` may be called from any thread; the other methods belong to the cell's."""

    def __init__(self, cell: CellText, mode: Mode) -> None:
        self._cell = cell
        self._mode = mode
        self._handle: Handle | None = None
        self._live: LiveOutput | None = None
        self._finished = False
        self._advised = False
        self._lock = threading.Lock()

    def attach(self, handle: Handle) -> None:
        """Tell which handle is shown; once, before it starts."""
        self._handle = handle

    def go_live(self) -> None:
        """Show the handle as it is now, and keep the display up to date until it ends."""
        live = LiveOutput(self._bundle)
        with self._lock:
            self._live = live
        self.changed()

    def changed(self) -> None:
        """Show what is new in the live display, if there is one; the last state is final."""
        handle, live = self._handle, self._live
        if handle is None:
            return
        if live is None:
            self._advise(handle)
            return
        if not handle.has_ended:
            live.touch()
            return
        with self._lock:
            if self._finished:
                return
            self._finished = True
            live.finish(self._bundle())
            if handle.error is not None:
                handle.error.shown_as = one_line(handle.error)

    def _advise(self, handle: Handle) -> None:
        """In a terminal, where nothing is drawn again, say at once why nothing may come."""
        if self._mode == "text" and handle.advice and not self._advised:
            self._advised = True
            show(line_bundle("no rows so far", *handle.advice))

    def settle(self) -> None:
        """Show the final state. An error without a live display is left to whoever it is raised to."""
        if self._live is not None:
            self.changed()
        elif self._handle is not None and self._handle.error is None:
            show(self._bundle())

    def _bundle(self) -> dict[str, str]:
        handle = self._handle
        if handle is None:
            return {}
        if handle.error is not None:
            return card(handle.error, self._cell, self._mode)
        return handle.bundle()
