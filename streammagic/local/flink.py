"""How Flink is run without its shell scripts: one configuration and the command lines of three JVMs.

Everything listens on 127.0.0.1 only. Sizes and flags were chosen by measurement.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streammagic.local import java, loopback

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from streammagic.local.settings import Settings

JOBMANAGER, TASKMANAGER, GATEWAY = ROLES = ("jobmanager", "taskmanager", "gateway")

_MAIN = {
    JOBMANAGER: "org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint",
    TASKMANAGER: "org.apache.flink.runtime.taskexecutor.TaskManagerRunner",
    GATEWAY: "org.apache.flink.table.gateway.SqlGateway",
}

# What Flink reflects on (its own default configuration opens the same packages).
_OPENED = (
    "java.lang", "java.lang.reflect", "java.net", "java.io", "java.nio", "java.text", "java.time",
    "java.util", "java.util.concurrent", "java.util.concurrent.atomic", "java.util.concurrent.locks",
    "sun.nio.ch",
)  # fmt: skip
_EXPORTED = ("java.rmi/sun.rmi.registry", "java.security.jgss/sun.security.krb5")


@dataclass(frozen=True)
class Layout:
    """Where one cluster keeps its things; all below ``root`` (<home>/local)."""

    root: Path

    @property
    def conf(self) -> Path:
        """Flink's configuration directory."""
        return self.root / "conf"

    @property
    def logs(self) -> Path:
        """Logs of the supervisor and of the three JVMs."""
        return self.root / "log"

    @property
    def tmp(self) -> Path:
        """Scratch files of the JVMs; emptied at each start."""
        return self.root / "tmp"

    @property
    def archives(self) -> Path:
        """Class data sharing archives."""
        return self.root / "archives"


@dataclass(frozen=True)
class Ports:
    """TCP ports on 127.0.0.1."""

    rest: int
    gateway: int
    rpc: int

    @property
    def rest_url(self) -> str:
        """The JobManager's REST address."""
        return f"http://127.0.0.1:{self.rest}"

    @property
    def gateway_url(self) -> str:
        """The SQL Gateway's address."""
        return f"http://127.0.0.1:{self.gateway}"


def configuration(settings: Settings, ports: Ports, layout: Layout) -> dict[str, object]:
    """Return Flink's configuration, by its own keys."""
    return (
        _addresses(ports)
        | _memory(settings)
        | _registration()
        | _directories(layout)
        | {
            "taskmanager.numberOfTaskSlots": settings.slots,
            "parallelism.default": 1,
            "table.local-time-zone": "UTC",
            "execution.target": "remote",
            "web.refresh-interval": "200 ms",
            "web.cancel-allowed": True,
            "web.submit.enable": False,
            # Finished jobs go to disk; in memory only the few that are being looked at.
            "jobstore.cache-size": 8 * 2**20,
            "jobstore.max-capacity": 1000,
            "rest.flamegraph.enabled": False,
            # Figures are at most so old (10 s by default). They are fetched only when somebody asks.
            "metrics.fetcher.update-interval": "1 s",
            "sql-gateway.session.idle-timeout": "12 h",
            "sql-gateway.session.check-interval": "1 min",
            "sql-gateway.session.max-num": 500,
            "sql-gateway.worker.keepalive-time": "1 min",
        }
    )


def _addresses(ports: Ports) -> dict[str, object]:
    here = "127.0.0.1"
    return {
        "jobmanager.rpc.address": here,
        "jobmanager.rpc.port": ports.rpc,
        "jobmanager.bind-host": here,
        "taskmanager.host": here,
        "taskmanager.bind-host": here,
        "rest.address": here,
        "rest.bind-address": here,
        "rest.port": ports.rest,
        "rest.bind-port": str(ports.rest),
        "sql-gateway.endpoint.rest.address": here,
        "sql-gateway.endpoint.rest.bind-address": here,
        "sql-gateway.endpoint.rest.port": ports.gateway,
        "sql-gateway.endpoint.rest.bind-port": str(ports.gateway),
    }


