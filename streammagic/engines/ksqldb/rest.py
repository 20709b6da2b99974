"""ksqlDB's REST API: statements, queries, statuses; several nodes of one cluster behind it.

Source: the "REST API" pages of ksqlDB's documentation and io.confluent.ksql.rest (KsqlRequest,
QueryStreamArgs, CommandStatus); read and measured facts where those are wrong.
"""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import orjson
import stamina

from streammagic.engines.http import Http, HttpStatusError, was_refused, without_password
from streammagic.engines.ksqldb import errors
from streammagic.errors import ConnectionFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from streammagic.engines.base import Settings
    from streammagic.engines.http import Stream
    from streammagic.engines.ksqldb.wire import Format
    from streammagic.sql.statements import Statement

T = TypeVar("T")

_JSON = "application/json"
_LONGEST_START = 60.0
_CLOSE_SECONDS = 5.0
_NOT_FOUND = 404
_UNAVAILABLE = 503
_PLATFORM = 4
"""Confluent Platform's versions begin above this number, ksqlDB's own are 0.x."""


@dataclass(frozen=True, slots=True)
class Version:
    """What a server can do, by its version: ksqlDB's own (0.29.0), or Confluent Platform's (7.4.0)."""

    text: str

    def _since(self, own: tuple[int, int], platform: tuple[int, int]) -> bool:
        found = re.match(r"v?(\d+)\.(\d+)", self.text)
        if found is None:
            return True  # one that was built by hand is taken for a new one
        version = (int(found[1]), int(found[2]))
        return version >= (platform if version[0] > _PLATFORM else own)

    @property
    def streams_over_http1(self) -> bool:
        """Whether /query-stream takes HTTP/1.1 and gives tombstones; before that, /query does."""
        return self._since((0, 24), (7, 1))

    @property
    def prints_on_stream(self) -> bool:
        """Whether /query-stream takes PRINT."""
        return self._since((0, 29), (7, 4))

    @property
    def pauses(self) -> bool:
        """Whether there are PAUSE and RESUME."""
        return self._since((0, 28), (7, 3))

    @property
    def drops_own_query(self) -> bool:
        """Whether a DROP ends the query that writes what is dropped; before that, it must be ended first."""
        return self._since((0, 17), (6, 2))

    @property
    def terminates_push(self) -> bool:
        """Whether TERMINATE ends push queries too."""
        return self._since((0, 22), (7, 1))


@dataclass(frozen=True, slots=True)
class Info:
    """A server: its version, its Kafka cluster and the id that it shares with the other nodes."""

    version: Version
    kafka: str
    service: str
    status: str

    @property
    def place(self) -> str:
        """A name for the cluster, the same on all of its nodes."""
        return f"{self.service}@{self.kafka}"


