"""Loading and unloading: what is registered, and what must not be left behind."""

from __future__ import annotations

import atexit
from typing import TYPE_CHECKING, Any

from streammagic.engines.base import plugins
from streammagic.magics.completion import Completions
from streammagic.magics.notebook import Notebook
from streammagic.magics.query import QueryMagic
from streammagic.magics.stream import StreamCommands

if TYPE_CHECKING:
    from collections.abc import Callable

    from IPython.core.interactiveshell import InteractiveShell


class Extension:
    """The extension as loaded into one shell."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self.notebook = Notebook(shell)
        for plugin in plugins().values():
            QueryMagic(plugin, self.notebook).register(shell)
        commands = StreamCommands(self.notebook.desk, self.notebook.queries)
        commands.register(shell)
        self.completions = Completions(shell, self.notebook.desk, commands.verbs)
        self.completions.register()
        self.notebook.desk.done = self.completions.defined
        self._configurables().append(self.notebook.config)
        shell.events.register("post_run_cell", self.notebook.after_cell)
        self._reset = self._wrap_reset()
        atexit.register(self.notebook.close)
        atexit.register(self.completions.close)  # runs before

    def _configurables(self) -> list[Any]:
        """Return what `%config` knows, which IPython types too narrowly."""
        found: list[Any] = self._shell.configurables
        return found

    def _wrap_reset(self) -> Callable[..., Any]:
        """Make ``%reset`` stop all queries: their handles are gone with the variables."""
        magics = self._shell.magics_manager.magics["line"]
        find: Callable[[str], Callable[..., Any]] = self._shell.find_line_magic
        reset = find("reset")  # the table itself may hold a stand-in

        def reset_and_stop(line: str = "") -> Any:
            self.notebook.queries.stop_all()
            return reset(line)

        magics["reset"] = reset_and_stop
        return reset

    def unload(self) -> None:
        """Take everything out of the shell again."""
        magics = self._shell.magics_manager.magics
        magics["line"]["reset"] = self._reset
        for name in (*plugins(), "stream"):
            magics["line"].pop(name, None)
            magics["cell"].pop(name, None)
        self._shell.events.unregister("post_run_cell", self.notebook.after_cell)
        self._configurables().remove(self.notebook.config)
        atexit.unregister(self.completions.close)
        atexit.unregister(self.notebook.close)
        self.completions.close()
        self.notebook.close()


_loaded: dict[int, Extension] = {}


def load(shell: InteractiveShell) -> None:
    """Load the extension; loading it again changes nothing."""
    if id(shell) not in _loaded:
        _loaded[id(shell)] = Extension(shell)


def unload(shell: InteractiveShell) -> None:
    """Unload the extension, if it is loaded."""
    extension = _loaded.pop(id(shell), None)
    if extension is not None:
        extension.unload()
