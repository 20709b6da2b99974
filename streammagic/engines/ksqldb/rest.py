"""ksqlDB's REST API: statements, queries, statuses; several nodes of one cluster behind it.

Source: the "REST API" pages of ksqlDB's documentation and io.confluent.ksql.rest (KsqlRequest,
QueryStreamArgs, CommandStatus); read and measured facts where those are wrong.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import orjson
import requests

from streammagic.engines.http import (
    Http,
    HttpStatusError,
    Interruption,
    was_never_sent,
    was_refused,
    without_password,
)
from streammagic.engines.ksqldb import errors
from streammagic.errors import ConnectionFailedError, OperationTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from streammagic.engines.base import Settings
    from streammagic.engines.http import Stream
    from streammagic.engines.ksqldb.wire import Format
    from streammagic.sql.statements import Statement

T = TypeVar("T")

_JSON = "application/json"
_ENOUGH = 1.1
"""The server gives up on its broker after 60 s, and says so: a little more than that is waited."""
_CLOSE_SECONDS = 2.0
_NOT_FOUND = 404
_SERVER = 500
_PROXY = frozenset({502, 503, 504})
_COMMAND_TIMEOUT = 50301
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0
_STARTING_SECONDS, _OTHERS_SECONDS, _REFUSED_SECONDS = 60.0, 15.0, 5.0
"""How long a request is repeated while the server starts, other commands come between, nobody listens."""
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


@dataclass(frozen=True, slots=True)
class Info:
    """A server: its version, its Kafka cluster and the id that it shares with the other nodes."""

    version: Version
    kafka: str
    service: str

    @property
    def place(self) -> str:
        """A name for the cluster, the same on all of its nodes."""
        return f"{self.service}@{self.kafka}"


class KsqlRest:
    """A cluster, by the addresses of some of its nodes, with commas between.

    A request goes to the node that answered last; where nobody can have taken it, the next node is asked.
    Methods raise `ConnectionFailedError` where no answer came, and what `errors.from_answer` makes of a
    refusal, with the answer itself as its cause. Safe to use from several threads.
    """

    def __init__(self, addresses: str, settings: Settings) -> None:
        nodes = [address.strip() for address in addresses.split(",") if address.strip()]
        self._nodes = [
            Http(
                node if "://" in node else f"http://{node}",
                settings,
                title=errors.TITLE,
                hint="Is it running? Set STREAMMAGIC_KSQLDB to its address, usually port 8088.",
                repeats=False,
            )
            for node in nodes or [addresses]
        ]
        self._seconds = settings.operation_timeout * _ENOUGH
        self._node = 0
        self._info: Info | None = None

    @property
    def address(self) -> str:
        """The address of the node that answered last, to be shown."""
        return without_password(self._nodes[self._node].base)

    def info(self, *, anew: bool = False) -> Info:
        """Return what the server says of itself; asked once unless ``anew``."""
        if self._info is None or anew:
            found = self._asked(lambda http: http.get("/info", accept=_JSON), safe=True)
            try:
                server = found["KsqlServerInfo"]
                self._info = Info(
                    Version(str(server["version"])),
                    str(server.get("kafkaClusterId", "")),
                    str(server.get("ksqlServiceId", "")),
                )
            except (KeyError, TypeError, AttributeError):
                raise self._not_ksqldb() from None
        return self._info

    def statements(  # noqa: PLR0913 - the fields of a request
        self,
        sql: str,
        *,
        properties: Mapping[str, str],
        variables: Mapping[str, str],
        sequence: int | None = None,
        statement: Statement | None = None,
        safe: bool = False,
        interruption: Interruption | None = None,
    ) -> list[dict[str, Any]]:
        """Send statements, each with its semicolon, to /ksql and return their entities.

        ``sequence`` makes the server wait until it has carried out that command. ``safe`` statements change
        nothing and may be sent twice. With an ``interruption`` the answer is not waited for to its end.
        """
        body: dict[str, Any] = {
            "ksql": sql,
            "streamsProperties": dict(properties),
            "sessionVariables": dict(variables),
        }
        if sequence is not None:
            body["commandSequenceNumber"] = sequence

        def send(http: Http) -> bytes:
            return http.post("/ksql", body, accept=_JSON, seconds=self._seconds, interruption=interruption)

        entities = self._asked(send, statement, safe=safe, interruption=interruption)
        if not isinstance(entities, list):
            raise self._not_ksqldb()
        return entities

    def status(self, command: str) -> dict[str, Any] | None:
        """Return the status of a command, "stream/`X`/create"; None where the server knows none.

        A server that was started again may have forgotten it.
        """
        path = "/".join(quote(part, safe="") for part in command.split("/"))
        try:
            found: dict[str, Any] = self._asked(lambda http: _known(http, f"/status/{path}"), safe=True)
        except _UnknownError:
            return None
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
        interruption: Interruption,
        seconds: float | None = None,
        quiet: float | None = None,
    ) -> Stream:
        """Send a SELECT or PRINT, with its semicolon, and return its answer as it comes.

        ``old`` asks /query, which substitutes no variables. The two endpoints have other names for the same
        fields, and ignore those that they do not know. ``seconds`` bounds the wait for the head of the
        answer, ``quiet`` that for each piece; None: nothing does.
        """
        if old:
            body: dict[str, Any] = {"ksql": sql, "streamsProperties": dict(properties)}
        else:
            body = {"sql": sql, "properties": dict(properties), "sessionVariables": dict(variables)}
        path = "/query" if old else "/query-stream"
        return self._any_node(
            lambda http: http.stream(path, body, accept, interruption, seconds, quiet=quiet),
            statement,
            interruption=interruption,
        )

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

    def _asked(
        self,
        ask: Callable[[Http], bytes],
        statement: Statement | None = None,
        *,
        safe: bool,
        interruption: Interruption | None = None,
    ) -> Any:
        """Return what JSON the nodes answer."""
        try:
            return orjson.loads(self._any_node(ask, statement, safe=safe, interruption=interruption))
        except orjson.JSONDecodeError:
            raise self._not_ksqldb() from None

    def _any_node(
        self,
        ask: Callable[[Http], T],
        statement: Statement | None = None,
        *,
        safe: bool = False,
        interruption: Interruption | None = None,
    ) -> T:
        """Ask the nodes in turn, beginning with the one that answered last.

        Repeated for a while where an answer, or its lack, says that nothing was done; until interrupted.
        """
        interruption = interruption or Interruption()
        began, pause = time.monotonic(), _FIRST_PAUSE
        while True:
            try:
                return self._each_node(ask, safe=safe)
            except (HttpStatusError, ConnectionFailedError) as error:
                late = time.monotonic() + pause - began > _patience(error, safe=safe)
                if late or interruption.wait(pause):
                    if isinstance(error, ConnectionFailedError):
                        raise
                    raise errors.from_answer(error.status, error.body, statement) from error
            pause = min(pause * 2, _LONGEST_PAUSE)

    def _each_node(self, ask: Callable[[Http], T], *, safe: bool) -> T:
        first = self._node
        failed: list[HttpStatusError | ConnectionFailedError] = []
        for i in range(len(self._nodes)):
            at = (first + i) % len(self._nodes)
            try:
                found = ask(self._nodes[at])
            except (HttpStatusError, ConnectionFailedError) as error:
                if not _another_may(error, safe=safe):
                    raise
                failed.append(error)
                continue
            self._node = at
            return found
        raise max(failed, key=lambda error: _patience(error, safe=safe))

    def _not_ksqldb(self) -> ConnectionFailedError:
        return ConnectionFailedError(
            f"What answers at {self.address} is not ksqlDB.",
            engine=errors.TITLE,
            hint="Check STREAMMAGIC_KSQLDB: it must be the address of a ksqlDB server, usually port 8088.",
        )


class _UnknownError(Exception):
    """The server knows no such command."""


def _known(http: Http, path: str) -> bytes:
    try:
        return http.get(path, accept=_JSON)
    except HttpStatusError as error:
        if error.status == _NOT_FOUND:
            raise _UnknownError from None
        raise


def _patience(error: HttpStatusError | ConnectionFailedError, *, safe: bool) -> float:
    """Return for how many seconds to repeat a request that got this answer, or none."""
    if isinstance(error, ConnectionFailedError):
        return _REFUSED_SECONDS if was_refused(error) or (safe and _is_of_the_network(error)) else 0
    if errors.is_starting(error.body):
        return _STARTING_SECONDS
    if errors.was_not_done(error.body):
        return _OTHERS_SECONDS
    if safe and errors.is_busy(error.body) and error.code != _COMMAND_TIMEOUT:
        return _OTHERS_SECONDS
    return _REFUSED_SECONDS if safe and _is_proxys(error) else 0


def _another_may(error: HttpStatusError | ConnectionFailedError, *, safe: bool) -> bool:
    """Tell whether another node may be asked the same."""
    if isinstance(error, ConnectionFailedError):
        return was_never_sent(error) or (safe and _is_of_the_network(error))
    return errors.is_starting(error.body) or (safe and _is_proxys(error))


def _is_of_the_network(error: ConnectionFailedError) -> bool:
    """Tell whether no answer came, for a reason that may pass: not the rights, nor a certificate."""
    cause = error.__cause__
    return cause is not None and not isinstance(cause, requests.exceptions.SSLError)


def _is_proxys(error: HttpStatusError) -> bool:
    """Tell whether it is a proxy that says that no answer came."""
    return error.code is None and error.status in _PROXY


def may_have_been_taken(error: Exception) -> bool:
    """Tell whether a server may have carried out a request, although no answer says so.

    ``error`` is what a method of `KsqlRest` raised.
    """
    if isinstance(error, OperationTimeoutError):
        return not was_too_early(error)
    answer = error.__cause__
    if not isinstance(error, ConnectionFailedError) or answer is None:
        return False
    if isinstance(answer, HttpStatusError):
        return answer.code is None and answer.status >= _SERVER
    return not was_never_sent(error)


def was_too_early(error: Exception) -> bool:
    """Tell whether the server waited in vain for the command that the request named, and did no more."""
    return isinstance(error.__cause__, HttpStatusError) and error.__cause__.code == _COMMAND_TIMEOUT
