"""The loopback interface: free ports, and plain HTTP to this cluster's own servers.

No proxy is asked, no large library is loaded.
"""

from __future__ import annotations

import http.client
import json
import socket
from typing import Any
from urllib.parse import urlsplit


def free_port(wanted: int, *taken: int) -> int:
    """Return the wanted port of 127.0.0.1 where it is free, or else any free one that is not ``taken``.

    Raises:
        OSError: there is none.

    """
    for port in (wanted, *[0] * 20):
        with socket.socket() as probe:
            # Not refused because of connections of the last cluster that are yet to time out.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            found = int(probe.getsockname()[1])
            if found not in taken:
                return found
    raise OSError("there is no free TCP port on 127.0.0.1")


def ask(method: str, url: str, body: Any = None, *, timeout: float = 2.0) -> tuple[int, Any]:
    """Send one request and return its status and decoded JSON answer (None where it is not JSON).

    A server that can't be reached within ``timeout`` seconds, or breaks off, is status 0: a cluster that
    starts or stops is expected to.
    """
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=timeout)
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    try:
        text = None if body is None else json.dumps(body)
        connection.request(method, target, body=text, headers={"Content-Type": "application/json"})
        response = connection.getresponse()
        answer = response.read()
    except (OSError, http.client.HTTPException):
        return 0, None
    finally:
        connection.close()
    try:
        return response.status, json.loads(answer)
    except ValueError:
        return response.status, None
