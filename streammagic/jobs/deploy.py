"""Deploying under a name: what there is, what it would become, and getting there without losing state."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from streammagic.engines.jobs import Restore
from streammagic.errors import OptionError, SqlError, StreamMagicError
from streammagic.jobs.launch import launch, reconcile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streammagic.engines.jobs import Bundle, Comparison
    from streammagic.jobs.launch import Office
    from streammagic.jobs.ledger import Deployment, Run

State = Literal["keep", "drop"]
"""What becomes of a query's state: it goes on from it, or begins anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What deploying a bundle under a name would do.

    ``action``: "start" a new deployment, leave it "unchanged", or "replace" what is there. ``restore`` is
    the savepoint or checkpoint to go on from where nothing runs. ``comparison`` is None where no state is
    at stake.
    """

    name: str
    action: Literal["start", "unchanged", "replace"]
    bundle: Bundle
    deployment: Deployment | None = None
    comparison: Comparison | None = None
    restore: Restore | None = None

    @property
    def runs(self) -> Run | None:
        """The run that a replacement would stop."""
        run = None if self.deployment is None else self.deployment.run
        return run if run is not None and run.state == "running" else None

    @property
    def leaves_sink(self) -> bool:
        """Whether the sink's own state finds no place any more."""
        return self.comparison is not None and self.comparison.new_sink

    def lines(self) -> list[str]:
        """Say the plan, a line a step."""
        if self.deployment is None or self.action == "start":
            return [f"{self.name}: a new deployment", *_made(self.bundle)]
        number = self.deployment.ordinal(self.deployment.current.number)
        if self.action == "unchanged":
            state = "" if self.deployment.run is None else f", {self.deployment.run.state}"
            return [f"{self.name}: unchanged (version {number}{state})"]
        return [
            f"{self.name}: version {number} → {number + 1}",
            *([f"  stops   version {number}, with a savepoint"] if self.runs else []),
            f"  starts  version {number + 1}, " + self._source(),
            *self._about_state(),
            "",
            *_difference(self.deployment.versions[-1].bundle, self.bundle),
        ]

    def _source(self) -> str:
        if self.runs:
            return "from that savepoint"
        return "without state: none was kept" if self.restore is None else "from its last state"

    def _about_state(self) -> Iterator[str]:
        compared = self.comparison
        if compared is None:
            return
        verdict = {
            "fits": "fits",
            "changed": "fits, but its meaning changes",
            "refused": "is expected to be refused",
        }[compared.verdict]
        yield f"  state   {verdict}" + (":" if compared.differences else "")
        yield from (f"          {difference}" for difference in compared.differences)
        if compared.new_sink and compared.verdict != "refused":
            yield "          the sink begins anew; it has committed all that was written"


def _made(bundle: Bundle) -> list[str]:
    return ["", *bundle.table_ddl.splitlines()] if bundle.table_ddl else []


def _difference(old: Bundle, new: Bundle) -> list[str]:
    texts = [
        ";\n".join([*bundle.definitions, bundle.insert and bundle.table_ddl, bundle.statement]).splitlines()
        for bundle in (old, new)
    ]
    settings = [[f"--set {k}={v}" for k, v in sorted(bundle.settings.items())] for bundle in (old, new)]
    lines = difflib.unified_diff(
        texts[0] + settings[0], texts[1] + settings[1], "deployed", "in this cell", lineterm="", n=2
    )
    return [line for line in lines if not line.startswith("@@")]


