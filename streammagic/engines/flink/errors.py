"""From a Java stack to the sentence a person needs.

The gateway answers a failed operation with HTTP 500 and ``errors: ["Internal server error.", "<Exception
on server side: …stack…"]``. The innermost exception of the chain says what happened; a place in the SQL
stands in its message or in one around it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streammagic.errors import (
    ConnectionFailedError,
    JobFailedError,
    SessionLostError,
    SqlError,
    StreamMagicError,
)
from streammagic.sql.secrets import mask

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streammagic.engines.http import HttpStatusError
    from streammagic.sql.statements import Statement

TITLE = "Flink"

_EXCEPTION = re.compile(
    r"^(?:Caused by: )?(?P<name>(?:[a-z]\w*\.)+[\w$]*(?:Exception|Error|Throwable|Failure)\w*)"
    r"(?:: (?P<message>.*))?$"
)
_PLACE = re.compile(r"(?:From|[Aa]t) line (\d+), column (\d+)")
_PLACE_PREFIX = re.compile(r"From line \d+, column \d+ to line \d+, column \d+: ")
_PLACE_SUFFIX = re.compile(r" at line \d+, column \d+")
_EXPECTED = re.compile(r'^ {4}("[^"]+"|<\w+>)', re.MULTILINE)
_EXPECTED_KINDS = {"<EOF>": "the end", "IDENTIFIER": "a name", "STRING": "a string", "LITERAL": "a number"}
_EXPECTED_SHOWN = 10
_VALIDATION_PREFIX = re.compile(r"SQL (?:validation|parse) failed\. ")
_QUOTED_NAME = re.compile(r"'((?:`[^`]+`|[\w$]+)(?:\.(?:`[^`]+`|[\w$]+))*)'")
_ID = re.compile(r"\b(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}(?:_[0-9a-f_]+)?)\b")
_NO_SLOTS = ("Could not acquire the minimum required resources", "Slot request bulk is not fulfillable")
"""How NoResourceAvailableException begins: no slot at once, or none within ``slot.request.timeout``."""

_DEFAULT_DATABASE = re.compile(r"(`?)default_catalog\1\.(`?)default_database\2\.")
_HOLDERS_SHOWN = 10
_HOLDER_WIDTH = 80
_RUNTIME = ("JobExecutionException", "ProgramInvocationException", "JobException")


@dataclass(frozen=True, slots=True)
class JavaError:
    """One exception of a chain: its simple class name and its message, without stack lines."""

    name: str
    message: str


def chain(stack: str) -> list[JavaError]:
    """Read the exceptions of a stack, outermost first."""
    found: list[tuple[str, list[str]]] = []
    in_message = False
    for line in stack.splitlines():
        match = _EXCEPTION.match(line)
        if match:
            found.append((match["name"].rpartition(".")[2], [match["message"] or ""]))
            in_message = True
        elif line.startswith(("\tat ", "\t...", "End of exception")):
            in_message = False
        elif in_message and found:
            found[-1][1].append(line)
    return [JavaError(name, "\n".join(lines).strip()) for name, lines in found]


def from_answer(error: HttpStatusError, statement: Statement | None) -> StreamMagicError:
    """Turn an error answer of the gateway into the error to raise."""
    # Some handlers put the stack after "Internal server error.", some send nothing else.
    stack = "\n".join(text for text in error.errors if "\n\tat " in text)
    if not error.errors:
        text = error.body.decode(errors="replace").strip()
        return ConnectionFailedError(
            f"What answered is not Flink's SQL Gateway (HTTP {error.status}).",
            cause=text[:500],
            hint="Check StreamMagic.flink_gateway: it must be the gateway's address, usually port 8083.",
        )
    if not stack:
        return _bare(error.errors[0], statement)
    return from_stack(stack, statement)


def from_stack(stack: str, statement: Statement | None) -> StreamMagicError:
    """Turn a Java stack into the error to raise."""
    stack = mask(stack)
    errors = chain(stack)
    told = [error for error in errors if error.message]
    # What a lack of slots is caused by is only that waiting for one took too long.
    lack = next((error for error in told if error.message.startswith(_NO_SLOTS)), None)
    root = lack or (told[-1] if told else JavaError("", stack.strip()[:500]))
    if root.message.startswith("Session '") and root.message.endswith("does not exist."):
        return SessionLostError(
            "The gateway no longer knows this session.",
            engine=TITLE,
            cause=root.message,
            details=_ID.sub("…", stack.strip()),
            hint="It was restarted, or the session was idle for too long. Run the cell again.",
        )
    running = any(error.name in _RUNTIME for error in errors)
    line, column = _place(errors, root, statement)
    kind = JobFailedError if running else SqlError
    return kind(
        _sentence(root),
        engine=TITLE,
        statement=None if statement is None else statement.text,
        line=line,
        column=column,
        cause=root.message,
        hint=_hint(root),
        details=_ID.sub("…", stack.strip()),
    )


def wants_slots(error: StreamMagicError) -> bool:
    """Tell whether a job failed because no task slot was left for it."""
    return (error.cause or "").startswith(_NO_SLOTS)


def slots_hint(names: Sequence[str]) -> str:
    """Say what to do about a lack of task slots, given the names of the jobs that hold them."""
    advice = "Stop a query with handle.stop(), or start Flink with more slots."
    if not names:
        return f"All task slots are taken. {advice}"
    shown = [
        _DEFAULT_DATABASE.sub("", " ".join(name.split()))[:_HOLDER_WIDTH] for name in names[:_HOLDERS_SHOWN]
    ]
    if len(names) > len(shown):
        shown.append(f"and {len(names) - len(shown)} more")
    return "\n".join(["All task slots are taken, by", *(f"  {name}" for name in shown), advice])


def _bare(message: str, statement: Statement | None) -> StreamMagicError:
    hint = None
    if "Could not map response to JSON" in message:
        hint = (
            "The gateway can't write a value of this result, such as a MAP whose keys are not strings or a "
            "VARIANT. CAST that column to STRING."
        )
    text = None if statement is None else statement.text
    return SqlError(message, engine=TITLE, statement=text, cause=message, hint=hint)


def _sentence(root: JavaError) -> str:
    first = root.message.split("\nWas expecting")[0].split("\nAvailable factory")[0].strip()
    first = _VALIDATION_PREFIX.sub("", first)
    first = _PLACE_SUFFIX.sub("", _PLACE_PREFIX.sub("", first))
    sentence = _ID.sub("…", first)
    if not sentence:
        sentence = root.name
    return sentence if sentence[-1] in ".!?" else sentence + "."


def _place(
    errors: list[JavaError], root: JavaError, statement: Statement | None
) -> tuple[int | None, int | None]:
    for error in reversed(errors):
        match = _PLACE.search(error.message)
        if match and match[1] != "0":
            return int(match[1]), _character(statement, int(match[1]), int(match[2]))
    if statement is None:
        return None, None
    if "<EOF>" in root.message:
        return _position(statement, statement.end)
    for name in _QUOTED_NAME.findall(root.message):
        wanted = name.rpartition(".")[2].strip("`").casefold()
        for token in statement.tokens:
            if token.text.strip("`'").casefold() == wanted:
                return _position(statement, token.start)
    return None, None


def _character(statement: Statement | None, line: int, column: int) -> int:
    """Turn a column of Java's, which counts UTF-16 units, into one of characters."""
    lines = [] if statement is None else statement.text.split("\n")
    if line > len(lines):
        return column
    before = lines[line - 1].encode("utf-16-le", errors="surrogatepass")[: 2 * (column - 1)]
    missing = column - 1 - len(before) // 2
    return len(before.decode("utf-16-le", errors="replace")) + missing + 1


