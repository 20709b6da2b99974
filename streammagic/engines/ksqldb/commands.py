"""Statements that ksqlDB answers at once: sent one after another, followed to their end, never in doubt.

The server writes what changes something into its command topic, in a transaction that a second writer
fences (measured on 7.4). So a process sends such statements to one cluster one at a time; where another
client was faster, the server says that nothing was written, and the statement is sent again.
"""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from streammagic.engines.ksqldb import errors
from streammagic.errors import ConnectionFailedError, OperationTimeoutError, StreamMagicError
from streammagic.sql.ksqldb import KsqlDialect, normal_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streammagic.engines.base import Settings
    from streammagic.engines.ksqldb.rest import KsqlRest
    from streammagic.engines.ksqldb.session import Session
    from streammagic.sql.statements import Statement

Entity = dict[str, Any]

_UNDER_WAY = frozenset({"QUEUED", "PARSING", "EXECUTING", "RUNNING"})
_LOOK_SECONDS = 5.0
_one_at_a_time: dict[str, threading.Lock] = {}
_DIALECT = KsqlDialect()


class Commands:
    """The way to /ksql for one connection."""

    def __init__(self, rest: KsqlRest, session: Session, settings: Settings) -> None:
        self._rest = rest
        self._session = session
        self._settings = settings

    def ask(self, sql: str, statement: Statement | None = None) -> list[Entity]:
        """Send a statement that changes nothing (LIST, DESCRIBE, EXPLAIN) and return its entities."""
        return self._send(sql, {}, statement, safe=True)

    def carry_out(
        self,
        statement: Statement,
        settings: Mapping[str, str],
        interrupted: threading.Event | None = None,
        *,
        alone: Mapping[str, str] | None = None,
    ) -> list[Entity]:
        """Send a statement that changes something, and wait until the server has carried it out.

        ``statement`` is as it is sent, with ``settings`` besides the session's. ``alone`` gives the only
        variables, and makes ``settings`` the only properties that count. Raises what the server makes of it,
        and `OperationTimeoutError` where what became of it is not known: it is looked up, never sent again.
        """
        place = self._rest.info().place
        with _one_at_a_time.setdefault(place, threading.Lock()):
            try:
                entities = self._send(f"{statement.text};", settings, statement, safe=False, alone=alone)
            except ConnectionFailedError as error:
                if not may_have_been_taken(error):
                    raise
                return self._look_up(statement, error)
            return [self._followed(entity, statement, interrupted) for entity in entities]

    def describe(self, source: str, *, extended: bool = False) -> Entity | None:
        """Return the ``sourceDescription`` of a source, by its name as typed; None where there is none."""
        try:
            found = self.ask(f"DESCRIBE {source}{' EXTENDED' if extended else ''};")
        except StreamMagicError as error:
            if errors.unknown_source(error) is not None:
                return None
            raise
        description: Entity = found[0]["sourceDescription"]
        return description

    def explain(self, what: str, statement: Statement | None = None) -> Entity:
        """Return the ``queryDescription`` of a statement or of a persistent query's id.

        ``what`` is ``statement``, or its end; an error's place is in the statement.
        """
        word = "EXPLAIN "
        sent = None if statement is None else statement.retold(f"{word}{what}")
        try:
            description: Entity = self.ask(f"{word}{what};", sent)[0]["queryDescription"]
        except StreamMagicError as error:
            if statement is not None:
                error.statement = statement.text
                if error.line is not None and error.column is not None:
                    before = statement.text.removesuffix(what)
                    if error.line == 1:
                        error.column = max(error.column - len(word), 1) + len(before) - before.rfind("\n") - 1
                    error.line += before.count("\n")
            raise
        return description

    def _send(
        self,
        sql: str,
        settings: Mapping[str, str],
        statement: Statement | None,
        *,
        safe: bool,
        alone: Mapping[str, str] | None = None,
    ) -> list[Entity]:
        session = self._session
        return self._rest.statements(
            sql,
            properties={**session.properties, **settings} if alone is None else settings,
            variables=session.variables if alone is None else alone,
            sequence=session.sequence,
            statement=statement,
            safe=safe,
        )

    def _followed(self, entity: Entity, statement: Statement, interrupted: threading.Event | None) -> Entity:
        """Wait until a command is carried out; raise what became of it otherwise."""
        status = entity.get("commandStatus")
        if entity.get("@type") != "currentStatus" or not isinstance(status, dict):
            return entity
        number = entity.get("commandSequenceNumber")
        self._session.saw_command(-1 if number is None else int(number))
        interrupted = interrupted or threading.Event()
        deadline = time.monotonic() + self._settings.operation_timeout
        pause = 0.05
        while status["status"] in _UNDER_WAY:
            if interrupted.is_set() or time.monotonic() > deadline:
                raise OperationTimeoutError(
                    f"ksqlDB has the statement, and has not carried it out yet ({status['status'].lower()}).",
                    engine=errors.TITLE,
                    statement=statement.text,
                    hint="It will be carried out when its turn comes; look with LIST QUERIES, LIST STREAMS "
                    "or LIST TABLES before you run it again.",
                )
            interrupted.wait(pause)
            pause = min(pause * 1.5, 1.0)
            found = self._rest.status(str(entity["commandId"]))
            status = status if found is None else found
        if status["status"] == "ERROR":
            raise errors.from_status(str(status.get("message", "")), statement)
        return entity | {"commandStatus": status}

    def _look_up(self, statement: Statement, error: ConnectionFailedError) -> list[Entity]:
        """Find out whether a statement whose answer never came was carried out; raise where none can tell."""
        name = _DIALECT.created_name(statement)
        certain = name is not None and not {"REPLACE", "EXISTS"} & set(statement.words)
        with suppress(StreamMagicError):
            if certain and name is not None and self._is_there(name):
                return [
                    {
                        "@type": "warning_entity",
                        "statementText": statement.text,
                        "message": f"the answer was lost; {normal_name(name)} is there",
                    }
                ]
        raise OperationTimeoutError(
            "ksqlDB's answer did not come: whether the statement was carried out is unknown.",
            engine=errors.TITLE,
            statement=statement.text,
            cause=error.cause or error.message,
            hint=(
                f"{normal_name(name)} is not there now, and may still come to be. "
                if certain and name
                else ""
            )
            + "Look with LIST STREAMS, LIST TABLES or LIST QUERIES before you run it again.",
        )

    def _is_there(self, name: str) -> bool:
        """Look for a source for a while: its statement may be carried out at this moment."""
        never = threading.Event()
        deadline = time.monotonic() + _LOOK_SECONDS
        while self.describe(name) is None:
            if time.monotonic() > deadline:
                return False
            never.wait(0.5)
        return True


def may_have_been_taken(error: ConnectionFailedError) -> bool:
    """Tell whether a server may have taken a request whose answer never came."""
    import requests

    cause = error.__cause__
    if isinstance(cause, requests.exceptions.SSLError | requests.exceptions.ConnectTimeout | type(None)):
        return False
    from streammagic.engines.http import was_refused

    return not was_refused(error)
