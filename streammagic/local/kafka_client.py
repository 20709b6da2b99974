"""Ask for the Kafka broker of this person's cluster, from any process."""

from __future__ import annotations

import json
import sys
import time
import uuid
from typing import TYPE_CHECKING

from streammagic import leases
from streammagic.errors import LocalEngineError
from streammagic.local import client, kafka, kafka_config, state

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from pathlib import Path

_START_SECONDS, _STOP_SECONDS = 120.0, 30.0


def start_kafka(progress: Callable[[str], None] = lambda _: None) -> str:
    """Join the running broker, or start one, and return its address when it takes requests.

    The cluster is started first where none runs. ``progress`` is told in short sentences what is being done.
    The address is that of a bootstrap server, like "127.0.0.1:9092". An interrupt leaves the start going
    on: the next call joins it.

    Raises:
        LocalEngineError: what ``start`` raises; a jar of Kafka can't be downloaded; the broker could not
            be started, with the end of its log as ``details``.

    """
    client.start(progress)
    with _exclusive():
        found = state.read()
        if found is not None and found.kafka.state in {state.STARTING, state.REPAIRING}:
            return _wait_until_ready(found.kafka.request)
        if found is not None and found.kafka.state == state.READY and found.alive(kafka.ROLE):
            return found.kafka.bootstrap
        jars = kafka.jars(progress)
        progress(f"starting Kafka {kafka.VERSION}")
        began = time.monotonic()
        bootstrap = _wait_until_ready(_request(jars))
        progress(f"Kafka is ready at {bootstrap} after {time.monotonic() - began:.1f} s")
        return bootstrap


def kafka_bootstrap() -> str:
    """Return the address of the running broker, like "127.0.0.1:9092". Nothing is asked over the network.

    Raises:
        LocalEngineError: it does not run.

    """
    found = client.status()
    if found is None or found.kafka is None:
        raise LocalEngineError(
            "The local Kafka does not run.",
            engine=kafka.TITLE,
            hint="Start it with `%stream local start kafka`; its topics are kept from one start to the next.",
        )
    return found.kafka


def stop_kafka() -> bool:
    """End the broker; Flink goes on, and the topics are kept. Return whether it ran.

    Raises:
        LocalEngineError: on Windows; the supervisor does not answer.

    """
    if sys.platform == "win32":
        raise LocalEngineError(state.WINDOWS, engine=kafka.TITLE)
    with _exclusive():
        if client.status() is None:
            left = [process for process in state.survivors(None) if state.runs(process, kafka.MAIN)]
            state.end(left, _STOP_SECONDS)
            return bool(left)
        found = state.read()
        if found is None or kafka.ROLE not in found.members:
            return False
        _wait_for(_request(()), {state.STOPPED}, _STOP_SECONDS)
        return True


def _exclusive() -> AbstractContextManager[None]:
    return state.exclusive(state.KAFKA_LOCK, wait=_START_SECONDS, what="starting or stopping the local Kafka")


def _request(jars: tuple[Path, ...]) -> str:
    """Ask the supervisor for a broker with these jars, or for its end; return the request's id."""
    found = state.read()
    if found is None:
        raise _ended()
    layout = kafka_config.Layout(state.directory())
    layout.folder.mkdir(exist_ok=True)
    identity = uuid.uuid4().hex
    request = {"id": identity, "cluster": found.cluster, "jars": [str(jar) for jar in jars]}
    leases.write_atomically(layout.requests, json.dumps(request))
    return identity


def _wait_until_ready(request: str) -> str:
    return _wait_for(request, {state.READY}, _START_SECONDS).bootstrap


def _wait_for(request: str, states: set[str], seconds: float) -> state.Kafka:
    """Return what is said of the broker once the request was heeded and it is in one of these states."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = state.read()
        if found is None or not found.alive("supervisor"):
            raise _ended()
        if found.kafka.request == request and found.kafka.state in states:
            return found.kafka
        if found.kafka.request == request and found.kafka.state == state.FAILED:
            raise _failure(found.kafka.reason)
        time.sleep(0.02)
    raise _failure(f"the supervisor did not answer within {seconds:.0f} s")


def _ended() -> LocalEngineError:
    return LocalEngineError(
        "The local Flink ended meanwhile, and its Kafka with it.",
        engine=kafka.TITLE,
        hint=f"Start it again; why it ended is told in {state.directory() / 'log' / 'supervisor.log'}.",
    )


def _failure(reason: str) -> LocalEngineError:
    first, _, rest = reason.strip().partition("\n")
    return LocalEngineError(
        f"The local Kafka could not be started or stopped: {first}",
        engine=kafka.TITLE,
        hint=f"Its log is {state.directory() / 'log' / 'kafka.log'}; Flink runs on without it.",
        details=rest or None,
    )
