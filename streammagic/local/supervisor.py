"""The process that owns the JVMs: ``python -m streammagic.local.supervisor MARKER``.

It is started detached by ``client.start``, reads <home>/local/launch.json, and lives until it is told
to end (SIGTERM), the cluster has been idle for long enough, or a JVM dies again and again.
"""

from __future__ import annotations

import json
import logging
import logging.handlers
import os
import shutil
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from streammagic.errors import LocalEngineError
from streammagic.local import flink, kafka, loopback, state, visitors, warmup
from streammagic.local.archives import Archives
from streammagic.local.broker import Broker
from streammagic.local.java import Java
from streammagic.local.jvms import Jvms
from streammagic.local.reaper import Reaper
from streammagic.local.settings import Settings

if TYPE_CHECKING:
    import subprocess

log = logging.getLogger(__name__)

_READY_SECONDS = 90.0
_TICK = 0.25  # seconds between looks at the JVMs
_LOOK = 1.0  # … at leases
_ACTIVITY = 5.0  # … at jobs and connections
_ENDED_STATES = {"FINISHED", "CANCELED", "FAILED"}


class Supervisor:
    """One cluster's life, from its ports to its end. ``run()`` returns when everything has ended."""

    def __init__(self, launch: dict[str, Any]) -> None:
        self._settings = Settings(**launch["settings"])
        self._layout = flink.Layout(state.directory())
        jars = tuple(Path(jar) for jar in launch["jars"])
        java = Java(Path(launch["java"]), launch["java_version"])
        prints = state.fingerprint(jars)
        self._archives = Archives.below(self._layout.archives, java, prints, launch["marker"])
        self._ports = _choose_ports(self._settings)
        markers = (launch["marker"], f"-Dstreammagic.cluster={launch['cluster']}")
        recipe = flink.Recipe(java.path, jars, self._settings, self._layout, markers)
        self._jvms = Jvms(recipe, self._archives)
        self._broker = Broker(launch["cluster"], java, recipe, self._publish_kafka)
        self._reaper = Reaper(self._ports)
        self._ending = threading.Event()
        self._background: list[subprocess.Popen[bytes]] = []
        self._last_busy = time.monotonic()
        self._state = state.State(
            cluster=launch["cluster"],
            state=state.STARTING,
            flink_version=launch["flink_version"],
            gateway=self._ports.gateway_url,
            rest=self._ports.rest_url,
            log_dir=str(self._layout.logs),
            started=time.time(),
            boot=psutil.boot_time(),
            jars=prints,
            members={"supervisor": state.Member.of(os.getpid())},
            notes=tuple(launch["notes"]),
            settings=launch["settings"],
        )

    def ask_to_end(self, *_signal: object) -> None:
        """End soon; safe in a signal handler."""
        self._ending.set()

    def run(self) -> None:
        """Start the JVMs, watch them, end them."""
        try:
            self._start()
            threading.Thread(target=self._reap, name="reaper", daemon=True).start()
            threading.Thread(target=self._prepare, name="preparation", daemon=True).start()
            self._watch()
        except _GivenUp as reason:
            log.error("given up: %s", reason)  # noqa: TRY400 - the reason says it all
            self._end()
            self._write(state=state.FAILED, reason=str(reason))
        else:
            log.info("ending")
            self._end()
            state.forget()
        finally:
            for process in list(self._background):
                process.kill()
            self._end()

    def _end(self) -> None:
        self._broker.ask_to_end()
        self._jvms.end()
        self._broker.end()

    def _start(self) -> None:
        self._write()
        flink.write_configuration(self._settings, self._ports, self._layout)
        for role in flink.ROLES:
            self._jvms.start(role)
        self._write(members=self._state.members | self._jvms.members())
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        while not self._ending.wait(0.03):
            if flink.are_ready(self._ports):
                log.info("ready after %.2f s", time.time() - self._state.started)
                self._write(state=state.READY)
                return
            for role in self._jvms.died():
                raise _GivenUp(f"the {role} ended while starting.\n{self._jvms.last_words(role)}")
            if time.monotonic() > deadline:
                words = "\n".join(self._jvms.last_words(role, 6) for role in flink.ROLES)
                raise _GivenUp(f"it was not ready within {_READY_SECONDS:.0f} s.\n{words}")

    def _watch(self) -> None:
        next_activity = 0.0
        while not self._ending.wait(_TICK):
            for role in self._jvms.died():
                self._repair(role)
            if self._state.state == state.REPAIRING and flink.are_ready(self._ports):
                self._write(state=state.READY)
            if self._broker.tick():
                self._last_busy = time.monotonic()
            if time.monotonic() > next_activity:
                next_activity = time.monotonic() + _ACTIVITY
                self._note_activity()
                self._jvms.cut_outputs()
                self._broker.cut_outputs()
                if time.monotonic() - self._last_busy > self._settings.idle_minutes * 60:
                    log.info("idle for %.1f minutes", self._settings.idle_minutes)
                    return

    def _repair(self, role: str) -> None:
        if self._jvms.is_crash_loop(role):
            raise _GivenUp(f"the {role} died again and again.\n{self._jvms.last_words(role)}")
        when = time.strftime("%Y-%m-%d %H:%M")
        note = f"the {role} died at {when} and was restarted"
        if role == flink.JOBMANAGER:
            # Without its JobManager a TaskManager's jobs are lost; a new one comes back sooner, and clean.
            self._jvms.end(flink.TASKMANAGER)
            self._jvms.start(flink.JOBMANAGER)
            self._jvms.start(flink.TASKMANAGER)
            note += "; " + state.lost_jobs(self._state.jobs)
        else:
            self._jvms.start(role)
        if role == flink.GATEWAY:
            count = self._reaper.condemn_jobs()
            note += f"; its sessions are lost and {count} running queries were cancelled"
        log.warning(note)
        self._write(
            state=state.REPAIRING,
            members=self._state.members | self._jvms.members(),
            notes=(*self._state.notes, note)[-10:],
        )

    def _note_activity(self) -> None:
        """Notice what keeps the cluster from ending, and which jobs would be lost with it."""
        status, answer = loopback.ask("GET", f"{self._ports.rest_url}/jobs/overview")
        if status != 200:  # noqa: PLR2004 - HTTP's OK
            return
        running = [job for job in answer["jobs"] if job["state"] not in _ENDED_STATES]
        if running or self._reaper.holders or self._has_visitors():
            self._last_busy = time.monotonic()
        ad_hoc = self._reaper.ad_hoc()
        names = tuple(sorted(job["name"] for job in running if job["jid"] not in ad_hoc))
        if names != self._state.jobs:
            self._write(jobs=names)

    def _has_visitors(self) -> bool:
        """Tell whether a client of another kind (no lease) is connected to the gateway or to Kafka."""
        pids = {role: member.pid for role, member in self._state.members.items()}
        servers = {flink.GATEWAY: self._ports.gateway, kafka.ROLE: self._broker.port}
        return any(
            role in pids and visitors.has_visitors(pids[role], port, pids.values())
            for role, port in servers.items()
        )

    def _reap(self) -> None:
        while not self._ending.wait(_LOOK):
            try:
                self._reaper.look()
            except OSError:
                log.exception("leases could not be read")

    def _prepare(self) -> None:
        """Warm the planner up, then build the archives for the next start."""
        warmup.plan_once(self._ports.gateway_url, self._ending)
        for role in self._archives.missing(flink.ROLES):
            if self._ending.is_set():
                return
            try:
                self._archives.build(role, self._background)
            except OSError:
                log.exception("no archive for the %s", role)

    def _publish_kafka(self, said: state.Kafka, member: state.Member | None, note: str = "") -> None:
        members = {role: other for role, other in self._state.members.items() if role != kafka.ROLE}
        if member is not None:
            members[kafka.ROLE] = member
        notes = (*self._state.notes, note)[-10:] if note else self._state.notes
        self._write(kafka=said, members=members, notes=notes)

    def _write(self, **changes: Any) -> None:
        self._state = self._state.but(**changes)
        state.write(self._state)


