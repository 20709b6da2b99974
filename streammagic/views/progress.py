"""What takes long, in one line, while it takes long: nothing is said of what is over within a second."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from streammagic.views.blocks import line_bundle
from streammagic.views.channel import CellChannel, TerminalLine
from streammagic.views.live import LiveOutput

if TYPE_CHECKING:
    from types import TracebackType

    from streammagic.views.modes import Mode

PATIENCE = 1.0
"""Seconds that a person waits without asking why."""


class Progress:
    """A line that says what is going on, as long as this context lasts.

    ``live``: one line in the cell's output, which is empty when all is over. ``text``: one line on
    stderr. ``batch``: silence, since outputs must be the same on each run. ``lines`` holds all that
    was said in any mode, for the details of an error.
    """

    def __init__(self, mode: Mode) -> None:
        self.lines: list[str] = []
        self._mode = mode
        self._output: LiveOutput | None = None

    def __enter__(self) -> Self:
        if self._mode != "batch":
            channel = CellChannel() if self._mode == "live" else TerminalLine()
            self._output = LiveOutput(self._line, delay=PATIENCE, channel=channel)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._output is not None:
            self._output.finish({})

    def say(self, text: str) -> None:
        """Say what is being done now; any thread."""
        self.lines.append(text)
        if self._output is not None:
            self._output.touch()

    def _line(self) -> dict[str, str]:
        return line_bundle(f"{self.lines[-1]} …") if self.lines else {}
