"""A small ksqlDB that keeps what it is told: for tests of whole lives, and for an example notebook.

It has one node and one partition, knows streams and tables over topics of its own, queries over one source with
WHERE, GROUP BY, HAVING, TUMBLING and HOPPING windows, and no joins. Its answers have the shape of a 7.4's.
"""

import re
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlsplit

from ksqldb.answers import (
    CHUNKED,
    JSON,
    entity,
    generic_error,
    info,
    sized,
    statement_error,
    streamed,
    to_json,
)
from ksqldb.recordings import Answer
from ksqldb.standin import Live, StandIn
from ksqldb.tiny_data import Change, Plan, Query, Session
from ksqldb.tiny_engine import Engine, check_property
from ksqldb.tiny_parser import parse
from ksqldb.tiny_rows import DelimitedRows, format_of, unmarked
from ksqldb.tiny_sql import KsqlError
from ksqldb.tiny_values import evaluate

HEALTHY = {
    "isHealthy": True,
    "details": {name: {"isHealthy": True} for name in ("metastore", "kafka", "commandRunner")},
    "serverState": "READY",
}
TOPIC_IS_GONE = "org.apache.kafka.streams.errors.MissingSourceTopicException: One or more source topics were missing during rebalance"
NOT_QUERYABLE = (
    "The `{0}` table isn't queryable. To derive a queryable table, you can do 'CREATE TABLE QUERYABLE_{0} AS SELECT * "
    "FROM {0}'. See https://cnfl.io/queries for more info.\nAdd EMIT CHANGES if you intended to issue a push query."
)
NO_CLAUSE = (
    "Pull queries don't support {} clauses. See https://cnfl.io/queries for more info.\n"
    "Add EMIT CHANGES if you intended to issue a push query."
)
_POSTS = ("/ksql", "/query", "/query-stream", "/close-query")


