"""How an Apache Kafka broker is run without its shell scripts: its jars, its data, its command line.

One process is broker and controller (KRaft). It listens on 127.0.0.1 only; sizes and times were chosen
by measurement. Its topics are kept in <home>/local/kafka/data from one cluster to the next.
"""

from __future__ import annotations

import base64
import os
import shutil
import socket
import struct
import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from streammagic.errors import LocalEngineError
from streammagic.local import artifacts, flink, java
from streammagic.local.kafka_config import write_configuration

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from streammagic.local.kafka_config import Layout, Ports
    from streammagic.local.settings import Settings

ROLE = "kafka"
TITLE = "Kafka"  # the name in errors
VERSION = "4.4.0"
MAIN = "kafka.Kafka"
_FORMAT_SECONDS = 60.0


def jars(progress: Callable[[str], None]) -> tuple[Path, ...]:
    """Return the broker's jars, downloaded at the first call and verified at each.

    Raises:
        LocalEngineError: a jar can't be downloaded, or is not the one that was pinned.

    """
    table = Path(__file__).with_name("kafka-jars.txt").read_text(encoding="utf-8")
    rows = [line.split() for line in table.splitlines() if not line.startswith("#")]
    pinned = [artifacts.Jar.of(coordinate, sha256) for coordinate, sha256, _ in rows]
    try:
        sizes = [int(size) for *_, size in rows]
        return artifacts.obtain_all(pinned, sizes, f"{TITLE} {VERSION}", progress)
    except LocalEngineError as error:
        error.engine = TITLE
        raise


# Its configuration would be logged five times at each start.
_LOG4J = f"""{flink.LOG4J}\
logger.config.name = org.apache.kafka.common.config
logger.config.level = WARN
"""


@dataclass(frozen=True)
class Recipe:
    """What the broker's command line is made of; ``markers`` as in ``flink.Recipe``."""

    java: Path
    jars: tuple[Path, ...]
    settings: Settings
    layout: Layout
    markers: tuple[str, ...]

    @property
    def root(self) -> Path:
        """Where the broker runs; its paths are relative to it."""
        return self.layout.root

    @property
    def logs(self) -> Path:
        """Where its log and its output are."""
        return self.layout.logs

    def prepare(self, ports: Ports) -> None:
        """Write the configuration, and format the data directory where there is none yet (1 s).

        Raises:
            OSError: a file can't be written.
            LocalEngineError: the directory can't be formatted.

        """
        self.layout.folder.mkdir(exist_ok=True)
        (self.layout.folder / "log4j2.properties").write_text(_LOG4J, encoding="utf-8")
        if not self.layout.data.is_dir():
            self._format(ports)
        write_configuration(self.layout.folder / "server.properties", ports, "kafka/data")
        self.layout.last_port.write_text(f"{self.settings.kafka_port} {ports.client}", encoding="ascii")

    def command(self, role: str, archive_flags: tuple[str, ...] = ()) -> list[str]:
        """Return the command line of the broker."""
        return [
            *self._java(role),
            *archive_flags,
            f"-XX:ErrorFile={self.logs}/{role}-crash-%p.log",
            "-cp",
            os.pathsep.join(map(str, self.jars)),
            MAIN,
            "kafka/server.properties",
        ]

    def environment(self, inherited: Mapping[str, str]) -> dict[str, str]:
        """Return the broker's environment."""
        return java.environment(inherited, "KAFKA_")

    def _java(self, role: str) -> list[str]:
        return [
            str(self.java),
            *self.markers,
            *java.FLAGS,
            f"-Xmx{self.settings.kafka_mb}m",
            "-XX:TieredStopAtLevel=1",
            f"-Dlog.file={self.logs / role}.log",
            f"-Dlog4j2.configurationFile={(self.layout.folder / 'log4j2.properties').as_uri()}",
            f"-Djava.io.tmpdir={flink.Layout(self.root).tmp}",
        ]

    def _format(self, ports: Ports) -> None:
        """Make the data directory in one step: what was cut short is never taken for one."""
        fresh, properties = self.layout.folder / "fresh", self.layout.folder / "format.properties"
        shutil.rmtree(fresh, ignore_errors=True)
        write_configuration(properties, ports, "kafka/fresh")
        # An id as Kafka writes it: 16 bytes, base64 for URLs, without its padding (class Uuid). A leading
        # "-" would be taken for an option.
        identity = "x" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[1:22]
        tool = ["kafka.tools.StorageTool", "format", "-t", identity, "-c", "kafka/format.properties"]
        try:
            done = subprocess.run(
                [*self._java("kafka-format"), "-cp", os.pathsep.join(map(str, self.jars)), *tool],
                env=self.environment(os.environ),
                cwd=self.root,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=_FORMAT_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise LocalEngineError(
                f"its data directory was not formatted within {_FORMAT_SECONDS:.0f} s"
            ) from None
        if done.returncode:
            raise LocalEngineError(f"its data directory could not be formatted.\n{done.stdout}{done.stderr}")
        fresh.replace(self.layout.data)


def is_ready(port: int) -> bool:
    """Ask a broker for its cluster, and tell whether it says that it is part of it: it takes requests then.

    A Metadata request of version 1 without topics, as "Kafka protocol guide" has it
    (https://kafka.apache.org/protocol): sizes and ids are big-endian; header: api key, version,
    correlation id, no client id; answer: correlation id, brokers, ….
    """
    request = struct.pack(">hhihi", 3, 1, 0, -1, 0)
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            answer = b""
            while len(answer) < 12:  # noqa: PLR2004 - size, correlation id, number of brokers
                received = connection.recv(4096)
                if not received:
                    return False
                answer += received
    except OSError:
        return False
    return int(struct.unpack_from(">i", answer, 8)[0]) > 0
