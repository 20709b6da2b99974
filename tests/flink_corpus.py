"""The corpus of Flink statements: one of each kind and clause of Flink 2.3's SQL, in ``sql/corpus/*.sql``.

Before each statement stands a line that says what is expected of it, its parts with ``|`` between them:
``-- kind: query | name: t | limit: 3 | order: a & b DESC | sent: no, the reason``. A statement ends with the last
``;`` before the next such line: nothing of the splitter under test is used to read them.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from streammagic.sql.statements import Kind

FOLDER = Path(__file__).parent / "sql" / "corpus"
_HEAD = re.compile(r"^-- (kind: .*)\n", re.MULTILINE)
_KEYS = {"kind", "name", "limit", "order", "sent"}


@dataclass(frozen=True)
class Entry:
    text: str
    kind: Kind
    name: str | None
    limit: int | None
    order: tuple[str, ...] | None
    not_sent: str | None
    """Why the real Flink is not asked about it."""
    place: str


def load():
    """Return all statements, in the order of the files."""
    return [entry for file in sorted(FOLDER.glob("*.sql")) for entry in _read(file)]


def _read(file):
    source = file.read_text(encoding="utf-8")
    nothing, *pieces = _HEAD.split(source)
    assert not nothing.strip(), f"{file.name} begins with no head"
    offset = len(nothing)
    for head, body in zip(pieces[::2], pieces[1::2], strict=True):
        line = source.count("\n", 0, source.index(f"-- {head}\n", offset)) + 2
        offset = source.index(f"-- {head}\n", offset) + len(head)
        yield _entry(head, body, f"{file.name}:{line}")


def _entry(head, body, place):
    parts = dict(part.split(": ", 1) for part in head.split(" | "))
    text = body.strip()
    assert set(parts) <= _KEYS, f"{place}: {head}"
    assert text.endswith(";"), f"{place}: no end"
    sent = parts.get("sent", "yes")
    assert sent == "yes" or sent.startswith("no, "), f"{place}: no reason"
    return Entry(
        text=text[:-1].rstrip(),
        kind=Kind(parts["kind"]),
        name=parts.get("name"),
        limit=int(parts["limit"]) if "limit" in parts else None,
        order=tuple(parts["order"].split(" & ")) if "order" in parts else None,
        not_sent=None if sent == "yes" else sent.removeprefix("no, "),
        place=place,
    )
