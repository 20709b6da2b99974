"""Where a Kafka broker keeps its things, what it listens on, and its configuration."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streammagic.local import flink, loopback

if TYPE_CHECKING:
    from pathlib import Path

_NODE = 1


@dataclass(frozen=True)
class Layout:
    """Where the broker keeps its things; ``root`` is <home>/local."""

    root: Path

    @property
    def folder(self) -> Path:
        """Everything of the broker but its logs."""
        return self.root / "kafka"

    @property
    def data(self) -> Path:
        """Topics and metadata; there once it is formatted as a whole."""
        return self.folder / "data"

    @property
    def logs(self) -> Path:
        """The logs, beside Flink's."""
        return flink.Layout(self.root).logs

    @property
    def archives(self) -> Path:
        """Class data sharing archives."""
        return self.folder / "archives"

    @property
    def requests(self) -> Path:
        """The file by which clients ask the supervisor for a broker, or for its end."""
        return self.folder / "request.json"

    @property
    def last_port(self) -> Path:
        """The file with the wanted port and the one it got, for the next start."""
        return self.folder / "port"


@dataclass(frozen=True)
class Ports:
    """TCP ports on 127.0.0.1: the clients', and the one that broker and controller talk over."""

    client: int
    controller: int

    @classmethod
    def choose(cls, wanted: int, layout: Layout) -> Ports:
        """Choose the port that the last start got for this wanted one; else that one; else any free one.

        Raises:
            OSError: no port is free.

        """
        last = wanted
        with contextlib.suppress(OSError, ValueError):
            earlier, got = layout.last_port.read_text(encoding="ascii").split()
            last = int(got) if int(earlier) == wanted else wanted
        client = loopback.free_port(last)
        if client != last:
            client = loopback.free_port(wanted)
        return cls(client, loopback.free_port(0, client))

    @property
    def bootstrap(self) -> str:
        """The address that clients are given."""
        return f"127.0.0.1:{self.client}"


def configuration(ports: Ports, data: str) -> dict[str, object]:
    """Return the broker's configuration, by its own keys. ``data`` is relative to <home>/local.

    A path of the person's could hold what a properties file or a list of paths can't.
    """
    return {
        "process.roles": "broker,controller",
        "node.id": _NODE,
        # A voter of the configuration, and not of the metadata log: so its port may change at a start.
        "controller.quorum.voters": f"{_NODE}@127.0.0.1:{ports.controller}",
        "listeners": f"CLIENT://{ports.bootstrap},CONTROLLER://127.0.0.1:{ports.controller}",
        "advertised.listeners": f"CLIENT://{ports.bootstrap}",
        "listener.security.protocol.map": "CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "CLIENT",
        "controller.listener.names": "CONTROLLER",
        "log.dirs": data,
        **_alone(),
        **_small(),
    }


def _alone() -> dict[str, object]:
    """Return what a broker without others must be told: every topic has one replica."""
    internal = ("offsets.topic", "transaction.state.log", "share.coordinator.state.topic")
    return {
        **{f"{topic}.replication.factor": 1 for topic in internal},
        # Each partition of these is a log to open at a start.
        **{f"{topic}.num.partitions": 2 for topic in internal},
        "transaction.state.log.min.isr": 1,
        # Flink's exactly-once sink asks for an hour unless it is told otherwise; 15 minutes are the default.
        "transaction.max.timeout.ms": 3_600_000,
        "share.coordinator.state.topic.min.isr": 1,
        "auto.create.topics.enable": "true",
        "num.partitions": 1,
        # There are no other members to wait for before a group's first assignment (by default 3 s).
        "group.initial.rebalance.delay.ms": 0,
        # A broker that was killed is let in again when its old session has timed out (by default 9 s),
        # and asks once in an interval (2 s).
        "broker.session.timeout.ms": 3000,
        "broker.heartbeat.interval.ms": 500,
        # Nobody follows the metadata log: a record each 500 ms would only grow it.
        "metadata.max.idle.interval.ms": 5000,
    }


def _small() -> dict[str, object]:
    return {
        "num.network.threads": 2,
        "num.io.threads": 3,
        "background.threads": 2,
        # On the heap, at the start; by default 128 MB.
        "log.cleaner.dedupe.buffer.size": 4 * 2**20,
        # A topic's partition keeps 7 days, 1 GB at most, and lets go of it in steps of 128 MB.
        "log.retention.hours": 168,
        "log.retention.bytes": 2**30,
        "log.segment.bytes": 2**27,
        "log.retention.check.interval.ms": 30_000,
        # A request is read into the heap as a whole (by default up to 100 MB).
        "socket.request.max.bytes": 2**25,
        "queued.max.request.bytes": 2**26,
    }


def write_configuration(path: Path, ports: Ports, data: str) -> None:
    """Write a properties file.

    Raises:
        OSError: it can't be written.

    """
    lines = [f"{key}={value}" for key, value in configuration(ports, data).items()]
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
