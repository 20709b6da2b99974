"""What the verbs of ``%stream`` work with: settings, connections, the books, and the way to the person."""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from streammagic.engines.base import QueryOptions, plugins
from streammagic.errors import OptionError, StreamMagicError
from streammagic.magics.frames import shown_frame
from streammagic.sql.statements import split
from streammagic.views.blocks import line_bundle
from streammagic.views.channel import show
from streammagic.views.modes import display_mode
from streammagic.views.progress import Progress

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    import pandas as pd

    from streammagic.config import StreamMagic
    from streammagic.engines.base import StreamEngine
    from streammagic.engines.jobs import JobEngine
    from streammagic.jobs.launch import Office
    from streammagic.jobs.ledger import Deployment, Ledger
    from streammagic.magics.connections import Connections
    from streammagic.magics.options import OptionParser
    from streammagic.sql.statements import Statement
    from streammagic.topics.broker import Broker
    from streammagic.views.modes import Mode


class Verbs(Protocol):
    """Where verbs are registered."""

    def add(
        self, name: str, description: str, run: Callable[[argparse.Namespace], Any], *, body: bool = False
    ) -> OptionParser:
        """Register a verb and return its parser; with ``body``, ``options.body`` is the cell's text."""


@dataclass
class Desk:
    """What a verb may use: the same in a notebook and on the command line.

    ``namespace`` holds the person's variables, ``display`` shows a bundle once, ``act`` runs a line of
    ``%stream``. ``done`` is told of each statement that an engine has taken.
    """

    config: StreamMagic
    connections: Connections
    namespace: dict[str, Any]
    display: Callable[[dict[str, str]], None] = show
    act: Callable[[str], Any] = lambda _: None
    done: Callable[[StreamEngine, Statement], None] = lambda _engine, _statement: None
    _ledger: Ledger | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        self.connections.started = lambda engine: self._offer(engine.jobs)

    def mode(self) -> Mode:
        """Return how the output is shown."""
        return display_mode(self.config.mode)

    def show(self, bundle: dict[str, str]) -> None:
        """Show a bundle once."""
        self.display(bundle)

    def progress(self) -> Progress:
        """Return a context whose ``say`` tells what takes long."""
        return Progress(self.mode())

    def returning(self, frame: pd.DataFrame, bundle: dict[str, str]) -> pd.DataFrame:
        """Show the bundle, and return the frame as the magic's value that is not shown a second time."""
        self.show(bundle)
        return shown_frame(frame)

    def kafka(self) -> str:
        """Return the address of Kafka's brokers. Raises `StreamMagicError` where there are none."""
        return self.connections.kafka()

    def kafka_if_there(self) -> str | None:
        """Return the address of Kafka's brokers without starting one; None where none is known."""
        return self.connections.kafka_if_there()

    def broker(self) -> Broker:
        """Return the way to Kafka, with the client settings of the configuration."""
        from streammagic.topics.broker import Broker

        return Broker(self.kafka(), self.config.kafka_properties)

    def broker_if_there(self) -> Broker | None:
        """Return the way to Kafka, None where there is none."""
        try:
            return self.broker()
        except OptionError:
            return None

    def ledger(self) -> Ledger:
        """Return the books, opened when first used."""
        if self._ledger is None:
            from streammagic.jobs.ledger import Ledger

            self._ledger = Ledger.open()
            if self._ledger.notes:
                self.show(line_bundle(*self._ledger.notes))
        return self._ledger

    def engine(self, magic: str, name: str | None = None) -> StreamEngine:
        """Return the engine of a connection, by default of the magic's own, opened where needed."""
        with self.progress() as progress:
            return self.connections.engine(plugins()[magic], name, progress.say)

    def run_sql(self, magic: str, sql: str, name: str | None = None) -> None:
        """Run statements that end by themselves, as a cell of that engine would."""
        self.run(self.engine(magic, name), split(sql, plugins()[magic].dialect))

    def run(
        self, engine: StreamEngine, statements: list[Statement], options: QueryOptions | None = None
    ) -> None:
        """Run statements that end by themselves, one after another."""
        for statement in statements:
            cursor = engine.query(statement, options or QueryOptions())
            try:
                for _ in cursor:
                    pass
            finally:
                cursor.close()
            self.done(engine, statement)

    def job_engines(self) -> dict[str, JobEngine]:
        """Return the engines that can be asked for jobs now, by connection. No cluster is started for it.

        One that can't be reached is said, and left out.
        """
        found = {}
        for name, plugin in self.connections.targets().items():
            if not self.connections.is_there(plugin, name):
                continue
            try:
                found[name] = self.connections.engine(plugin, name, lambda _: None).jobs
            except StreamMagicError as error:
                self.show(line_bundle(f"{name}: {error.message}"))
        return found

    def deployment(self, name: str, conn: str | None = None) -> tuple[JobEngine, Deployment]:
        """Find a deployment by its name, on one connection or on all that are there.

        Where none of them has it and the ledger knows one at the embedded engine, that is started. Raises
        `OptionError` where there is none.
        """
        engines = {conn: self.deployer(conn)} if conn else self.job_engines()
        for connection, engine in engines.items():
            try:
                found = self.ledger().deployment(engine.place, name)
            except StreamMagicError as error:  # one that has to be asked where it is
                if conn:
                    raise
                self.show(line_bundle(f"{connection}: {error.message}"))
                continue
            if found is not None and found.deleted is None:
                return engine, found
        known = self.ledger().deployments()
        for deployment in known:
            plugin = plugins().get(deployment.engine)
            if deployment.name == name and deployment.place == "local" and plugin is not None and not conn:
                return self.engine(plugin.magic).jobs, deployment
        raise _unknown(name, known)

    def office(self, engine: JobEngine, progress: Progress) -> Office:
        """Return what deployments are dealt with on an engine."""
        from streammagic.jobs.launch import Office
        from streammagic.jobs.ledger_values import who

        return Office(
            ledger=self.ledger(),
            engine=engine,
            notebook=self.notebook(),
            owner=who(),
            say=progress.say,
            make_topic=self._make_topic,
            drop_topics=self._drop_topics,
        )

    def notebook(self) -> str:
        """Return the file name of the notebook or script that is asking, "" where it can't be known."""
        path = self.namespace.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME", "")
        return Path(str(path)).name

    def close(self) -> None:
        """Let go of the books."""
        if self._ledger is not None:
            self._ledger.close()
            self._ledger = None

    def deployer(self, conn: str) -> JobEngine:
        """Return what a named connection does for deployments. Raises `OptionError` for an unknown name."""
        return self.engine(self.connections.plugin(conn).magic, conn).jobs

    def _offer(self, engine: JobEngine) -> None:
        """Name the deployments that ended with an earlier cluster, and say how to have them again."""
        from streammagic.jobs.offers import lost

        lines = lost(self.ledger(), engine)
        if lines and self.mode() != "batch":  # what happened before has no place in a notebook's outputs
            self.show(line_bundle(*lines))

    def _make_topic(self, name: str, compacted: bool) -> bool:
        broker = self.broker()
        if name in broker.names():
            return False
        broker.create(name, config={"cleanup.policy": "compact"} if compacted else {})
        return True

    def _drop_topics(self, names: tuple[str, ...]) -> None:
        self.broker().delete(names)


def _unknown(name: str, known: list[Deployment]) -> StreamMagicError:
    names = sorted({deployment.name for deployment in known})
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"Did you mean {near[0]}?" if near else "%stream jobs lists what is deployed."
    return OptionError(f"There is no deployment {name}.", hint=hint)