class Deploying:
    """Deployments of one engine, under a name each."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def plan(self, name: str, bundle: Bundle, *, check: bool = False) -> Plan:
        """Say what deploying a bundle would do; nothing is changed.

        With ``check`` a new deployment is planned by the engine too. Raises `SqlError` where the engine
        refuses the bundle.
        """
        office = self._office
        found = office.ledger.deployment(office.engine.place, name)
        if found is None or found.deleted is not None or _never_ran(found):
            designed = office.engine.design(bundle, name)
            if check:
                office.engine.check(designed)
            return Plan(name=name, action="start", bundle=designed)
        found = reconcile(office, found)
        run = found.run
        if found.current.sha == bundle.sha and run is not None and run.state in ("running", "finished"):
            return Plan(name=name, action="unchanged", bundle=found.current.bundle, deployment=found)
        designed = office.engine.design(bundle, name)
        restore = newest_state(office, found)
        if found.current.sha == bundle.sha:
            comparison = None
        else:
            comparison = office.engine.compare(found.current.bundle, designed)
        return Plan(
            name=name,
            action="replace",
            bundle=designed,
            deployment=found,
            comparison=comparison,
            restore=None if run is not None and run.state == "running" else restore,
        )

    def apply(self, plan: Plan, *, state: State | None, settle: float) -> Run | None:
        """Do what a plan says; None where there was nothing to do.

        ``state`` must be given where its meaning would change or it is expected to be refused: raises
        `OptionError` without. Where the new version fails, the old one goes on from the savepoint, and the
        failure is raised.
        """
        if plan.action == "unchanged":
            return None
        office = self._office
        if state is None and plan.comparison is not None and plan.comparison.verdict != "fits":
            raise _undecided(plan)
        if plan.leaves_sink and state != "drop" and not plan.runs and not _is_savepoint(plan):
            raise OptionError(
                f"{plan.name} ended without a savepoint; its sink may not have committed all of its output.",
                hint=f"%stream deploy {plan.name} --resume goes on with the version that was deployed, and "
                "then it can be changed. --drop-state begins without state.",
            )
        place = office.engine.place
        with office.ledger.claim(place, plan.name, "deployed", office.notebook):
            self._still_true(plan)
            if plan.action == "start":
                return self._start(plan, settle)
            return self._replace(plan, drop=state == "drop", settle=settle)

    def _still_true(self, plan: Plan) -> None:
        """Raise where somebody else has changed the deployment since it was planned."""
        now = self._office.ledger.deployment(self._office.engine.place, plan.name)
        before = None if plan.deployment is None else plan.deployment.run
        there = now is not None and now.deleted is None and now.run is not None
        if plan.action == "start" and there and now is not None and now.run is not None:
            if now.run.state in ("running", "submitting"):
                raise OptionError(
                    f"{plan.name} was deployed by somebody else just now.",
                    hint="Run the cell again: it is unchanged, or you are shown the difference.",
                )
        elif plan.action == "replace" and (now is None or now.deleted is not None or now.run != before):
            raise OptionError(
                f"{plan.name} was changed by somebody else just now.",
                hint="Run the cell again to see what it would do.",
            )

    def _start(self, plan: Plan, settle: float) -> Run:
        office = self._office
        bundle = self._with_topics(plan.bundle)
        made = bundle.made_topics
        version = office.ledger.add_version(office.engine.place, plan.name, bundle, office.notebook)
        try:
            run = launch(office, plan.name, version.number, bundle, restore=None, settle=settle)
        except StreamMagicError as error:
            if made:
                office.drop_topics(made)
            if isinstance(error, SqlError):  # there never was a job
                office.ledger.mark_deleted(office.engine.place, plan.name)
            raise
        office.engine.adopt(bundle)
        return run

    def _with_topics(self, bundle: Bundle) -> Bundle:
        """Create the topics of a sink that was made for the person, where they do not exist."""
        if not bundle.table_ddl or "{{ kafka }}" not in bundle.table_ddl:
            return bundle
        compacted = "'upsert-kafka'" in bundle.table_ddl
        made = tuple(topic for topic in bundle.topics if self._office.make_topic(topic, compacted))
        return replace(bundle, made_topics=made)

    def _replace(self, plan: Plan, *, drop: bool, settle: float) -> Run:
        office, deployment = self._office, plan.deployment
        if deployment is None:
            raise AssertionError  # a replacement has something to replace
        old, running = deployment.current, plan.runs
        path = plan.restore
        if running is not None:
            path = Restore(path=stop_run(office, running, drain=False), of=running.job_id)
        bundle = self._with_topics(plan.bundle)
        kept = tuple(dict.fromkeys([*old.bundle.made_topics, *bundle.made_topics]))
        bundle = replace(bundle, made_topics=kept)
        ledger, place = office.ledger, office.engine.place
        version = old
        if old.sha != bundle.sha:
            version = ledger.add_version(place, plan.name, bundle, office.notebook)
        try:
            restore = None if drop or path is None else replace(path, new_sink=plan.leaves_sink)
            run = launch(office, plan.name, version.number, bundle, restore=restore, settle=settle)
        except StreamMagicError as error:
            if running is not None:
                self._go_back(plan.name, deployment, path, settle, error)
            raise
        office.engine.adopt(bundle)
        return run

    def _go_back(
        self, name: str, deployment: Deployment, path: Restore | None, settle: float, error: StreamMagicError
    ) -> None:
        """Start the old version again, and say so in the error that made it necessary."""
        office, old = self._office, deployment.current
        place = office.engine.place
        office.say(f"{name} failed; the version before it is started again")
        restored = office.ledger.add_version(place, name, old.bundle, office.notebook)
        try:
            launch(office, name, restored.number, old.bundle, restore=path, settle=settle)
        except StreamMagicError as second:
            error.hint = (
                f"The version before it did not start again either: {second.message} Its state is kept: "
                f"%stream deploy {name} --resume."
            )
            return
        said = (
            f"Version {old.number} goes on from the savepoint, as version {restored.number}; nothing is lost."
        )
        error.hint = f"{error.hint} {said}" if error.hint else said


def _never_ran(deployment: Deployment) -> bool:
    """Tell whether each start of a deployment failed, so that there is nothing to ask about."""
    return all(run.state == "failed" for run in deployment.runs)


def _is_savepoint(plan: Plan) -> bool:
    """Tell whether the state to go on from is a savepoint that the deployment was stopped with."""
    saved = () if plan.deployment is None else plan.deployment.savepoints
    return any(s.kind == "stop" and plan.restore is not None and s.path == plan.restore.path for s in saved)


def _undecided(plan: Plan) -> OptionError:
    compared = plan.comparison
    expected = "" if compared is None else "; ".join(compared.differences)
    if compared is not None and compared.verdict == "refused":
        message = f"The state of {plan.name} is expected to be refused by the new query ({expected})."
    else:
        message = f"The state of {plan.name} fits the new query, but would mean something else ({expected})."
    return OptionError(
        message,
        hint="--drop-state begins without it; --keep-state goes on from it all the same, and the old version "
        "is started again where that fails.",
    )


def stop_run(office: Office, run: Run, *, drain: bool) -> str:
    """Stop a run with a savepoint, write both down, and return the path."""
    office.say("taking a savepoint and stopping")
    path = office.engine.stop(run.job_id, drain=drain)
    office.ledger.add_savepoint(run.job_id, path, "stop")
    office.ledger.set_run(run.job_id, "stopped")
    return path


def newest_state(office: Office, deployment: Deployment) -> Restore | None:
    """Return what a deployment can go on from.

    That is the newest checkpoint of its last run, if that ended otherwise than by a savepoint, else its last
    savepoint, else what that run itself went on from.
    """
    run, saved = deployment.run, deployment.savepoint
    if run is not None and run.state in ("failed", "lost", "cancelled"):
        checkpoint = office.engine.checkpoint(run.job_id)
        if checkpoint is not None:
            return Restore(path=checkpoint, of=run.job_id)
    if saved is not None:
        return Restore(path=saved.path, of=saved.job_id)
    return None if run is None or run.restored is None else Restore(path=run.restored, of=run.job_id)
