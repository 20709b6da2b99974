"""JSON over HTTP, as all engines need it: what is safe to repeat is repeated, the rest is told apart.

A GET is repeated with back-off. A POST or DELETE is repeated only where the connection was refused:
then nobody took it. Proxies and CA bundles of the environment are honoured (that is requests' doing).
What may take for ever can be broken off by another thread, whatever it waits for: see `Interruption`.
"""

from __future__ import annotations

import contextlib
import http.client
import logging
import socket
import ssl
import threading
import weakref
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import urlsplit, urlunsplit

import orjson
import requests
import stamina
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.exceptions import (
    HTTPError,
    InsecureRequestWarning,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
)

from streammagic.errors import ConnectionFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from streammagic.engines.base import Settings

T = TypeVar("T")

# What is repeated is told by the error in the end; stderr is the person's.
logging.getLogger("stamina").addHandler(logging.NullHandler())

_BUSY = frozenset({502, 503, 504})
_UNAUTHORISED, _FORBIDDEN = 401, 403
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_CONNECTIONS = 32
"""Kept-alive connections per engine: readers of that many queries never wait for a new one."""
_PIECE = 65_536
_KEEP_ALIVE = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4))
"""A silent connection is asked after a minute whether it still is one, where the system can do that."""


class HttpStatusError(Exception):
    """The server answered with an error status.

    ``errors`` is its JSON list of errors, ``code`` its own number of the error, if it sent them.
    """

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status
        self.body = body
        try:
            decoded = orjson.loads(body)
        except orjson.JSONDecodeError:
            decoded = None
        told = decoded if isinstance(decoded, dict) else {}
        errors, code = told.get("errors"), told.get("error_code")
        self.errors: list[str] = [str(error) for error in errors] if isinstance(errors, list) else []
        self.code: int | None = code if isinstance(code, int) else None


class Interruption:
    """Lets another thread break off whatever one thread waits for: an answer, more of one, a pause.

    It is given to the requests that it is to break off, and is set once.
    """

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()

    def set(self) -> None:
        """Break off, now and whenever something is begun; callable from any thread, any number of times."""
        with self._lock:
            self._event.set()
            watched = list(self._sockets)
        for one in watched:
            _cut(one)

    def is_set(self) -> bool:
        """Tell whether it is to be broken off."""
        return self._event.is_set()

    def wait(self, seconds: float) -> bool:
        """Pause for some seconds, or until it is to be broken off; tell whether it is."""
        return self._event.wait(seconds)

    def watch(self, sock: socket.socket) -> None:
        """Break off what waits for this socket too."""
        with self._lock:
            self._sockets.add(sock)
            late = self._event.is_set()
        if late:
            _cut(sock)


