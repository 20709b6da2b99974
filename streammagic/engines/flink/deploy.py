"""Jobs that live on: designed, and sent in a session of their own under an id that was chosen before."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

import orjson

from streammagic.engines.flink import bundles, errors, plans, sinks
from streammagic.engines.flink.designing import explained, kafka_of, placed_in_statement, with_targets
from streammagic.engines.flink.jobmanager import wait_until
from streammagic.engines.flink.session import RUNTIME_MODE
from streammagic.engines.flink.states import States
from streammagic.engines.jobs import Bundle, Comparison, Disowned, Words, hashed_id
from streammagic.errors import (
    ConnectionFailedError,
    DuplicateJobError,
    JobFailedError,
    OptionError,
    SessionLostError,
    SqlError,
    StreamMagicError,
)
from streammagic.sql import naming
from streammagic.sql.statements import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from streammagic.engines.base import Settings
    from streammagic.engines.flink.jobmanager import JobManager
    from streammagic.engines.flink.session import Sessions
    from streammagic.engines.jobs import Labels, Restore, SinkRequest
    from streammagic.sql.statements import Statement

JOB_ID = "$internal.pipeline.job-id"
"""Sets a job's id (org.apache.flink.configuration.PipelineOptionsInternal.PIPELINE_FIXED_JOB_ID)."""

_RESTORE = "execution.state-recovery.path"
_LEAVE = "execution.state-recovery.ignore-unclaimed-state"
_CHECKPOINTS = {
    "execution.checkpointing.interval": "10 s",
    "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
}
"""Set in every deployment that does not set them itself. A kept checkpoint outlives a lost cluster."""

_WORDS = Words(
    stops="with a savepoint",
    from_stop="from that savepoint",
    from_last="from its last state",
    without="without state: none was kept",
    unfit="is expected to be refused",
    stopping="taking a savepoint and stopping",
    cancelling="stopping without a savepoint",
    cancelled="stopped, its state was not saved",
    nothing_kept="has neither a savepoint nor a checkpoint to go on from",
    source="the savepoint",
    savepoint="savepoint",
    slow="Are there enough task slots? %stream diagnose tells more.",
)

_DUPLICATE = ("DuplicateApplicationSubmission", "DuplicateJobSubmission", "has already been submitted")
_APPEARS_SECONDS = 3.0
_BACK_SECONDS = 30.0  # for a gateway that is being started again
_MOST_LABEL = 100_000  # characters of a bundle that rides along


