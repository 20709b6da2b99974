"""A ksqlDB server at the socket: gives recorded or made up answers, chunk by chunk, and notes what it is asked.

HTTP is written by hand, so that chunk borders, pauses and ends are exactly as told.
"""

import base64
import binascii
import contextlib
import json
import re
import select
import socket
import ssl
import subprocess
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ksqldb.answers import (
    CHUNKED,
    DELIMITED,
    JSON,
    V1,
    delimited,
    entity,
    generic_error,
    info,
    push_v1,
    sized,
    statement_error,
    streamed,
    to_json,
)
from ksqldb.connections import RESET, Channel, Connection, Gone, Live, Request, read, send
from ksqldb.recordings import Answer, recorded

__all__ = [
    "CHUNKED",
    "DELIMITED",
    "JSON",
    "V1",
    "Answer",
    "Channel",
    "Gone",
    "Live",
    "Request",
    "StandIn",
    "delimited",
    "entity",
    "generic_error",
    "info",
    "push_v1",
    "sized",
    "statement_error",
    "streamed",
    "to_json",
]

UNKNOWN_PATH = "<html><body><h1>Resource not found</h1></body></html>"
NO_CREDENTIALS_NEEDED = ("/healthcheck", "/v1/metadata", "/chc/")


@dataclass
class _Rule:
    method: str
    path: str
    answer: Any
    sql: Any
    times: int | None
    fits: Callable[[Request], bool]

    def matches(self, request: Request) -> bool:
        if self.times == 0 or (request.method, request.path) != (self.method, self.path):
            return False
        if isinstance(self.sql, re.Pattern):
            if not self.sql.search(request.sql or ""):
                return False
        elif self.sql is not None and _even(self.sql) != _even(request.sql):
            return False
        return self.fits(request)


