"""Plain HTTP to this cluster's own servers: no proxy is asked, no large library is loaded."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit


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
