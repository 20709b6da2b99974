"""An IPython shell whose cells raise what they fail with."""

import atexit
import contextlib
import threading

import pytest
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config
from waiting import eventually


class Shell(InteractiveShell):
    """A shell whose cells raise what they fail with, and that keeps what they show in ``shown``."""

    display_pub_class = CapturingDisplayPublisher

    def run_cell(self, *arguments, **options):
        result = super().run_cell(*arguments, **options)
        result.raise_error()
        return result

    @property
    def shown(self):
        """The plain texts of all outputs, oldest first."""
        return [output["data"].get("text/plain", "") for output in self.display_pub.outputs]

    def flink(self, sql, options=""):
        """Run SQL under ``%%flink`` and return the handle of its last statement."""
        self.run_cell(f"%%flink -o last {options}\n{sql}")
        return self.user_ns["last"]

    def rows(self, sql, options=""):
        """Run a query and return its rows as they stand in the table."""
        return list(self.flink(sql, options))


def streammagic_threads():
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("streammagic")]


@contextlib.contextmanager
def shell_with(environment, folder):
    """A shell in an environment; the extension is not loaded. No thread of it is left afterwards."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        patch.setenv("IPYTHONDIR", str(folder / "ipython"))
        patch.delenv("STREAMMAGIC_MODE", raising=False)
        InteractiveShell.clear_instance()
        shell = Shell.instance(config=Config(HistoryManager={"enabled": False}))
        yield shell
        shell.extension_manager.unload_extension("streammagic")
        atexit.unregister(shell.atexit_operations)  # hundreds of them would take minutes at the end
        Shell.clear_instance()
        eventually(lambda: not streammagic_threads(), 5, f"no thread is left of {streammagic_threads()}")
