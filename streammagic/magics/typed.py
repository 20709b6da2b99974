"""Which of our magics a cell that is being typed has at the cursor."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

_CELL = re.compile(r"\s*%%(?P<name>\w+)(?P<head>[ \t][^\n]*)?(?=\n|\Z)")
_LINE = re.compile(r"\s*(?:[\w\s.,*\[\]'\"]+=\s*)?%(?P<name>\w+)(?P<space>[ \t])")


@dataclass(frozen=True, slots=True)
class Typed:
    """A magic with the cursor in it.

    ``head`` is the rest of its line, ``body`` the lines below, None for a one-line magic. The cursor is
    ``position`` characters from the beginning of the body if ``in_body``, else of the head.
    """

    magic: str
    head: str
    body: str | None
    position: int
    in_body: bool


def typed(text: str, line: int, column: int, names: Collection[str]) -> Typed | None:
    """Return the magic of one of those names that the cursor is in, None in all other code."""
    lines = text.split("\n")
    offset = sum(len(each) + 1 for each in lines[:line]) + column
    cell = _CELL.match(text)
    if cell is not None and cell["name"] in names:
        head = cell["head"] or ""
        if offset > cell.end():
            return Typed(cell["name"], head, text[cell.end() + 1 :], offset - cell.end() - 1, in_body=True)
        if not head or offset <= cell.start("head"):
            return None  # in the magic's name
        return Typed(cell["name"], head, text[cell.end() + 1 :], offset - cell.start("head"), in_body=False)
    found = _LINE.match(lines[line])
    if found is None or found["name"] not in names or column < found.end():
        return None
    start = found.start("space")
    return Typed(found["name"], lines[line][start:], None, column - start, in_body=False)