class _GivenUp(Exception):  # noqa: N818 - not an error of anyone's code
    """The cluster can't be run; the text is the reason, with the last lines of a log."""


def _choose_ports(settings: Settings) -> flink.Ports:
    rest = loopback.free_port(settings.rest_port)
    gateway = loopback.free_port(settings.gateway_port, rest)
    return flink.Ports(rest, gateway, loopback.free_port(0, rest, gateway))


def _log_to(path: Path) -> None:
    handler = logging.handlers.RotatingFileHandler(path, maxBytes=2**20, backupCount=1)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


def main() -> int:
    """Run the supervisor; the exit code is 1 where another one already runs."""
    layout = flink.Layout(state.directory())
    layout.logs.mkdir(parents=True, exist_ok=True)
    _log_to(layout.logs / "supervisor.log")
    try:
        with state.exclusive(state.SUPERVISOR_LOCK, wait=0):
            if os.fork():  # nobody's child: no kernel has to wait for its end
                os._exit(0)
            shutil.rmtree(layout.tmp, ignore_errors=True)
            layout.tmp.mkdir()
            launch = json.loads((layout.root / "launch.json").read_text(encoding="utf-8"))
            supervisor = Supervisor(launch)
            signal.signal(signal.SIGTERM, supervisor.ask_to_end)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            supervisor.run()
    except LocalEngineError:
        log.warning("another supervisor runs for this home")
        return 1
    except Exception:
        log.exception("the supervisor failed")
        raise
    return 0


if __name__ == "__main__":
    sys.exit(main())
