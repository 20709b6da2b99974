"""``%stream local``: the embedded Flink and Kafka, and jars for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streammagic.errors import OptionError
from streammagic.views.blocks import line_bundle

if TYPE_CHECKING:
    import argparse

    from streammagic.local import Cluster
    from streammagic.magics.desk import Desk, Verbs


class EmbeddedVerbs:
    """``local start|stop|status [kafka]`` and ``local add GROUP:ARTIFACT:VERSION``."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, verbs: Verbs) -> None:
        """Register the verb."""
        local = verbs.add("local", "start, stop or show the embedded Flink and Kafka", self._local)
        local.add_argument("action", choices=["start", "stop", "status", "add"])
        local.add_argument(
            "what",
            metavar="kafka|JAR",
            nargs="?",
            help="kafka: the broker alone; for add: a connector or format as GROUP:ARTIFACT:VERSION",
        )
        local.add_argument("--conn", metavar="NAME", help="for add: the connection to use")

    def _local(self, options: argparse.Namespace) -> None:
        if options.action == "add":
            self._add(options.what or "", options.conn)
            return
        if options.what not in (None, "kafka"):
            raise OptionError(f"%stream local {options.action} knows kafka, not {options.what}.")
        getattr(self, f"_{options.action}")(kafka=options.what == "kafka")

    def _start(self, *, kafka: bool) -> None:
        from streammagic import local

        settings = self._desk.config.local
        with self._desk.progress() as progress:
            cluster = local.start(progress.say, **settings)
            if kafka:
                local.start_kafka(progress.say, **settings)
        found = local.status() or cluster
        notes = () if self._desk.mode() == "batch" else found.notes
        self._desk.show(line_bundle(*_lines(found, self._desk), *notes))
        self._desk.connections.started(self._desk.engine("flink"))

    def _stop(self, *, kafka: bool) -> None:
        from streammagic import local

        if kafka:
            done = local.stop_kafka()
        else:
            self._desk.connections.close()
            done = local.stop()
        self._desk.show(line_bundle("stopped" if done else "nothing was running"))

    def _status(self, *, kafka: bool) -> None:
        from streammagic import local

        found = local.status()
        if kafka and (found is None or found.kafka is None):
            self._desk.show(line_bundle("Kafka is not running"))
            return
        lines = ["Flink is not running"] if found is None else _lines(found, self._desk)
        self._desk.show(line_bundle(*lines))

    def _add(self, coordinate: str, conn: str | None) -> None:
        from streammagic.local import jars

        with self._desk.progress() as progress:
            found = jars.add(coordinate, progress.say)
        if not found:
            self._desk.show(line_bundle(f"{coordinate}: it is there already; Flink has it on its class path"))
            return
        self._desk.run_sql("flink", f'ADD JAR {{{{ jar("{coordinate}") }}}}', conn)
        self._desk.show(line_bundle(f"{coordinate}: added to this session, and to what is deployed from it"))


def _lines(cluster: Cluster, desk: Desk) -> list[str]:
    where = desk.mode() != "batch"  # an address may be another one tomorrow
    flink = f"Flink {cluster.flink_version} is {cluster.state}"
    lines = [f"{flink}: gateway {cluster.gateway}, web {cluster.rest}" if where else flink]
    if cluster.kafka:
        lines.append(f"Kafka is ready: {cluster.kafka}" if where else "Kafka is ready")
    return lines
