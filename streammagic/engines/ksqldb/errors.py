"""From ksqlDB's refusals and stacks to the sentence a person needs.

A refusal is ``{"@type", "error_code", "message"}`` with HTTP status ``error_code // 100``, of every
endpoint, with or without a content type (io.confluent.ksql.rest.Errors, KsqlErrorMessage). Causes follow
in the message as lines ``Caused by: …``, wrapped at 80 columns with a tab (ErrorMessageUtil). A place in
the SQL stands in the message only: ``line L:C`` or ``Line: L, Col: C``, both counted from 1, C in
characters (ANTLR's CodePointCharStream); all of 7.4's recorded ones point at the token meant.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import orjson

from streammagic.engines.ksqldb.errors_known import (
    BEHIND,
    BY_CODE,
    FENCED,
    IN_DOUBT,
    KNOWN,
    RATE_LIMIT,
    SAME_COMMAND,
    UNKNOWN_SOURCES,
)
from streammagic.errors import (
    ConnectionFailedError,
    JobFailedError,
    OperationTimeoutError,
    SqlError,
    StreamMagicError,
)
from streammagic.sql.ksqldb import KsqlDialect
from streammagic.sql.secrets import mask

if TYPE_CHECKING:
    from streammagic.sql.statements import Statement

TITLE = "ksqlDB"

_ACL_DENIED = 40301
_SERVER, _COMMAND_TIMEOUT, _STARTING, _STOPPING, _STOPPED = 50000, 50301, 50302, 50303, 50304
_UNAUTHORISED = frozenset({401, 403})
_TOO_LONG = frozenset({413, 414, 431})
_NO_SUCH_PAGE = frozenset({404, 405})
_TOO_MANY, _GATEWAY_TIMEOUT = 429, 504
_PROXY = frozenset({502, 503})
_SENTENCE, _TOKEN = 300, 40
"""Longest sentence, and longest piece of SQL in one, in characters."""

_STACK_LINE = re.compile(r"\s+(?:at [\w.$/<>]+\(.*\).*|\.\.\. \d+ (?:more|common frames omitted))\s*$")
_LONE_EXCEPTION = re.compile(r"(?m)(?:[a-z]\w*\.){2,}([A-Z][\w$]*(?:Exception|Error|Throwable))\s*$")
_EXCEPTION = re.compile(r"(?:[a-z]\w*\.){2,}[A-Z][\w$]*(?:Exception|Error|Throwable|Failure): ")
_PACKAGE = re.compile(r"\b(?:io|org|com|java|javax)\.(?:[a-z]\w*\.)+(?=[A-Z])")
_INSTANCE = re.compile(r"(?<=\w)@[0-9a-f]{6,8}\b")
_LINK = re.compile(r"\s*\(?(?:[Ss]ee|please visit:?) https?://\S+?(?: for more(?: info)?)?[.)]*(?=\s|$)")
_PREFIX = re.compile(
    r"(?:Could not determine output schema for query due to error|Exception while preparing statement"
    r"|Failed to prepare statement|Error starting pull query|Error parsing query|Unable to execute pull query"
    r"|Error executing query locally at node \S+?|Exception caught in process[^:\n]*"
    r"|Line: \d+, Col: \d+|line \d+:\d+): "
)
_CAUSED_BY = re.compile(r"(?m)^Caused by: ")
_ECHO = re.compile(r"(?m)^(?:Statement|Add EMIT CHANGES if|Hint): ?")
_PLACE = re.compile(r"\bline (\d+):(\d+)|\bLine: (\d+), Col: (\d+)")
_HOLDERS = re.compile(r"(?:read from|write into) this source: \[([^\]]*)\]")
_SYNTAX = re.compile(r"(?i)\bsyntax error\b")
_UNKNOWN_STATEMENT = re.compile(r"(?s)Unknown statement '(.*?)'(?:\n|$)")
_DID_YOU_MEAN = re.compile(r"Did you mean ['\"`]?(\w+)['\"`]?\?")
_EXPECTING = re.compile(r"(?i)\bexpecting (\{.*?\}(?=\s|$)|\S+)")
_SQL_TOKEN = re.compile(r"(?s)\w+|`[^`]*`?|'[^']*'?|\S")
_PUNCTUATION = {",": "a comma", ";": "the end", "<EOF>": "the end"}
_QUOTES = ("'", "`")
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
        return ConnectionFailedError(
            f"ksqlDB refused the credentials (HTTP {status}).",
            engine=TITLE,
            cause=None if answer is None else answer.message,
            hint="Set STREAMMAGIC_TOKEN, or STREAMMAGIC_USER and STREAMMAGIC_PASSWORD, or the traitlets "
            "of the same names in lower case.",
        )
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
    _, said = _words(error)
    return next((found["name"] for pattern in UNKNOWN_SOURCES if (found := pattern.search(said))), None)


def dependants(message: str) -> list[str]:
    """Return the queries and sources that keep a source from being dropped, from the server's refusal."""
    names = (name.strip() for found in _HOLDERS.findall(message) for name in found.split(","))
    return list(dict.fromkeys(filter(None, names)))


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


