"""Claims: who may change a deployment at this moment. Those of dead processes don't count."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, NamedTuple

import psutil

from streammagic.errors import DeploymentBusyError
from streammagic.leases import is_same_process

if TYPE_CHECKING:
    import sqlite3

_MINUTE = 60

_tokens: set[str] = set()
"""Of the claims that this process holds. A row of ours without is what a failed release left."""


class _Claim(NamedTuple):
    token: str
    pid: int
    created: float
    boot: float
    what: str
    notebook: str
    since: float

    @property
    def holds(self) -> bool:
        """Whether somebody is still at it."""
        if self.pid == os.getpid():
            return self.token in _tokens
        return is_same_process(self.pid, self.created, self.boot)


def take(  # noqa: PLR0913, PLR0917 - the row, all of it
    connection: sqlite3.Connection, token: str, place: str, name: str, what: str, notebook: str
) -> str | None:
    """Claim a deployment inside a writing transaction; say whose death made that possible, if one did.

    Raises `DeploymentBusyError` where somebody holds it.
    """
    _tokens.add(token)
    before = _claim(connection, place, name)
    if before is not None and before.holds:
        raise _busy(name, before)
    boot = psutil.boot_time()  # before the start time, which psutil derives from it
    created = psutil.Process().create_time()
    connection.execute(
        "INSERT OR REPLACE INTO claims VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (place, name, token, os.getpid(), created, boot, what, notebook, time.time()),
    )
    if before is None or before.pid == os.getpid():
        return None
    return f"process {before.pid} died while it was being {before.what}"


def release(connection: sqlite3.Connection, token: str) -> None:
    """Give a claim back; nothing happens where it is no longer held."""
    connection.execute("DELETE FROM claims WHERE token = ?", (token,))


def forget(token: str) -> None:
    """Note that this process no longer holds a claim, even if its row could not be removed."""
    _tokens.discard(token)


def notebook_of(connection: sqlite3.Connection, place: str, name: str) -> str:
    """Return the notebook of this process's claim on a deployment, "" without one."""
    claim = _claim(connection, place, name)
    return claim.notebook if claim is not None and claim.token in _tokens else ""


def _claim(connection: sqlite3.Connection, place: str, name: str) -> _Claim | None:
    row = connection.execute(
        "SELECT token, pid, created, boot, what, notebook, since FROM claims WHERE place = ? AND name = ?",
        (place, name),
    ).fetchone()
    return None if row is None else _Claim(*row)


def _busy(name: str, claim: _Claim) -> DeploymentBusyError:
    seconds = max(0, round(time.time() - claim.since))
    since = f"since {seconds} s" if seconds < _MINUTE else f"since {seconds // _MINUTE} min"
    if claim.pid == os.getpid():
        holder, where = f"this notebook already ({since})", "here"
    else:
        notebook = f"{claim.notebook}, " if claim.notebook else ""
        holder, where = f"another notebook ({notebook}process {claim.pid}, {since})", "there"
    return DeploymentBusyError(
        f"{name} is being {claim.what} by {holder}.",
        hint=f"Run the cell again when that is done; if it hangs, interrupt it {where}.",
    )
