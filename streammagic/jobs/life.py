"""What happens to a deployment after it was made: stop, resume, save, delete, find again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from streammagic.engines.jobs import Bundle, Stopped
from streammagic.errors import OptionError
from streammagic.jobs.deploy import newest_state, stop_run
from streammagic.jobs.launch import adopt, launch, living, reconcile, settle_submission
from streammagic.views.amounts import plural

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from streammagic.engines.jobs import Labels
    from streammagic.jobs.launch import Office
    from streammagic.jobs.ledger import Deployment, Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Deleted:
    """What became of a deployment: its bundle, what was taken away but topics, and the topics.

    ``topics`` are those that its engine deleted with the rest.
    """

    bundle: Bundle
    gone: tuple[str, ...]
    topics: tuple[str, ...]


class Life:
    """The verbs about deployments that exist. Each takes the claim of the name it is about."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def stop(self, name: str, *, savepoint: bool = True, drain: bool = False) -> Stopped:
        """Stop a deployment, with its state kept unless that is not wanted.

        ``drain`` lets all timers fire first: only for what is not to be resumed. Raises `OptionError` where
        it does not run.
        """
        office = self._office
        with office.ledger.claim(office.engine.place, name, "stopped", office.notebook):
            run = self._running(name)
            if savepoint:
                return stop_run(office, run, drain=drain)
            words = office.engine.words
            office.say(words.cancelling)
            office.engine.cancel(run.job_id)
            office.ledger.set_run(run.job_id, "cancelled")
            return Stopped(path=None, said=words.cancelled)

    def savepoint(self, name: str) -> str:
        """Take a savepoint of a deployment that runs, write it down and return its path."""
        office = self._office
        with office.ledger.claim(office.engine.place, name, "saved", office.notebook):
            run = self._running(name)
            office.say("taking a savepoint")
            path = office.engine.savepoint(run.job_id)
            office.ledger.add_savepoint(run.job_id, path, "manual")
            return path

    def preview(self, name: str) -> str:
        """Say what `resume` would do."""
        office = self._office
        with office.ledger.claim(office.engine.place, name, "looked at", office.notebook):
            found = self._known(name)
        if found.run is not None and found.run.state == "running":
            return f"{name}: runs already"
        state = newest_state(self._office, found)
        last = self._office.engine.words.from_last
        source = "there is no state to go on from" if state is None else last
        return f"{name}: version {found.ordinal(found.current.number)} would start, {source}"

    def resume(self, name: str, *, drop_state: bool = False, settle: float = 2.0) -> Run | None:
        """Start a deployment's newest version again from its state; None where it runs already."""
        office = self._office
        with office.ledger.claim(office.engine.place, name, "resumed", office.notebook):
            found = self._known(name)
            if found.run is not None and found.run.state == "running":
                adopt(office, found.current.bundle)
                return None
            restore = None if drop_state else newest_state(office, found)
            if restore is None and not drop_state:
                raise OptionError(
                    f"{name} {office.engine.words.nothing_kept}.",
                    hint=f"%stream deploy {name} --resume --drop-state starts it without state.",
                )
            version = found.current
            return launch(office, name, version.number, version.bundle, restore=restore, settle=settle)

    def dependants(self, name: str, but: Collection[str] = ()) -> list[str]:
        """Return what else uses what a deployment made, so that it can't be deleted.

        What the deployments named in ``but`` made does not count.
        """
        engine, ledger = self._office.engine, self._office.ledger
        found = ledger.deployment(engine.place, name)
        if found is None or found.is_refused:
            return []
        others = [other for other in ledger.deployments(engine.place) if other.name in but]
        bundles = [other.current.bundle for other in others if other.name != name]
        return engine.dependants(found.current.bundle, bundles)

    def check_free(self, name: str, but: Collection[str] = ()) -> None:
        """Raise `OptionError` where something else uses what a deployment made. See `dependants`."""
        used_by = self.dependants(name, but)
        if used_by:
            use = "uses" if len(used_by) == 1 else "use"
            raise OptionError(
                f"{name} can't be deleted: {_enumerated(used_by)} {use} it.",
                hint="What uses it has to be deleted before, or in the same %stream delete.",
            )

    def end(self, name: str, but: Collection[str] = ()) -> None:
        """End all jobs of a deployment that is about to be deleted, without a savepoint.

        Raises `OptionError`, with nothing ended, where something else uses what it made; what the deployments
        named in ``but`` made, which are deleted as well, does not count.
        """
        office = self._office
        with office.ledger.claim(office.engine.place, name, "ended", office.notebook):
            found = self._known(name)
            self.check_free(name, but)
            for job in () if found.is_refused else living(office, name):
                office.say(f"ending {name}")
                office.engine.cancel(job.id)
                office.ledger.set_run(job.id, "cancelled", "deleted")

    def delete(self, name: str, *, topics: bool = False, but: Collection[str] = ()) -> Deleted:
        """Take away what an ended deployment made; its history is kept.

        With ``topics`` also those of the topics made for it that its engine can delete with the rest, unless
        a deployment uses them that is not among ``but``.
        """
        office = self._office
        with office.ledger.claim(office.engine.place, name, "deleted", office.notebook):
            found = self._known(name)
            bundle = found.current.bundle
            if found.is_refused:  # what stands under its name, if anything does, is not its own
                office.ledger.mark_deleted(office.engine.place, name)
                return Deleted(bundle=replace(bundle, topics=(), made_topics=()), gone=(), topics=())
            gone = ["its job"] if any(run.reason == "deleted" for run in found.runs) else []
            free = [t for t in bundle.made_topics if t in bundle.topics and not self._used(t, {name, *but})]
            taken = office.engine.disown(bundle, free if topics else ())
            gone += [*taken.things, *self._without_state(found)]
            office.ledger.mark_deleted(office.engine.place, name)
            return Deleted(bundle=bundle, gone=tuple(gone), topics=taken.topics)

    def users(self, topic: str) -> list[str]:
        """Return the names of the deployments that write or read a topic."""
        office = self._office
        return [
            deployment.name
            for deployment in office.ledger.deployments(office.engine.place)
            if topic in (*deployment.current.bundle.topics, *deployment.current.bundle.reads)
        ]

    def _used(self, topic: str, but: Collection[str]) -> bool:
        return any(user not in but for user in self.users(topic))

    def drop_topic(self, topic: str) -> None:
        """Delete a topic."""
        self._office.drop_topics((topic,))

    def attach(self, name: str | None = None) -> list[Deployment]:
        """Take the labelled jobs that run on the engine, or are paused, into the ledger.

        Returns their deployments.
        """
        office = self._office
        engine, ledger = office.engine, office.ledger
        running = {job.id: job for job in engine.jobs() if job.is_paused or not job.is_over}
        attached = []
        for job_id, labels in engine.labels(list(running)).items():
            if name is not None and labels.name != name:
                continue
            found = ledger.adopt(
                engine.place,
                labels.name,
                engine.magic,
                labels.version,
                labels.sha,
                labels.bundle,
                job_id,
                running[job_id].started,
                self._id_of(labels),
            )
            if labels.bundle is not None:
                adopt(office, labels.bundle)
            attached.append(reconcile(office, found) if running[job_id].is_paused else found)
        if name is not None and not attached:
            raise OptionError(
                f"No job called {name} runs here.", hint="%stream jobs --all lists all jobs of the cluster."
            )
        return attached

    def _id_of(self, labels: Labels) -> Callable[[int, int], str]:
        """Return what makes the ids of a labelled job's deployment, given a version and an attempt."""
        engine = self._office.engine
        bundle = labels.bundle or Bundle(engine=engine.magic, statement="")
        return lambda version, attempt: engine.job_id(bundle, labels.name, version, attempt)

    def _without_state(self, found: Deployment) -> list[str]:
        """Remove the savepoints and checkpoints of a deployment; say how many."""
        office = self._office
        for saved in found.savepoints:
            office.engine.discard(saved.path)
            office.ledger.drop_savepoint(saved.path, saved.job_id)
        for job_id in dict.fromkeys(run.job_id for run in found.runs):
            office.engine.sweep(job_id)
        word = office.engine.words.savepoint
        return [plural(len(found.savepoints), word)] if word and found.savepoints else []

    def _known(self, name: str) -> Deployment:
        office = self._office
        found = office.ledger.deployment(office.engine.place, name)
        if found is None or found.deleted is not None:
            raise OptionError(f"There is no deployment {name}.", hint="%stream jobs lists them.")
        return settle_submission(office, reconcile(office, found), claimed=True)

    def _running(self, name: str) -> Run:
        found = self._known(name)
        if found.run is None or found.run.state != "running":
            state = "was never started" if found.run is None else f"is {found.run.state}"
            raise OptionError(
                f"{name} {state}.", hint=f"%stream deploy {name} --resume starts it from its last state."
            )
        return found.run


def _enumerated(names: list[str]) -> str:
    return " and ".join([*([", ".join(names[:-1])] if names[1:] else []), names[-1]])