class FlinkJobs(States):
    """The `JobEngine` of Flink: what `Monitor` reads, and all that changes something."""

    def __init__(self, jobmanager: JobManager, sessions: Sessions, settings: Settings) -> None:
        super().__init__(jobmanager, settings.data)
        self._sessions = sessions
        self._settings = settings
        self._adopted: dict[str, str] = {}

    @property
    def magic(self) -> str:
        """The word after ``%%``."""
        return "flink"

    @property
    def place(self) -> str:
        """The JobManager's address; "local" for the embedded Flink, whose address may change."""
        return "local" if self._data is not None else self._jobmanager.endpoint

    @property
    def words(self) -> Words:
        """How it is told what Flink does."""
        return _WORDS

    @property
    def jobs_end(self) -> bool:
        """Return True: what is bounded ends."""
        return True

    @property
    def start_setting(self) -> str:
        """Return "": in Flink the table tells where to start."""
        return ""

    def bundle(self, statement: Statement, settings: Mapping[str, str], sink: SinkRequest) -> Bundle:
        """Gather what a statement needs of all that was defined in this session."""
        definitions = bundles.needed(statement, self._sessions.journal.entries)
        return Bundle(
            engine=self.magic, statement=statement.text, definitions=definitions, settings=settings, sink=sink
        )

    def design(self, bundle: Bundle, name: str) -> Bundle:
        """Say what a bundle writes and, for a bare SELECT, derive its sink. Nothing is left on the engine."""
        statement = bundles.single(bundle.statement)
        if statement.kind not in (Kind.QUERY, Kind.INSERT, Kind.CREATE_AS):
            raise OptionError(
                f"{statement.title} starts no job.",
                hint="A deployment is a SELECT, INSERT INTO, EXECUTE STATEMENT SET or CREATE TABLE … AS.",
            )
        if statement.kind is not Kind.QUERY and (bundle.sink.connector or bundle.sink.options):
            raise OptionError(
                "--sink and --with are for a bare SELECT; this statement names its table itself.",
                hint="Set the options in the table's WITH (…).",
            )
        if statement.kind is not Kind.QUERY:
            return with_targets(bundle, statement, name)
        with self._workshop(bundle) as run:
            return self._with_sink(bundle, statement, name, run)

    def check(self, bundle: Bundle) -> None:
        """Have a bundle planned. Raises `SqlError` where that fails."""
        self._plan(bundle)

    def compare(self, old: Bundle, new: Bundle) -> Comparison:
        """Tell what becomes of the state of ``old`` when ``new`` goes on from it."""
        after = self._plan(new)
        try:
            before = self._plan(old)
        except SqlError as error:
            why = f"the version that runs can't be planned any more: {error.message}"
            return Comparison(verdict="refused", differences=(why,))
        return plans.compare(before.execution, after.execution)

    def job_id(self, bundle: Bundle, name: str, version: int, attempt: int) -> str:
        """Return the id of a run's job, of which no other run has it."""
        del bundle
        return hashed_id(name, version, attempt, self.place)

    def submit(
        self, bundle: Bundle, job_id: str, labels: Labels, restore: Restore | None, *, again: bool
    ) -> None:
        """Send a designed bundle under a job id, from a savepoint if that is given.

        A lost answer is looked up by the id; where no job came to be, it is sent once more.
        """
        del again  # a job takes nothing from another, and a table that is there is refused
        self._send(bundle, job_id, labels, restore)
        if restore is not None and restore.new_sink:
            self._check_state(job_id, restore.of)

    def _send(self, bundle: Bundle, job_id: str, labels: Labels, restore: Restore | None) -> None:
        try:
            self._submit(bundle, job_id, labels, restore)
        except (ConnectionFailedError, SessionLostError):
            if self._appears(job_id):
                return
            self._await_gateway()
            try:
                self._submit(bundle, job_id, labels, restore)
            except DuplicateJobError:
                return  # it had come to be after all

    def abandon(self, bundle: Bundle, job_id: str, restore: Restore | None) -> None:
        """Give up a start that failed: its job is cancelled, and its table dropped if that can be."""
        del restore  # savepoints outlive the jobs that start from them
        self.cancel(job_id)
        with suppress(StreamMagicError):  # why the start failed is what counts
            self.disown(bundle)

    def adopt(self, bundle: Bundle) -> None:
        """Make the table that was made for a bundle known to this connection's session."""
        if not bundle.table_ddl:
            return
        statement = bundles.single(bundle.table_ddl)
        name = sinks.quoted(bundle.table)
        before = self._sessions.journal.creation(name)
        if before is not None and before.normal == statement.normal:
            return
        self._adopted[bundle.table] = statement.normal
        self._sessions.run_in_all(f"DROP TABLE IF EXISTS {name}")
        self._sessions.define(statement, name)

    def disown(self, bundle: Bundle, topics: Sequence[str] = ()) -> Disowned:
        """Drop the table that was made for a bundle, here and where a catalog keeps it; topics stay."""
        del topics
        created = bundles.single(bundle.table_ddl or bundle.statement)
        if not bundle.table_ddl and created.kind is not Kind.CREATE_AS:
            return Disowned()
        name = sinks.quoted(bundle.table) if bundle.table_ddl else bundle.table
        drop = f"DROP TABLE IF EXISTS {name}"
        known = self._sessions.journal.creation(name)
        if known is not None and known.normal == created.normal:
            self._sessions.run_in_all(drop)
            self._sessions.journal.forget(name)
            self._adopted.pop(bundle.table, None)
        if any("CATALOG" in bundles.single(sql).words for sql in bundle.definitions):
            with self._workshop(bundle) as run:
                run(drop)
        return Disowned(things=(f"table {bundle.table}",) if bundle.table_ddl else ())

    @staticmethod
    def dependants(bundle: Bundle, but: Sequence[Bundle] = ()) -> list[str]:
        """Return nothing: a job goes on, whatever is dropped."""
        del bundle, but
        return []

    @contextmanager
    def _workshop(self, bundle: Bundle) -> Iterator[sinks.Run]:
        mode = bundle.settings.get(RUNTIME_MODE, "streaming").lower()
        with self._sessions.workshop(bundle.definitions, mode) as session:
            yield lambda sql, told=None: self._sessions.run(session, sql, statement=told)

    def _with_sink(self, bundle: Bundle, statement: Statement, name: str, run: sinks.Run) -> Bundle:
        plan = explained(run, statement)
        table = naming.table_name(name)
        known = self._sessions.journal.creation(sinks.quoted(table))
        if known is not None and self._adopted.get(table) != known.normal:
            raise OptionError(
                f"There is a table {table} already, and a deployment of this SELECT would make one.",
                hint=f"Deploy it under another name, or write INSERT INTO {table} SELECT ….",
            )
        request = bundle.sink
        if request.connector == "filesystem" and "path" not in request.options and self._data is not None:
            options = {"path": (self._data / "output" / name).as_uri(), **request.options}
            request = replace(request, options=options)
        ddl = sinks.derive(run, statement, plan, name, request)
        return replace(
            bundle,
            table=table,
            table_ddl=ddl,
            insert=f"INSERT INTO {sinks.quoted(table)}\n{statement.text}",
            **kafka_of(bundle, [ddl]),
        )

    def _plan(self, bundle: Bundle) -> plans.Plan:
        with self._workshop(bundle) as run:
            if bundle.table_ddl:
                run(bundle.table_ddl)
            with placed_in_statement(bundle):
                return explained(run, bundles.single(bundle.insert or bundle.statement))

    def _submit(self, bundle: Bundle, job_id: str, labels: Labels, restore: Restore | None) -> None:
        statement = bundles.single(bundle.insert or bundle.statement)
        config = self._config(bundle, job_id, labels, restore)
        mode = bundle.settings.get(RUNTIME_MODE, "streaming").lower()
        made = [bundle.table_ddl] if bundle.table_ddl else []
        with self._sessions.workshop([*bundle.definitions, *made], mode) as session:
            try:
                with placed_in_statement(bundle):
                    self._sessions.run(session, statement.text, config, statement)
            except SqlError as error:
                self._refused(error, job_id)
                if bundle.table and (made or statement.kind is Kind.CREATE_AS):
                    with suppress(StreamMagicError):
                        table = sinks.quoted(bundle.table) if made else bundle.table
                        self._sessions.run(session, f"DROP TABLE IF EXISTS {table}")
                raise

    @staticmethod
    def _refused(error: SqlError, job_id: str) -> None:
        if any(word in f"{error.cause} {error.details}" for word in _DUPLICATE):
            raise DuplicateJobError(
                f"A job with the id {job_id} was started before.", engine=errors.TITLE, cause=error.cause
            ) from None

    def _config(self, bundle: Bundle, job_id: str, labels: Labels, restore: Restore | None) -> dict[str, str]:
        told = {
            "streammagic.name": labels.name,
            "streammagic.version": str(labels.version),
            "streammagic.sha": labels.sha,
            "streammagic.owner": labels.owner,
        }
        packed = bundle.packed()
        if len(packed) < _MOST_LABEL:
            told["streammagic.bundle"] = packed
        config = {key: value for key, value in bundle.settings.items() if key != RUNTIME_MODE}
        if bundle.settings.get(RUNTIME_MODE, "").lower() != "batch":
            known = [*self._settings.properties, *config]
            config |= {
                key: value
                for key, value in _CHECKPOINTS.items()
                if key not in known and not bundles.sets(key, bundle.definitions)
            }
        config |= {
            JOB_ID: job_id,
            "table.dml-sync": "false",  # the answer is the job's id, not its end
            "pipeline.name": labels.name,
            # A YAML flow map, which JSON is: commas and colons in values survive.
            "pipeline.global-job-parameters": orjson.dumps(told).decode(),
        }
        if restore is None:
            return config
        left = {_LEAVE: "true"} if restore.new_sink else {}
        return config | {_RESTORE: restore.path} | left

    def _check_state(self, job_id: str, before: str) -> None:
        """End a job that has not taken all of the state but its sink's from the one before it.

        A vertex has the id of its first operator, and that is the id by which state is found.
        """
        vertices = [self._vertices(job) for job in (before, job_id)]
        lost = [name for vertex, name in vertices[0].items() if vertex not in vertices[1]]
        if vertices[0] and not lost:
            return
        self.cancel(job_id)
        raise JobFailedError(
            f"Flink found no place for the state of {lost[0] if lost else 'the version before'}.",
            engine=errors.TITLE,
            hint="The query changed too much for its old state: --drop-state begins without it.",
        )

    def _vertices(self, job_id: str) -> dict[str, str]:
        """Return the names of a job's vertices but a sink's own, by their ids."""
        answer = self._jobmanager.get(f"/jobs/{job_id}") or {}
        return {
            str(vertex["id"]): str(vertex["name"]).partition(" -> ")[0]
            for vertex in answer.get("vertices", [])
            if ": Writer" not in str(vertex["name"]).partition(" -> ")[0]
        }

    def _appears(self, job_id: str) -> bool:
        return wait_until(lambda: self._jobmanager.status(job_id) is not None, _APPEARS_SECONDS)

    def _await_gateway(self) -> None:
        """Wait for a gateway that is being started again, and forget the sessions that it had."""

        def answers() -> bool:
            with suppress(StreamMagicError):
                return self._sessions.ping()
            return False

        wait_until(answers, _BACK_SECONDS)