def _memory(settings: Settings) -> dict[str, object]:
    network = f"{settings.network_mb}m"
    return {
        # The sizes that bin/taskmanager.sh would compute; the JVM flags are ours (see command).
        "taskmanager.cpu.cores": float(settings.slots),
        "taskmanager.memory.framework.heap.size": "64m",
        "taskmanager.memory.task.heap.size": f"{max(settings.taskmanager_mb - 64, 64)}m",
        "taskmanager.memory.framework.off-heap.size": "64m",
        "taskmanager.memory.framework.off-heap.batch-shuffle.size": "16m",
        "taskmanager.memory.task.off-heap.size": "32m",
        "taskmanager.memory.network.min": network,
        "taskmanager.memory.network.max": network,
        "taskmanager.memory.managed.size": f"{settings.managed_mb}m",
        "taskmanager.memory.jvm-metaspace.size": "192m",
        "taskmanager.memory.jvm-overhead.min": "192m",
        "taskmanager.memory.jvm-overhead.max": "192m",
        # 512 buffers of 32 kB for one blocking exchange would be a third of network_mb.
        "taskmanager.network.sort-shuffle.min-buffers": 64,
    }


def _registration() -> dict[str, object]:
    return {
        # A TaskManager that asks before the JobManager listens would wait 10 s and 30 s by default.
        "cluster.registration.error-delay": "100 ms",
        "cluster.registration.refused-registration-delay": "100 ms",
        "cluster.registration.initial-timeout": "200 ms",
        "cluster.registration.max-timeout": "1 s",
        "taskmanager.slot.timeout": "10 s",
        # A query that finds no slot waits so long for one (by default 5 min, or not at all once the start-up
        # time is over): long enough for a TaskManager that is being restarted.
        "resourcemanager.standalone.start-up-time": "20 d",
        "slot.request.timeout": "10 s",
        # A killed TaskManager is noticed by refused connections, not by silence: a laptop may sleep.
        "heartbeat.interval": "2 s",
        "heartbeat.timeout": "2 min",
        "heartbeat.rpc-failure-threshold": 2,
    }


def _directories(layout: Layout) -> dict[str, object]:
    return {
        # Flink's paths are not escaped as URIs are: macOS' data directory has a space in it.
        "io.tmp.dirs": str(layout.tmp),
        "web.tmpdir": str(layout.tmp),
        "execution.checkpointing.dir": f"file://{layout.root}/checkpoints",
        "execution.checkpointing.savepoint-dir": f"file://{layout.root}/savepoints",
    }


def are_ready(ports: Ports) -> bool:
    """Tell whether the gateway answers and a TaskManager offers its slots."""
    status, overview = loopback.ask("GET", f"{ports.rest_url}/overview", timeout=1)
    if status != 200 or not (overview or {}).get("slots-total"):  # noqa: PLR2004 - HTTP's OK
        return False
    return loopback.ask("GET", f"{ports.gateway_url}/v1/info", timeout=1)[0] == 200  # noqa: PLR2004


