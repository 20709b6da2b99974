"""What was learnt from far away, in memory: fetched behind the back of whoever asks."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from streammagic.errors import StreamMagicError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

_QUIET_SECONDS = 0.25
"""Seconds that a fetch which nobody waits for lets pass, so that several cells in a row cost one."""

_AGAIN_SECONDS = 5.0
"""Seconds after which one that failed is tried again."""

_CLOSE_SECONDS = 1.0


@dataclass(slots=True, eq=False)
class _Entry:
    """One thing: its value and when it was learnt, who fetches it, when the next attempt may be."""

    value: Any = None
    learnt: float | None = None
    thread: threading.Thread | None = None
    not_before: float = 0.0
    version: int = 0


class Background:
    """Values by key, each fetched by a thread of its own that ends with the fetch. Thread-safe.

    A fetch that hangs holds up nothing but its own key.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._hurry: set[Hashable] = set()
        self._entries: dict[Hashable, _Entry] = {}
        self._closed = False

    def want(self, key: Hashable, fetch: Callable[[], Any], *, seconds: float, hurry: bool = True) -> None:
        """Have a value fetched unless it is known and younger than ``seconds``, or being fetched.

        Without ``hurry`` the fetch begins a little later.
        """
        with self._changed:
            entry = self._entries.setdefault(key, _Entry())
            now = time.monotonic()
            is_fresh = entry.learnt is not None and now - entry.learnt < seconds
            if self._closed or is_fresh or (entry.thread is None and now < entry.not_before):
                return
            if hurry:
                self._hurry.add(key)
                self._changed.notify_all()
            if entry.thread is None:
                entry.thread = threading.Thread(
                    target=self._fetch, args=(key, entry, fetch), name="streammagic-completion", daemon=True
                )
                entry.thread.start()

    def get(self, key: Hashable, until: float) -> Any:
        """Return what is known, None for nothing; wait until then for a fetch that is under way."""
        with self._changed:
            entry = self._entries.get(key)
            if entry is None:
                return None
            self._changed.wait_for(lambda: entry.thread is None, max(until - time.monotonic(), 0))
            return entry.value

    def known(self, key: Hashable) -> Any:
        """Return what is known, None for nothing."""
        return self.get(key, 0)

    def outdate(self, key: Hashable) -> None:
        """Note that a value is not what it was; it is kept until there is a new one."""
        with self._changed:
            entry = self._entries.get(key)
            if entry is not None:
                entry.learnt, entry.not_before = None, 0.0
                entry.version += 1

    def close(self) -> None:
        """Fetch nothing any more, and wait a moment for what is under way."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            threads = [entry.thread for entry in self._entries.values() if entry.thread is not None]
        until = time.monotonic() + _CLOSE_SECONDS
        for thread in threads:
            thread.join(max(until - time.monotonic(), 0))

    def _fetch(self, key: Hashable, entry: _Entry, fetch: Callable[[], Any]) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or key in self._hurry, _QUIET_SECONDS)
            self._hurry.discard(key)
            if self._closed:
                entry.thread = None
                return
            version = entry.version
        value, failed = None, False
        try:
            value = fetch()
        except StreamMagicError:
            failed = True  # whoever runs a cell will hear of it
        finally:
            with self._changed:
                entry.thread = None
                self._hurry.discard(key)
                if failed:
                    entry.not_before = time.monotonic() + _AGAIN_SECONDS
                elif value is not None:
                    entry.value = value
                    entry.learnt = time.monotonic() if version == entry.version else None
                self._changed.notify_all()
