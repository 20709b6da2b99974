"""The Kafka broker as the supervisor sees it: started when somebody asks, watched, restarted, ended.

A client asks by replacing <home>/local/kafka/request.json: ``{"id", "cluster", "jars"}``, where no jars ask
for its end. The supervisor heeds it at its next tick and says in the state which request that was.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from streammagic.errors import LocalEngineError
from streammagic.local import kafka, kafka_config, state
from streammagic.local.archives import Archives
from streammagic.local.jvms import Jvms

if TYPE_CHECKING:
    import subprocess

    from streammagic.local import flink
    from streammagic.local.java import Java

log = logging.getLogger(__name__)

_READY_SECONDS = 60.0
_PATIENCE = 10.0  # seconds for a clean end: it takes half a second, and spares the next start a recovery


class Publish(Protocol):
    """Writes what is said of the broker into the cluster's state."""

    def __call__(self, said: state.Kafka, member: state.Member | None, note: str = "") -> None:
        """Replace what was said; ``note`` is added to the cluster's notes."""


class Broker:
    """The broker of one cluster, from a request to its end. Call ``tick()`` a few times a second.

    Nothing that becomes of it brings Flink down. Used by the supervisor's main thread only.
    """

    def __init__(self, cluster: str, java: Java, plan: flink.Recipe, publish: Publish) -> None:
        self._cluster = cluster
        self._java = java
        self._plan = plan  # of the Flink beside it: same settings, same markers
        self._publish = publish
        self._layout = kafka_config.Layout(plan.root)
        self._jvms: Jvms | None = None
        self._ports = kafka_config.Ports(0, 0)
        self._started = 0.0
        self._said = state.Kafka()
        self._request_file: tuple[int, int] | None = None  # the one that was read last
        self._building: list[subprocess.Popen[bytes]] = []

    @property
    def port(self) -> int:
        """The clients' port, 0 before the first start."""
        return self._ports.client

    def tick(self) -> bool:
        """Heed a new request, and look after the broker. Tell whether somebody waits for it."""
        if self._jvms is not None:
            if self._jvms.died():
                self._repair()
            elif self._said.state != state.READY:
                self._look_if_ready()
        request = self._new_request()
        if request is not None:
            self._heed(request)
        return request is not None or self._said.state == state.STARTING

    def ask_to_end(self) -> None:
        """Let it begin to end; ``end`` waits for it."""
        if self._jvms is not None:
            self._jvms.ask_to_end()

    def end(self) -> None:
        """End it politely, by force after 10 s."""
        for process in list(self._building):
            process.kill()
        if self._jvms is not None:
            self._jvms.end(patience=_PATIENCE)
            self._jvms = None

    def cut_outputs(self) -> None:
        """Empty its output where that has grown too long."""
        if self._jvms is not None:
            self._jvms.cut_outputs()

    def _new_request(self) -> dict[str, Any] | None:
        try:
            found = self._layout.requests.stat()
            if (found.st_ino, found.st_mtime_ns) == self._request_file:
                return None
            self._request_file = (found.st_ino, found.st_mtime_ns)
            request = json.loads(self._layout.requests.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        # Of an earlier cluster: a broker is started only where it is asked for.
        return request if request.get("cluster") == self._cluster else None

    def _heed(self, request: dict[str, Any]) -> None:
        log.info("kafka: request %s", request["id"])
        self._said = replace(self._said, request=request["id"])
        if not request["jars"]:
            self.end()
            self._say(state.STOPPED)
        elif self._jvms is None:
            self._start(tuple(Path(jar) for jar in request["jars"]))
        else:
            self._say(self._said.state)

    def _start(self, jars: tuple[Path, ...]) -> None:
        try:
            prints = state.fingerprint(jars)
            plan = self._plan
            self._ports = kafka_config.Ports.choose(plan.settings.kafka_port, self._layout)
            recipe = kafka.Recipe(plan.java, jars, plan.settings, self._layout, plan.markers)
            recipe.prepare(self._ports)
            archives = Archives.below(self._layout.archives, self._java, prints, plan.markers[0])
            self._jvms = Jvms(recipe, archives)
            self._jvms.start(kafka.ROLE)
        except (OSError, LocalEngineError) as error:
            self._give_up(str(error))
            return
        self._started = time.monotonic()
        self._say(state.STARTING)

    def _look_if_ready(self) -> None:
        assert self._jvms is not None  # noqa: S101 - for the type checker
        if kafka.is_ready(self._ports.client):
            log.info("kafka ready after %.2f s", time.monotonic() - self._started)
            self._say(state.READY, bootstrap=self._ports.bootstrap)
            threading.Thread(target=self._archive, args=(self._jvms.archives,), daemon=True).start()
        elif time.monotonic() - self._started > _READY_SECONDS:
            self._give_up(
                f"it was not ready within {_READY_SECONDS:.0f} s.\n{self._jvms.last_words(kafka.ROLE)}"
            )

    def _repair(self) -> None:
        assert self._jvms is not None  # noqa: S101 - for the type checker
        loop = self._jvms.is_crash_loop(kafka.ROLE)
        if loop or self._said.state == state.STARTING:
            what = "it died again and again" if loop else "it ended while starting"
            self._give_up(f"{what}.\n{self._jvms.last_words(kafka.ROLE)}")
            return
        when = time.strftime("%Y-%m-%d %H:%M")
        note = f"the kafka broker died at {when} and was restarted; its topics were kept"
        log.warning(note)
        try:
            self._jvms.start(kafka.ROLE)
        except OSError as error:
            self._give_up(str(error))
            return
        self._started = time.monotonic()
        self._say(state.REPAIRING, note=note)

    def _give_up(self, reason: str) -> None:
        log.error("kafka given up: %s", reason)
        self.end()
        first = reason.partition("\n")[0]
        self._say(state.FAILED, reason=reason, note=f"the kafka broker was given up: {first}")

    def _say(self, what: str, *, bootstrap: str = "", reason: str = "", note: str = "") -> None:
        kept = bootstrap or (self._said.bootstrap if what in {state.READY, state.REPAIRING} else "")
        self._said = replace(self._said, state=what, bootstrap=kept, reason=reason)
        member = self._jvms.members().get(kafka.ROLE) if self._jvms is not None else None
        self._publish(self._said, member, note)

    def _archive(self, archives: Archives) -> None:
        """Build the archive for the next start, from the classes that this one has loaded."""
        for role in archives.missing((kafka.ROLE,)):
            try:
                archives.build(role, self._building)
            except OSError:
                log.exception("no archive for the %s", role)
