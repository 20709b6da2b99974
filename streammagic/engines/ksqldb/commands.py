"""Statements that ksqlDB answers at once: sent one after another, followed to their end, never in doubt.

The server writes what changes something into its command topic, in a transaction that a second writer
fences (measured on 7.4). So a process sends such statements to one cluster one at a time; where another
client was faster, the server says that nothing was written, and the statement is sent again.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from streammagic.engines.http import Interruption
from streammagic.engines.ksqldb import errors
from streammagic.engines.ksqldb.rest import may_have_been_taken, was_too_early
from streammagic.errors import ConnectionFailedError, OperationTimeoutError, StreamMagicError
from streammagic.sql.ksqldb import KsqlDialect
from streammagic.sql.naming_ksqldb import normal_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from streammagic.engines.base import Settings
    from streammagic.engines.ksqldb.rest import KsqlRest
    from streammagic.engines.ksqldb.session import Session
    from streammagic.sql.statements import Statement

Entity = dict[str, Any]

_UNDER_WAY = frozenset({"QUEUED", "PARSING", "EXECUTING", "RUNNING"})
_LOOK_SECONDS = 5.0
_TURN_SECONDS = 0.1
_turns: dict[str, threading.Lock] = {}
"""By cluster: who holds it sends what changes something there."""
_DIALECT = KsqlDialect()


class Commands:
    """The way to /ksql for one connection."""

    def __init__(self, rest: KsqlRest, session: Session, settings: Settings) -> None:
        self._rest = rest
        self._session = session
        self._settings = settings

    def ask(
        self,
        sql: str,
        statement: Statement | None = None,
        settings: Mapping[str, str] | None = None,
        *,
        interruption: Interruption | None = None,
    ) -> list[Entity]:
        """Send a statement that changes nothing on the server (LIST, EXPLAIN, SET); return its entities."""
        return self._send(sql, settings or {}, statement, safe=True, interruption=interruption)

    def carry_out(
        self,
        statement: Statement,
        settings: Mapping[str, str],
        interruption: Interruption | None = None,
        *,
        alone: Mapping[str, str] | None = None,
    ) -> list[Entity]:
        """Send a statement that changes something, and wait until the server has carried it out.

        ``statement`` is as it is sent, with ``settings`` besides the session's. ``alone`` gives the only
        variables, and makes ``settings`` the only properties that count. Raises what the server makes of it,
        and `OperationTimeoutError` where what became of it is not known: it is looked up, never sent again.
        An interruption ends the waits before and after, not the one for the answer.
        """
        interruption = interruption or Interruption()
        with _turn(self._rest.info().place, statement, interruption):
            try:
                entities = self._send(f"{statement.text};", settings, statement, safe=False, alone=alone)
            except StreamMagicError as error:
                if not may_have_been_taken(error):
                    raise
                return self._look_up(statement, error)
            return [self._followed(entity, statement, interruption) for entity in entities]

    def describe(
        self, source: str, *, extended: bool = False, interruption: Interruption | None = None
    ) -> Entity | None:
        """Return the ``sourceDescription`` of a source, by its name as typed; None where there is none."""
        try:
            found = self.ask(
                f"DESCRIBE {source}{' EXTENDED' if extended else ''};", interruption=interruption
            )
        except StreamMagicError as error:
            if errors.unknown_source(error) is not None:
                return None
            raise
        description: Entity = found[0]["sourceDescription"]
        return description

    def explain(
        self,
        what: str,
        statement: Statement | None = None,
        *,
        at: int = 0,
        interruption: Interruption | None = None,
    ) -> Entity:
        """Return the ``queryDescription`` of a statement or of a persistent query's id.

        ``what`` stands in ``statement`` from the offset ``at`` on; an error's place is in the statement.
        """
        word = "EXPLAIN "
        sent = None if statement is None else statement.retold(f"{word}{what}")
        try:
            found = self.ask(f"{word}{what};", sent, interruption=interruption)
        except StreamMagicError as error:
            if statement is not None:
                error.statement = statement.text
                if error.line is not None and error.column is not None:
                    before = statement.text[:at]
                    if error.line == 1:
                        error.column = max(error.column - len(word), 1) + len(before) - before.rfind("\n") - 1
                    error.line += before.count("\n")
            raise
        description: Entity = found[0]["queryDescription"]
        return description

    def _send(  # noqa: PLR0913 - the fields of a request
        self,
        sql: str,
        settings: Mapping[str, str],
        statement: Statement | None,
        *,
        safe: bool,
        alone: Mapping[str, str] | None = None,
        interruption: Interruption | None = None,
    ) -> list[Entity]:
        session = self._session

        def send(sequence: int | None) -> list[Entity]:
            return self._rest.statements(
                sql,
                properties=session.with_properties(settings) if alone is None else settings,
                variables=session.variables if alone is None else alone,
                sequence=sequence,
                statement=statement,
                safe=safe,
                interruption=interruption,
            )

        sequence = session.sequence
        try:
            return send(sequence)
        except OperationTimeoutError as error:
            if sequence is None or not was_too_early(error):
                raise
            # The command is slow, or the server's command topic a new one. Nothing was done of this request.
            session.forget_command(sequence)
            return send(None)

    def _followed(self, entity: Entity, statement: Statement, interruption: Interruption) -> Entity:
        """Wait until a command is carried out; raise what became of it otherwise."""
        status = entity.get("commandStatus")
        if entity.get("@type") != "currentStatus" or not isinstance(status, dict):
            return entity
        number = entity.get("commandSequenceNumber")
        self._session.saw_command(-1 if number is None else int(number))
        deadline = time.monotonic() + self._settings.operation_timeout
        pause = 0.05
        while status["status"] in _UNDER_WAY:
            if time.monotonic() > deadline or interruption.wait(pause):
                raise OperationTimeoutError(
                    f"ksqlDB has the statement, and has not carried it out yet ({status['status'].lower()}).",
                    engine=errors.TITLE,
                    statement=statement.text,
                    hint="It will be carried out when its turn comes; look with LIST QUERIES, LIST STREAMS "
                    "or LIST TABLES before you run it again.",
                )
            pause = min(pause * 1.5, 1.0)
            with suppress(ConnectionFailedError):  # the server has it, whoever can't be reached now
                found = self._rest.status(str(entity["commandId"]))
                if found is None:  # it was started again, and has forgotten what it said
                    return self._look_up(statement, _forgotten())[0]
                status = found
        if status["status"] == "ERROR":
            raise errors.from_status(str(status.get("message", "")), statement)
        return entity | {"commandStatus": status}

    def _look_up(self, statement: Statement, error: StreamMagicError) -> list[Entity]:
        """Find out whether a statement whose answer never came was carried out; raise where none can tell."""
        name = _DIALECT.created_name(statement)
        if name is None or {"REPLACE", "EXISTS"} & set(statement.words):
            raise self._unknown(statement, error)
        said = normal_name(name)
        if self._comes_to_be(name):
            found = {"@type": "warning_entity", "statementText": statement.text}
            return [found | {"message": f"the answer was lost; {said} is there"}]
        raise self._unknown(statement, error, f"{said} is not there now, and may still come to be. ")

    def _comes_to_be(self, name: str) -> bool:
        """Look for a source for a while: its statement may be carried out at this moment."""
        late = Interruption()
        timer = threading.Timer(_LOOK_SECONDS, late.set)
        timer.daemon = True
        timer.start()
        try:
            while not late.is_set():
                with suppress(StreamMagicError):
                    if self.describe(name, interruption=late) is not None:
                        return True
                late.wait(_LOOK_SECONDS / 10)
            return False
        finally:
            timer.cancel()

    @staticmethod
    def _unknown(statement: Statement, error: StreamMagicError, found: str = "") -> OperationTimeoutError:
        look = "Look with LIST STREAMS, LIST TABLES or LIST QUERIES"
        if statement.words[:1] == ("INSERT",):
            look = "Look with a SELECT"
        return OperationTimeoutError(
            "ksqlDB's answer did not come: whether the statement was carried out is unknown.",
            engine=errors.TITLE,
            statement=statement.text,
            cause="\n".join(filter(None, [error.message, error.cause])),
            hint=f"{found}{look} before you run it again.",
        )


def _forgotten() -> ConnectionFailedError:
    return ConnectionFailedError("The server knows the command no more; it may have been started again.")


@contextmanager
def _turn(place: str, statement: Statement, interruption: Interruption) -> Iterator[None]:
    """Wait until nobody else in this process has the cluster carry out a statement.

    What only writes rows needs no turn. Raises `OperationTimeoutError` where interrupted.
    """
    if statement.words[:1] == ("INSERT",) and _DIALECT.query_of(statement) is None:
        yield
        return
    lock = _turns.setdefault(place, threading.Lock())
    has_turn = False
    try:
        while not interruption.is_set():
            has_turn = lock.acquire(timeout=_TURN_SECONDS)
            if has_turn:
                yield
                return
        raise OperationTimeoutError(
            "The statement was not sent: it was stopped before its turn came.",
            engine=errors.TITLE,
            statement=statement.text,
        )
    finally:
        if has_turn:
            lock.release()