class Http:
    """A server, by its base URL. All methods are thread-safe and return the raw body.

    Without ``repeats`` every request is sent once, and repeating is the caller's affair. Raises
    `ConnectionFailedError` where no answer came, and `HttpStatusError` for an error status.
    """

    def __init__(self, base: str, settings: Settings, *, title: str, hint: str, repeats: bool = True) -> None:
        self.base = base.rstrip("/")
        self._repeats = repeats
        self._title = title
        self._hint = hint
        self._timeout = (min(5.0, settings.request_timeout), settings.request_timeout)
        self._settings = settings
        if settings.verify is False:
            urllib3.disable_warnings(InsecureRequestWarning)  # whoever says so need not be told each time
        self._session = self._new_session(_Adapter(pool_maxsize=_CONNECTIONS))

    def get(self, path: str, body: dict[str, Any] | None = None, *, accept: str | None = None) -> bytes:
        """GET, repeated for a while on connection errors and 502 to 504."""
        if not self._repeats:
            return self._request("GET", path, body, accept)
        for attempt in stamina.retry_context(
            on=_worth_repeating, attempts=5, timeout=self._timeout[1], wait_initial=0.1, wait_max=2.0
        ):
            with attempt:
                return self._request("GET", path, body, accept)
        raise AssertionError  # pragma: no cover - retry_context returns or raises

    def post(
        self,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        accept: str | None = None,
        seconds: float | None = None,
        interruption: Interruption | None = None,
    ) -> bytes:
        """POST, repeated only while the connection is refused.

        ``accept`` is the media type asked for; ``seconds`` bounds the answer in place of the usual time.
        What can be broken off goes over a connection of its own.
        """
        if interruption is not None:
            with self.stream(
                path, body or {}, accept or "*/*", interruption, seconds, quiet=seconds
            ) as answer:
                return b"".join(answer)
        return self._unsafe("POST", path, body, accept, seconds)

    def stream(  # noqa: PLR0913 - what a request is made of
        self,
        path: str,
        body: dict[str, Any],
        accept: str,
        interruption: Interruption,
        seconds: float | None = None,
        *,
        quiet: float | None = None,
    ) -> Stream:
        """POST on a connection of its own and return the answer as it comes, however long that takes.

        ``seconds`` bounds the wait for its head, ``quiet`` the one for each piece; None: nothing does. Sent
        once only where it is not refused.
        """
        return self._while_refused(lambda: self._open(path, body, accept, interruption, (seconds, quiet)))

    def patch(self, path: str, body: dict[str, Any] | None = None) -> bytes:
        """PATCH, repeated only while the connection is refused."""
        return self._unsafe("PATCH", path, body)

    def delete(self, path: str) -> bytes:
        """DELETE, repeated only while the connection is refused."""
        return self._unsafe("DELETE", path, None)

    def close(self) -> None:
        """Close all connections; requests under way may still end, and so may streams."""
        self._session.close()

    def _new_session(self, adapter: HTTPAdapter) -> requests.Session:
        session, settings = requests.Session(), self._settings
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        if urlsplit(self.base).hostname in _LOOPBACK:
            session.trust_env = False  # a proxy of the environment can't reach this machine's own servers
        session.verify = settings.verify
        session.cert = settings.cert
        session.auth = settings.auth
        session.headers.update(settings.headers)
        if settings.token:
            session.headers["Authorization"] = f"Bearer {settings.token}"
        return session

    def _unsafe(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None,
        accept: str | None = None,
        seconds: float | None = None,
    ) -> bytes:
        return self._while_refused(lambda: self._request(method, path, body, accept, seconds))

    def _while_refused(self, ask: Callable[[], T]) -> T:
        """Ask, and again for a while where nobody listens, unless repeating is the caller's affair."""
        if not self._repeats:
            return ask()
        for attempt in stamina.retry_context(
            on=was_refused, attempts=4, timeout=5.0, wait_initial=0.2, wait_max=1.5
        ):
            with attempt:
                return ask()
        raise AssertionError  # pragma: no cover - retry_context returns or raises

    def _request(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None,
        accept: str | None = None,
        seconds: float | None = None,
    ) -> bytes:
        timeout = (self._timeout[0], seconds or self._timeout[1])
        try:
            response = self._session.request(
                method, self.base + path, data=_json(body), headers=_headers(body, accept), timeout=timeout
            )
            content = response.content
        except requests.RequestException as error:
            raise self._unreachable(error, timeout[1]) from error
        self._check(response, content)
        return content

    def _open(
        self,
        path: str,
        body: dict[str, Any],
        accept: str,
        interruption: Interruption,
        seconds: tuple[float | None, float | None],
    ) -> Stream:
        line = _Line(interruption)
        session = self._new_session(line)
        try:
            response = session.post(
                self.base + path,
                data=_json(body),
                headers=_headers(body, accept),
                timeout=(self._timeout[0], seconds[0]),
                stream=True,
            )
            if not response.ok:
                self._check(response, response.content)
        except requests.RequestException as error:
            session.close()
            raise self._unreachable(error, seconds[0]) from error
        except (HttpStatusError, ConnectionFailedError):
            session.close()
            raise
        line.wait_at_most(seconds[1])
        return Stream(session, response, self, interruption)

    def _check(self, response: requests.Response, content: bytes) -> None:
        """Raise what an error status means."""
        if response.ok:
            return
        error = HttpStatusError(response.status_code, content)
        # A server that numbers its refusals tells more than that it has refused.
        if error.status == _UNAUTHORISED or (error.status == _FORBIDDEN and error.code is None):
            raise refused_credentials(f"{self._title} at {without_password(self.base)}", error.status)
        raise error

    def broken(self, error: Exception) -> ConnectionFailedError:
        """Return what to raise where an answer broke off in its middle."""
        return ConnectionFailedError(
            f"{self._title} at {without_password(self.base)} broke off in the middle of its answer.",
            cause=_root(error),
            hint=self._hint,
        )

    def _unreachable(
        self, error: requests.RequestException, seconds: float | None = None
    ) -> ConnectionFailedError:
        where = without_password(self.base)
        if any(isinstance(one, ssl.SSLCertVerificationError) for one in _causes(error)):
            message = f"The certificate of {self._title} at {where} was not accepted."
            hint = (
                "Set StreamMagic.ca_bundle to the CA's file, or StreamMagic.verify = False on a test server."
            )
        elif isinstance(error, requests.exceptions.SSLError):
            message = f"{self._title} at {where} does not speak TLS."
            hint = (
                "Is it http:// that it speaks? Or does it want a client certificate, StreamMagic.client_cert?"
            )
        elif isinstance(error, requests.ConnectTimeout):
            message = (
                f"{self._title} at {where} can't be reached: no connection within {self._timeout[0]:g} s."
            )
            hint = self._hint
        elif isinstance(error, requests.Timeout):
            message = f"{self._title} at {where} did not answer within {seconds or self._timeout[1]:g} s."
            hint = self._hint
        elif any(isinstance(one, ProtocolError) for one in _causes(error)):
            message = f"{self._title} at {where} closed the connection before it had answered."
            hint = self._hint
        else:
            message = f"{self._title} at {where} can't be reached."
            hint = self._hint
        return ConnectionFailedError(message, cause=_root(error), hint=hint)