def telling(message: str) -> str:
    """Return the one sentence of a message or Java stack that says most: of its innermost cause."""
    parts = [_ECHO.split(part)[0].strip() for part in _CAUSED_BY.split(_flat(message))]
    told = [part for part in parts if " " in part] or [part for part in parts if part] or ["unknown failure"]
    sentence = _LINK.sub("", told[-1].split("\n")[0])
    while (found := _PREFIX.search(sentence)) and found.end() < len(sentence):
        sentence = sentence[: found.start()] + sentence[found.end() :]
    sentence = _short(mask(sentence.strip()), _SENTENCE)
    return sentence if sentence[-1] in ".!?…" else f"{sentence}."


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
    flat = _flat(message)
    is_stack = any(map(_STACK_LINE.match, message.splitlines()))
    cause = _CAUSED_BY.split(flat)[-1].strip() if is_stack else message
    details = message if is_stack else "\n".join(filter(None, [_causes(message), mask(stack)]))
    sentence, hint, name = _sentence(code, flat, statement)
    line, column = _place(flat, name, statement)
    return kind(
        sentence,
        engine=TITLE,
        statement=None if statement is None else statement.text,
        line=line,
        column=column,
        cause=cause,
        hint=hint or None,
        details=details or None,
    )


def _sentence(code: int, flat: str, statement: Statement | None) -> tuple[str, str, str]:
    """Return what happened, what to do, and the name that it is about."""
    for known in KNOWN:
        found = known.pattern.search(flat)
        if found is None:
            continue
        groups = {
            group: _short(" ".join((value or "").split()), 200) for group, value in found.groupdict().items()
        }
        facts = _facts(flat, statement) | groups
        return known.message.format(**facts), known.hint.format(**facts), groups.get("name", "")
    if _SYNTAX.search(flat):
        return (*_syntax(flat, statement), "")
    if code in BY_CODE:
        return (*BY_CODE[code], "")
    return telling(flat), "", ""


def _facts(flat: str, statement: Statement | None) -> dict[str, str]:
    """Return what hints may speak of besides the groups of their patterns."""
    near = _DID_YOU_MEAN.search(flat)
    return {
        "push": "SELECT … EMIT CHANGES" if statement is None else KsqlDialect().with_emit_changes(statement),
        "near": f"Did you mean `{near[1]}`? Names in back-ticks keep their case, others are upper case."
        if near
        else "LIST STREAMS and LIST TABLES show what there is; names without back-ticks are upper case.",
        "holders": ", ".join(dependants(flat)),
    }


def _syntax(flat: str, statement: Statement | None) -> tuple[str, str]:
    """Return what is wrong with the syntax and what the parser expected."""
    expected = _EXPECTING.search(flat)
    hint = "" if expected is None else f"Expected here: {_alternatives(expected[1])}."
    unknown = _UNKNOWN_STATEMENT.search(flat)
    if unknown is not None and unknown[1] == ";":
        return "There is no statement before the semicolon.", ""
    if unknown is not None:
        near = _DID_YOU_MEAN.search(flat)
        hint = f"Did you mean {near[1]}?" if near else ""
        return f"There is no statement that begins with {_short(unknown[1], _TOKEN)}.", hint
    if "missing ';' at" in flat:
        return "The semicolon at the end is missing.", ""
    token = _token(flat, statement)
    if token[:1] in _QUOTES and (len(token) == 1 or token[-1] != token[0]):
        return "The quote that opens here is not closed.", ""
    return (f"Syntax error at {_short(token, _TOKEN)}." if token else "Syntax error."), hint


def _alternatives(text: str) -> str:
    """Return ANTLR's set ``{',', 'FROM'}`` as words."""
    names = [name.strip("'") for name in text.strip("{}").split(", ")]
    return " or ".join(_PUNCTUATION.get(name, name) for name in names)


def _token(flat: str, statement: Statement | None) -> str:
    """Return the piece of SQL at which the parser stopped."""
    line, column = _place(flat, "", statement)
    if statement is not None and line is not None and column is not None:
        rest = statement.text.split("\n")[line - 1][column - 1 :]
        found = _SQL_TOKEN.match(rest.lstrip())
        return found[0] if found else "the end"
    near = re.search(r"at or near [\"'](.+?)[\"'] at line", flat)
    return near[1] if near else ""


def _place(flat: str, name: str, statement: Statement | None) -> tuple[int | None, int | None]:
    found = _PLACE.search(flat)
    if found is not None:
        line, column = (int(part) for part in found.groups() if part is not None)
        if line and (statement is None or line <= statement.text.count("\n") + 1):
            return line, max(column, 1)
    if statement is None or not name:
        return None, None
    for wanted in (name, name.rpartition(".")[2], name.rpartition(".")[0]):
        for token in statement.tokens:
            if wanted and token.text.strip("`'\"").casefold() == wanted.strip("`'\"").casefold():
                before = statement.text[: token.start - statement.start]
                return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
    return None, None


def _flat(message: str) -> str:
    """Return a message with its wrapped lines joined, without stack lines and names of Java's packages."""
    lines: list[str] = []
    for line in message.splitlines():
        if _STACK_LINE.match(line):
            continue
        if line.startswith("\t") and lines:
            lines[-1] += " " + line.strip()
        else:
            lines.append(line.rstrip())
    text = _LONE_EXCEPTION.sub(r"\1", "\n".join(lines))
    return _INSTANCE.sub("", _PACKAGE.sub("", _EXCEPTION.sub("", text)))


def _causes(message: str) -> str:
    """Return the causes that a message tells after its first sentence."""
    found = _CAUSED_BY.search(message)
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
        return (0, "") if answer is None else (answer.code, _flat(answer.message))
    if isinstance(what, StreamMagicError):
        return 0, _flat("\n".join(filter(None, [what.cause, what.details])))
    return 0, _flat(str(what))


def _foreign(status: int, body: bytes, statement: Statement | None) -> StreamMagicError:
    """Tell of an answer that is not ksqlDB's own."""
    text = None if statement is None else statement.text
    cause = _short(" ".join(_TAG.sub(" ", body.decode(errors="replace")).split()), _SENTENCE) or None
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


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"


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
