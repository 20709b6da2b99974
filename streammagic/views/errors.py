"""A failure as a card: the cause first, then the place in the SQL, then what to do about it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from streammagic.views.blocks import PRE, box
from streammagic.views.cells import visible_lines, width

if TYPE_CHECKING:
    from streammagic.errors import StreamMagicError

_LINES_BEFORE, _LINES_AFTER = 2, 1
_EXCERPT_WIDTH = 100
_DETAIL_LINES = 400  # a Java stack of a deep plan has thousands; its ends say it all
_RED = "#e03131"  # seen on white and on black


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A place in a text: ``line`` and ``column`` are counted from 1, ``column`` is None where unknown."""

    source: str
    line: int
    column: int | None


@dataclass(frozen=True, slots=True)
class _ExcerptLine:
    number: str
    text: str
    caret: tuple[str, str] | None = None  # the text up to the token, and as many ^ as it has columns


def error_card(error: StreamMagicError, *, cell: str | None = None) -> dict[str, str]:
    """Return ``error`` as HTML and as plain text.

    ``error.line`` and ``error.column`` are places in ``cell``, in ``error.statement`` where it is None.
    """
    message = escape(visible_lines(error.message))
    inner = [f'<div style="font-weight:bold;white-space:pre-wrap">{message}</div>']
    lines = _excerpt_lines(_excerpt(error, cell))
    if lines:
        inner.append(_excerpt_html(lines))
    inner += [
        f'<div style="white-space:pre-wrap;padding-top:0.25em">{escape(text)}</div>'
        for text in (_own_words(error), visible_lines(error.hint or ""))
        if text
    ]
    if error.link:
        inner.append(_link_html(error.link))
    if error.details:
        inner.append(_details_html(error.details))
    style = f"border-left:4px solid {_RED};padding:0.25em 0 0.25em 0.9em;margin:0.25em 0"
    return {"text/html": box("".join(inner), style), "text/plain": error_text(error, cell=cell)}


def error_text(error: StreamMagicError, *, cell: str | None = None) -> str:
    """Return ``error`` as plain text, which has everything that its card has but the details."""
    parts = [visible_lines(error.message)]
    lines = _excerpt_lines(_excerpt(error, cell))
    if lines:
        parts.append("\n".join(_excerpt_text(lines)))
    parts += filter(None, [_own_words(error), visible_lines(error.hint or ""), _link_text(error)])
    if error.details:
        parts.append(f"({_count(error.details)} of detail are in this error's .details)")
    return "\n\n".join(parts)


def _own_words(error: StreamMagicError) -> str:
    """Return what the engine said, where the message does not repeat it already."""
    cause = (error.cause or "").partition("\nWas expecting")[0]  # the hint has the expected words
    cause = cause.strip().partition("\n\n")[0]  # what follows lists all options, or is a plan
    if not cause or cause in error.message:
        return ""
    return visible_lines(f"{error.engine or 'The engine'} said: {cause}")


def _excerpt(error: StreamMagicError, cell: str | None) -> Excerpt | None:
    source = error.statement if cell is None else cell
    if not source or not error.line:
        return None
    return Excerpt(source, error.line, error.column)


def _excerpt_lines(excerpt: Excerpt | None) -> list[_ExcerptLine]:
    """Return the lines around a place; none where the place is not in the text."""
    if excerpt is None:
        return []
    source = excerpt.source.replace("\r\n", "\n").split("\n")  # as engines count lines, not as Unicode does
    if not 1 <= excerpt.line <= len(source):
        return []
    first = max(1, excerpt.line - _LINES_BEFORE)
    last = min(len(source), excerpt.line + _LINES_AFTER)
    while last > excerpt.line and not source[last - 1].strip():
        last -= 1
    margin, column = len(str(last)), excerpt.column or 1
    start = _window_start(source[excerpt.line - 1], column)
    lines = []
    for number in range(first, last + 1):
        text = source[number - 1]
        caret = None
        if number == excerpt.line and excerpt.column:
            caret = _caret(text, column, start)
        lines.append(_ExcerptLine(str(number).rjust(margin), _window(text, start), caret))
    return lines


def _window_start(text: str, column: int) -> int:
    """Return from where a long line is shown, so that ``column`` stands well inside of what is."""
    if len(text) <= _EXCERPT_WIDTH or column < _EXCERPT_WIDTH * 3 // 4:
        return 0
    return min(column - _EXCERPT_WIDTH // 2, len(text))


def _window(text: str, start: int) -> str:
    """Return the part of a line from ``start``; all lines move together, as under a window."""
    shown = text[start : start + _EXCERPT_WIDTH]
    before = "…" if start and text[:start].strip() else " " if start else ""
    after = "…" if len(text) > start + _EXCERPT_WIDTH else ""
    return before + visible_lines(shown) + after


def _caret(text: str, column: int, start: int) -> tuple[str, str]:
    place = min(column - 1, len(text))
    token = re.match(r"\w+", text[place : start + _EXCERPT_WIDTH])
    before = ("…" if start else "") + visible_lines(text[start:place] + "|")[:-1]
    return before, "^" * max(1, width(visible_lines(token[0])) if token else 1)


def _excerpt_text(lines: list[_ExcerptLine]) -> list[str]:
    drawn = []
    for line in lines:
        drawn.append(f"  {line.number} │ {line.text}".rstrip())
        if line.caret:
            before, marks = line.caret
            drawn.append(f"  {' ' * len(line.number)} │ {' ' * width(before)}{marks}")
    return drawn


def _excerpt_html(lines: list[_ExcerptLine]) -> str:
    drawn = []
    for line in lines:
        drawn.append(f'<span style="opacity:0.5">{line.number} │ </span>{escape(line.text)}')
        if line.caret:
            before, marks = line.caret
            drawn.append(
                f'<span style="opacity:0.5">{" " * len(line.number)} │ </span>{_blank(before)}'
                f'<b style="color:{_RED}">{marks}</b>'
            )
    return "\n".join(drawn).join(PRE)


def _blank(text: str) -> str:
    """Return as much nothing as ``text`` is wide: a browser's font has its own idea of wide characters."""
    if text.isascii():
        return " " * len(text)
    return f'<span style="visibility:hidden">{escape(text)}</span>'


def _link_text(error: StreamMagicError) -> str:
    return f"See {visible_lines(error.link)}" if error.link else ""


def _link_html(link: str) -> str:
    address = escape(link, quote=True)
    if not link.startswith("https://"):
        return f'<div style="padding-top:0.25em">{address}</div>'
    page = escape(link.removeprefix("https://"))
    return (
        f'<div style="padding-top:0.25em"><a href="{address}" target="_blank" rel="noopener">{page}</a></div>'
    )


def _details_html(details: str) -> str:
    body = escape("\n".join(_ends(visible_lines(details.strip("\n")).splitlines()))).join(PRE)
    summary = f'<summary style="opacity:0.7;cursor:pointer">details ({_count(details)})</summary>'
    return f'<details style="padding-top:0.25em">{summary}{body}</details>'


def _ends(lines: list[str]) -> list[str]:
    left_out = len(lines) - _DETAIL_LINES
    if left_out <= 0:
        return lines
    half = _DETAIL_LINES // 2
    return [*lines[:half], f"… {left_out:,} lines left out; all are in this error's .details", *lines[-half:]]


def _count(text: str) -> str:
    count = len(text.strip("\n").splitlines())
    return f"{count:,} line{'' if count == 1 else 's'}"