class StandIn:
    """A server on loopback, up while the ``with`` block runs.

    ``auth`` is a (user, password) that it then asks for; with ``tls`` it speaks HTTPS with the self-signed
    ``certificate``; with ``port`` it listens there, so that it can come back where another one was killed.
    """

    def __init__(self, tls: bool = False, auth: tuple[str, str] | None = None, port: int = 0) -> None:
        self.requests: list[Request] = []
        self.unmatched: list[Request] = []
        self.stopping = False
        self.auth = auth
        self.certificate: Path | None = None
        self._rules: list[_Rule] = []
        self._changed = threading.Condition()
        self._connections: dict[int, Connection] = {}
        self._threads: list[threading.Thread] = []
        self._counted = 0
        self._context: ssl.SSLContext | None = None
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        if tls:
            self._scratch = tempfile.TemporaryDirectory(prefix="standin")
            self.certificate, key = _self_signed(Path(self._scratch.name))
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self._context.load_cert_chain(self.certificate, key)
        self.bell, self._ringer = socket.socketpair()
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port = self._listener.getsockname()[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._start(self._accept)

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # What it answers

    def on(  # noqa: PLR0913 - all but the first three are by name
        self,
        method: str,
        path: str,
        answer: Answer | Live | Callable[[Request], Answer | Live],
        *,
        sql: str | re.Pattern[str] | None = None,
        times: int | None = None,
        fits: Callable[[Request], bool] = lambda _: True,
    ) -> None:
        """Add a rule; the latest one that matches wins, one with ``times`` only so often.

        ``sql`` is the statement, compared with its white space evened, or a pattern searched in it.
        """
        with self._changed:
            self._rules.insert(0, _Rule(method, path, answer, sql, times, fits))

    def replay(self, name: str, *, pace: float = 0.0, by_sql: bool = False) -> None:
        """Answer what was asked in a recording as it was answered then; ``pace`` 1 keeps its pauses.

        A request fits with the same method, path, Accept and JSON body; ``by_sql`` compares its statement only, for
        clients that send more fields. What was asked more than once is answered in turn, then as the last time.
        """
        exchanges: dict[tuple[Any, ...], list[Answer]] = {}
        for one in recorded(name):
            asked = one.request
            key = _key(asked.method, asked.path, asked.accept, asked.body, asked.sql if by_sql else None)
            exchanges.setdefault(key, []).append(one.answer.paced(pace))

        def in_turn(answers: list[Answer]) -> Callable[[Request], Answer]:
            return lambda _: answers.pop(0) if len(answers) > 1 else answers[0]

        def fitting(key: tuple[Any, ...]) -> Callable[[Request], bool]:
            return lambda request: (
                key
                == _key(
                    request.method,
                    request.path,
                    request.accept,
                    request.body,
                    request.sql if by_sql else None,
                )
            )

        for key, answers in exchanges.items():
            self.on(key[0], key[1], in_turn(answers), fits=fitting(key))

    def fallback(self, request: Request) -> Answer | Live:
        """Return the answer to a request that no rule matches."""
        self.unmatched.append(request)
        return sized("404 Not Found", UNKNOWN_PATH, (("content-type", "text/html; charset=utf-8"),))

    # What it has seen

    @property
    def open_connections(self) -> int:
        return len(self._connections)

    def wait_for(self, predicate: Callable[[Request], bool], seconds: float = 5) -> Request:
        """Return the first request, past or to come, that fits; fails the test if there is none in time."""
        return self._eventually(lambda: next(filter(predicate, self.requests), None), seconds)

    def closed_by_client(self, request: Request, seconds: float = 5) -> bool:
        """Wait until a request's answer has ended, and tell whether it was the client that closed it."""
        self._eventually(lambda: request.ended, seconds)
        return request.ended == "client closed"

    def wait_until_idle(self, seconds: float = 5) -> None:
        """Wait until no connection is open."""
        self._eventually(lambda: not self._connections, seconds)

    def _eventually(self, condition: Callable[[], Any], seconds: float) -> Any:
        with self._changed:
            if self._changed.wait_for(condition, seconds):
                return condition()
            seen = [f"{r.method} {r.path} {r.sql or ''} -> {r.ended}" for r in self.requests]
        pytest.fail(f"not within {seconds} s; {self.open_connections} open; asked was:\n" + "\n".join(seen))

    # Its end

    def stop(self) -> None:
        """Close all connections, orderly as a closed socket can be, and end all threads."""
        self._end()

    def kill(self) -> None:
        """End as a killed process does: nothing listens, all connections are reset."""
        self._end(reset=True)

    def _end(self, reset: bool = False) -> None:
        with self._changed:
            if self.stopping:
                return
            for connection in self._connections.values():
                if reset:
                    with contextlib.suppress(OSError):
                        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            self.stopping = True
        self._ringer.send(b"!")
        for thread in list(self._threads):
            thread.join(0.5)
        for connection in list(self._connections.values()):  # in a send that nobody reads
            with contextlib.suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)
        for thread in list(self._threads):
            thread.join(5)
        for sock in (self.bell, self._ringer, self._listener):
            sock.close()
        if self._scratch:
            self._scratch.cleanup()

    # How it serves

    def _start(self, target: Callable[..., None], *args: Any) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True, name="standin")
        self._threads = [one for one in self._threads if one.is_alive() or one.ident is None] + [thread]
        thread.start()

    def _accept(self) -> None:
        while True:
            ready, _, _ = select.select([self._listener, self.bell], [], [])
            if self.stopping:
                self._listener.close()
                return
            if self._listener in ready:
                sock, _ = self._listener.accept()
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._counted += 1
                self._start(self._serve, sock, self._counted)

    def _serve(self, sock: socket.socket, number: int) -> None:
        connection = Connection(self, sock, number)
        with self._changed:
            self._connections[number] = connection
        try:
            if self._context:
                sock.settimeout(10)
                connection.sock = self._context.wrap_socket(sock, server_side=True)
                connection.sock.settimeout(None)
            while self._exchange(connection):
                pass
        except (Gone, OSError):
            pass
        finally:
            connection.sock.close()
            with self._changed:
                del self._connections[number]
                self._changed.notify_all()

    def _exchange(self, connection: Connection) -> bool:
        """Serve one request; tells whether the connection stays open."""
        request, http = read(connection)
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()
        try:
            answer = self._refusal(request) or self._answer(request)
            stays = send(connection, answer)
            request.ended = "done"
        except Gone as gone:
            request.ended = str(gone)
            raise
        finally:
            with self._changed:
                self._changed.notify_all()
        closing = request.headers.get("connection", "").lower() == "close" or http == "HTTP/1.0"
        return stays and not closing

    def _answer(self, request: Request) -> Answer | Live:
        with self._changed:
            rule = next((rule for rule in self._rules if rule.matches(request)), None)
            if rule and rule.times is not None:
                rule.times -= 1
        answer = rule.answer if rule else self.fallback
        return answer if isinstance(answer, Answer | Live) else answer(request)

    def _refusal(self, request: Request) -> Answer | None:
        """Return the answer to credentials that are not good, as basic authentication gives it (recording 54)."""
        if not self.auth or request.path.startswith(NO_CREDENTIALS_NEEDED):
            return None
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        challenge: tuple[tuple[str, str], ...] = ()
        if kind == "Basic":
            try:
                user_password = base64.b64decode(given, validate=True).decode()
            except (binascii.Error, UnicodeDecodeError):
                return generic_error("Bad Request", 50000, "400 Bad Request", headers=())
            if user_password == ":".join(self.auth):
                return None
            challenge = (("WWW-Authenticate", 'Basic realm="KsqlServer-Props"'),)
        return generic_error("Unauthorized", 40100, "401 Unauthorized", headers=challenge)


def _key(method: str, path: str, accept: str | None, body: bytes, sql: str | None) -> tuple[Any, ...]:
    if sql is not None:
        return method, path, accept, "sql", _even(sql)
    try:
        return method, path, accept, "json", json.dumps(json.loads(body), sort_keys=True)
    except ValueError:
        return method, path, accept, "raw", body


def _even(sql: str | None) -> str:
    return " ".join((sql or "").split())


def _self_signed(folder: Path) -> tuple[Path, Path]:
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
            ),
            *("-keyout", str(key), "-out", str(certificate), "-days", "2", "-subj", "/CN=127.0.0.1"),
            *("-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"),
        ],
        check=True,
        capture_output=True,
        timeout=60,
    )
    return certificate, key
