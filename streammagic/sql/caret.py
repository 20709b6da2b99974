"""Where the cursor is in SQL that may be unfinished anywhere."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from streammagic.sql.statements import Token, tokenize

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streammagic.sql.statements import Lexer

_WINDOW = 20_000
"""Characters before and after the cursor that are looked at: an answer takes milliseconds in any cell."""

_COMMENTS = re.compile(r"\s+|(?P<line>(?:--|//)[^\r\n]*)|/\*.*?\*/", re.DOTALL)
_CLOSED = re.compile(r"'(?:[^']|'')*'|`(?:[^`]|``)*`|\"(?:[^\"]|\"\")*\"")
_VARIABLE = re.compile(r"\{\{(?P<inside>(?:(?!\{\{|\}\}).)*)\Z", re.DOTALL)
QUOTES = {
    "`": re.compile(r"[^`\n]*`"),
    '"': re.compile(r'[^"\n]*"'),
    "'": re.compile(r"[^'\n]*?'(?=\s*(?:[=,)]|$))", re.MULTILINE),
}
_REST_OF_WORD = re.compile(r"[\w$@]*")


class At(Enum):
    """What the cursor is at."""

    NOTHING = "nothing"
    """In a comment, after a number or a closed string: nothing may stand there."""
    WORD = "word"
    STRING = "string"
    VARIABLE = "variable"
    """A Python variable's name, in ``{{ … }}``."""
    FILTER = "filter"
    """What follows the ``|`` in there."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the cursor is. ``fragment`` is the text before it that a completion replaces.

    ``quote`` is what stands open before the fragment, a string's quote or a name's, else ""; ``closed`` tells
    that it is closed behind the cursor. ``before`` and ``after`` are the other tokens of the statement.
    ``sql`` is the statement without the word at the cursor, which stood at ``offset``: for the engine.
    """

    at: At
    fragment: str = ""
    quote: str = ""
    before: tuple[Token, ...] = ()
    after: tuple[Token, ...] = ()
    closed: bool = False
    sql: str = ""
    offset: int = 0


def look(sql: str, position: int, lexer: Lexer) -> Place:
    """Find out where the cursor is, ``position`` characters from the beginning."""
    head, tail = sql[:position], sql[position : position + _WINDOW]
    if len(head) > _WINDOW:
        near = head[-_WINDOW:]
        head = near[near.find(";\n") + 1 :]
    tokens = list(tokenize(head, lexer))
    last = tokens[-1] if tokens and tokens[-1].end == len(head) else None
    if last is None and _ends_in_comment(head[tokens[-1].end if tokens else 0 :]):
        return Place(At.NOTHING)
    if last is not None and last.text.startswith("/*"):
        return Place(At.NOTHING)
    variable = _VARIABLE.search(head)
    if variable is not None:
        return _in_variable(variable["inside"])
    at, typed = _fragment(last)
    if at is At.NOTHING:
        return Place(at)
    quote = typed[:1] if typed[:1] in QUOTES else ""
    rest = (QUOTES[quote] if quote else _REST_OF_WORD).match(tail)
    start = len(head) - len(typed)
    whole = f"{head[:start]} {tail[rest.end() if rest else 0 :]}"
    before, after = _around(tokenize(whole, lexer), start)
    begins = before[0].start if before else start
    ends = after[-1].end if after else start
    return Place(
        at,
        typed.removeprefix(quote),
        quote,
        before,
        after,
        bool(quote and rest),
        whole[begins:ends].ljust(start - begins),
        start - begins,
    )


def _ends_in_comment(gap: str) -> bool:
    """Tell whether what does not count ends inside of a comment that its line's end closes."""
    found = list(_COMMENTS.finditer(gap))
    return bool(found) and found[-1]["line"] is not None


def _in_variable(inside: str) -> Place:
    fragment = re.search(r"\w*\Z", inside)
    typed = fragment[0] if fragment else ""
    before = inside[: len(inside) - len(typed)].strip()
    if not before:
        return Place(At.VARIABLE, typed)
    return (
        Place(At.FILTER, typed)
        if before.endswith("|") and not {"'", '"'} & set(before)
        else Place(At.NOTHING)
    )


def _fragment(last: Token | None) -> tuple[At, str]:
    """Return what the token that ends at the cursor means for it."""
    if last is None:
        return At.WORD, ""
    if last.word:
        return At.WORD, last.text
    begins = last.text[0]
    if begins in QUOTES:
        if _CLOSED.fullmatch(last.text):
            return At.NOTHING, ""
        return (At.STRING if begins == "'" else At.WORD), last.text
    if begins in ")]}" or begins.isdigit() or len(last.text) > 1:
        return At.NOTHING, ""
    return At.WORD, ""


def _around(tokens: Iterable[Token], start: int) -> tuple[tuple[Token, ...], tuple[Token, ...]]:
    """Return the tokens of the statement at an offset, before and after it."""
    before: list[Token] = []
    after: list[Token] = []
    for token in tokens:
        is_end = token.text == ";"
        if token.start < start:
            before = [] if is_end else [*before, token]
        elif is_end:
            break
        else:
            after.append(token)
    return tuple(before), tuple(after)
