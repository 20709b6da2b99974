"""The SQL Gateway's REST API: sessions, operations, pages.

Source: "REST Endpoint" page of Flink's SQL Gateway documentation, versions v1 to v4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from streammagic.engines.flink import errors
from streammagic.engines.http import Http, HttpStatusError, without_password
from streammagic.errors import ConnectionFailedError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streammagic.engines.base import Settings
    from streammagic.errors import StreamMagicError
    from streammagic.sql.statements import Statement

_VERSIONS = ("v4", "v3", "v2", "v1")
_NOT_FOUND = 404


class Gateway:
    """A gateway, in the newest version of its API that both sides know.

    Every method raises `ConnectionFailedError` where it can't be reached, and what `errors.from_answer`
    makes of its refusal otherwise.
    """

    def __init__(self, url: str, settings: Settings) -> None:
        root = url.rstrip("/")
        if root.rpartition("/")[2] in _VERSIONS:
            root = root.rpartition("/")[0]
        self._http = Http(
            root,
            settings,
            title="Flink's SQL Gateway",
            hint="Is it running? Set STREAMMAGIC_FLINK_GATEWAY to its address; with the `local` extra and no "
            "address set, %%flink starts a Flink of its own.",
        )
        self._variables = settings.variables
        self.version = self._negotiate()

    @property
    def endpoint(self) -> str:
        """The base URL that sessions are under, with the version."""
        return f"{self._http.base}/{self.version}"

    def _negotiate(self) -> str:
        """Choose the API version. Gateways say theirs at /api_versions, unversioned."""
        try:
            known = orjson.loads(self._http.get("/api_versions"))["versions"]
        except HttpStatusError as error:
            if error.status == _NOT_FOUND and error.errors and self._knows_v1():
                return "v1"
            if error.status == _NOT_FOUND:
                raise self._no_gateway() from None
            raise errors.from_answer(error, None) from None
        except (orjson.JSONDecodeError, KeyError, TypeError):
            raise self._no_gateway() from None
        offered = {str(version).lower() for version in known}
        for version in _VERSIONS:
            if version in offered:
                return version
        raise ConnectionFailedError(
            f"The gateway speaks {', '.join(sorted(offered))}; streammagic speaks v1 to v4.",
            hint="Upgrade streammagic, or use a gateway of Flink 1.16 to 2.x.",
        )

    def _knows_v1(self) -> bool:
        """Tell a gateway that is older than /api_versions from a JobManager, whose 404 looks the same."""
        try:
            return "productName" in orjson.loads(self._http.get("/v1/info"))
        except (HttpStatusError, orjson.JSONDecodeError):
            return False

    def _no_gateway(self) -> ConnectionFailedError:
        return ConnectionFailedError(
            f"What answers at {without_password(self._http.base)} is not Flink's SQL Gateway.",
            hint="Check StreamMagic.flink_gateway: it must be the gateway's address, usually port 8083.",
        )

    def info(self) -> str:
        """Return product name and version, "Apache Flink 2.3.0"."""
        answer = self._json("get", "/info")
        return f"{answer['productName']} {answer['version']}"

    def open_session(self, properties: Mapping[str, str]) -> str:
        """Open a session and return its handle."""
        return str(self._json("post", "/sessions", {"properties": dict(properties)})["sessionHandle"])

    def close_session(self, session: str) -> None:
        """Close a session; its SELECT jobs end with it."""
        self._json("delete", f"/sessions/{session}")

    def heartbeat(self, session: str) -> None:
        """Keep an idle session alive."""
        self._json("post", f"/sessions/{session}/heartbeat")

    def submit(self, session: str, sql: str, config: Mapping[str, str], statement: Statement | None) -> str:
        """Send a statement and return the operation's handle. ``config`` holds for this statement only."""
        body: dict[str, Any] = {"statement": self._variables.render(sql).text}
        if config:
            body["executionConfig"] = {key: self._variables.expand(value) for key, value in config.items()}
        answer = self._json("post", f"/sessions/{session}/statements", body, statement)
        return str(answer["operationHandle"])

    def configure(self, session: str, sql: str, statement: Statement) -> None:
        """Run a definition or setting to its end, by one request (``configure-session``, from v2 on)."""
        body = {"statement": self._variables.render(sql).text}
        self._json("post", f"/sessions/{session}/configure-session", body, statement)

    def fetch(self, session: str, operation: str, token: int, statement: Statement | None) -> bytes:
        """Return the raw page of that token. Asking again gives the same page, so this may be repeated."""
        path = f"/{self.version}/sessions/{session}/operations/{operation}/result/{token}"
        try:
            return self._http.get(path if self.version == "v1" else f"{path}?rowFormat=JSON")
        except HttpStatusError as error:
            raise self._refusal(error, statement) from None

    def close_operation(self, session: str, operation: str) -> None:
        """Close an operation. For a SELECT this cancels its job; POST …/cancel would not."""
        self._json("delete", f"/sessions/{session}/operations/{operation}/close")

    def complete(self, session: str, sql: str, position: int) -> list[str]:
        """Return the engine's completions at an offset. The body of this GET is what the API asks for."""
        path = f"/{self.version}/sessions/{session}/complete-statement"
        try:
            answer = self._http.get(path, {"statement": sql, "position": position})
        except HttpStatusError as error:
            raise errors.from_answer(error, None) from None
        return list(orjson.loads(answer)["candidates"])

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _refusal(self, error: HttpStatusError, statement: Statement | None) -> StreamMagicError:
        """Make the error to raise; its place is in the statement as typed, not in what was sent of it."""
        if statement is None:
            return errors.from_answer(error, None)
        rendered = self._variables.render(statement.text)
        if rendered.text == statement.text:
            return errors.from_answer(error, statement)
        found = errors.from_answer(error, statement.retold(rendered.text))
        found.statement = statement.text
        if found.line is not None and found.column is not None:
            found.line, found.column = rendered.place_in_source(found.line, found.column)
        return found

    def _json(
        self, method: str, path: str, body: dict[str, Any] | None = None, statement: Statement | None = None
    ) -> dict[str, Any]:
        full = f"/{self.version}{path}"
        try:
            if method == "delete":
                answer = self._http.delete(full)
            elif method == "post":
                answer = self._http.post(full, body)
            else:
                answer = self._http.get(full)
        except HttpStatusError as error:
            raise self._refusal(error, statement) from None
        decoded: dict[str, Any] = orjson.loads(answer or b"{}")
        return decoded
