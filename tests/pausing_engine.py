"""An engine whose jobs are queries of a server: one a sink, paused and resumed in place, replaced in place.

It does what ksqlDB does as far as deployments can tell: the server chooses a query's id, CREATE OR REPLACE
keeps it, nobody says when it was started, and a source that is used can't be dropped.
"""

from dataclasses import dataclass, field, replace

from streammagic.engines.jobs import (
    Bundle,
    Comparison,
    Disowned,
    Figures,
    Job,
    Labels,
    Restore,
    Stopped,
    Words,
)
from streammagic.errors import JobFailedError, OptionError, SqlError

PAUSING = Words(
    stops="which is paused",
    from_stop="in its place",
    from_last="from where it was",
    without="from the beginning",
    unfit="can't be kept",
    stopping="pausing",
    cancelling="terminating",
    cancelled="terminated, what it had read is forgotten",
    nothing_kept="is not on the server any more",
    source="where it was",
    savepoint="",
    slow="Is the server busy?",
)


@dataclass
class Query:
    """A query."""

    id: str
    sql: str
    state: str = "RUNNING"


@dataclass
class PausingEngine:
    """The server and the way to it at once.

    ``did`` is all that it was told to change, ``asked`` what it was asked for. It ``refuses`` some statements
    at once, others ``breaks`` while they run, and some are ``unfit`` to take another's place.
    """

    place: str = "server"
    words: Words = PAUSING
    magic: str = "ksql"
    start_setting: str = "auto.offset.reset"
    jobs_end: bool = False
    pauses: bool = True
    queries: dict[str, Query] = field(default_factory=dict)
    did: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    sources: set[str] = field(default_factory=set)
    topics: set[str] = field(default_factory=set)
    used_by: dict[str, set[str]] = field(default_factory=dict)
    refuses: set[str] = field(default_factory=set)
    breaks: set[str] = field(default_factory=set)
    unfit: set[str] = field(default_factory=set)
    commands: int = 0

    def of(self, name):
        """The query of a deployment."""
        return self.queries[name.upper()]

    def make(self, name, sql="SELECT 1", state="RUNNING"):
        """Have a query that nobody deployed."""
        self.commands += 1
        self.queries[name.upper()] = Query(f"CSAS_{name.upper()}_{self.commands}", sql, state)

    def bundle(self, statement, settings, sink):
        return Bundle(engine="ksql", statement=statement.text, settings=settings, sink=sink)

    def design(self, bundle, name):
        table = name.upper()
        return replace(
            bundle,
            table=table,
            table_ddl=f"CREATE STREAM {table} AS\n{bundle.statement}",
            topics=(table,),
            made_topics=(table,),
        )

    def check(self, bundle):
        if bundle.statement in self.refuses:
            raise SqlError("no such source")

    def compare(self, old, new):
        del old
        fits = new.statement not in self.unfit
        return Comparison(verdict="fits" if fits else "refused", differences=() if fits else ("another key",))

    def job_id(self, bundle, name, version, attempt):
        del name, version, attempt
        return f"{bundle.table}@{self.place}"

    def submit(self, bundle, job_id, labels, restore: Restore | None, *, again):
        del labels
        self.asked.append(f"submit {restore and ('same' if restore.same else 'other')} again={again}")
        table, known = bundle.table, self.queries.get(bundle.table)
        assert job_id == f"{table}@{self.place}"
        if restore is not None and restore.same:
            assert known.id == restore.path
            known.state = "RUNNING"
            self.did.append(f"RESUME {known.id}")
            return
        if known is not None and restore is None and not again:
            raise OptionError(f"There is a source {table} already.")
        self.check(bundle)
        if restore is not None:
            assert known.id == restore.path
            known.sql, known.state = bundle.statement, "RUNNING"
            self.did.append(f"REPLACE {known.id}")
        else:
            self._drop(table)
            self.commands += 1
            self.queries[table] = Query(f"CSAS_{table}_{self.commands}", bundle.statement)
            self.sources.add(table)
            self.topics.add(table)
            self.did.append(f"CREATE {self.queries[table].id}")
        if bundle.statement in self.breaks:
            self.queries[table].state = "FAILED"

    def abandon(self, bundle, job_id, restore):
        if restore is None:
            self.cancel(job_id)
            self.disown(bundle, bundle.made_topics)
        else:
            self.queries[bundle.table].state = "PAUSED"

    def adopt(self, bundle):
        pass

    def disown(self, bundle, topics=()):
        if bundle.table not in self.sources:
            return Disowned()
        if self.dependants(bundle):
            raise SqlError(f"Cannot drop {bundle.table}.")
        self._drop(bundle.table)
        self.sources.remove(bundle.table)
        gone = tuple(topic for topic in topics if topic in self.topics)
        self.topics -= {*gone}
        return Disowned(things=(f"stream {bundle.table}",), topics=gone)

    def _drop(self, table):
        if self.queries.pop(table, None) is not None:
            self.did.append(f"DROP {table}")

    def dependants(self, bundle, but=()):
        away = {other.table for other in but}
        there = self.sources | self.queries.keys()
        return sorted(self.used_by.get(bundle.table, set()) & there - away)

    def jobs(self):
        return [self._job(table) for table in self.queries]

    def job(self, job_id):
        return next((job for job in self.jobs() if job.id == job_id), None)

    def _job(self, table):
        return Job(
            id=f"{table}@{self.place}",
            title=table.lower(),
            state=self.queries[table].state,
            tasks={"running": 1, "total": 1},
        )

    def labels(self, job_ids):
        if job_ids:
            self.asked.append("labels")
        tables = [job_id.partition("@")[0] for job_id in job_ids]
        return {
            job_id: Labels(
                name=table.lower(),
                version=1,
                sha="",
                owner="",
                bundle=self.design(Bundle(engine="ksql", statement=self.queries[table].sql), table),
            )
            for job_id, table in zip(job_ids, tables, strict=True)
        }

    def restarts(self, job_ids):
        del job_ids
        return {}

    def figures(self, job_ids):
        return {job_id: Figures() for job_id in job_ids}

    def failure(self, job_id):
        query = self.queries.get(job_id.partition("@")[0])
        return JobFailedError("it broke") if query is not None and query.state == "FAILED" else None

    def plan(self, job_id):
        return f"the plan of {job_id}"

    def stop(self, job_id, *, drain):
        assert not drain
        query = self.queries[job_id.partition("@")[0]]
        if not self.pauses:
            self.cancel(job_id)
            return Stopped(None, "terminated")
        query.state = "PAUSED"
        self.did.append(f"PAUSE {query.id}")
        return Stopped(query.id, "paused; its state stays on the server")

    def checkpoint(self, job_id):
        query = self.queries.get(job_id.partition("@")[0])
        return None if query is None else query.id

    def has_state(self, path):
        return any(query.id == path for query in self.queries.values())

    def last_savepoint(self, job_id):
        query = self.queries.get(job_id.partition("@")[0])
        return query.id if query is not None and query.state == "PAUSED" else None

    def cancel(self, job_id):
        query = self.queries.pop(job_id.partition("@")[0], None)
        if query is not None:
            self.did.append(f"TERMINATE {query.id}")

    def discard(self, path):
        pass

    def keeps_state(self, job_id):
        return job_id.partition("@")[0] in self.queries

    def savepoints(self, job_ids):
        del job_ids
        return []

    def sweep(self, job_id):
        if job_id.partition("@")[0] in self.queries:
            raise AssertionError(job_id)