def write_configuration(settings: Settings, ports: Ports, layout: Layout) -> None:
    """Write ``config.yaml`` and the logging set-up that the three JVMs read."""
    layout.conf.mkdir(parents=True, exist_ok=True)
    # JSON scalars are YAML scalars, with quoting that needs no thought.
    lines = [f"{key}: {json.dumps(value)}" for key, value in configuration(settings, ports, layout).items()]
    (layout.conf / "config.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (layout.conf / "log4j2.properties").write_text(LOG4J, encoding="utf-8")


# 4 files of 5 MB for each JVM at most.
LOG4J = """\
monitorInterval = 0
rootLogger.level = INFO
rootLogger.appenderRef.file.ref = file
appender.file.type = RollingFile
appender.file.name = file
appender.file.fileName = ${sys:log.file}
appender.file.filePattern = ${sys:log.file}.%i
appender.file.layout.type = PatternLayout
appender.file.layout.pattern = %d{yyyy-MM-dd HH:mm:ss,SSS} %-5p %-60c{1.} - %m%n
appender.file.policies.type = Policies
appender.file.policies.size.type = SizeBasedTriggeringPolicy
appender.file.policies.size.size = 5MB
appender.file.strategy.type = DefaultRolloverStrategy
appender.file.strategy.max = 3
logger.netty.name = org.jboss.netty.channel.DefaultChannelPipeline
logger.netty.level = OFF
"""


@dataclass(frozen=True)
class Recipe:
    """What the command lines of the JVMs are made of.

    ``markers`` are -D properties by which the processes are found again.
    """

    java: Path
    jars: tuple[Path, ...]
    settings: Settings
    layout: Layout
    markers: tuple[str, ...]

    @property
    def root(self) -> Path:
        """Where the JVMs run."""
        return self.layout.root

    @property
    def logs(self) -> Path:
        """Where their logs and their outputs are."""
        return self.layout.logs

    def command(self, role: str, archive_flags: tuple[str, ...] = ()) -> list[str]:
        """Return the command line of one JVM."""
        layout = self.layout
        arguments = ["--configDir", str(layout.conf)]
        if role == JOBMANAGER:
            arguments += ["--executionMode", "cluster"]
        return [
            str(self.java),
            *self.markers,
            *archive_flags,
            *_jvm_flags(role, self.settings),
            *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in _OPENED),
            *(f"--add-exports={package}=ALL-UNNAMED" for package in _EXPORTED),
            f"-Dlog.file={layout.logs / role}.log",
            f"-Dlog4j.configurationFile={(layout.conf / 'log4j2.properties').as_uri()}",
            f"-Djava.io.tmpdir={layout.tmp}",
            f"-XX:ErrorFile={layout.logs}/{role}-crash-%p.log",
            "-cp",
            os.pathsep.join(map(str, self.jars)),
            _MAIN[role],
            *arguments,
        ]

    def environment(self, inherited: Mapping[str, str]) -> dict[str, str]:
        """Return the JVMs' environment: the person's, without what would change Java or Flink."""
        ours = java.environment(inherited, "FLINK_", "HADOOP_", "HBASE_", "YARN_")
        lib = next(jar.parent for jar in self.jars if jar.name.startswith("flink-dist"))
        return ours | {
            "FLINK_CONF_DIR": str(self.layout.conf),
            "FLINK_LIB_DIR": str(lib),
            "FLINK_OPT_DIR": str(lib.parent / "opt"),
            # Not the wheel's: its nine metric reporters would be looked through at each start.
            "FLINK_PLUGINS_DIR": str(self.layout.root / "plugins"),
        }


def _jvm_flags(role: str, settings: Settings) -> list[str]:
    heap = {
        JOBMANAGER: settings.jobmanager_mb,
        TASKMANAGER: settings.taskmanager_mb,
        GATEWAY: settings.gateway_mb,
    }[role]
    flags = [
        *java.FLAGS,
        f"-Xmx{heap}m",
        # A young generation of fixed size: it would begin at a third of -Xms and grow by full collections.
        f"-Xmn{heap * 3 // 10}m",
    ]
    # As bin/taskmanager.sh would have it: the network buffers and the off-heap sizes.
    direct = settings.network_mb + 128 if role == TASKMANAGER else 192
    flags.append(f"-XX:MaxDirectMemorySize={direct}m")
    if role == GATEWAY:
        flags.append("-Xss4m")  # the planner recurses into long expressions
    if role == TASKMANAGER:
        # C2 three times later than usual: it took a third of the start, and hot loops of rows get there
        # all the same. C1 alone costs 40 % more CPU per row.
        flags += [
            "-XX:Tier4InvocationThreshold=15000",
            "-XX:Tier4MinInvocationThreshold=1800",
            "-XX:Tier4CompileThreshold=45000",
            "-XX:Tier4BackEdgeThreshold=120000",
        ]
    if role == JOBMANAGER:
        # It has no hot loop of rows: C1 alone starts faster and keeps a smaller code cache.
        flags.append("-XX:TieredStopAtLevel=1")
    return flags
