"""From ksqlDB's refusals and stacks to the error to raise; `wording` has the sentences.

A refusal is ``{"@type", "error_code", "message"}`` with HTTP status ``error_code // 100``, of every
endpoint, with or without a content type (io.confluent.ksql.rest.Errors, KsqlErrorMessage).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import orjson

from streammagic.engines.http import refused_credentials
from streammagic.engines.ksqldb import wording
from streammagic.engines.ksqldb.known import BEHIND, FENCED, IN_DOUBT, RATE_LIMIT, SAME_COMMAND
from streammagic.engines.ksqldb.wording import CAUSED_BY, dependants, flat, telling
from streammagic.errors import (
    ConnectionFailedError,
    JobFailedError,
    OperationTimeoutError,
    SqlError,
    StreamMagicError,
)
from streammagic.sql.secrets import mask

if TYPE_CHECKING:
    from streammagic.engines.ksqldb.misses import Unknown
    from streammagic.sql.statements import Statement

TITLE = "ksqlDB"

_ACL_DENIED = 40301
_SERVER, _COMMAND_TIMEOUT, _STARTING, _STOPPING, _STOPPED = 50000, 50301, 50302, 50303, 50304
_UNAUTHORISED = frozenset({401, 403})
_TOO_LONG = frozenset({413, 414, 431})
_NO_SUCH_PAGE = frozenset({404, 405})
_TOO_MANY, _GATEWAY_TIMEOUT = 429, 504
_PROXY = frozenset({502, 503})
_CAUSE = 300
"""Longest piece of a page that is shown, in characters."""

_TAG = re.compile(r"(?s)<(script|style|title)\b.*?</\1>|<[^>]*>")

_TRANSIENT = re.compile(
    r"not yet ready|is not available yet|Unable to execute pull query|at rate limit"
    r"|Cannot determine which host contains the required partitions|Exhausted standby hosts"
)
_NO_UPGRADE = re.compile(
    r"Cannot upgrade data source|[Qq]uery is not upgradeable|Upgrades not yet supported"
    r"|CREATE OR REPLACE is not supported|REPLACE for sink .+ is not supported"
)


def from_answer(status: int, body: bytes, statement: Statement | None) -> StreamMagicError:
    """Turn an error answer of any endpoint into the error to raise.

    `SqlError` is a refusal: the statement was not carried out. `ConnectionFailedError` tells of what is no
    ksqlDB, or of one that is not ready. `OperationTimeoutError` leaves open whether it was carried out;
    only that of 50301 says that it was not.
    """
    answer = _answer(body)
    code = status * 100 if answer is None else answer.code
    if status in _UNAUTHORISED and code != _ACL_DENIED:
        refused = refused_credentials(TITLE, status, cause=None if answer is None else answer.message)
        refused.engine = TITLE
        return refused
    if answer is None or code in _NO_SUCH_PAGE:
        return _foreign(status, body, statement)
    if code == _COMMAND_TIMEOUT:
        return OperationTimeoutError(
            "An earlier statement is still being carried out: this one was not begun.",
            engine=TITLE,
            statement=None if statement is None else statement.text,
            cause=answer.message,
            hint="Run it again in a moment.",
        )
    if code in _NOT_SERVING:
        message, hint = _NOT_SERVING[code]
        return ConnectionFailedError(message, engine=TITLE, cause=answer.message, hint=hint)
    kind = OperationTimeoutError if IN_DOUBT.search(answer.message) else SqlError
    return _error(kind, code, answer.message, statement, answer.stack)


def from_band(code: int, message: str, statement: Statement | None) -> StreamMagicError:
    """Turn an error that ended a stream of rows into the error to raise.

    `JobFailedError`, or `SqlError` where the code speaks of the request (below 50000).
    """
    return _error(SqlError if code < _SERVER else JobFailedError, code, message, statement)


def from_status(message: str, statement: Statement | None) -> StreamMagicError:
    """Turn the message of a ``commandStatus`` ERROR, mostly a Java stack, into the error to raise.

    The command was written and has failed: nothing runs, and to send it again is another command.
    """
    return _error(SqlError, _SERVER, message, statement)


def unknown_source(error: StreamMagicError) -> str | None:
    """Return the name, as the server has it, of a stream or table that does not exist; else None."""
    found = unknown(error)
    return found.name if found is not None and found.about == "source" else None


def unknown(error: StreamMagicError) -> Unknown | None:
    """Return the name that does not exist, where that is the error, and of what kind it is."""
    return wording.unknown(_words(error)[1])


def is_transient(what: BaseException | bytes | str) -> bool:
    """Tell whether a query is worth sending again soon: an error, the body of one, or its text.

    So it is while a server starts or a table is restored, and under a rate limit. Only queries and LIST,
    DESCRIBE, EXPLAIN fail so: there is nothing that could be left behind.
    """
    code, said = _words(what)
    return code in (_STARTING, RATE_LIMIT) or bool(_TRANSIENT.search(said))


def is_starting(body: bytes) -> bool:
    """Tell whether a server says that it is not ready yet (50302). Certainly nothing was done."""
    return _words(body)[0] == _STARTING


def is_busy(body: bytes) -> bool:
    """Tell whether the request may pass in a moment: a rate limit, or commands before it (50301).

    Nothing was done of the statement in question; it is a wait of unknown length, so repeat what is cheap.
    """
    return _words(body)[0] in (RATE_LIMIT, _COMMAND_TIMEOUT) or is_behind(body)


def is_fenced(what: BaseException | bytes | str) -> bool:
    """Tell whether another client's command broke off the transaction that this one was to be written in.

    Nothing is left behind: commands are read committed, and an unfinished transaction is aborted by the one
    that fences it (DistributingExecutor). The one way round is a commit whose acknowledgement was lost on the
    way from the broker; a CREATE sent again then meets its own source ("already exists").
    """
    return bool(FENCED.search(_words(what)[1]))


def is_same_command(what: BaseException | bytes | str) -> bool:
    """Tell whether a command of the same kind and name was being carried out at that moment.

    Certainly nothing is left behind of this one (CommandStore.enqueueCommand refuses before it writes). An
    older server that fenced a command may answer so to all of that name until it is started again.
    """
    return bool(SAME_COMMAND.search(_words(what)[1]))


def is_behind(what: BaseException | bytes | str) -> bool:
    """Tell whether the server waited in vain (5 s) for earlier commands before it would write this one.

    Certainly nothing is left behind (CommandStore.waitForCommandConsumer comes before the write).
    """
    return bool(BEHIND.search(_words(what)[1]))


def was_not_done(body: bytes) -> bool:
    """Tell whether other commands came between, nothing of this one was written, and it may be sent again.

    That speaks of the last statement of a request: those before it have been carried out.
    """
    return _words(body)[0] == _SERVER and (is_fenced(body) or is_same_command(body) or is_behind(body))


def refuses_upgrade(error: StreamMagicError) -> bool:
    """Tell whether CREATE OR REPLACE was refused because the new query can't go on from the old one's state.

    Sources: MetaStoreImpl.putSource, ExecutionStep.validateUpgrade.
    """
    return bool(_NO_UPGRADE.search(_words(error)[1]))


def kind_of_failure(kind: str) -> str:
    """Say what the server's own guess at the cause of a query's failure means (QueryError.Type)."""
    return _KINDS.get(kind, "")


class _Answer(NamedTuple):
    code: int
    message: str
    stack: str


def _error(
    kind: type[StreamMagicError], code: int, message: str, statement: Statement | None, stack: str = ""
) -> StreamMagicError:
    message = mask(message)
    text = flat(message)
    is_stack = wording.is_stack(message)
    cause = CAUSED_BY.split(text)[-1].strip() if is_stack else message
    details = message if is_stack else "\n".join(filter(None, [_causes(message), mask(stack)]))
    told = wording.tell(code, text, statement)
    line, column = wording.place(text, told, statement)
    return kind(
        told.message,
        engine=TITLE,
        statement=None if statement is None else statement.text,
        line=line,
        column=column,
        cause=cause,
        hint=told.hint or None,
        details=details or None,
        link=told.link,
    )


def _causes(message: str) -> str:
    """Return the causes that a message tells after its first sentence."""
    found = CAUSED_BY.search(message)
    return message[found.start() :].strip() if found and found.start() else ""


def _answer(body: bytes) -> _Answer | None:
    """Read an error body, of whatever content type; None where it is none of ksqlDB's."""
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(found, dict) or not isinstance(found.get("message"), str):
        return None
    code, trace = found.get("error_code"), found.get("stackTrace")
    if not isinstance(code, int):
        return None
    return _Answer(code, found["message"], "\n".join(map(str, trace)) if isinstance(trace, list) else "")


