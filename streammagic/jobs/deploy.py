"""Deploying under a name: what there is, what it would become, and getting there without losing state."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from streammagic.engines.jobs import Restore
from streammagic.errors import OptionError, StreamMagicError
from streammagic.jobs.launch import REFUSALS, adopt, launch, reconcile, settle_submission
from streammagic.jobs.plan import Plan

if TYPE_CHECKING:
    from streammagic.engines.jobs import Bundle, Stopped
    from streammagic.jobs.launch import Office
    from streammagic.jobs.ledger import Deployment, Run
    from streammagic.jobs.plan import State


class Deploying:
    """Deployments of one engine, under a name each."""

    def __init__(self, office: Office) -> None:
        self._office = office

    def plan(self, name: str, bundle: Bundle, *, check: bool = False) -> Plan:
        """Say what deploying a bundle would do; nothing is changed.

        With ``check`` a new deployment is planned by the engine too. Raises `SqlError` where the engine
        refuses the bundle.
        """
        office, words = self._office, self._office.engine.words
        found = office.ledger.deployment(office.engine.place, name)
        if found is not None and found.deleted is None:
            found = settle_submission(office, reconcile(office, found))
        if found is None or found.deleted is not None or self._never_ran(found):
            designed = self._design(name, bundle)
            if check:
                office.engine.check(designed)
            return Plan(name=name, action="start", bundle=designed, words=words)
        run, same = found.run, found.current.sha == bundle.sha
        if same and run is not None and run.state in ("running", "finished"):
            known = found.current.bundle
            return Plan(name=name, action="unchanged", bundle=known, words=words, deployment=found)
        running = run if run is not None and run.state == "running" else None
        restore = None if running is not None else newest_state(office, found)
        if same:
            known = found.current.bundle
            return Plan(
                name=name, action="resume", bundle=known, words=words, deployment=found, restore=restore
            )
        designed = self._design(name, bundle)
        return Plan(
            name=name,
            action="replace",
            bundle=designed,
            words=words,
            deployment=found,
            runs=running,
            comparison=office.engine.compare(found.current.bundle, designed),
            restore=restore,
        )

    def _design(self, name: str, bundle: Bundle) -> Bundle:
        """Have a bundle designed; raise where its table is another deployment's."""
        office = self._office
        designed = office.engine.design(bundle, name)
        if designed.table_ddl:
            for other in office.ledger.deployments(office.engine.place):
                theirs = other.current.bundle
                if other.name != name and theirs.table_ddl and theirs.table == designed.table:
                    raise OptionError(
                        f"The table {designed.table} is that of the deployment {other.name}.",
                        hint="Choose a name that differs in more than its dots and dashes.",
                    )
        return designed

    def _never_ran(self, deployment: Deployment) -> bool:
        """Tell whether each start of a deployment failed and left no state: there is nothing to ask about."""
        failed = all(run.state == "failed" for run in deployment.runs)
        return failed and newest_state(self._office, deployment) is None

    def apply(self, plan: Plan, *, state: State | None, settle: float) -> Run | None:
        """Do what a plan says; None where there was nothing to do.

        ``state`` must be given where its meaning would change or it is expected to be refused: raises
        `OptionError` without. Where the new version fails, the old one goes on from the savepoint, and the
        failure is raised.
        """
        office = self._office
        if plan.action == "unchanged":
            adopt(office, plan.bundle)
            return None
        if state is None and plan.comparison is not None and plan.comparison.verdict != "fits":
            raise _undecided(plan)
        if plan.leaves_sink and state != "drop" and plan.runs is None and not _is_savepoint(plan):
            raise _uncommitted(plan.name)
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
        elif plan.deployment is not None and (now is None or now.deleted is not None or now.run != before):
            raise OptionError(
                f"{plan.name} was changed by somebody else just now.",
                hint="Run the cell again to see what it would do.",
            )

    def _start(self, plan: Plan, settle: float) -> Run:
        office = self._office
        bundle, made = self._with_topics(plan)
        version = office.ledger.add_version(office.engine.place, plan.name, bundle, office.notebook)
        try:
            return launch(office, plan.name, version.number, bundle, restore=None, settle=settle)
        except StreamMagicError as error:
            if made:
                office.drop_topics(made)
            now = office.ledger.deployment(office.engine.place, plan.name)
            if now is not None and now.ordinal(version.number) == 1:
                tried = now.run is not None and now.run.version == version.number
                if isinstance(error, REFUSALS) or (tried and now.is_refused):
                    office.ledger.mark_deleted(office.engine.place, plan.name)  # there never was a job
            raise

    def _with_topics(self, plan: Plan) -> tuple[Bundle, tuple[str, ...]]:
        """Create the topics that are written and do not exist; note which ones were there before.

        Returns the bundle with the topics that were ever made for it, and those that were made now.
        """
        office, bundle = self._office, plan.bundle
        history = office.ledger.deployment(office.engine.place, plan.name)
        versions = () if history is None else history.versions
        ours = {topic for version in versions for topic in version.bundle.made_topics}
        written = {topic for version in versions for topic in version.bundle.topics}
        made = []
        for topic, compacted in bundle.makes.items():
            if office.make_topic(topic, compacted):
                made.append(topic)
            elif bundle.table_ddl and (plan.action == "start" or topic not in written):
                office.notes.append(f"the topic {topic} was there already, and what is in it stays")
        ever = dict.fromkeys([*sorted(ours), *bundle.made_topics, *made])
        return replace(bundle, made_topics=tuple(ever)), tuple(made)

    def _replace(self, plan: Plan, *, drop: bool, settle: float) -> Run:
        office, deployment = self._office, plan.deployment
        if deployment is None:
            raise AssertionError  # a replacement has something to replace
        old, ledger, place = deployment.current, office.ledger, office.engine.place
        state = self._end(plan, drop=drop) if plan.runs is not None else plan.restore
        bundle, version = plan.bundle, old
        made: tuple[str, ...] = ()
        if plan.action == "replace":
            bundle, made = self._with_topics(plan)
            version = ledger.add_version(place, plan.name, bundle, office.notebook)
        try:
            restore = None if drop or state is None else replace(state, new_sink=plan.leaves_sink)
            return launch(office, plan.name, version.number, bundle, restore=restore, settle=settle)
        except StreamMagicError as error:
            if made:
                office.drop_topics(made)
            if plan.action == "replace":
                self._go_back(plan, state, settle, error)
            raise

    def _end(self, plan: Plan, *, drop: bool) -> Restore | None:
        """End the run that is replaced and return its state.

        One that is failing right now can't be saved: it is cancelled, and its last checkpoint counts.
        """
        office, running, deployment = self._office, plan.runs, plan.deployment
        if running is None or deployment is None:
            return None
        job = office.engine.job(running.job_id)
        if job is not None and job.state == "RUNNING" and not drop:
            stopped = stop_run(office, running, drain=False)
            return None if stopped.path is None else Restore(path=stopped.path, of=running.job_id)
        if plan.leaves_sink and not drop:
            raise _uncommitted(plan.name)
        if not (drop and job is not None and job.all_run and self._saved(running)):
            office.engine.cancel(running.job_id)
            office.ledger.set_run(running.job_id, "cancelled", "replaced")
        return newest_state(office, office.ledger.deployment(deployment.place, plan.name) or deployment)

    def _saved(self, running: Run) -> bool:
        """Stop a run with its state, though that is not wanted, so that there is a way back."""
        try:
            stop_run(self._office, running, drain=False)
        except StreamMagicError:
            return False
        return True

    def _go_back(self, plan: Plan, state: Restore | None, settle: float, error: StreamMagicError) -> None:
        """Make the old version the newest again, start it if it ran, and say so in the error."""
        office, deployment = self._office, plan.deployment
        if deployment is None:
            return
        old, name = deployment.current, plan.name
        number = deployment.ordinal(old.number)
        restored = office.ledger.add_version(office.engine.place, name, old.bundle, office.notebook)
        if plan.runs is None:
            said = f"Version {number} is the newest again; %stream deploy {name} --resume starts it."
        else:
            office.say(f"{name} failed; the version before it is started again")
            try:
                is_gone = state is not None and not office.engine.has_state(state.path)
                kept = None if is_gone else state
                launch(office, name, restored.number, old.bundle, restore=kept, settle=settle)
                source = office.engine.words.source if state is not None else "its beginning"
                said = f"Version {number} goes on from {source}, as version {number + 2}; nothing is lost."
                if is_gone:
                    said = f"Version {number} began anew, as version {number + 2}; its state is gone."
            except StreamMagicError as second:
                said = (
                    f"The version before it did not start again either: {second.message} Its state is kept: "
                    f"%stream deploy {name} --resume."
                )
        error.hint = f"{error.hint} {said}" if error.hint else said


