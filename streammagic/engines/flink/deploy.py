"""Jobs that live on: sent in a session of their own, stopped with their state, started from it again.

Source: pages "REST API" (``/jobs/:id/stop``, ``/savepoints``, ``/savepoint-disposal``) and "Savepoints" of
Flink's documentation.
"""

from __future__ import annotations

import shutil
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson

from streammagic.engines.flink import bundles, errors, plans, sinks
from streammagic.engines.flink.jobmanager import wait_until
from streammagic.engines.flink.monitor import Monitor
from streammagic.engines.flink.session import RUNTIME_MODE
from streammagic.engines.jobs import Bundle, Comparison
from streammagic.errors import (
    ConnectionFailedError,
    DuplicateJobError,
    JobFailedError,
    OperationTimeoutError,
    OptionError,
    SessionLostError,
    SqlError,
    StreamMagicError,
)
from streammagic.sql import naming
from streammagic.sql.flink import FlinkDialect
from streammagic.sql.statements import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

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

_DUPLICATE = ("DuplicateApplicationSubmission", "DuplicateJobSubmission", "has already been submitted")
_APPEARS_SECONDS = 3.0
_BACK_SECONDS = 30.0  # for a gateway that is being started again
_END_SECONDS = 30.0
_TASKS_SECONDS = 10.0
_SAVEPOINT_SECONDS = 600.0
_EXPLAIN = "EXPLAIN CHANGELOG_MODE\n"
_MOST_LABEL = 100_000  # characters of a bundle that rides along


