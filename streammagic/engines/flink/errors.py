"""From a Java stack to the sentence a person needs.

The gateway answers a failed operation with HTTP 500 and ``errors: ["Internal server error.", "<Exception
on server side: …stack…"]``. `errors_known` has the shape of what is known of failures, its
neighbours the tables, `errors_syntax` what the parser refuses; `errors_telling` applies them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from streammagic.engines.flink import errors_telling
from streammagic.engines.flink.errors_known import CONFIG, DOCS
from streammagic.engines.flink.errors_telling import Told
from streammagic.engines.flink.javastacks import JavaError, chain
from streammagic.errors import (
    ConnectionFailedError,
    JobFailedError,
    SessionLostError,
    SqlError,
    StreamMagicError,
)
from streammagic.sql.secrets import mask

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from streammagic.engines.http import HttpStatusError
    from streammagic.sql.catalog import Catalog
    from streammagic.sql.statements import Statement

__all__ = [
    "TITLE",
    "JavaError",
    "chain",
    "from_answer",
    "from_stack",
    "slots_hint",
    "wants_slots",
    "with_near_misses",
]

TITLE = "Flink"

_ID = re.compile(r"\b(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}(?:_[0-9a-f_]+)?)\b")
_NO_SLOTS = ("Could not acquire the minimum required resources", "Slot request bulk is not fulfillable")
"""How NoResourceAvailableException begins: no slot at once, or none within ``slot.request.timeout``."""

_DEFAULT_DATABASE = re.compile(r"(`?)default_catalog\1\.(`?)default_database\2\.")
_HOLDERS_SHOWN = 10
_HOLDER_WIDTH = 80
_RUNTIME = ("JobExecutionException", "ProgramInvocationException", "JobException")


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
    known = _no_slots(root) if lack else errors_telling.tell(errors, root, statement)
    kind = JobFailedError if running else SqlError
    return kind(
        known.message,
        engine=TITLE,
        statement=None if statement is None else statement.text,
        line=known.line,
        column=known.column,
        cause=known.cause,
        hint=known.hint or None,
        details=_ID.sub("…", stack.strip()),
        link=DOCS + known.page if known.page else None,
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


def with_near_misses(error: StreamMagicError, catalog: Callable[[str], Catalog]) -> None:
    """Add to the hint of an error what the engine has and was probably meant.

    ``catalog`` is asked only where it helps, with "table", "column" or "function"; what it raises is raised.
    """
    kind = errors_telling.missing_kind(error.cause or "") if isinstance(error, SqlError) else ""
    if kind and "Did you mean" not in (error.hint or ""):
        error.hint = errors_telling.with_near_misses(
            error.cause or "", error.hint or "", error.statement or "", catalog(kind)
        )


def _no_slots(root: JavaError) -> Told:
    return Told("No task slot is free for this job.", root.message, slots_hint([]), CONFIG)


def _bare(message: str, statement: Statement | None) -> StreamMagicError:
    hint = None
    if "Could not map response to JSON" in message:
        hint = (
            "The gateway can't write a value of this result, such as a MAP whose keys are not strings or a "
            "VARIANT. CAST that column to STRING."
        )
    text = None if statement is None else statement.text
    return SqlError(message, engine=TITLE, statement=text, cause=message, hint=hint)