def _is_savepoint(plan: Plan) -> bool:
    """Tell whether the state to go on from is a savepoint that the deployment was stopped with."""
    saved = () if plan.deployment is None else plan.deployment.savepoints
    return any(s.kind == "stop" and plan.restore is not None and s.path == plan.restore.path for s in saved)


def _uncommitted(name: str) -> OptionError:
    return OptionError(
        f"{name} has no savepoint to go on from; its sink may not have committed all of its output.",
        hint=f"%stream deploy {name} --resume goes on with the version that was deployed, and then it can be "
        "changed. --drop-state begins without state.",
    )


def _undecided(plan: Plan) -> OptionError:
    compared = plan.comparison
    expected = "" if compared is None else "; ".join(compared.differences)
    if compared is not None and compared.verdict == "refused":
        message = f"The state of {plan.name} {plan.words.unfit} by the new query ({expected})."
    else:
        message = f"The state of {plan.name} fits the new query, but would mean something else ({expected})."
    return OptionError(
        message,
        hint="--drop-state begins without it; --keep-state goes on from it all the same, and the old version "
        "is started again where that fails.",
    )


def stop_run(office: Office, run: Run, *, drain: bool) -> Stopped:
    """Stop a run with its state, where that can be kept, and write both down."""
    office.say(office.engine.words.stopping)
    stopped = office.engine.stop(run.job_id, drain=drain)
    if stopped.path is not None:
        office.ledger.add_savepoint(run.job_id, stopped.path, "stop")
    office.ledger.set_run(run.job_id, "stopped")
    return stopped


def newest_state(office: Office, deployment: Deployment) -> Restore | None:
    """Return what the newest version of a deployment can go on from.

    That is the newest checkpoint of its last run, if that ended otherwise than by a savepoint, else its last
    savepoint that is still there, else what that run itself went on from. Runs of another query do not count.
    """
    engine = office.engine
    sha = deployment.current.sha
    numbers = {version.number for version in deployment.versions if version.sha == sha}
    run = next((run for run in reversed(deployment.runs) if run.version in numbers), None)
    if run is not None and run.state in ("failed", "lost", "cancelled"):
        checkpoint = engine.checkpoint(run.job_id)
        if checkpoint is not None:
            return Restore(path=checkpoint, of=run.job_id)
    for saved in reversed(deployment.savepoints):
        if saved.version in numbers and engine.has_state(saved.path):
            return Restore(path=saved.path, of=saved.job_id)
    if run is None or run.restored is None or not engine.has_state(run.restored):
        return None
    of = next((saved.job_id for saved in deployment.savepoints if saved.path == run.restored), run.job_id)
    return Restore(path=run.restored, of=of)
