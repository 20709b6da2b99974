"""``%stream stop``, ``savepoint``, ``delete``, ``attach`` and ``cleanup``: what becomes of deployments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streammagic.errors import OptionError
from streammagic.jobs.cleanup import Cleanup
from streammagic.jobs.life import Life
from streammagic.views.blocks import line_bundle

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from streammagic.engines.jobs import JobEngine
    from streammagic.jobs.ledger import Deployment
    from streammagic.jobs.life import Deleted
    from streammagic.magics.desk import Desk, Verbs


class LifeVerbs:
    """The verbs about deployments that are there."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, verbs: Verbs) -> None:
        """Register the verbs."""
        stop = verbs.add("stop", "stop a deployment, with its state kept to resume from", self._stop)
        stop.add_argument("name", metavar="NAME", nargs="+")
        stop.add_argument(
            "--no-savepoint", "--terminate", action="store_true", help="end it without saving its state"
        )
        stop.add_argument(
            "--drain", action="store_true", help="fire all timers and windows first; it can't be resumed well"
        )
        saved = verbs.add("savepoint", "save the state of a deployment that goes on", self._savepoint)
        saved.add_argument("name", metavar="NAME")
        delete = verbs.add(
            "delete", "end a deployment, and take away what it made but its topics", self._delete
        )
        delete.add_argument("name", metavar="NAME", nargs="+")
        delete.add_argument("--topics", action="store_true", help="delete the topics it wrote as well")
        delete.add_argument("--if-exists", action="store_true", help="say nothing where there is none")
        attach = verbs.add("attach", "take deployments that run on the cluster into the ledger", self._attach)
        attach.add_argument("name", metavar="NAME", nargs="?")
        cleanup = verbs.add("cleanup", "list what nobody owns any more, and remove it", self._cleanup)
        cleanup.add_argument("--yes", action="store_true", help="remove what is listed, but topics")
        cleanup.add_argument("--topics", action="store_true", help="topics as well")
        for parser in (stop, saved, delete, attach, cleanup):
            parser.add_argument("--conn", metavar="NAME", help="the connection to use")

    def _stop(self, options: argparse.Namespace) -> None:
        if options.no_savepoint and options.drain:
            raise OptionError("--drain ends with a savepoint; it does not go with --no-savepoint.")

        def stop(engine: JobEngine, found: Deployment, life: Life) -> str:
            del engine
            stopped = life.stop(found.name, savepoint=not options.no_savepoint, drain=options.drain)
            shown = "" if self._desk.mode() == "batch" else stopped.shown
            return stopped.said + (f" · {shown}" if shown else "")

        self._each(options.name, options.conn, stop)

    def _savepoint(self, options: argparse.Namespace) -> None:
        def save(engine: JobEngine, found: Deployment, life: Life) -> str:
            del engine
            path = life.savepoint(found.name)
            return "saved, and goes on" + ("" if self._desk.mode() == "batch" else f" · {path}")

        self._each([options.name], options.conn, save)

    def _delete(self, options: argparse.Namespace) -> None:
        done: list[tuple[str, Deleted, Life]] = []
        try:
            with self._desk.progress() as progress:
                left = []
                for name in options.name:
                    try:
                        engine, _ = self._desk.deployment(name, options.conn)
                    except OptionError:
                        if options.if_exists:
                            continue
                        raise
                    left.append((name, Life(self._desk.office(engine, progress))))
                names = [name for name, _ in left]
                for name, life in left:
                    life.check_free(name, names)
                for name, life in left:  # all of them first: one that reads on would make a topic anew
                    life.end(name, names)
                while left:
                    free = (each for each in left if not each[1].dependants(each[0]))
                    name, life = each = next(free, left[0])
                    deleted = life.delete(name, topics=options.topics, but=names)
                    done.append((name, deleted, life))
                    left.remove(each)
        finally:
            lines = [_told(*each, topics=options.topics) for each in done]
            if lines:
                self._desk.show(line_bundle(*lines))

    def _each(
        self,
        names: list[str],
        conn: str | None,
        do: Callable[[JobEngine, Deployment, Life], str],
    ) -> None:
        """Do something to several deployments; say of each what came of it, also where a later one fails."""
        lines: list[str] = []
        try:
            with self._desk.progress() as progress:
                for name in names:
                    engine, found = self._desk.deployment(name, conn)
                    lines.append(f"{name}: {do(engine, found, Life(self._desk.office(engine, progress)))}")
        finally:
            if lines:
                self._desk.show(line_bundle(*lines))

    def _attach(self, options: argparse.Namespace) -> None:
        lines: list[str] = []
        notes: list[str] = []
        with self._desk.progress() as progress:
            for engine in self._engines(options.conn):
                office = self._desk.office(engine, progress)
                attached = Life(office).attach(options.name)
                lines += [
                    f"{d.name}: attached (version {d.ordinal(d.current.number)}, "
                    f"{'running' if d.run is None else d.run.state})"
                    for d in attached
                ]
                notes += office.notes
        self._desk.show(line_bundle(*(sorted(lines) or ["no deployed job runs here"]), *notes))

    def _cleanup(self, options: argparse.Namespace) -> None:
        lines = []
        with self._desk.progress() as progress:
            for engine in self._engines(options.conn):
                cleanup = Cleanup(self._desk.office(engine, progress), self._desk.broker_if_there())
                found = cleanup.find()
                kept, found.topics = [] if options.topics else found.topics, found.topics * options.topics
                if options.yes:
                    cleanup.remove(found)
                word = "removed" if options.yes else "found"
                lines += [f"{word} {line}" for line in found.lines(steady=self._desk.mode() == "batch")]
                lines += [f"found topic {topic}, which goes with --topics only" for topic in kept]
        if lines and not options.yes:
            lines.append("%stream cleanup --yes removes them")
        self._desk.show(line_bundle(*(lines or ["nothing is left over"])))

    def _engines(self, conn: str | None) -> list[JobEngine]:
        """Return the engines asked about: each cluster once."""
        engines = [self._desk.deployer(conn)] if conn else list(self._desk.job_engines().values())
        return list({engine.place: engine for engine in engines}.values())


def _told(name: str, deleted: Deleted, life: Life, *, topics: bool) -> str:
    """Delete the topics that were made for a deployment, if that is wanted, and say what became of it all."""
    gone, kept, bundle = list(deleted.gone), [], deleted.bundle
    for topic in bundle.topics:
        users = [user for user in life.users(topic) if user != name]
        if topic in deleted.topics:
            gone.append(f"topic {topic}")
        elif topics and topic in bundle.made_topics and not users:
            life.drop_topic(topic)
            gone.append(f"topic {topic}")
        elif topics and users:
            kept.append(f"topic {topic} is kept, for {', '.join(users)}")
        elif topics:
            kept.append(f"topic {topic} is kept: it was there before")
        else:
            kept.append(f"topic {topic} is kept (--topics deletes it)")
    return "; ".join([f"{name}: deleted" + (f" ({', '.join(gone)})" if gone else ""), *kept])
