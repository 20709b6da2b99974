"""JSON over HTTP, as all engines need it: what is safe to repeat is repeated, the rest is told apart.

A GET is repeated with back-off. A POST or DELETE is repeated only where the connection was refused:
then nobody took it. Proxies and CA bundles of the environment are honoured (that is requests' doing).
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import orjson
import requests
import stamina
from requests.adapters import HTTPAdapter
from urllib3.exceptions import NewConnectionError

from streammagic.errors import ConnectionFailedError

if TYPE_CHECKING:
    from streammagic.engines.base import Settings

# What is repeated is told by the error in the end; stderr is the person's.
logging.getLogger("stamina").addHandler(logging.NullHandler())

_BUSY = frozenset({502, 503, 504})
_UNAUTHORISED = frozenset({401, 403})
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_CONNECTIONS = 32
"""Kept-alive connections per engine: readers of that many queries never wait for a new one."""


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
        self._session = requests.Session()
        self._session.mount("http://", HTTPAdapter(pool_maxsize=_CONNECTIONS))
        self._session.mount("https://", HTTPAdapter(pool_maxsize=_CONNECTIONS))
        if urlsplit(self.base).hostname in _LOOPBACK:
            self._session.trust_env = (
                False  # a proxy of the environment can't reach this machine's own servers
            )
        self._session.verify = settings.verify
        self._session.cert = settings.cert
        self._session.auth = settings.auth
        self._session.headers.update(settings.headers)
        if settings.token:
            self._session.headers["Authorization"] = f"Bearer {settings.token}"
        self._closed = threading.Event()

    def get(self, path: str, body: dict[str, Any] | None = None) -> bytes:
        """GET, repeated for a while on connection errors and 502 to 504."""
        for attempt in stamina.retry_context(
            on=_worth_repeating, attempts=5, timeout=self._timeout[1], wait_initial=0.1, wait_max=2.0
        ):
            with attempt:
                return self._request("GET", path, body)
        raise AssertionError  # pragma: no cover - retry_context returns or raises

    def post(self, path: str, body: dict[str, Any] | None = None) -> bytes:
        """POST, repeated only while the connection is refused."""
        return self._unsafe("POST", path, body)

    def patch(self, path: str, body: dict[str, Any] | None = None) -> bytes:
        """PATCH, repeated only while the connection is refused."""
        return self._unsafe("PATCH", path, body)

    def delete(self, path: str) -> bytes:
        """DELETE, repeated only while the connection is refused."""
        return self._unsafe("DELETE", path, None)

    def close(self) -> None:
        """Close all connections; requests under way may still end."""
        self._closed.set()
        self._session.close()

    def _unsafe(self, method: str, path: str, body: dict[str, Any] | None) -> bytes:
        for attempt in stamina.retry_context(
            on=_was_refused, attempts=4, timeout=5.0, wait_initial=0.2, wait_max=1.5
        ):
            with attempt:
                return self._request(method, path, body)
        raise AssertionError  # pragma: no cover - retry_context returns or raises

    def _request(self, method: str, path: str, body: dict[str, Any] | None) -> bytes:
        data = None if body is None else orjson.dumps(body)
        headers = None if body is None else {"Content-Type": "application/json"}
        try:
            response = self._session.request(
                method, self.base + path, data=data, headers=headers, timeout=self._timeout
            )
            content = response.content
        except requests.RequestException as error:
            raise self._unreachable(error) from error
        if response.status_code in _UNAUTHORISED:
            raise ConnectionFailedError(
                f"{self._title} at {without_password(self.base)} refused the credentials "
                f"(HTTP {response.status_code}).",
                hint="Set STREAMMAGIC_TOKEN, or STREAMMAGIC_USER and STREAMMAGIC_PASSWORD, or the traitlets "
                "of the same names in lower case.",
            )
        if not response.ok:
            raise HttpStatusError(response.status_code, content)
        return content

    def _unreachable(self, error: requests.RequestException) -> ConnectionFailedError:
        where = without_password(self.base)
        if isinstance(error, requests.exceptions.SSLError):
            message = f"The certificate of {self._title} at {where} was not accepted."
            hint = (
                "Set StreamMagic.ca_bundle to the CA's file, or StreamMagic.verify = False on a test server."
            )
        elif isinstance(error, requests.Timeout):
            message = f"{self._title} at {where} did not answer within {self._timeout[1]:g} s."
            hint = self._hint
        else:
            message = f"{self._title} at {where} can't be reached."
            hint = self._hint
        return ConnectionFailedError(message, cause=_root(error), hint=hint)


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


def _was_refused(error: Exception) -> bool:
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
