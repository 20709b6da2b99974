"""A schema registry: the schemas that a topic's values were written with.

Source: Confluent's Schema Registry API, which Apicurio and Karapace offer too: ``/subjects/…`` and
``/schemas/ids/…``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from streammagic.errors import ConnectionFailedError, StreamMagicError
from streammagic.sql.secrets import remember

_TIMEOUT = (3.0, 10.0)
"""Seconds to connect, and seconds without an answer."""

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_NOT_FOUND = 404
_UNAUTHORISED = frozenset({401, 403})


@dataclass(frozen=True, slots=True)
class RegisteredSchema:
    """A schema. ``kind`` is AVRO, JSON or PROTOBUF; ``text`` as it was registered.

    ``named`` are the schemas that it refers to, those first that others refer to.
    """

    kind: str
    text: str
    named: tuple[str, ...] = ()

    def content(self) -> Any:
        """Return the schema's JSON. Raises `StreamMagicError` if it is none."""
        try:
            return json.loads(self.text)
        except ValueError as error:
            raise StreamMagicError(
                f"The registered {self.kind} schema is no JSON.", cause=str(error)
            ) from None

    def read_avro(self, data: bytes) -> Any:
        """Return what Avro data of this schema says.

        Raises ImportError where fastavro is not installed, and whatever that does for data that is not Avro.
        """
        from fastavro import schemaless_reader

        return schemaless_reader(BytesIO(data), _parsed(self), None)


@lru_cache(maxsize=64)
def _parsed(schema: RegisteredSchema) -> Any:
    from fastavro.schema import parse_schema

    known: dict[str, Any] = {}
    for text in schema.named:
        parse_schema(json.loads(text), named_schemas=known)
    return parse_schema(schema.content(), named_schemas=known)


class Registry:
    """A schema registry by its URL, which may hold a user and a password. Answers are kept.

    All methods raise `ConnectionFailedError` where the registry is not there or refuses the credentials.
    """

    def __init__(self, url: str) -> None:
        import requests

        parts = urlsplit(url if "//" in url else f"http://{url}")
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        for secret in filter(None, (parts.password, password)):
            remember(secret)
        self.user_info = parts.netloc.rpartition("@")[0]
        self.url = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path.rstrip("/"), "", ""))
        self._session = requests.Session()
        if parts.hostname in _LOOPBACK:
            self._session.trust_env = (
                False  # a proxy of the environment can't reach this machine's own servers
            )
        self._session.auth = (user, password) if self.user_info else None
        self._by_id: dict[int, RegisteredSchema | None] = {}
        self._lost: ConnectionFailedError | None = None

    def latest(self, subject: str) -> RegisteredSchema | None:
        """Return a subject's newest schema, None if there is no such subject."""
        return self._schema(self._get(f"/subjects/{quote(subject, safe='')}/versions/latest"))

    def by_id(self, number: int) -> RegisteredSchema | None:
        """Return the schema of that id, None if there is none."""
        if number not in self._by_id:
            self._by_id[number] = self._schema(self._get(f"/schemas/ids/{number}"))
        return self._by_id[number]

    def _schema(self, answer: dict[str, Any] | None) -> RegisteredSchema | None:
        if answer is None:
            return None
        named: list[str] = []
        self._follow(answer, named, set())
        return RegisteredSchema(
            answer.get("schemaType") or "AVRO", str(answer.get("schema", "")), tuple(named)
        )

    def _follow(self, answer: dict[str, Any], named: list[str], seen: set[tuple[str, int]]) -> None:
        """Collect the texts of the schemas that an answer refers to, each after those it refers to itself."""
        for reference in answer.get("references") or ():
            subject, version = str(reference.get("subject")), int(reference.get("version", 0))
            if (subject, version) in seen:
                continue
            seen.add((subject, version))
            found = self._get(f"/subjects/{quote(subject, safe='')}/versions/{version}")
            if found is not None:
                self._follow(found, named, seen)
                named.append(str(found.get("schema", "")))

    def _get(self, path: str) -> dict[str, Any] | None:
        import requests

        if self._lost is not None:  # asked for every record of a page, a dead registry would take minutes
            raise self._lost
        try:
            response = self._session.get(self.url + path, timeout=_TIMEOUT)
            if response.status_code == _NOT_FOUND:
                return None
            response.raise_for_status()
            answer = response.json()
        except requests.RequestException as error:
            self._lost = self._failure(error)
            raise self._lost from None
        return answer if isinstance(answer, dict) else None

    def _failure(self, error: Any) -> ConnectionFailedError:
        status = getattr(error.response, "status_code", None)
        if status in _UNAUTHORISED:
            return ConnectionFailedError(
                f"The schema registry at {self.url} refused the credentials (HTTP {status}).",
                hint="StreamMagic.schema_registry may hold them: https://user:password@host.",
            )
        what = f"answered with HTTP {status}" if status else "can't be reached"
        return ConnectionFailedError(
            f"The schema registry at {self.url} {what}.",
            cause=type(error).__name__,
            hint="It is StreamMagic.schema_registry, or STREAMMAGIC_SCHEMA_REGISTRY.",
        )