class FlinkJobs(Monitor):
    """The `JobEngine` of Flink: what `Monitor` reads, and all that changes something."""

    def __init__(self, jobmanager: JobManager, sessions: Sessions, settings: Settings) -> None:
        super().__init__(jobmanager, None if settings.data is None else settings.data / "log")
        self._jobmanager = jobmanager
        self._sessions = sessions
        self._settings = settings
        self._data = settings.data
        self._adopted: dict[str, str] = {}

    @property
    def place(self) -> str:
        """The JobManager's address; "local" for the embedded Flink, whose address may change."""
        return "local" if self._data is not None else self._jobmanager.endpoint

    def bundle(self, statement: Statement, settings: Mapping[str, str], sink: SinkRequest) -> Bundle:
        """Gather what a statement needs of all that was defined in this session."""
        definitions = bundles.needed(statement, self._sessions.journal.entries)
        return Bundle(
            engine="flink", statement=statement.text, definitions=definitions, settings=settings, sink=sink
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
            return _with_targets(bundle, statement, name)
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

    def submit(self, bundle: Bundle, job_id: str, labels: Labels, restore: Restore | None) -> None:
        """Send a designed bundle under a job id, from a savepoint if that is given.

        A lost answer is looked up by the id; where no job came to be, it is sent once more.
        """
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

    def disown(self, bundle: Bundle) -> None:
        """Drop the table that was made for a bundle, here and where a catalog keeps it."""
        created = bundles.single(bundle.table_ddl or bundle.statement)
        if not bundle.table_ddl and created.kind is not Kind.CREATE_AS:
            return
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

    def stop(self, job_id: str, *, drain: bool) -> str:
        """Stop a job with a savepoint and return its path."""
        self._await_tasks(job_id, "stopped with a savepoint")
        try:
            path = self._triggered(job_id, "stop", {"drain": drain})
        except JobFailedError:
            # Somebody else's stop of a moment ago may have ended it.
            wait_until(lambda: self._jobmanager.has_ended(job_id), _APPEARS_SECONDS)
            found = self.last_savepoint(job_id) if self._jobmanager.has_ended(job_id) else None
            if found is None:
                raise
            path = found
        if not wait_until(lambda: self._jobmanager.has_ended(job_id), _END_SECONDS):
            raise OperationTimeoutError(
                f"The savepoint was taken, and the job has not ended within {_END_SECONDS:g} s.",
                engine=errors.TITLE,
            )
        return path

    def savepoint(self, job_id: str) -> str:
        """Take a savepoint of a running job and return its path."""
        self._await_tasks(job_id, "saved")
        return self._triggered(job_id, "savepoints", {"cancel-job": False})

    def checkpoint(self, job_id: str) -> str | None:
        """Return the newest checkpoint that was kept: as the JobManager says, else as the disk has it."""
        known = self._jobmanager.get(f"/jobs/{job_id}/checkpoints")
        latest = ((known or {}).get("latest") or {}).get("completed") or {}
        if latest.get("external_path"):
            return str(latest["external_path"])
        if self._data is None:
            return None
        kept = (self._data / "checkpoints" / job_id).glob("chk-*/_metadata")
        newest = max(kept, key=lambda file: file.stat().st_mtime_ns, default=None)
        return None if newest is None else newest.parent.as_uri()

    def cancel(self, job_id: str) -> None:
        """End a job without a savepoint; it has ended then."""
        if not self._jobmanager.end(job_id, seconds=_END_SECONDS):
            raise OperationTimeoutError(
                f"Flink has not ended the job within {_END_SECONDS:g} s of being told to.",
                engine=errors.TITLE,
                hint="It goes on being cancelled; %stream jobs tells when it has ended.",
            )

    def discard(self, path: str) -> None:
        """Remove a savepoint: on this disk, else by the JobManager."""
        file = self._on_disk(path)
        if file is not None:
            shutil.rmtree(file, ignore_errors=True)
        else:
            self._jobmanager.post("/savepoint-disposal", {"savepoint-path": path})

    def keeps_state(self, job_id: str) -> bool:
        """Tell whether checkpoints of a job are on this disk."""
        return self._data is not None and (self._data / "checkpoints" / job_id).is_dir()

    def savepoints(self, job_ids: Sequence[str]) -> list[str]:
        """Return the savepoints of those jobs on this disk: a savepoint's name begins with its job's."""
        if self._data is None:
            return []
        begins = tuple(f"savepoint-{job_id[:6]}-" for job_id in job_ids)
        found = sorted((self._data / "savepoints").glob("savepoint-*"))
        return [f"file:{folder}" for folder in found if folder.name.startswith(begins)]

    def last_savepoint(self, job_id: str) -> str | None:
        """Return the path of the savepoint that a job was stopped with, if it was."""
        known = self._jobmanager.get(f"/jobs/{job_id}/checkpoints")
        latest = ((known or {}).get("latest") or {}).get("savepoint") or {}
        return str(latest["external_path"]) if latest.get("external_path") else None

    def sweep(self, job_id: str) -> None:
        """Remove the checkpoints of a job that is over, where they are on this disk."""
        if self._data is not None:
            shutil.rmtree(self._data / "checkpoints" / job_id, ignore_errors=True)

    @contextmanager
    def _workshop(self, bundle: Bundle) -> Iterator[sinks.Run]:
        mode = bundle.settings.get(RUNTIME_MODE, "streaming").lower()
        with self._sessions.workshop(bundle.definitions, mode) as session:
            yield lambda sql, told=None: self._sessions.run(session, sql, statement=told)

    def _with_sink(self, bundle: Bundle, statement: Statement, name: str, run: sinks.Run) -> Bundle:
        plan = _explained(run, statement)
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
            **_kafka(bundle, [ddl]),
        )

    def _plan(self, bundle: Bundle) -> plans.Plan:
        with self._workshop(bundle) as run:
            if bundle.table_ddl:
                run(bundle.table_ddl)
            with _placed_in_statement(bundle):
                return _explained(run, bundles.single(bundle.insert or bundle.statement))

    def _submit(self, bundle: Bundle, job_id: str, labels: Labels, restore: Restore | None) -> None:
        statement = bundles.single(bundle.insert or bundle.statement)
        config = self._config(bundle, job_id, labels, restore)
        mode = bundle.settings.get(RUNTIME_MODE, "streaming").lower()
        made = [bundle.table_ddl] if bundle.table_ddl else []
        with self._sessions.workshop([*bundle.definitions, *made], mode) as session:
            try:
                with _placed_in_statement(bundle):
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

    def _await_tasks(self, job_id: str, what: str) -> None:
        """Wait until all tasks run: a savepoint of a job whose tasks do not all run fails."""

        def settled() -> bool:
            job = self.job(job_id)
            return job is None or job.is_over or job.all_run

        wait_until(settled, _TASKS_SECONDS)
        job = self.job(job_id)
        if job is None or job.is_over or not job.all_run:
            state = "unknown to Flink" if job is None else job.state.lower()
            raise JobFailedError(
                f"The job is {state} and can't be {what}.",
                engine=errors.TITLE,
                hint="%stream diagnose tells why; %stream stop --no-savepoint ends it without a savepoint."
                if job is not None and not job.is_over
                else "deploy --resume starts it from its last savepoint.",
            )

    def _triggered(self, job_id: str, what: str, body: dict[str, Any]) -> str:
        """Start something asynchronous that ends with a savepoint; wait for it and return the path."""
        try:
            answer = self._jobmanager.post(f"/jobs/{job_id}/{what}", body)
        except StreamMagicError as error:
            if "savepoint" in (error.cause or "").lower() and "director" in (error.cause or "").lower():
                error.hint = "Flink has no place for savepoints: set execution.checkpointing.savepoint-dir."
            raise
        if answer is None:
            raise JobFailedError("Flink does not know this job any more.", engine=errors.TITLE)
        path = f"/jobs/{job_id}/savepoints/{answer['request-id']}"
        found: dict[str, Any] = {}

        def completed() -> bool:
            nonlocal found
            found = self._jobmanager.get(path) or {"status": {"id": "COMPLETED"}, "operation": {}}
            return bool(found["status"]["id"] == "COMPLETED")

        if not wait_until(completed, _SAVEPOINT_SECONDS):
            raise OperationTimeoutError(
                f"The savepoint was not complete within {_SAVEPOINT_SECONDS:g} s.", engine=errors.TITLE
            )
        operation = found.get("operation") or {}
        # COMPLETED means that it is over, not that it succeeded (measured on 2.3.0).
        if "location" not in operation:
            stack = (operation.get("failure-cause") or {}).get("stack-trace", "")
            failure = errors.from_stack(stack or "No savepoint was made, and Flink says no reason.", None)
            raise JobFailedError(
                f"No savepoint was made, and the job goes on: {failure.message}",
                engine=errors.TITLE,
                cause=failure.cause,
                details=failure.details,
                hint="%stream stop --no-savepoint ends it without saving its state.",
            )
        return str(operation["location"])

    def _on_disk(self, path: str) -> Path | None:
        """Return the place of a savepoint in the embedded Flink's own directory, None for any other."""
        if self._data is None or not path.startswith("file:"):
            return None
        from pathlib import Path
        from urllib.parse import unquote, urlsplit

        file = Path(unquote(urlsplit(path).path))
        return file if file.is_relative_to(self._data) else None


