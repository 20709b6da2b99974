"""The lines of Flink's log files that are about one job, with the stack traces that belong to them."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from streammagic.sql.secrets import mask

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_ROLES = ("jobmanager", "taskmanager")
_START = re.compile(r"^(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}) ")
"""How a log event begins, by the pattern that the embedded Flink logs with; its clock is UTC."""

_PADDING = re.compile(r" {2,}- ")  # after the logger's name
_ROUTINE = re.compile(
    r" INFO .*(?:(?:Triggering|Completed) checkpoint \d|Failed to trigger checkpoint|Marking checkpoint \d)"
)
_ASKED = re.compile(r"^\S+ \S+ ERROR o\.a\.f\.r\.r\.h\.")
"""What the REST API logs when it is asked about a job that is not there yet (``runtime.rest.handler``)."""

_LATE = 10.0  # seconds after a job's end in which its tasks are still cleaned up


@dataclass(frozen=True, slots=True)
class Subject:
    """What a line must name to be about a job: its id at any time, the other names while it was there.

    ``started`` and ``ended`` are seconds since the epoch. Task names are not unique: every session numbers
    its operators anew.
    """

    id: str
    names: tuple[str, ...] = ()
    started: float = 0.0
    ended: float | None = None


def lines_about(directory: Path, subject: Subject, count: int) -> list[str]:
    """Return the last ``count`` lines about a job, oldest first; those of routine checkpoints are one line.

    A stack trace that begins before them is shown from its first line, cut in the middle.

    Raises:
        OSError: the directory can't be read.

    """
    events: list[str] = []
    for role in _ROLES:
        about = _about(_events(directory, role), subject)
        events += deque(_without_routine(about), maxlen=count)
    events.sort(key=lambda event: event[:23])
    kept: list[str] = []
    for event in reversed(events):
        lines = mask(_PADDING.sub(" - ", event, count=1)).splitlines()
        room = count - len(kept)
        if room <= 0:
            break
        kept[:0] = lines if len(lines) <= room else _cut(lines, room)
    return kept


def _events(directory: Path, role: str) -> Iterator[str]:
    """Return a role's log events, oldest first: its file and those it was rolled into (.1, .2, …)."""
    files = sorted(directory.glob(f"{role}.log*"), key=lambda file: file.stat().st_mtime)
    event: list[str] = []
    for file in files:
        with file.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if _START.match(line) and event:
                    yield "".join(event)
                    event = []
                event.append(line)
    if event:
        yield "".join(event)


def _about(events: Iterator[str], subject: Subject) -> Iterator[str]:
    names = [re.escape(name) for name in subject.names if name.strip()]
    named = re.compile(rf"(?<![\w-])(?:{'|'.join(names)})(?![\w-])") if names else None
    first = _written(subject.started)
    last = "9" if subject.ended is None else _written(subject.ended + _LATE)
    for event in events:
        if _ASKED.match(event):
            continue
        if subject.id in event or (named and first <= event[:23] <= last and named.search(event)):
            yield event


def _written(seconds: float) -> str:
    """Return a time as a log event begins with it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S,%f")[:-3]


def _without_routine(events: Iterator[str]) -> Iterator[str]:
    """Let only the last of each run of lines pass that tell of checkpoints as they should be."""
    held, left_out = "", 0
    for event in events:
        if _ROUTINE.search(event):
            left_out += bool(held)
            held = event
            continue
        if held:
            yield _with_count(held, left_out)
            held, left_out = "", 0
        yield event
    if held:
        yield _with_count(held, left_out)


def _with_count(event: str, left_out: int) -> str:
    return f"{event.rstrip()} (and {left_out} such lines before)\n" if left_out else event


def _cut(lines: list[str], room: int) -> list[str]:
    """Return the first lines of a long event and its last ones, which have the root cause."""
    head = max(1, room // 2)
    tail = room - head - 1
    left_out = len(lines) - head - max(tail, 0)
    middle = [f"… {left_out} lines"] if room > head else []
    return [*lines[:head], *middle, *(lines[-tail:] if tail > 0 else [])]