class KsqlRest:
    """A cluster, by the addresses of some of its nodes, with commas between.

    A request goes to the node that answered last; where nobody can have taken it, the next node is asked.
    Methods raise `ConnectionFailedError` where no answer came, and what `errors.from_answer` makes of a
    refusal. Safe to use from several threads.
    """

    def __init__(self, addresses: str, settings: Settings) -> None:
        nodes = [address.strip() for address in addresses.split(",") if address.strip()]
        self._nodes = [
            Http(
                node if "://" in node else f"http://{node}",
                settings,
                title="ksqlDB",
                hint="Is it running? Set STREAMMAGIC_KSQLDB to its address, usually port 8088.",
            )
            for node in nodes
        ]
        self._seconds = settings.operation_timeout
        self._node = 0
        self._info: Info | None = None
        self._lock = threading.Lock()

    @property
    def address(self) -> str:
        """The address of the node that answered last, to be shown."""
        return without_password(self._nodes[self._node].base)

    def info(self, *, anew: bool = False) -> Info:
        """Return what the server says of itself; asked once unless ``anew``."""
        if self._info is None or anew:
            raw = self._any_node(lambda http: http.get("/info"))
            try:
                found = orjson.loads(raw)["KsqlServerInfo"]
                self._info = Info(
                    Version(str(found["version"])),
                    str(found.get("kafkaClusterId", "")),
                    str(found.get("ksqlServiceId", "")),
                    str(found.get("serverStatus", "")),
                )
            except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
                raise self._not_ksqldb() from None
        return self._info

    def health(self) -> dict[str, Any]:
        """Return /healthcheck's answer."""
        found: dict[str, Any] = orjson.loads(self._any_node(lambda http: http.get("/healthcheck")))
        return found

    def statements(  # noqa: PLR0913 - the fields of a request
        self,
        sql: str,
        *,
        properties: Mapping[str, str],
        variables: Mapping[str, str],
        sequence: int | None = None,
        statement: Statement | None = None,
        safe: bool = False,
    ) -> list[dict[str, Any]]:
        """Send statements, each with its semicolon, to /ksql and return their entities.

        ``sequence`` makes the server wait until it has carried out that command. ``safe`` statements change
        nothing and may be sent twice.
        """
        body: dict[str, Any] = {
            "ksql": sql,
            "streamsProperties": dict(properties),
            "sessionVariables": dict(variables),
        }
        if sequence is not None:
            body["commandSequenceNumber"] = sequence
        seconds = self._seconds + 5  # the server gives up on its broker after 60 s, and says so

        def send(http: Http) -> bytes:
            return http.post("/ksql", body, accept=_JSON, seconds=seconds)

        entities: list[dict[str, Any]] = orjson.loads(self._any_node(send, statement, safe=safe))
        return entities

    def status(self, command: str) -> dict[str, Any] | None:
        """Return the status of a command, "stream/`X`/create"; None where the server knows none.

        A server that was started again may have forgotten it.
        """
        path = "/".join(quote(part, safe="") for part in command.split("/"))
        try:
            raw = self._any_node(lambda http: _known(http, f"/status/{path}"))
        except _UnknownError:
            return None
        found: dict[str, Any] = orjson.loads(raw)
        return found

    def query(  # noqa: PLR0913 - the fields of a request
        self,
        sql: str,
        *,
        properties: Mapping[str, str],
        variables: Mapping[str, str],
        accept: Format,
        statement: Statement,
        old: bool,
    ) -> Stream:
        """Send a SELECT or PRINT, with its semicolon, and return its answer as it comes.

        ``old`` asks /query, which substitutes no variables. The two endpoints have other names for the same
        fields, and ignore those that they do not know.
        """
        if old:
            body: dict[str, Any] = {"ksql": sql, "streamsProperties": dict(properties)}
        else:
            body = {"sql": sql, "properties": dict(properties), "sessionVariables": dict(variables)}
        path = "/query" if old else "/query-stream"
        return self._any_node(lambda http: http.stream(path, body, accept), statement)

    def close_query(self, http: Http, query: str) -> None:
        """End a push query on the node that runs it; harmless where it has ended.

        Up to 7.4.8 (and its like) most calls are answered by 500 "On wrong context or worker", and the query
        is ended all the same; a query that has ended is 400 "No query with id".
        """
        try:
            http.post("/close-query", {"queryId": query}, accept=_JSON, seconds=_CLOSE_SECONDS)
        except (HttpStatusError, ConnectionFailedError):
            return  # the connection is closed next, and the query ends with it

    def close(self) -> None:
        """Close the connections."""
        for http in self._nodes:
            http.close()

    def _any_node(
        self, ask: Callable[[Http], T], statement: Statement | None = None, *, safe: bool = False
    ) -> T:
        """Ask the nodes in turn, beginning with the one that answered last.

        Repeated while a server is being started, and where the answer says that nothing was done.
        """
        deadline = time.monotonic() + _LONGEST_START
        for attempt in stamina.retry_context(
            on=lambda error: _worth_waiting(error, safe=safe) and time.monotonic() < deadline,
            attempts=None,
            timeout=_LONGEST_START,
            wait_initial=0.2,
            wait_max=2.0,
        ):
            with attempt:
                try:
                    return self._each_node(ask, safe=safe)
                except HttpStatusError as error:
                    if _worth_waiting(error, safe=safe):
                        raise
                    raise errors.from_answer(error.status, error.body, statement) from None
        raise AssertionError  # pragma: no cover - retry_context returns or raises

    def _each_node(self, ask: Callable[[Http], T], *, safe: bool) -> T:
        first = self._node
        failed: ConnectionFailedError | None = None
        for i in range(len(self._nodes)):
            at = (first + i) % len(self._nodes)
            try:
                found = ask(self._nodes[at])
            except ConnectionFailedError as error:
                if len(self._nodes) == 1 or not (safe or was_refused(error)):
                    raise
                failed = failed or error
                continue
            self._node = at
            return found
        raise failed or self._not_ksqldb()

    def _not_ksqldb(self) -> ConnectionFailedError:
        return ConnectionFailedError(
            f"What answers at {self.address} is not ksqlDB.",
            hint="Check STREAMMAGIC_KSQLDB: it must be the address of a ksqlDB server, usually port 8088.",
        )


class _UnknownError(Exception):
    """The server knows no such command."""


def _known(http: Http, path: str) -> bytes:
    try:
        return http.get(path)
    except HttpStatusError as error:
        if error.status == _NOT_FOUND:
            raise _UnknownError from None
        raise


def _worth_waiting(error: Exception, *, safe: bool) -> bool:
    """Tell whether the same request will be answered otherwise soon, and surely has done nothing yet."""
    if not isinstance(error, HttpStatusError):
        return False
    if error.status == _UNAVAILABLE:
        return errors.is_starting(error.body)
    return errors.was_not_done(error.body) or (safe and errors.is_busy(error.body))