class Stream:
    """An answer that is read as it comes, on a connection of its own, which is closed with it."""

    def __init__(
        self, session: requests.Session, response: requests.Response, http: Http, interruption: Interruption
    ) -> None:
        self._session = session
        self._response = response
        self._http = http
        self._interruption = interruption

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def http(self) -> Http:
        """The server that gives the answer."""
        return self._http

    def __iter__(self) -> Iterator[bytes]:
        """Yield the body as it comes, in no pieces that mean anything.

        Ends when it ends, or when it is interrupted. Raises `ConnectionFailedError` where it breaks off.
        """
        raw = self._response.raw
        try:
            while data := raw.read1(_PIECE, decode_content=True):
                yield data
        except (HTTPError, OSError, http.client.HTTPException, ValueError) as error:
            if not self._interruption.is_set():
                raise self._http.broken(error) from error

    def close(self) -> None:
        """Close the connection."""
        self._response.close()
        self._session.close()


class _Adapter(HTTPAdapter):
    """An adapter whose connections are closed with it, and not when the last error is forgotten."""

    def close(self) -> None:
        """Close all connections that no request uses."""
        for manager in (self.poolmanager, *self.proxy_manager.values()):
            for key in manager.pools.keys():  # noqa: SIM118 - it can't be iterated
                manager.pools[key].close()
        super().close()


class _Line(_Adapter):
    """The way of one request: it tells its socket to an interruption, also while no answer has begun."""

    def __init__(self, interruption: Interruption) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1)
        self._interruption = interruption
        self._socket: socket.socket | None = None

    def cert_verify(self, conn: Any, url: Any, verify: Any, cert: Any) -> None:
        """Prepare the pool that the request is sent from, which makes its connection next."""
        super().cert_verify(conn, url, verify, cert)  # type: ignore[no-untyped-call]
        line, made = self, conn.ConnectionCls

        def connect(connection: Any) -> None:
            made.connect(connection)
            line.take(connection.sock)

        conn.ConnectionCls = type(made.__name__, (made,), {"connect": connect})

    def take(self, sock: socket.socket) -> None:
        """Note the socket, keep it alive while it is silent, have it broken off with the rest."""
        sock = getattr(sock, "socket", sock)  # TLS in TLS, through a proxy, is no socket itself
        self._socket = sock
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEP_ALIVE:
            if hasattr(socket, name):
                sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
        self._interruption.watch(sock)

    def wait_at_most(self, seconds: float | None) -> None:
        """Bound the wait for each piece of the answer."""
        if self._socket is not None:
            self._socket.settimeout(seconds)


def _cut(sock: socket.socket) -> None:
    """Make whoever reads from a socket read its end."""
    with contextlib.suppress(OSError):  # it has ended already
        socket.socket.shutdown(sock, socket.SHUT_RDWR)  # that of a TLS socket would take its layer away


def _json(body: dict[str, Any] | None) -> bytes | None:
    return None if body is None else orjson.dumps(body)


def _headers(body: dict[str, Any] | None, accept: str | None) -> dict[str, str]:
    headers = {} if body is None else {"Content-Type": "application/json"}
    return headers if accept is None else headers | {"Accept": accept}


def without_password(url: str) -> str:
    """Return a URL without user and password, to be shown."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, parts.query, ""))


def _worth_repeating(error: Exception) -> bool:
    if isinstance(error, HttpStatusError):
        return error.status in _BUSY
    return isinstance(error, ConnectionFailedError) and not isinstance(
        error.__cause__, requests.exceptions.SSLError | type(None)
    )


def was_refused(error: Exception) -> bool:
    """Tell whether no connection came to be because nobody listens."""
    cause = error.__cause__
    if not isinstance(error, ConnectionFailedError) or not isinstance(cause, requests.ConnectionError):
        return False
    return isinstance(getattr(cause.args[0] if cause.args else None, "reason", None), NewConnectionError)


def was_never_sent(error: Exception) -> bool:
    """Tell whether no connection came to be, for whatever reason: nobody can have taken the request."""
    cause = error.__cause__
    if isinstance(cause, requests.ConnectTimeout) or was_refused(error):
        return True
    return any(isinstance(one, ssl.SSLCertVerificationError) for one in _causes(error))


def refused_credentials(who: str, status: int, cause: str | None = None) -> ConnectionFailedError:
    """Return what to raise where an engine refused the credentials, or wants some."""
    return ConnectionFailedError(
        f"{who} refused the credentials (HTTP {status}).",
        cause=cause,
        hint="Set STREAMMAGIC_TOKEN, or STREAMMAGIC_USER and STREAMMAGIC_PASSWORD, or the traitlets "
        "of the same names in lower case.",
    )


def timed_out(error: Exception) -> bool:
    """Tell whether an answer, or more of it, did not come in time."""
    return isinstance(error.__cause__, requests.ReadTimeout | ReadTimeoutError)


def _root(error: BaseException) -> str:
    """Return the innermost reason of a network error, which says what happened."""
    *_, innermost = _causes(error)
    return f"{type(innermost).__name__}: {innermost}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error, and what it came from."""
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or found.__context__
