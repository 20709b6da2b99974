"""An output that updates while you watch, and then stays as its last picture."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from streammagic.views.blocks import line_bundle
from streammagic.views.channel import CellChannel, Channel, show
from streammagic.views.pace import OUTPUT_PERIOD, Drawing, RenderThread

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LiveOutput", "show"]

FINISH_TIMEOUT = 5.0
"""Seconds to wait for the last picture: a kernel that cannot send must not hold the cell."""

_LOG = logging.getLogger(__name__)
_RENDER_THREAD = RenderThread()


class LiveOutput:
    """One output area of one cell, drawn again whenever there is something new to see.

    ``render`` returns what is to be seen now. It is called here, in the cell's thread, for the first
    picture, then in the render thread, at most five times a second and only after a ``touch``. What it
    raises there is kept in ``error`` and shown in the output's place until the next picture succeeds.

    With ``delay`` the first picture waits for so many seconds, and never appears if the output is
    finished by then. ``channel`` is where the pictures go, else a new output of the running cell.
    """

    def __init__(
        self,
        render: Callable[[], dict[str, str]],
        *,
        delay: float = 0.0,
        channel: Channel | None = None,
    ) -> None:
        self.error: Exception | None = None
        self._render = render
        self._channel = channel or CellChannel()
        self._shown = not delay
        if self._shown:
            self._channel.send(render())
        due = time.monotonic() + (delay or OUTPUT_PERIOD)
        self._drawing = Drawing(self._draw, due, touched=not self._shown)
        _RENDER_THREAD.add(self._drawing)

    def touch(self) -> None:
        """Say that there is something new to see. Any thread; costs next to nothing."""
        if not self._drawing.touched:
            _RENDER_THREAD.touch(self._drawing)

    def finish(self, bundle: dict[str, str]) -> None:
        """Make ``bundle`` the last picture, and wait until it is sent (5 s at most).

        Any thread. Nothing is ever sent for this output afterwards; a second call does nothing.
        """
        _RENDER_THREAD.finish(self._drawing, bundle, FINISH_TIMEOUT)

    def _draw(self, last: dict[str, str] | None) -> None:
        if last is not None and not self._shown:
            return  # over before anybody would have asked
        try:
            with self._channel.pinned():
                self._channel.send(self._picture() if last is None else last)
            self._shown = True
        except Exception as error:  # noqa: BLE001 -- whatever stops one output, the others go on
            _LOG.exception("An output could not be sent.")
            self.error = error

    def _picture(self) -> dict[str, str]:
        try:
            return self._render()
        except Exception as error:  # noqa: BLE001 -- the caller's code may raise anything
            _LOG.exception("An output could not be drawn.")
            self.error = error
            return line_bundle(f"This output could not be drawn: {type(error).__name__}: {error}")
