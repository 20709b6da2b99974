"""What is left over: jobs, topics, consumer groups and saved state that no deployment owns any more."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from streammagic.engines.jobs import Job
    from streammagic.jobs.launch import Office
    from streammagic.jobs.ledger import Deployment
    from streammagic.topics.broker import Broker


@dataclass(slots=True)
class Leftovers:
    """What was found, each by its name or id; savepoints by their path, with the job they are of."""

    jobs: list[str] = field(default_factory=list)
    topics: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    savepoints: dict[str, str] = field(default_factory=dict)
    states: list[str] = field(default_factory=list)

    def lines(self, *, steady: bool) -> list[str]:
        """Say what was found, a line each; with ``steady`` ids and paths are only counted."""
        named = [
            *(f"topic {topic}" for topic in self.topics),
            *(f"consumer group {group}" for group in self.groups),
        ]
        unnamed: dict[str, Collection[str]] = {
            "job": self.jobs,
            "savepoint": self.savepoints,
            "checkpoints of job": self.states,
        }
        if steady:
            return [*(f"{what}: {len(found)}" for what, found in unnamed.items() if found), *named]
        return [*(f"{what} {name}" for what, found in unnamed.items() for name in found), *named]


class Cleanup:
    """Finds and removes what this ledger's deployments left on an engine, and on Kafka if there is one."""

    def __init__(self, office: Office, broker: Broker | None) -> None:
        self._office = office
        self._broker = broker

    def find(self) -> Leftovers:
        """Look for what nobody owns. Nothing of a deployment that is not deleted is ever among it."""
        ledger, engine = self._office.ledger, self._office.engine
        everything = ledger.deployments(engine.place, deleted=True)
        living = [deployment for deployment in everything if deployment.deleted is None]
        dead = [deployment for deployment in everything if deployment.deleted is not None]
        running = {job.id: job for job in engine.jobs() if not job.is_over}
        found = Leftovers(
            jobs=[job.id for job in running.values() if self._is_orphan(job)],
            savepoints={saved.path: saved.job_id for deployment in dead for saved in deployment.savepoints}
            | dict.fromkeys(self._strays(everything), ""),
            states=[job for job in self._superseded(everything) if job not in running],
        )
        if self._broker is not None:
            self._find_on_kafka(self._broker, living, dead, found)
        return found

    def remove(self, found: Leftovers) -> None:
        """Remove what was found."""
        engine, ledger = self._office.engine, self._office.ledger
        for job in found.jobs:
            engine.cancel(job)
            ledger.set_run(job, "cancelled", "left over")
        for path, job in found.savepoints.items():
            engine.discard(path)
            ledger.drop_savepoint(path, job)
        for job in [*found.states, *found.jobs]:
            engine.sweep(job)
        if self._broker is not None:
            self._broker.delete_groups(found.groups)
            self._broker.delete(found.topics)

    def _is_orphan(self, job: Job) -> bool:
        """Tell whether a running job is of a deployment that is deleted, or goes on with another run.

        Where its engine does not say when it was started, it may be somebody's new one.
        """
        owner = self._office.ledger.by_job(job.id)
        if owner is None or job.started is None:
            return False
        return owner.deleted is not None or owner.run is None or owner.run.job_id != job.id

    def _strays(self, deployments: list[Deployment]) -> list[str]:
        """Return the savepoints of our jobs that nobody wrote down: their verb was interrupted."""
        known = {saved.path for deployment in deployments for saved in deployment.savepoints}
        used = {run.restored for deployment in deployments for run in deployment.runs}
        ours = [run.job_id for deployment in deployments for run in deployment.runs]
        return [path for path in self._office.engine.savepoints(ours) if path not in known | used]

    def _superseded(self, deployments: list[Deployment]) -> list[str]:
        """Return the ended runs whose checkpoints nobody will go on from, where some are kept."""
        engine = self._office.engine
        newest = [deployment.run for deployment in deployments if deployment.deleted is None]
        wanted = {run.job_id for run in newest if run is not None}
        ended = dict.fromkeys(run.job_id for deployment in deployments for run in deployment.runs)
        return [job for job in ended if job not in wanted and engine.keeps_state(job)]

    def _find_on_kafka(
        self, broker: Broker, living: list[Deployment], dead: list[Deployment], found: Leftovers
    ) -> None:
        owned = {topic for deployment in living for topic in deployment.current.bundle.topics}
        read = {group for deployment in living for group in deployment.current.bundle.groups}
        made = {t for deployment in dead for v in deployment.versions for t in v.bundle.made_topics}
        used = {g for deployment in dead for v in deployment.versions for g in v.bundle.groups}
        there = {topic.name for topic in broker.topics()} if made else set()
        found.topics = sorted(made & there - owned)
        idle = {group.name for group in broker.groups() if not group.members} if used else set()
        found.groups = sorted(used & idle - read)
