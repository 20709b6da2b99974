"""How a bundle gets out: to the output area of one cell of a kernel, or to one line of a terminal."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from streammagic.views.cells import cut_to_width

if TYPE_CHECKING:
    from collections.abc import Iterator

_PARENT_PER_THREAD = (7, 1)
"""The ipykernel whose threads no longer inherit the parent of the cell that started them."""


class Channel(Protocol):
    """One place on the screen, which a thread other than the cell's may write to."""

    def send(self, bundle: dict[str, str]) -> None:
        """Put ``bundle`` in that place, instead of what is there."""

    def pinned(self) -> contextlib.AbstractContextManager[None]:
        """Return a block in which this thread's output belongs to the cell of this place."""


class CellChannel:
    """One display id in the output of the cell that is running when this is made."""

    def __init__(self) -> None:
        self._shell = current_shell()
        get_parent = getattr(self._shell, "get_parent", None)
        self._parent: Any = get_parent() if get_parent else None
        self._transient = {"display_id": os.urandom(16).hex()}
        self._shown = False

    def send(self, bundle: dict[str, str]) -> None:
        """Show ``bundle``, at first as a new output, from then on in its place."""
        update, self._shown = self._shown, True
        publish = self._shell.display_pub.publish
        publish(data=bundle, metadata={}, transient=self._transient, update=update)

    @contextlib.contextmanager
    def pinned(self) -> Iterator[None]:
        """Give this thread's messages the cell as their parent (VS Code and nbclient route by it)."""
        if self._parent and hasattr(self._shell, "set_thread_parent"):  # ipykernel >= 7.4
            token = self._shell.set_thread_parent(self._parent)
            try:
                yield
            finally:
                self._shell.reset_thread_parent(token)
            return
        if self._parent and _ipykernel_version() >= _PARENT_PER_THREAD:
            # sets the default of all threads too; the display alone, so that prints stay where they are
            self._shell.display_pub.set_parent(self._parent)
        yield


class TerminalLine:
    """One line on stderr: written over where it is a terminal, else a line per message."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._last = ""

    def send(self, bundle: dict[str, str]) -> None:
        """Write the text of ``bundle``; an empty one wipes the line."""
        text = bundle.get("text/plain", "")
        if text == self._last:
            return
        self._last = text
        if self._stream.isatty():
            columns = shutil.get_terminal_size().columns - 1  # a line that wraps cannot be written over
            self._stream.write(f"\r\x1b[K{cut_to_width(text, columns)}")
        elif text:
            self._stream.write(f"{text}\n")
        self._stream.flush()

    def pinned(self) -> contextlib.AbstractContextManager[None]:
        """Return nothing special: a terminal has one place only."""
        return contextlib.nullcontext()


def show(bundle: dict[str, str]) -> None:
    """Show ``bundle`` once: one ``display_data`` in a notebook, its plain text in a terminal."""
    current_shell().display_pub.publish(data=bundle, metadata={})


def current_shell() -> Any:
    """Return the running IPython shell; raises ``RuntimeError`` outside of one."""
    from IPython import get_ipython

    shell = get_ipython()
    if shell is None:
        raise RuntimeError("There is no IPython shell to show anything in.")
    return shell


def _ipykernel_version() -> tuple[int, ...]:
    return tuple(getattr(sys.modules.get("ipykernel"), "version_info", (0, 0)))[:2]
