"""What happens to a deployment after it was made: stop, resume, save, delete, find again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streammagic.errors import OptionError
from streammagic.jobs.deploy import newest_state, stop_run
from streammagic.jobs.launch import adopt, launch, living, reconcile, settle_submission

if TYPE_CHECKING:
    from streammagic.engines.jobs import Bundle
    from streammagic.jobs.launch import Office
    from streammagic.jobs.ledger import Deployment, Run


class Life:
    """The verbs about deployments that exist. Each takes the claim of the name it is about."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def stop(self, name: str, *, savepoint: bool = True, drain: bool = False) -> str | None:
        """Stop a deployment, with a savepoint whose path is returned unless that is not wanted.

        ``drain`` lets all timers fire first: only for what is not to be resumed. Raises `OptionError` where
        it does not run.
        """
        office = self._office
        with office.ledger.claim(office.engine.place, name, "stopped", office.notebook):
            run = self._running(name)
            if savepoint:
                return stop_run(office, run, drain=drain)
            office.say("stopping without a savepoint")
            office.engine.cancel(run.job_id)
            office.ledger.set_run(run.job_id, "cancelled")
            return None

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
        source = "there is no state to go on from" if state is None else "from its last state"
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
                    f"{name} has neither a savepoint nor a checkpoint to go on from.",
                    hint=f"%stream deploy {name} --resume --drop-state starts it without state.",
                )
            version = found.current
            return launch(office, name, version.number, version.bundle, restore=restore, settle=settle)

    def end(self, name: str) -> None:
        """End all jobs of a deployment that is about to be deleted, without a savepoint."""
        office = self._office
        with office.ledger.claim(office.engine.place, name, "ended", office.notebook):
            self._known(name)
            for job in living(office, name):
                office.say(f"ending {name}")
                office.engine.cancel(job.id)
                office.ledger.set_run(job.id, "cancelled", "deleted")

    def delete(self, name: str) -> tuple[list[str], Bundle]:
        """Take away what an ended deployment made, but its topics; its history is kept.

        Returns what was taken away, and its bundle.
        """
        office = self._office
        with office.ledger.claim(office.engine.place, name, "deleted", office.notebook):
            found = self._known(name)
            bundle = found.current.bundle
            gone = ["its job"] if any(run.reason == "deleted" for run in found.runs) else []
            office.engine.disown(bundle)
            gone += [f"table {bundle.table}"] if bundle.table_ddl else []
            gone += self._without_state(found)
            office.ledger.mark_deleted(office.engine.place, name)
            return gone, bundle

    def users(self, topic: str) -> list[str]:
        """Return the names of the deployments that write or read a topic."""
        office = self._office
        return [
            deployment.name
            for deployment in office.ledger.deployments(office.engine.place)
            if topic in (*deployment.current.bundle.topics, *deployment.current.bundle.reads)
        ]

    def drop_topic(self, topic: str) -> None:
        """Delete a topic."""
        self._office.drop_topics((topic,))

    def attach(self, name: str | None = None) -> list[Deployment]:
        """Take the labelled jobs that run on the engine into the ledger; return their deployments."""
        office = self._office
        engine, ledger = office.engine, office.ledger
        running = {job.id: job for job in engine.jobs() if not job.is_over}
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
            )
            if labels.bundle is not None:
                adopt(office, labels.bundle)
            attached.append(found)
        if name is not None and not attached:
            raise OptionError(
                f"No job called {name} runs here.", hint="%stream jobs --all lists all jobs of the cluster."
            )
        return attached

    def _without_state(self, found: Deployment) -> list[str]:
        """Remove the savepoints and checkpoints of a deployment; say how many."""
        office = self._office
        for saved in found.savepoints:
            office.engine.discard(saved.path)
            office.ledger.drop_savepoint(saved.path)
        for run in found.runs:
            office.engine.sweep(run.job_id)
        count = len(found.savepoints)
        return [f"{count} savepoint{'' if count == 1 else 's'}"] if count else []

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
