"""The log of changes: the newest ones, and how many were dropped."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streammagic.results.changes import Page


class ChangeLog:
    """Keeps the newest ``keep`` changes (all of them if None) and counts every one that came.

    Pages are kept as they came and dropped whole, so that a change costs nothing here; `pages` cuts the
    oldest one to size.
    """

    def __init__(self, keep: int | None) -> None:
        self.seen = 0
        self._keep = keep
        self._held = 0
        self._pages: deque[Page] = deque()

    @property
    def kept(self) -> int:
        """How many changes `pages` returns."""
        return self._held if self._keep is None else min(self._held, self._keep)

    @property
    def dropped(self) -> int:
        """How many changes came and are no longer kept."""
        return self.seen - self.kept

    def append(self, page: Page) -> None:
        """Add the changes of a page."""
        if not page.rows:
            return
        self._pages.append(page)
        self.seen += len(page)
        self._held += len(page)
        if self._keep is not None:
            while self._held - len(self._pages[0]) >= self._keep:
                self._held -= len(self._pages.popleft())
                if not self._pages:
                    break

    def pages(self, newest: int | None = None) -> list[Page]:
        """Return the changes kept, oldest first, or just the ``newest`` of them."""
        wanted = self.kept if newest is None else min(newest, self.kept)
        found: list[Page] = []
        for page in reversed(self._pages):
            if wanted <= 0:
                break
            found.append(page.tail(wanted))
            wanted -= len(found[-1])
        return found[::-1]