def _words(what: BaseException | bytes | str) -> tuple[int, str]:
    """Return code (0 where there is none) and text of an error, of the body of one, or of a text."""
    if isinstance(what, bytes):
        answer = _answer(what)
        return (0, "") if answer is None else (answer.code, flat(answer.message))
    if isinstance(what, StreamMagicError):
        return 0, flat("\n".join(filter(None, [what.cause, what.details])))
    return 0, flat(str(what))


def _foreign(status: int, body: bytes, statement: Statement | None) -> StreamMagicError:
    """Tell of an answer that is not ksqlDB's own."""
    text = None if statement is None else statement.text
    cause = wording.short(" ".join(_TAG.sub(" ", body.decode(errors="replace")).split()), _CAUSE) or None
    if status in _TOO_LONG:
        message = f"The statement is too long for the server or a proxy before it (HTTP {status})."
        return SqlError(message, engine=TITLE, statement=text, cause=cause)
    if status == _TOO_MANY:
        message = "A proxy before ksqlDB takes no more requests at the moment (HTTP 429)."
        return ConnectionFailedError(message, engine=TITLE, cause=cause, hint="Run it again in a moment.")
    if status == _GATEWAY_TIMEOUT:
        return OperationTimeoutError(
            "A proxy gave up waiting for ksqlDB (HTTP 504).",
            engine=TITLE,
            statement=text,
            cause=cause,
            hint="The statement may be carried out all the same: look with LIST STREAMS, LIST TABLES or LIST "
            "QUERIES before you run it again.",
        )
    if status in _PROXY:
        message = f"A proxy answered that ksqlDB can't be reached (HTTP {status})."
        hint = "Is the server running behind it?"
    else:
        message = f"What answers is no ksqlDB server, or a proxy before it (HTTP {status})."
        hint = "Check STREAMMAGIC_KSQLDB: it must be the address of a ksqlDB server, usually port 8088."
    return ConnectionFailedError(message, engine=TITLE, cause=cause, hint=hint)


_KINDS = {
    "USER": "The server takes it for a fault of the query or its data: a topic that is gone or may not be "
    "read, records that do not fit.",
    "SYSTEM": "The server takes it for a fault of Kafka or its own: it goes on by itself once that is over.",
}
_NOT_SERVING = {
    _STARTING: (
        "ksqlDB is still starting.",
        "Run it again in a moment: a server with many queries needs minutes.",
    ),
    _STOPPING: ("ksqlDB is shutting down.", "Run it again when the server has been started."),
    _STOPPED: ("ksqlDB is shut down.", "Run it again when the server has been started."),
}

__all__ = [
    "TITLE",
    "dependants",
    "from_answer",
    "from_band",
    "from_status",
    "is_behind",
    "is_busy",
    "is_fenced",
    "is_same_command",
    "is_starting",
    "is_transient",
    "kind_of_failure",
    "refuses_upgrade",
    "telling",
    "unknown",
    "unknown_source",
    "was_not_done",
]
