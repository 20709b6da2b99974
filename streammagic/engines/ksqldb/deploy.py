"""Deployments as ksqlDB has them: persistent queries, each known by the sink that it came with.

Their ids are the server's, and CREATE OR REPLACE keeps them; so a deployment's identity is its sink's name,
which is chosen before anything is sent and which the server holds only once. State and offsets are the
server's: a query is paused, resumed and replaced in place, and "where its state is" is its id.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from streammagic.engines.jobs import Bundle, Comparison, Disowned, Figures, Labels, Stopped, Words
from streammagic.engines.ksqldb import designing, diagnosis, errors
from streammagic.engines.ksqldb.queries import came_with_sink, described, lag, newest_error, persistent
from streammagic.engines.ksqldb.session import OFFSET_RESET
from streammagic.errors import JobFailedError, OptionError, SqlError, StreamMagicError
from streammagic.sql.ksqldb import KsqlDialect
from streammagic.sql.naming import literal
from streammagic.sql.naming_ksqldb import identifier
from streammagic.sql.statements import split

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streammagic.engines.base import Settings
    from streammagic.engines.jobs import Finding, Job, Restore, SinkRequest
    from streammagic.engines.ksqldb.commands import Commands, Entity
    from streammagic.engines.ksqldb.queries import PersistentQuery
    from streammagic.engines.ksqldb.rest import KsqlRest
    from streammagic.engines.ksqldb.session import Session
    from streammagic.sql.statements import Statement

_DIALECT = KsqlDialect()
_EXACTLY_ONCE = {"processing.guarantee": "exactly_once_v2"}
_ASKED_AT_ONCE = 8


class KsqlJobs:
    """The `JobEngine` of ksqlDB."""

    magic = "ksql"
    jobs_end = False
    start_setting = OFFSET_RESET

    def __init__(self, rest: KsqlRest, commands: Commands, session: Session, settings: Settings) -> None:
        self._rest = rest
        self._commands = commands
        self._session = session
        self._settings = settings
        self._listed: dict[str, PersistentQuery] = {}

    @property
    def words(self) -> Words:
        """How it is told what this server does: newer ones pause, older ones only end."""
        pauses = self._rest.info().version.pauses
        return Words(
            stops="which is paused" if pauses else "which is terminated",
            from_stop="in its place, from where it was" if pauses else "from auto.offset.reset on",
            from_last="from where it was",
            without="from auto.offset.reset on",
            unfit="is refused",
            stopping="pausing" if pauses else "terminating",
            cancelling="terminating",
            cancelled="terminated, what it had read is forgotten",
            nothing_kept="is not on the server any more, and what it had read is forgotten",
            source="where it was",
            savepoint="",
            slow="Is the server busy? %stream diagnose tells more.",
        )

    @property
    def place(self) -> str:
        """The cluster's service id and the id of its Kafka: the same for all of its nodes."""
        return self._rest.info().place

    def job_id(self, bundle: Bundle, name: str, version: int, attempt: int) -> str:
        """Return the sink's name at this place: the same for all runs of a deployment."""
        del name, version, attempt
        return self._job_id(designing.shape(bundle.table_ddl))

    def bundle(self, statement: Statement, settings: Mapping[str, str], sink: SinkRequest) -> Bundle:
        """Gather a statement and what it needs of the session: its properties, and the variables it names."""
        designing.deployable(statement)
        if sink.connector is not None:
            raise OptionError(
                "--sink is for engines with connectors; ksqlDB writes to a topic of Kafka.",
                hint="--with KAFKA_TOPIC=… VALUE_FORMAT=… chooses which and how.",
            )
        return Bundle(
            engine=self.magic,
            statement=statement.text,
            definitions=tuple(
                f"DEFINE {name} = {literal(value)}"
                for name, value in sorted(self._session.variables_in(statement.text).items())
            ),
            settings={**self._session.properties, **settings, **(_EXACTLY_ONCE if sink.exactly_once else {})},
            sink=sink,
        )

    def design(self, bundle: Bundle, name: str) -> Bundle:
        """Return the bundle with its CREATE … AS SELECT. Raises `SqlError` where the server refuses it."""
        return designing.designed(bundle, name, self._commands)

    def check(self, bundle: Bundle) -> None:
        """Have the server plan the statement."""
        self._commands.explain(bundle.table_ddl, split(bundle.table_ddl, _DIALECT)[0])

    def compare(self, old: Bundle, new: Bundle) -> Comparison:
        """Ask the server whether it can replace the query in place. EXPLAIN plans it in a sandbox."""
        version = self._rest.info().version
        if not version.pauses:
            anew = (
                f"ksqlDB {version.text} can't pause a query, which is terminated before: it would begin anew"
            )
            return Comparison(verdict="refused", differences=(anew,))
        before, after = designing.shape(old.table_ddl), designing.shape(new.table_ddl)
        if before != after or not after.creates:
            what = "an INSERT INTO can't be replaced" if before == after else f"it becomes a {after.word}"
            anew = f"{what}: it would begin anew, and its topic keeps what is in it"
            return Comparison(verdict="refused", differences=(anew,))
        ddl = designing.or_replace(new.table_ddl)
        try:
            self._commands.explain(ddl, split(ddl, _DIALECT)[0])
        except SqlError as error:
            if not errors.refuses_upgrade(error):
                raise
            return Comparison(verdict="refused", differences=(error.message,))
        return Comparison(
            verdict="fits",
            differences=("it is replaced in place (CREATE OR REPLACE); what it has written stays as it is",),
        )

    def submit(
        self, bundle: Bundle, job_id: str, labels: Labels, restore: Restore | None, *, again: bool
    ) -> None:
        """Create, replace or resume the query of a bundle.

        Raises `OptionError` where something else stands under its name, or what it is to go on from is gone.
        """
        del labels
        if restore is None:
            self._begin(bundle, job_id, again=again)
            return
        query = self._query(job_id)
        if query is None:
            raise OptionError(
                f"The query {restore.path} is gone from the server, and with it what it had read.",
                hint="--drop-state begins anew.",
            )
        if not restore.same:
            self._send(designing.or_replace(bundle.table_ddl), bundle)
            query = self._query(job_id) or query
        if query.paused:
            self._run(f"RESUME {query.id}")

    def adopt(self, bundle: Bundle) -> None:
        """Do nothing: the server knows its sources, and so does every session."""

    def abandon(self, bundle: Bundle, job_id: str, restore: Restore | None) -> None:
        """Take away what a failed start has made; one that went on from something is only paused."""
        if restore is None:
            self.cancel(job_id)
            self.disown(bundle, bundle.made_topics)
        elif (query := self._query(job_id)) is not None and self._rest.info().version.pauses:
            self._run(f"PAUSE {query.id}")

    def disown(self, bundle: Bundle, topics: Sequence[str] = ()) -> Disowned:
        """Drop the source that came with a deployment; its topic too, if that is among ``topics``."""
        shape = designing.shape(bundle.table_ddl)
        if not shape.creates:
            there = self._terminate(self._job_id(shape))
            return Disowned(things=(shape.identity,) if there else ())
        source = self._commands.describe(identifier(shape.name))
        if source is None:
            return Disowned()
        topic = str(source["topic"])
        away = topic in topics
        self._end_writers(source)
        word = str(source["type"])
        self._run(f"DROP {word} {identifier(shape.name)}{' DELETE TOPIC' if away else ''}")
        return Disowned(things=(f"{word.lower()} {shape.name}",), topics=(topic,) if away else ())

    def dependants(self, bundle: Bundle, but: Sequence[Bundle] = ()) -> list[str]:
        """Return the queries and sources that keep a deployment's sink from being dropped.

        What was made for the bundles of ``but`` does not count.
        """
        away = [designing.shape(other.table_ddl).name for other in but]
        shape = designing.shape(bundle.table_ddl)
        source = self._commands.describe(identifier(shape.name)) if shape.creates else None
        if source is None:
            return []
        dependent = [str(name) for name in source.get("sourceConstraints") or []]
        for query in [*(source.get("readQueries") or []), *(source.get("writeQueries") or [])]:
            others = set(query.get("sinks") or ()) - {*dependent, shape.name}
            inserts = not came_with_sink(str(query["id"]))
            if inserts or others:
                dependent.append(str(query["id"]))
        return [name for name in dict.fromkeys(dependent) if name not in away]

    def jobs(self) -> list[Job]:
        """Return the persistent queries of the cluster."""
        place = self.place
        queries = persistent(self._commands)
        jobs = [query.job(place) for query in queries]
        self._listed = {job.id: query for job, query in zip(jobs, queries, strict=True)}
        return jobs

    def job(self, job_id: str) -> Job | None:
        """Return one query, None where there is none of that identity."""
        query = self._query(job_id)
        return None if query is None else query.job(self.place)

    def labels(self, job_ids: Sequence[str]) -> dict[str, Labels]:
        """Return what queries are called: by the sinks that they came with. They bear no other label."""
        found = {}
        for job_id in job_ids:
            query = self._listed.get(job_id)
            if query is not None and query.makes_sink:
                found[job_id] = _labels(query)
        return found

    def restarts(self, job_ids: Sequence[str]) -> dict[str, int]:
        """Return nothing: the server does not count them."""
        del job_ids
        return {}

    def figures(self, job_ids: Sequence[str]) -> dict[str, Figures]:
        """Return how far queries are behind, and how much is written to their sinks."""
        place = self.place
        by_id = {query.job(place).id: query for query in persistent(self._commands)}
        queries = {job_id: by_id[job_id] for job_id in job_ids if job_id in by_id}
        told = described(self._commands)

        def read(query: PersistentQuery) -> Figures:
            waiting = lag(told.get(query.id, {}))
            try:
                sink = self._commands.describe(identifier(query.sinks[0])) if query.sinks else None
            except StreamMagicError:
                sink = None
            return Figures(lag=waiting, rows_out=_rate(sink), sinks=query.sinks)

        with ThreadPoolExecutor(_ASKED_AT_ONCE) as pool:
            return dict(zip(queries, pool.map(read, queries.values()), strict=True))

    def failure(self, job_id: str) -> StreamMagicError | None:
        """Return the newest error of a query."""
        query = self._query(job_id)
        found = None if query is None else newest_error(described(self._commands).get(query.id, {}))
        if query is None or found is None:
            return None
        return JobFailedError(
            f"{query.id} failed: {errors.telling(str(found['errorMessage']))}",
            engine=errors.TITLE,
            statement=query.sql,
            cause=str(found["errorMessage"]),
            hint=errors.kind_of_failure(str(found.get("type", ""))),
        )

    def diagnose(self, job_id: str) -> list[Finding]:
        """Look a query over: its state, its errors, how far it is behind, what it reads."""
        query = self._known(job_id)
        return diagnosis.findings(query, self._commands)

    def logs(self, job_id: str, lines: int) -> list[str]:
        """Return the errors that the server keeps of a query, oldest first, and where its log is."""
        query = self._known(job_id)
        return diagnosis.log_lines(query, self._commands)[-lines:]

    def plan(self, job_id: str) -> str:
        """Return the execution plan and the topology of a query."""
        query = self._known(job_id)
        description = self._commands.explain(query.id)
        plan, topology = description.get("executionPlan") or "", description.get("topology") or ""
        return f"{plan.strip()}\n\n{topology.strip()}".replace("\t", "  ")

    def stop(self, job_id: str, *, drain: bool) -> Stopped:
        """Pause a query; a server that can't ends it, and then what it had read is forgotten."""
        if drain:
            raise OptionError("--drain is for engines that can end windows early; ksqlDB has no such thing.")
        query = self._known(job_id)
        version = self._rest.info().version
        if version.pauses:
            self._run(f"PAUSE {query.id}")
            return Stopped(query.id, "paused; its state and offsets stay on the server")
        self._run(f"TERMINATE {query.id}")
        return Stopped(None, f"terminated: ksqlDB {version.text} can't pause, so it would begin anew")

    def savepoint(self, job_id: str) -> str:
        """Refuse: there are none."""
        del job_id
        raise OptionError(
            "ksqlDB takes no savepoints: the server keeps a query's state and offsets.",
            hint="%stream stop pauses a query, and --resume lets it go on from where it was.",
        )

    def checkpoint(self, job_id: str) -> str | None:
        """Return the id of a query that is still there: its state is found by that."""
        query = self._query(job_id)
        return None if query is None else query.id

    def has_state(self, path: str) -> bool:
        """Tell whether a query is still there."""
        return any(query.id == path for query in persistent(self._commands))

    def last_savepoint(self, job_id: str) -> str | None:
        """Return the id of a query that is paused."""
        query = self._query(job_id)
        return query.id if query is not None and query.paused else None

    def cancel(self, job_id: str) -> None:
        """End a query; what it had read is forgotten with it. Harmless where there is none."""
        self._terminate(job_id)

    def discard(self, path: str) -> None:
        """Do nothing: the state is the query's own."""

    def keeps_state(self, job_id: str) -> bool:
        """Return False: what is kept of a query ends with it."""
        del job_id
        return False

    def savepoints(self, job_ids: Sequence[str]) -> list[str]:
        """Return nothing: there are none."""
        del job_ids
        return []

    def sweep(self, job_id: str) -> None:
        """Do nothing: the server cleans up after its queries."""

    def _begin(self, bundle: Bundle, job_id: str, *, again: bool) -> None:
        """Create what a bundle says; with ``again`` what stands there is the deployment's own, and goes.

        A refusal after that is no `SqlError`: what was there can't go on any more.
        """
        shape = designing.shape(bundle.table_ddl)
        there = shape.creates and self._commands.describe(identifier(shape.name)) is not None
        if there and not again:
            raise OptionError(
                f"There is a source {shape.name} already, and it is not this deployment's.",
                hint="Choose another name, or drop it first; %stream attach takes a query that runs.",
            )
        stood = there or (again and not shape.creates)
        if there:
            self.disown(bundle)
        elif stood:
            self.cancel(job_id)
        try:
            self._send(bundle.table_ddl, bundle)
        except SqlError as error:
            raise (_failed(error) if stood else error) from error

    def _send(self, ddl: str, bundle: Bundle) -> None:
        variables = self._settings.variables
        statement = split(variables.render(ddl).text, _DIALECT)[0]
        given = {key: variables.expand(value) for key, value in bundle.settings.items()}
        settings = (_DIALECT.setting(split(sql, _DIALECT)[0]) for sql in bundle.definitions)
        defined = {found[0]: str(found[1]) for found in settings if found is not None}
        self._commands.carry_out(statement, given, alone=defined)

    def _run(self, sql: str) -> list[Entity]:
        return self._commands.carry_out(split(sql, _DIALECT)[0], {})

    def _end_writers(self, source: Entity) -> None:
        """End the query that a source came with, on a server that does not do so by itself."""
        if self._rest.info().version.drops_own_query:
            return
        for query in source.get("writeQueries") or []:
            if query.get("sinks") == [source["name"]] and came_with_sink(str(query["id"])):
                self._run(f"TERMINATE {query['id']}")

    def _job_id(self, shape: designing.Shape) -> str:
        return f"{shape.identity}@{self.place}"

    def _terminate(self, job_id: str) -> bool:
        """End a query if there is one, and tell whether there was."""
        query = self._query(job_id)
        if query is not None:
            self._run(f"TERMINATE {query.id}")
        return query is not None

    def _query(self, job_id: str) -> PersistentQuery | None:
        identity = job_id.removesuffix(f"@{self.place}")
        return next((query for query in persistent(self._commands) if query.identity == identity), None)

    def _known(self, job_id: str) -> PersistentQuery:
        query = self._query(job_id)
        if query is None:
            raise OptionError(f"The server has no query of {job_id.partition('@')[0]} any more.")
        return query


def _failed(error: SqlError) -> JobFailedError:
    return JobFailedError(
        error.message,
        engine=error.engine,
        statement=error.statement,
        cause=error.cause,
        hint=error.hint,
        details=error.details,
    )


def _labels(query: PersistentQuery) -> Labels:
    sink = query.sinks[0]
    bundle = Bundle(
        engine=KsqlJobs.magic, statement=query.sql, table=sink, table_ddl=query.sql, topics=query.topics
    )
    return Labels(name=query.name, version=1, sha="", owner="", bundle=bundle)


def _rate(sink: Entity | None) -> float | None:
    """Return the rows per second that a source is given, over all hosts."""
    if sink is None:
        return None
    rates = [
        float(figure["value"])
        for figure in sink.get("clusterStatistics") or []
        if figure.get("name") == "messages-per-sec"
    ]
    return sum(rates) if rates else None