def _position(statement: Statement, offset: int) -> tuple[int, int]:
    before = statement.text[: offset - statement.start]
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


_MISFIT = (
    "A message does not fit its column. Times such as 2026-01-01T00:00:00 need "
    "'json.timestamp-format.standard' = 'ISO-8601' in the table's WITH; 'json.ignore-parse-errors' = 'true' "
    "leaves out what can't be read. %stream peek TOPIC shows the messages."
)
_NO_PYTHON = (
    "Functions in Python are not supported: this Flink has no Python beside its tasks. Use SQL, or a jar "
    "with the function: ADD JAR '…', CREATE FUNCTION f AS 'com.example.F'."
)
_SORT = (
    "A stream can be sorted by its time column only. Add LIMIT n for a running top-n, or ask for the final "
    "rows with --set execution.runtime-mode=batch."
)
_ENDLESS = "This table never ends: batch mode can't read it. Leave --set execution.runtime-mode=batch out."
_NO_TOPIC = "A topic that is read does not exist: %stream topics lists them, %stream send makes one."

_HINTS = {
    "Sort on a non-time-attribute": _SORT,
    "Cannot map checkpoint/savepoint state": "The query changed too much for its old state.",
    "Querying an unbounded table": _ENDLESS,
    "does not host this topic-partition": _NO_TOPIC,
    "PythonFunctionFactory": _NO_PYTHON,
    "Fail to deserialize at field": _MISFIT,
    "Failed to deserialize JSON": _MISFIT,
}
"""What to do, by a part of the innermost exception's message."""


def _hint(root: JavaError) -> str | None:
    message = root.message
    if root.name.endswith("ParseException"):
        return _syntax_hint(message)
    if "Available factory identifiers" in message:
        known = message.split("are:")[-1].split()
        return f"Installed here: {', '.join(known)}. Another one needs its jar: ADD JAR '…'."
    if message.startswith(_NO_SLOTS):
        return slots_hint([])
    return next((hint for part, hint in _HINTS.items() if part in message), None)


def _syntax_hint(message: str) -> str | None:
    """Say in one line what the parser expected: its own list has up to hundreds of lines."""
    if message.startswith('Encountered "\\""') or 'Encountered: "\\""' in message:
        return "Flink writes names in `back-ticks` and strings in 'apostrophes', nothing in double quotes."
    expected = dict.fromkeys(map(_expectation, _EXPECTED.findall(message.partition("\nWas expecting")[2])))
    if not expected:
        return None
    more = ", …" if len(expected) > _EXPECTED_SHOWN else "."
    return f"Expected here: {', '.join(list(expected)[:_EXPECTED_SHOWN])}{more}"


def _expectation(token: str) -> str:
    if token.startswith('"'):
        return token.strip('"')
    return next((text for kind, text in _EXPECTED_KINDS.items() if kind in token), token)