@contextmanager
def _placed_in_statement(bundle: Bundle) -> Iterator[None]:
    """Move the place of an error from what is sent to what the person wrote."""
    try:
        yield
    except StreamMagicError as error:
        if not bundle.insert:
            raise
        error.statement = bundle.statement
        if bundle.table_ddl and error.line is not None and error.line > 1:
            error.line -= 1  # INSERT INTO … stands on a line of its own
        else:
            error.line = error.column = None
        raise


def _explained(run: sinks.Run, statement: Statement) -> plans.Plan:
    """Plan a statement. An error has its place in the statement, not in the EXPLAIN around it."""
    start = 0
    if statement.words[:1] == ("EXECUTE",):
        start = statement.tokens[1].start - statement.start
    if statement.kind is Kind.CREATE_AS:
        start = FlinkDialect.query_of(statement)
    text = _EXPLAIN + statement.text[start:]
    try:
        rows = run(text, statement.retold(text))
    except SqlError as error:
        error.statement = statement.text
        if error.line is not None and error.column is not None:
            before = statement.text[:start]
            if error.line == 2:  # noqa: PLR2004 - the first line under the EXPLAIN
                error.column += len(before) - (before.rfind("\n") + 1)
            error.line += before.count("\n") - 1
        raise
    return plans.read(str(rows[0][0]))


def _with_targets(bundle: Bundle, statement: Statement, name: str) -> Bundle:
    """Say what a statement that names its tables itself writes and reads."""
    targets = bundles.targets(statement)
    own = [statement.text] if statement.kind is Kind.CREATE_AS else []
    insert = ""
    if bundle.sink.exactly_once:
        options = {**sinks.EXACTLY_ONCE, "sink.transactional-id-prefix": f"streammagic-{name}"}
        written = ", ".join(f"'{key}'='{value}'" for key, value in options.items())
        insert = bundles.with_options(statement, written) or ""
        if not insert:
            raise OptionError(
                "--exactly-once is for a SELECT or one INSERT INTO.",
                hint=f"Set the options in the tables' WITH (…): {written}.",
            )
    return replace(
        bundle,
        table=targets[0] if targets else "",
        insert=insert,
        **_kafka(bundle, bundles.definitions_of(targets, [*bundle.definitions, *own])),
    )


def _kafka(bundle: Bundle, written: Sequence[str]) -> dict[str, Any]:
    """Return which topics and groups of Kafka a bundle has to do with; ``written`` define its targets."""
    topics = tuple(bundles.options_of([], written, "topic"))
    read = [sql for sql in bundle.definitions if sql not in written]
    return {
        "topics": topics,
        "reads": tuple(topic for topic in bundles.options_of([], read, "topic") if topic not in topics),
        "makes": {
            topic: "'upsert-kafka'" in sql
            for sql in written
            if "{{ kafka }}" in sql
            for topic in bundles.options_of([], [sql], "topic")
        },
        "groups": tuple(bundles.options_of([], bundle.definitions, "properties.group.id")),
    }