class TinyKsql(StandIn):
    """The server; rules added with ``on`` go before what it does by itself.

    ``wrong_context`` makes /close-query answer 500 although it ends the query, as a 7.4.0 mostly does.
    """

    def __init__(self, version="7.4.0", *, tls=False, auth=None, port=0, engine=None):
        self.version = version
        self.engine = engine or Engine()
        self.lock = threading.RLock()
        self.wrong_context = False
        self._slow = []
        super().__init__(tls, auth, port)

    # What goes wrong on demand

    def fail_query(self, query_id, message, kind="USER"):
        """Let a persistent query fail: it stops where it is, in state ERROR."""
        with self.lock:
            error = {"timestamp": time.time_ns() // 1_000_000, "errorMessage": message, "type": kind}
            self.engine.queries[query_id].errors.append(error)

    def slow(self, pattern, seconds):
        """Answer statements that match only after a time; they are carried out at once."""
        self._slow.append((re.compile(pattern), seconds))

    def queue(self, pattern, polls=1):
        """Answer commands that match QUEUED; /status says EXECUTING so often, and then what has become of it."""
        self.engine.queued.append((re.compile(pattern), polls))

    # Its routes

    def fallback(self, request):
        path = urlsplit(request.path).path
        if path in _POSTS:
            if request.method != "POST":
                return sized("405 Method Not Allowed", "", [("allow", "POST")])
            if path == "/close-query":
                return self._close_query(request)
            return self._ksql(request) if path == "/ksql" else self._query(request, path)
        fixed = {
            "/": lambda: sized("307 Temporary Redirect", "", [("location", "/info")]),
            "/info": lambda: info(self.version),
            "/healthcheck": lambda: sized("200 OK", to_json(HEALTHY)),
            "/chc/ready": lambda: sized("200 OK", "{}"),
            "/chc/live": lambda: sized("200 OK", "{}"),
            "/status": self._statuses,
        }
        if path.startswith("/status/"):
            return self._status(path.removeprefix("/status/"))
        if path.startswith("/is_valid_property/"):
            return sized("200 OK", "true")
        if path not in fixed:
            return super().fallback(request)
        if request.method != "GET":
            return sized("405 Method Not Allowed", "", [("allow", "GET")])
        return fixed[path]()

    def _statuses(self):
        with self.lock:
            told = {command: steps[0]["status"] for command, steps in self.engine.statuses.items()}
        return sized("200 OK", to_json({"commandStatuses": told}))

    def _status(self, path):
        with self.lock:
            found = self.engine.status(path)
        if found is None:
            return generic_error("Command not found", 40400, "404 Not Found")
        return sized("200 OK", to_json(found))

    def _ksql(self, request):
        asked = request.json
        if not isinstance(asked, dict):
            return generic_error("Invalid JSON in request: it is no object", headers=())
        wanted, text = asked.get("commandSequenceNumber"), asked.get("ksql") or ""
        properties = asked.get("streamsProperties") or {}
        try:
            _check_properties(properties)
            with self.lock:
                if wanted is not None and wanted > self.engine.sequence:
                    late = (
                        "Timed out while waiting for a previous command to execute. command sequence number: "
                    )
                    return generic_error(f"{late}{wanted}", 50301, "503 Service Unavailable")
                answer = entity(*self.engine.run(text, Session(properties, asked.get("sessionVariables"))))
        except KsqlError as error:
            answer = _refusal(error, error.text or text)
        seconds = max((seconds for pattern, seconds in self._slow if pattern.search(text)), default=0)
        return replace(answer, wait=seconds)

    def _close_query(self, request):
        query_id = (request.json or {}).get("queryId")
        with self.lock:
            query = self.engine.queries.get(query_id)
            if query is None or query.persistent:
                return generic_error(f"No query with id {query_id}", headers=())
            del self.engine.queries[query_id]
            query.ended = True
            query.wake()
        if self.wrong_context:
            status = "500 Internal Server Error"
            return generic_error("On wrong context or worker", 50000, status, headers=())
        return sized("200 OK", "", ())

    # Queries

    def _query(self, request, path):
        asked, old = request.json, path == "/query"
        rows = format_of(request.accept, path)
        if rows is None:
            return sized("406 Not Acceptable", "", ())
        field = "ksql" if old else "sql"
        if not isinstance(asked, dict) or (field not in asked and not old):
            missing = f"Invalid JSON in request: Missing required creator property '{field}' (index 0)"
            return generic_error(missing, chunked=not old, headers=())
        text = asked.get(field) or ""
        properties = asked.get("streamsProperties" if old else "properties") or {}
        chunked = not old or isinstance(rows, DelimitedRows)
        try:
            if old:
                _check_properties(properties)
            with self.lock:
                statement = self._parsed(text, {} if old else dict(asked.get("sessionVariables") or {}))
                if statement.verb == "PRINT":
                    return self._print(statement, rows, properties, old)
                source = self.engine.source(statement.select.source)
                chunked = True
                if statement.select.emit:
                    return self._push(statement, Plan(statement.select, source), rows, properties)
                return self._pull(statement, source, rows)
        except KsqlError as error:
            return _refusal(error, error.text or text, chunked=chunked)

    def _parsed(self, text, variables):
        try:
            statements = parse(text, variables)
        except KsqlError as error:
            raise KsqlError(f"{error.message}\nStatement: {error.text}", error.text) from None
        if len(statements) != 1:
            found = f"Expected exactly one KSQL statement; found {len(statements)} instead\nStatement: {text}"
            raise KsqlError(found, text)
        if statements[0].verb not in ("SELECT", "PRINT"):
            raise KsqlError(f"Neither a query nor a print statement\nStatement: {text}", text)
        return statements[0]

    def _push(self, statement, plan, rows, properties, to_end=False):
        """Return an answer that goes on until its limit, its client or its server ends it.

        ``to_end`` makes it a pull query on a stream, which ends where the topic does.
        """
        query_id = self.engine.new_transient(plan.source.name)

        def pump(channel):
            limit = statement.select.limit
            with self.lock:
                query = Query(query_id, statement.text, plan, properties)
                query.wake = channel.wake
                self.engine.queries[query_id] = query
            try:
                channel.send(rows.head(query_id, unmarked(plan.columns)).encode())
                for piece in self._pieces(query, rows, channel, limit, to_end):
                    channel.send(piece.encode())
            finally:
                with self.lock:
                    self.engine.queries.pop(query_id, None)

        return Live(pump)

    def _pieces(self, query, rows, channel, limit, to_end):
        told = 0
        while limit is None or told < limit:
            with self.lock:
                changes = query.take()
            for change in changes:
                if told != limit:
                    yield rows.row(change)
                    told += 1
            if told == limit:
                break
            if query.topic.deleted:
                yield from rows.error(
                    {"@type": "generic_error", "error_code": 50000, "message": TOPIC_IS_GONE}
                )
                return
            if query.ended or to_end:
                yield from rows.end("Query Completed")
                return
            channel.wait()
        yield from rows.end("Limit Reached")

    def _pull(self, statement, source, rows):
        select = statement.select
        clause = {"GROUP BY": select.group, "PARTITION BY": select.partition, "WINDOW": select.window}
        for name, used in clause.items():
            if used:
                raise KsqlError(NO_CLAUSE.format(name), statement.text)
        if source.kind == "TABLE" and not source.queryable:
            raise KsqlError(NOT_QUERYABLE.format(source.name), statement.text)
        plan = Plan(select, source)
        if source.kind == "STREAM":
            return self._push(statement, plan, rows, {"auto.offset.reset": "earliest"}, to_end=True)
        if source.query not in self.engine.queries:
            late = f"Error starting pull query: Materialized data for {source.name} is not available yet."
            raise KsqlError(f"{late} Please try again later.", statement.text)
        found = [
            Change([evaluate(expr, row) for expr, _ in plan.items], False, (), None, row["ROWTIME"], None)
            for row in source.materialized()
            if select.where is None or evaluate(select.where, row) is True
        ]
        query_id = f"query_{time.time_ns() // 1_000_000}"
        return streamed(rows.whole(query_id, plan.columns, found[: select.limit]))

    def _print(self, statement, rows, properties, old):
        topic = self.engine.topics.get(statement.name)
        if topic is None and old:
            raise KsqlError(f"Could not find topic '{statement.name}'", code=40000, generic=True)
        if topic is None:
            raise KsqlError(f"Topic does not exist: {statement.name}", generic=True)
        delimited = isinstance(rows, DelimitedRows) and not rows.begin
        if not (delimited or old):
            return Answer("406 Not Acceptable", CHUNKED, end="last-chunk")
        beginning = "BEGINNING" in statement.options or properties.get("auto.offset.reset") == "earliest"
        position = 0 if beginning else len(topic.records)

        def pump(channel):
            at, told = position, 0
            if not delimited:
                for piece in ("Key format: ", "KAFKA_STRING\n", "Value format: ", "JSON or KAFKA_STRING\n"):
                    channel.send(piece.encode())
            while told != statement.limit and not topic.deleted:
                while at < len(topic.records) and told != statement.limit:
                    channel.send(_printed(topic.records[at]).encode())
                    at, told = at + 1, told + 1
                if told != statement.limit:
                    channel.wait(0.02)

        return Live(pump, headers=CHUNKED if delimited else (("content-type", JSON), *CHUNKED))


def _printed(record):
    moment = datetime.fromtimestamp(record.rowtime / 1000, UTC).strftime("%Y/%m/%d %H:%M:%S.%f")[:-3]
    key = ", ".join("<null>" if part is None else str(part) for part in record.key) or "<null>"
    value = "<null>" if record.value is None else to_json(record.value)
    return f"rowtime: {moment} Z, key: {key}, value: {value}, partition: 0\n"


def _check_properties(properties):
    for name, value in properties.items():
        try:
            check_property(name, value)
        except KsqlError as error:
            if error.message.startswith("Unknown"):
                raise KsqlError(
                    f"Not recognizable as ksql, streams, consumer, or producer property: '{name}'",
                    code=50000,
                    status="500 Internal Server Error",
                ) from None
            message = f"Failed to coerce type of value '{value}' for key '{name}'\nCaused by: {error.message}"
            raise KsqlError(message, code=40000, generic=True) from None


def _refusal(error, text, *, chunked=False):
    if error.generic:
        return generic_error(error.message, error.code, error.status, chunked=chunked)
    return statement_error(error.message, text, error.code, error.status, chunked=chunked)
