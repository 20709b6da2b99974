"""Who is connected to a server of the cluster: what tells that it is in use by a client without a lease."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterable


def has_visitors(server: int, port: int, family: Iterable[int]) -> bool:
    """Tell whether a process other than ``family`` (pids) is connected to this port of ``server`` (a pid).

    It costs a few milliseconds. A server that has ended has no visitors.
    """
    callers = {remote for local, remote in _connections(server) if local == port}
    if not callers:
        return False
    return not callers <= {local for pid in family for local, _ in _connections(pid)}


def _connections(pid: int) -> list[tuple[int, int]]:
    """Return the local and the remote port of each TCP connection that a process has."""
    try:
        found = psutil.Process(pid).net_connections("tcp")
    except psutil.Error:
        return []
    return [
        (connection.laddr.port, connection.raddr.port)
        for connection in found
        if connection.status == psutil.CONN_ESTABLISHED
    ]
