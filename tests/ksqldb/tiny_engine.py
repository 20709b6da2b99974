"""The tiny server's sources, topics and queries, and what statements make of them."""

import copy
import re
import secrets
import time
from dataclasses import replace
from urllib.parse import unquote

from ksqldb.tiny_create import Creating
from ksqldb.tiny_data import Plan, Query, Record, Session, Source, Topic
from ksqldb.tiny_entities import told
from ksqldb.tiny_parser import parse
from ksqldb.tiny_questions import Questions
from ksqldb.tiny_sql import BIGINT, KsqlError, quoted
from ksqldb.tiny_values import coerce, evaluate

_PROPERTY = re.compile(
    r"ksql\.|auto\.|cache\.|commit\.|num\.|processing\.|default\.|max\.|replication\.|state\."
)
_VALUES = {  # what a literal may be for a column of a type
    "INTEGER": int,
    "BIGINT": int,
    "BOOLEAN": bool,
    "STRING": str,
    "BYTES": str,
    "TIMESTAMP": str,
    "DATE": str,
    "TIME": str,
    "ARRAY": list,
    "MAP": dict,
    "STRUCT": dict,
}


class Engine(Creating, Questions):
    """Everything but HTTP. Not safe to use from several threads: whoever does has a lock."""

    def __init__(self):
        self.topics: dict[str, Topic] = {}
        self.sources: dict[str, Source] = {}
        self.queries: dict[str, Query] = {}
        self.sequence = -2
        self.statuses: dict[str, list[dict]] = {}
        self.queued: list[tuple[re.Pattern, int]] = []
        self.live = True

    def run(self, text, session):
        """Carry out a request's statements and return their entities; all of them are tried out before."""
        statements = parse(text, Session({}, session.variables).variables)
        for engine in (self._sandbox(), self):
            trial = Session(session.properties, session.variables)
            found = []
            for statement in statements:
                try:
                    found += engine.execute(statement, trial)
                except KsqlError as error:
                    error.text = error.text or statement.text
                    raise
        return found

    def _sandbox(self):
        other = copy.copy(self)
        other.topics, other.sources = dict(self.topics), dict(self.sources)
        other.queries = {name: copy.copy(query) for name, query in self.queries.items()}
        other.statuses, other.live = dict(self.statuses), False
        return other

    def execute(self, statement, session):
        return getattr(self, f"_{statement.verb.lower()}")(statement, session)

    # Sources and queries

    def source(self, name):
        if name not in self.sources:
            raise KsqlError(f"Exception while preparing statement: {name} does not exist.")
        return self.sources[name]

    def persistent(self):
        return [query for query in self.queries.values() if query.persistent]

    def constraints(self, source):
        return [other.name for other in self.sources.values() if source.name in other.reads]

    def new_transient(self, source):
        return f"transient_{source}_{secrets.randbits(62)}"

    def _command(self, statement, text, command, message, query_id=None):
        self.sequence += 2
        status = {"status": "SUCCESS", "message": message, "queryId": query_id}
        polls = next((polls for pattern, polls in self.queued if pattern.search(statement.text)), None)
        self.statuses[command] = [status]
        if polls is not None:
            waiting = {"status": "EXECUTING", "message": "Executing statement", "queryId": None}
            self.statuses[command] = [waiting] * polls + [status]
            status = {"status": "QUEUED", "message": "Statement written to command topic", "queryId": None}
        return [
            {
                "@type": "currentStatus",
                "statementText": text,
                "commandId": command,
                "commandStatus": status,
                "commandSequenceNumber": self.sequence,
                "warnings": [],
            }
        ]

    def status(self, path):
        """Return what /status tells of a command, None if there was none; one step on with each call."""
        steps = self.statuses.get("/".join(unquote(part) for part in path.split("/")))
        return steps and (steps.pop(0) if len(steps) > 1 else steps[0])

    def write(self, topic, record):
        """Append a record and let all queries that read the topic go on."""
        if self.live:
            topic.records.append(record)
            self.go_on(topic)

    def go_on(self, topic):
        for query in list(self.queries.values()):
            if query.topic is topic and self.live:
                if not query.persistent:
                    query.wake()
                    continue
                for change in query.take():
                    if query.sink:
                        record = Record(change.rowtime, change.key, change.value, change.window)
                        self.write(query.sink.topic, record)

    # INSERT

    def _insert(self, statement, session):
        return (
            self._insert_values(statement)
            if statement.values is not None
            else self._insert_select(statement, session)
        )

    def _insert_values(self, statement):
        source = self.sources.get(statement.name)
        if source is None:
            unknown = f"Cannot insert values into an unknown stream/table: `{statement.name}`"
            raise KsqlError(unknown, code=40000, generic=True)
        names = statement.columns or [column.name for column in source.columns]
        listed = ", ".join(f"`{name}`" for name in names)
        masked = f"INSERT INTO `{source.name}` ({listed}) VALUES ({', '.join(['[value]'.join(2 * chr(39))] * len(names))});"

        def refuse(why):
            raise KsqlError(f"Failed to insert values into '{source.name}'. {why}", masked)

        types = {column.name: column.type for column in source.columns} | {"ROWTIME": BIGINT}
        for name in names:
            if name not in types:
                refuse(f"Column name `{name}` does not exist.")
        if len(names) != len(statement.values):
            refuse(f"Expected a value for each column. Expected {len(names)}, got {len(statement.values)}.")
        row = {}
        for name, expr in zip(names, statement.values, strict=True):
            value = evaluate(expr, {})
            if value is not None and not _fits(value, types[name].base):
                shown = {str: "STRING", int: "INTEGER", bool: "BOOLEAN"}.get(type(value), "DECIMAL")
                refuse(f"Expected type {types[name]} for field `{name}` but got {shown}({value})")
            row[name] = coerce(value, types[name])
        key = tuple(row.get(column.name) for column in source.keys)
        if source.kind == "TABLE" and None in key:
            keys = ", ".join(f"`{column.name}`" for column in source.keys)
            refuse(f"Value for primary key column(s) {keys} is required for tables")
        value = {column.name: row.get(column.name) for column in source.columns if not column.key}
        gone = source.kind == "TABLE" and not any(one is not None for one in value.values())
        rowtime = row.get("ROWTIME")
        rowtime = time.time_ns() // 1_000_000 if rowtime is None else rowtime
        self.write(source.topic, Record(rowtime, key, None if gone else value))
        return []

    def _insert_select(self, statement, session):
        query = self._inserting(statement, session)
        self.queries[query.id] = query
        self.go_on(query.topic)
        command = f"{query.sink.kind.lower()}/`{query.sink.name}`/create"
        return self._command(
            statement, statement.text, command, f"Created query with ID {query.id}", query.id
        )

    def _inserting(self, statement, session):
        sink, source = self.source(statement.name), self.source(statement.select.source)
        plan = Plan(statement.select, source, sink.kind)
        made = replace(sink, columns=plan.sink_columns)
        if made.schema != sink.schema:
            raise KsqlError(
                "Incompatible schema between results and sink.\n"
                f"Result schema is {made.schema}\nSink schema is {sink.schema}"
            )
        name = str(statement.properties.get("QUERY_ID") or f"INSERTQUERY_{self.sequence + 1}").upper()
        return Query(name, statement.text, plan, session.properties, sink)

    # DROP, TERMINATE, PAUSE, RESUME

    def _drop(self, statement, _):
        exists, away = "EXISTS" in statement.options, "TOPIC" in statement.options
        text = f"DROP {statement.kind} {'IF EXISTS ' * exists}{quoted(statement.name)};"
        command = f"{statement.kind.lower()}/{statement.name}/drop"
        if statement.name not in self.sources and exists:
            return self._command(statement, text, command, f"Source `{statement.name}` does not exist.")
        if statement.name not in self.sources and away:
            message = f"Could not find source to delete topic for: ConfiguredStatement{{statement={statement.text}}}"
            raise KsqlError(message, code=40000, generic=True)
        source = self._of_kind(statement, "DROP")
        others = [
            one.name for one in self.sources.values() if one.topic is source.topic and one is not source
        ]
        if away and others:
            raise KsqlError(
                f"Refusing to delete topic. Found other data sources ({', '.join(others)}) using topic "
                f"{source.topic.name}",
                code=50000,
                status="500 Internal Server Error",
            )
        self._check_unused(source)
        del self.sources[source.name]
        self.queries.pop(source.query, None)
        if away:
            del self.topics[source.topic.name]
            if self.live:
                source.topic.deleted = True
                self.go_on(source.topic)
        message = f"Source `{source.name}` (topic: {source.topic.name}) was dropped."
        return self._command(statement, text, command, message)

    def _check_unused(self, source):
        with_sink = {one.query for one in self.sources.values() if one.query}
        inserts = [query for query in self.persistent() if query.id not in with_sink]
        reading = [query.id for query in inserts if query.plan.source.name == source.name]
        writing = [query.id for query in inserts if query.sink and query.sink.name == source.name]
        if reading or writing:
            raise KsqlError(
                f"Cannot drop {source.name}.\n"
                f"The following queries read from this source: [{', '.join(reading)}].\n"
                f"The following queries write into this source: [{', '.join(writing)}].\n"
                f"You need to terminate them before dropping {source.name}."
            )
        if dependent := self.constraints(source):
            raise KsqlError(
                f"Cannot drop {source.name}.\n"
                f"The following streams and/or tables read from this source: [{', '.join(dependent)}].\n"
                f"You need to drop them before dropping {source.name}."
            )

    def _meant(self, statement):
        if statement.name == "ALL":
            return self.persistent()
        found = next((one for one in self.queries.values() if one.id.upper() == statement.name), None)
        if found is None and statement.name.startswith("TRANSIENT_"):
            failed = f"Failed to terminate query with query ID: '{statement.name}'"
            raise KsqlError(failed, code=40000, generic=True)
        if found is None:
            raise KsqlError(f"Unknown queryId: {statement.name}")
        return [found]

    def _terminate(self, statement, _):
        for query in self._meant(statement):
            del self.queries[query.id]
            query.ended = True
            if not query.persistent:
                if self.live:
                    query.wake()
                told = {
                    "@type": "terminate_query",
                    "statementText": statement.text,
                    "queryId": statement.name,
                }
                return [told | {"wasTerminated": True, "warnings": []}]
        return self._command(
            statement, statement.text, f"terminate/{statement.name}/execute", "Query terminated."
        )

    def _pause(self, statement, _):
        for query in self._meant(statement):
            query.paused = True
        return self._command(statement, statement.text, f"pause/{statement.name}/execute", "Query paused.")

    def _resume(self, statement, _):
        for query in self._meant(statement):
            query.paused = False
            self.go_on(query.topic)
        return self._command(statement, statement.text, f"resume/{statement.name}/execute", "Query resumed.")

    # What lasts for the request

    def _set(self, statement, session):
        check_property(statement.name, statement.inner)
        session.properties[statement.name] = statement.inner
        return []

    def _unset(self, statement, session):
        check_property(statement.name)
        session.properties.pop(statement.name, None)
        return []

    def _define(self, statement, session):
        session.variables[statement.name] = statement.inner
        return []

    def _undefine(self, statement, session):
        if session.variables.pop(statement.name, None) is not None:
            return []
        message = f"Cannot undefine variable '{statement.name}' which was never defined"
        return [told("warning_entity", statement, message=message)]

    def _select(self, *_):
        message = "The following statement types should be issued to the websocket endpoint '/query':"
        raise KsqlError(f"{message}\n\t* PRINT\n\t* SELECT", code=40002)

    _print = _select


def check_property(name, value=None):
    if not _PROPERTY.match(name):
        raise KsqlError(f"Unknown property: {name}")
    if name == "auto.offset.reset" and value not in (None, "latest", "earliest", "none"):
        message = (
            f"Invalid value {value} for configuration {name}: String must be one of: latest, earliest, none"
        )
        raise KsqlError(message)


def _fits(value, base):
    if base in ("DECIMAL", "DOUBLE"):
        return not isinstance(value, bool | list | dict) and (base == "DECIMAL" or not isinstance(value, str))
    return isinstance(value, _VALUES[base]) and (base == "BOOLEAN" or not isinstance(value, bool))
