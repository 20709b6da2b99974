"""The queries that cells have started and that may still run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streammagic.results.handle import stop_all

if TYPE_CHECKING:
    from streammagic.results.handle import Handle


class Queries:
    """Queries by the cell that started them, so that a cell run again stops what it started before."""

    def __init__(self) -> None:
        self._by_cell: dict[str, list[Handle]] = {}

    def add(self, cell_id: str, handle: Handle) -> None:
        """Note that a cell started a query."""
        self._by_cell.setdefault(cell_id, []).append(handle)

    def running(self) -> list[Handle]:
        """Return all that have not ended, and forget the others."""
        self._by_cell = {
            cell_id: running
            for cell_id, handles in self._by_cell.items()
            if (running := [handle for handle in handles if not handle.has_ended])
        }
        return [handle for handles in self._by_cell.values() for handle in handles]

    def stop_cell(self, cell_id: str) -> None:
        """Stop what a cell started when it ran before."""
        stop_all(self._by_cell.pop(cell_id, []))

    def stop_all(self) -> None:
        """Stop everything."""
        stop_all(self.running())
        self._by_cell.clear()
