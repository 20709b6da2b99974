"""Short texts about the engines' SQL, each with an example that runs as it is.

One Markdown file an engine, named for its magic, and one for what is ours. An entry begins with ``## TITLE``.
Below it stand ``also:`` (its other names), ``see:`` (the page of the engine's documentation) and ``with:``
(the blocks at the file's head that the example begins with), the text, and the example as a block of SQL.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from streammagic.errors import OptionError
from streammagic.sql.near import near

_PAGES = {
    "flink": "https://nightlies.apache.org/flink/flink-docs-release-2.3/docs/",
    "ksql": "https://docs.ksqldb.io/en/latest/",
}
_OURS = "streammagic"
_HEADING = re.compile(r"^## (.+)\n", re.MULTILINE)
_FIELD = re.compile(r"^(also|see|with): (.+)\n", re.MULTILINE)
_BLOCK = re.compile(r"^```sql ?(\w*)\n(.*?)^```$\n?", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Entry:
    """What is known of one word.

    ``engine`` is the word of the engine's magic ("flink", "ksql"), None for what is ours. ``example`` is SQL
    for one cell. ``link`` is a page of the engine's documentation. ``also`` are other names that lead to it.
    """

    title: str
    engine: str | None
    text: str
    example: str
    link: str | None
    also: tuple[str, ...] = ()


def names(engine: str | None = None) -> list[str]:
    """Return the titles of all entries, or of those of one engine and of our own; [] of an unknown engine."""
    return [each.title for each in _entries(engine)]


def entry(name: str, engine: str | None = None) -> Entry:
    """Return the entry of a title or of another name for it; the case counts for nothing.

    Without an engine the first that has it. Raises `OptionError` that names the nearest ones.
    """
    known = _entries(engine)
    wanted = _folded(name)
    for named in (_titles, _others):
        for each in known:
            if wanted in named(each):
                return each
    raise _unknown(name, known, engine)


def _titles(each: Entry) -> tuple[str, ...]:
    return (_folded(each.title),)


def _others(each: Entry) -> tuple[str, ...]:
    return tuple(map(_folded, each.also))


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold()


def _unknown(name: str, known: list[Entry], engine: str | None) -> OptionError:
    """Say what comes near, and where else the word is known."""
    titles = {each.title: each.title for each in known}
    spellings = {other: each.title for each in known for other in each.also} | titles
    like = list(dict.fromkeys(spellings[found] for found in near(name, spellings, 2)))
    hint = f"Did you mean {' or '.join(like)}?" if like else f"There are {', '.join(titles)}."
    of = f" of {engine}" if engine else ""
    return OptionError(f"Nothing{of} is explained under {name!r}.", hint=hint)


def _entries(engine: str | None) -> list[Entry]:
    if engine is None:
        return [each for of in (*_PAGES, _OURS) for each in _read(of)]
    return [*_read(engine), *_read(_OURS)] if engine in _PAGES else []


class _Piece(NamedTuple):
    title: str
    body: str


@cache
def _read(engine: str) -> tuple[Entry, ...]:
    """Read an engine's file; nothing is read before the first question."""
    source = files(__name__).joinpath(f"{engine}.md").read_text(encoding="utf-8")
    head, *rest = _HEADING.split(source)
    shared = {name: sql.strip() for name, sql in _BLOCK.findall(head)}
    pieces = [_Piece(title, body) for title, body in zip(rest[::2], rest[1::2], strict=True)]
    return tuple(_entry(piece, None if engine == _OURS else engine, shared) for piece in pieces)


def _entry(piece: _Piece, engine: str | None, shared: dict[str, str]) -> Entry:
    fields = dict(_FIELD.findall(piece.body))
    text = _BLOCK.sub("", _FIELD.sub("", piece.body)).strip()
    blocks = [shared[name] for name in _listed(fields.get("with", ""))]
    blocks += [sql.strip() for _, sql in _BLOCK.findall(piece.body)]
    page = fields.get("see")
    return Entry(
        title=piece.title.strip(),
        engine=engine,
        text=text,
        example="\n\n".join(blocks),
        link=None if engine is None or page is None else _PAGES[engine] + page,
        also=_listed(fields.get("also", "")),
    )


def _listed(names: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in names.split(",") if name.strip())
