"""Stream SQL in a notebook.

``%load_ext streammagic`` brings ``%%flink`` and ``%stream``. Importing this package costs next to nothing:
pandas, requests and the engines are imported when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__version__ = "0.1.0"
__all__ = ["__version__", "load_ipython_extension", "unload_ipython_extension"]


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Register the magics: what ``%load_ext streammagic`` calls."""
    from streammagic.magics.extension import load

    load(shell)


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Stop all queries and remove the magics: what ``%unload_ext streammagic`` calls."""
    from streammagic.magics.extension import unload

    unload(shell)
