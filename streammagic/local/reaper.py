"""Ends what dead kernels held on this cluster, and what a dead gateway left running."""

from __future__ import annotations

import json
import logging
import time
from typing import TYPE_CHECKING

from streammagic import leases
from streammagic.local import loopback

if TYPE_CHECKING:
    from streammagic.leases import Held, LeaseRecord
    from streammagic.local.flink import Ports

log = logging.getLogger(__name__)

# A statement may have been on its way when its kernel died: its job appears after the first cancel.
GRACE = 10.0  # seconds


class Reaper:
    """Looks at the lease files of this home; call ``look()`` about once a second.

    Leases on other clusters are never touched: they belong to the next start of a kernel.
    """

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._dead_since: dict[str, float] = {}  # by lease file
        self._condemned: dict[Held, float] = {}  # until when
        self.holders = 0  # living processes that hold something here

    def look(self) -> None:
        """End what dead processes held, and remove the files of those dead for ``GRACE`` seconds."""
        now = time.monotonic()
        holders = 0
        for record in leases.leases():
            ours = [held for held in record.held if self._is_ours(held)]
            if record.alive:
                holders += bool(ours)
            else:
                self._reap(record, ours, now)
        self.holders = holders
        for held, until in list(self._condemned.items()):
            self._end(held)
            if now > until:
                del self._condemned[held]

    def condemn_jobs(self) -> int:
        """Cancel all ad-hoc jobs held on this cluster, by whomever: their gateway died. Return how many.

        Flink itself would let a SELECT without a reader run on for ever. They are cancelled again at
        each look for ``GRACE`` seconds, for those that were still being submitted.
        """
        until = time.monotonic() + GRACE
        jobs = {
            held: until
            for record in leases.leases()
            for held in record.held
            if held.kind == "job" and self._is_ours(held)
        }
        self._condemned |= jobs
        for held in jobs:
            self._end(held)
        return len(jobs)

    def ad_hoc(self) -> set[str]:
        """Return the ids of the jobs that leases hold here."""
        return {
            held.id
            for record in leases.leases()
            for held in record.held
            if held.kind == "job" and self._is_ours(held)
        }

    def _is_ours(self, held: Held) -> bool:
        places = [self._ports.rest] if held.kind == "job" else [self._ports.gateway]
        return any(
            f"{held.endpoint}/".startswith(f"http://{host}:{port}/")
            for host in ("127.0.0.1", "localhost")
            for port in places
        )

    def _reap(self, record: LeaseRecord, ours: list[Held], now: float) -> None:
        name = record.path.name
        if name not in self._dead_since:
            self._dead_since[name] = now
            log.info("process %d is gone and held %d things here", record.pid, len(ours))
        for held in ours:
            self._end(held)
        if now - self._dead_since[name] < GRACE and ours:
            return
        del self._dead_since[name]
        elsewhere = [held for held in record.held if held not in ours]
        if not elsewhere:
            record.path.unlink(missing_ok=True)
        elif ours:
            kept = json.loads(record.path.read_text(encoding="utf-8")) | {"held": elsewhere}
            leases.write_atomically(record.path, json.dumps(kept))

    def _end(self, held: Held) -> None:
        if held.kind == "session":
            loopback.ask("DELETE", f"{held.endpoint}/sessions/{held.id}")
        else:
            loopback.ask("PATCH", f"{held.endpoint}/jobs/{held.id}?mode=cancel")
