"""The first SELECT of a gateway takes seconds to plan: one is run before anybody waits for it."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from streammagic.local import loopback

if TYPE_CHECKING:
    import threading

log = logging.getLogger(__name__)

_SECONDS = 60.0


def plan_once(gateway: str, ending: threading.Event) -> None:
    """Run ``SELECT 1`` in a session of its own and close it; a failure is only logged."""
    began = time.monotonic()
    base = f"{gateway}/v2/sessions"
    _, session = loopback.ask("POST", base, {}, timeout=20)
    if not session:
        log.warning("no session for the warm-up")
        return
    base = f"{base}/{session['sessionHandle']}"
    try:
        _, operation = loopback.ask("POST", f"{base}/statements", {"statement": "SELECT 1"}, timeout=20)
        if operation and "operationHandle" in operation:
            _drain(f"{base}/operations/{operation['operationHandle']}/result", ending)
    finally:
        loopback.ask("DELETE", base, timeout=20)
    log.info("planner warm after %.2f s", time.monotonic() - began)


def _drain(results: str, ending: threading.Event) -> None:
    deadline = time.monotonic() + _SECONDS
    token = 0
    while not ending.wait(0.1) and time.monotonic() < deadline:
        _, page = loopback.ask("GET", f"{results}/{token}?rowFormat=JSON", timeout=20)
        kind = (page or {}).get("resultType")
        if kind == "PAYLOAD":
            token += 1
        elif kind != "NOT_READY":  # EOS, or an error
            return
