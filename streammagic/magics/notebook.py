"""What one notebook has: its settings, its connections, its queries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streammagic.config import StreamMagic
from streammagic.jobs.watch import stop_all
from streammagic.magics.connections import Connections
from streammagic.magics.desk import Desk
from streammagic.magics.queries import Queries

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from streammagic.results.handle import Handle


class Notebook:
    """The state behind the magics of one IPython shell."""

    def __init__(self, shell: InteractiveShell) -> None:
        self.shell = shell
        self.config = StreamMagic(parent=shell)
        self.connections = Connections(self.config)
        self.queries = Queries()
        self.desk = Desk(self.config, self.connections, shell.user_ns)
        self._shown: Handle | None = None

    def cell_id(self) -> str | None:
        """Return the front end's id of the cell that is running, where it sends one (JupyterLab does)."""
        parent: Any = getattr(self.shell, "get_parent", lambda: None)()
        found = (parent or {}).get("metadata", {}).get("cellId")
        return None if found is None else str(found)

    def was_shown(self, handle: Handle) -> None:
        """Note that a one-line magic has shown its result: displaying its value must not show it again."""
        self._shown = handle
        handle.shown = True

    def after_cell(self, *_: object) -> None:
        """Let a handle that was shown be shown again by a later cell."""
        if self._shown is not None:
            self._shown.shown = False
            self._shown = None

    def close(self) -> None:
        """Stop all queries and whatever watches jobs, and let go of all engines."""
        self.queries.stop_all()
        stop_all()
        self.connections.close()
        self.desk.close()
