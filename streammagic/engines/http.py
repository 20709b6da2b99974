"""JSON over HTTP, as all engines need it: what is safe to repeat is repeated, the rest is told apart.

A GET is repeated with back-off. A POST or DELETE is repeated only where the connection was refused:
then nobody took it. Proxies and CA bundles of the environment are honoured (that is requests' doing).
"""

from __future__ import annotations

import contextlib
import http.client
import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import orjson
import requests
import stamina
from requests.adapters import HTTPAdapter
from urllib3.exceptions import HTTPError, NewConnectionError

from streammagic.errors import ConnectionFailedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streammagic.engines.base import Settings

# What is repeated is told by the error in the end; stderr is the person's.
logging.getLogger("stamina").addHandler(logging.NullHandler())

_BUSY = frozenset({502, 503, 504})
_UNAUTHORISED = frozenset({401, 403})
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_CONNECTIONS = 32
"""Kept-alive connections per engine: readers of that many queries never wait for a new one."""
_PIECE = 65_536


class HttpStatusError(Exception):
    """The server answered with an error status. ``errors`` is its JSON list of errors, if it sent one."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status
        self.body = body
        try:
            decoded = orjson.loads(body)
        except orjson.JSONDecodeError:
            decoded = None
        errors = decoded.get("errors") if isinstance(decoded, dict) else None
        self.errors: list[str] = [str(error) for error in errors] if isinstance(errors, list) else []


class Http:
    """A server, by its base URL. All methods are thread-safe and return the raw body.

    Raises `ConnectionFailedError` where no answer came, and `HttpStatusError` for an error status.
    """

    def __init__(self, base: str, settings: Settings, *, title: str, hint: str) -> None:
        self.base = base.rstrip("/")
        self._title = title
        self._hint = hint
        self._timeout = (min(5.0, settings.request_timeout), settings.request_timeout)
        self._settings = settings
        self._session = self._new_session()

    def get(self, path: str, body: dict[str, Any] | None = None) -> bytes:
        """GET, repeated for a while on connection errors and 502 to 504."""
        for attempt in stamina.retry_context(
            on=_worth_repeating, attempts=5, timeout=self._timeout[1], wait_initial=0.1, wait_max=2.0
        ):
            with attempt:
                return self._request("GET", path, body)
        raise AssertionError  # pragma: no cover - retry_context returns or raises

    def post(
        self,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        accept: str | None = None,
        seconds: float | None = None,
    ) -> bytes:
        """POST, repeated only while the connection is refused.

        ``accept`` is the media type asked for; ``seconds`` bounds the answer in place of the usual time.
        """
        return self._unsafe("POST", path, body, accept, seconds)

    def stream(self, path: str, body: dict[str, Any], accept: str) -> Stream:
        """POST on a connection of its own and return the answer as it comes, however long that takes.

        Repeated only while the connection is refused.
        """
        for attempt in _while_refused():
            with attempt:
                return self._open(path, body, accept)
        raise AssertionError  # pragma: no cover - retry_context returns or raises

    def patch(self, path: str, body: dict[str, Any] | None = None) -> bytes:
        """PATCH, repeated only while the connection is refused."""
        return self._unsafe("PATCH", path, body)

    def delete(self, path: str) -> bytes:
        """DELETE, repeated only while the connection is refused."""
        return self._unsafe("DELETE", path, None)

    def close(self) -> None:
        """Close all connections; requests under way may still end, and so may streams."""
        self._session.close()

    def _new_session(self) -> requests.Session:
        session, settings = requests.Session(), self._settings
        session.mount("http://", HTTPAdapter(pool_maxsize=_CONNECTIONS))
        session.mount("https://", HTTPAdapter(pool_maxsize=_CONNECTIONS))
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
        for attempt in _while_refused():
            with attempt:
                return self._request(method, path, body, accept, seconds)
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

    def _open(self, path: str, body: dict[str, Any], accept: str) -> Stream:
        session = self._new_session()
        try:
            response = session.post(
                self.base + path,
                data=_json(body),
                headers=_headers(body, accept),
                timeout=(self._timeout[0], None),
                stream=True,
            )
            if not response.ok:
                self._check(response, response.content)
        except requests.RequestException as error:
            session.close()
            raise self._unreachable(error) from error
        except (HttpStatusError, ConnectionFailedError):
            session.close()
            raise
        return Stream(session, response, self)

    def _check(self, response: requests.Response, content: bytes) -> None:
        """Raise what an error status means."""
        if response.status_code in _UNAUTHORISED:
            raise ConnectionFailedError(
                f"{self._title} at {without_password(self.base)} refused the credentials "
                f"(HTTP {response.status_code}).",
                hint="Set STREAMMAGIC_TOKEN, or STREAMMAGIC_USER and STREAMMAGIC_PASSWORD, or the traitlets "
                "of the same names in lower case.",
            )
        if not response.ok:
            raise HttpStatusError(response.status_code, content)

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
        if isinstance(error, requests.exceptions.SSLError):
            message = f"The certificate of {self._title} at {where} was not accepted."
            hint = (
                "Set StreamMagic.ca_bundle to the CA's file, or StreamMagic.verify = False on a test server."
            )
        elif isinstance(error, requests.Timeout):
            message = f"{self._title} at {where} did not answer within {seconds or self._timeout[1]:g} s."
            hint = self._hint
        else:
            message = f"{self._title} at {where} can't be reached."
            hint = self._hint
        return ConnectionFailedError(message, cause=_root(error), hint=hint)


class Stream:
    """An answer that is read as it comes, on a connection of its own."""

    def __init__(self, session: requests.Session, response: requests.Response, http: Http) -> None:
        self._session = session
        self._response = response
        self._http = http
        self._shut = False

    @property
    def http(self) -> Http:
        """The server that gives the answer."""
        return self._http

    def __iter__(self) -> Iterator[bytes]:
        """Yield the body as it comes, in no pieces that mean anything.

        Ends when it ends, or after `shutdown`. Raises `ConnectionFailedError` where it breaks off.
        """
        raw = self._response.raw
        try:
            while data := raw.read1(_PIECE, decode_content=True):
                yield data
        except (HTTPError, OSError, http.client.HTTPException, ValueError) as error:
            if not self._shut:
                raise self._http.broken(error) from error

    def shutdown(self) -> None:
        """Make the iteration end; callable from any thread, any number of times."""
        self._shut = True
        with contextlib.suppress(OSError, ValueError, RuntimeError):  # it has ended already
            self._response.raw.shutdown()

    def close(self) -> None:
        """Close the connection."""
        self._shut = True
        self._response.close()
        self._session.close()


def _json(body: dict[str, Any] | None) -> bytes | None:
    return None if body is None else orjson.dumps(body)


def _headers(body: dict[str, Any] | None, accept: str | None) -> dict[str, str]:
    headers = {} if body is None else {"Content-Type": "application/json"}
    return headers if accept is None else headers | {"Accept": accept}


def _while_refused() -> Iterator[stamina.Attempt]:
    yield from stamina.retry_context(on=was_refused, attempts=4, timeout=5.0, wait_initial=0.2, wait_max=1.5)


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
    """Tell whether no connection came to be, so that nobody can have taken the request."""
    cause = error.__cause__
    if not isinstance(error, ConnectionFailedError) or not isinstance(cause, requests.ConnectionError):
        return False
    return isinstance(getattr(cause.args[0] if cause.args else None, "reason", None), NewConnectionError)


def _root(error: BaseException) -> str:
    """Return the innermost reason of a network error, which says what happened."""
    while error.__cause__ is not None or error.__context__ is not None:
        error = error.__cause__ or error.__context__ or error
    return f"{type(error).__name__}: {error}"
