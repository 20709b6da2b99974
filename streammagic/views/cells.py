"""One piece of foreign text, made safe to show: nothing invisible, nothing endless, its true width known."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

HTML_LIMIT = 120
"""Characters of a cell shown in HTML; a line of that length still fits a notebook's width."""
TITLE_LIMIT = 500
"""Characters of the full text kept for the tooltip: a snapshot is sent five times a second."""
TEXT_LIMIT = 60
"""Columns of a cell in a terminal."""

_ZWJ = "\u200d"
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # control characters
    "\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff"  # invisible, or turns text around
    "\ud800-\udfff]"  # half characters: no message with one can be encoded
    f"|{_ZWJ}$"  # at the end it would join the next cell's text
)
_MULTILINE = re.compile(_UNSEEN.pattern.replace("\x00-\x1f", "\x00-\x09\x0b-\x1f"))
_SIGNS = {"\n": "↵", "\t": "⇥", "\r": "\\r"}


def visible(text: str) -> str:
    """Return ``text`` on one line, every control or invisible character replaced by a visible sign."""
    return text if text.isprintable() else _UNSEEN.sub(_sign, text)


def visible_lines(text: str) -> str:
    """Return ``text`` with its line breaks kept, tabs expanded and the rest as ``visible`` does it."""
    if text.isprintable():
        return text
    return _MULTILINE.sub(_sign, text.replace("\r\n", "\n").expandtabs(4))


def _sign(match: re.Match[str]) -> str:
    char = match[0]
    if char in _SIGNS:
        return _SIGNS[char]
    return f"\\x{ord(char):02x}" if char <= "\xff" else f"\\u{ord(char):04x}"


def cut(text: str, limit: int) -> str:
    """Return at most ``limit`` characters of ``text``, the last one … where some are missing."""
    return text if len(text) <= limit else text[: limit - 1].rstrip(_ZWJ) + "…"


def cut_to_width(text: str, limit: int) -> str:
    """Return as much of ``text`` as fits about ``limit`` terminal columns, … where some is missing."""
    text = cut(text, limit)
    if text.isascii() or width(text) <= limit:
        return text
    measure, used = _wcwidth(), 0
    for end, char in enumerate(text):
        used += measure(char)
        if used >= limit:
            return text[:end].rstrip(_ZWJ) + "…"
    return text


def width(text: str) -> int:
    """Return the columns that visible ``text`` takes in a terminal."""
    return len(text) if text.isascii() else _wcwidth()(text)


def pad(text: str, columns: int, *, right: bool = False) -> str:
    """Return ``text`` filled with spaces to ``columns``, aligned to the left or ``right``."""
    space = " " * (columns - width(text))
    return space + text if right else text + space


@cache
def _wcwidth() -> Callable[[str], int]:
    """Load the width tables when the first text beyond ASCII is met: they take 30 ms."""
    from wcwidth import wcswidth

    return wcswidth
