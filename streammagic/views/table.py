"""A snapshot of a table as a picture: pure, cheap, the same bytes each time."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from streammagic.views.blocks import box
from streammagic.views.cells import HTML_LIMIT, TITLE_LIMIT, cut, visible
from streammagic.views.grid import draw_grid


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSnapshot:
    """What is to be seen of a table: its cells are text already, its rows only those to show.

    A cell of None is SQL NULL. ``numeric`` names the columns aligned to the right. The whole table has
    ``total`` rows; the first one shown is number ``position`` of them, counted from 0. ``kinds``, where
    given, holds the kind of change of each row (``+I``, ``-U``, ``+U``, ``-D``). ``status`` and
    ``notes`` are lines above the table. ``announce`` marks the last snapshot: a screen reader says its
    status once, while it stays silent about the ones before.
    """

    columns: tuple[str, ...]
    rows: list[list[str | None]]
    numeric: tuple[bool, ...]
    total: int
    position: int = 0
    kinds: list[str] | None = None
    status: str = ""
    notes: tuple[str, ...] = ()
    announce: bool = False


@dataclass(frozen=True, slots=True)
class _Change:
    sign: str
    word: str
    colour: str  # of the sign only, in a tone that is read on white and on black; the word says the same


_CHANGES = {
    "+I": _Change("+", "insert", "#2f9e44"),
    "-U": _Change("−", "before", "#c77700"),  # noqa: RUF001 -- a minus sign, as wide as the plus
    "+U": _Change("~", "after", "#c77700"),
    "-D": _Change("−", "delete", "#e03131"),  # noqa: RUF001
}

_CELL = "padding:0.3em 0.8em;white-space:pre;text-align:"
_LEFT, _RIGHT = _CELL + "left", _CELL + "right"
_QUIET = "opacity:0.7;padding:0.15em 0"
_NULL = '<i style="opacity:0.5">NULL</i>'


def table_bundle(snapshot: TableSnapshot) -> dict[str, str]:
    """Return ``snapshot`` as HTML and as plain text, both complete by themselves."""
    names = [_shown(name) for name in snapshot.columns]
    cells = [[None if cell is None else _shown(cell) for cell in row] for row in snapshot.rows]
    above = [*map(visible, (snapshot.status, *snapshot.notes)), _left_out_before(snapshot)]
    below = _left_out_after(snapshot)
    return {
        "text/html": box(_lines_html(snapshot, above) + _table_html(snapshot, names, cells) + _line(below)),
        "text/plain": "\n".join(filter(None, [*above, *_text_lines(snapshot, names, cells), below])),
    }


def _shown(text: str) -> str:
    return visible(cut(text, TITLE_LIMIT))  # cut first: a cell may be megabytes, and most of it is not shown


def _left_out_before(snapshot: TableSnapshot) -> str:
    return f"… {_rows(snapshot.position, 'earlier ')}" if snapshot.position else ""


def _left_out_after(snapshot: TableSnapshot) -> str:
    """Return the line under the table: how many rows follow, else how many there are, if nobody said so."""
    rest = snapshot.total - snapshot.position - len(snapshot.rows)
    if rest > 0:
        return f"… {_rows(rest, 'more ')}"
    if not snapshot.total:
        return "no rows"
    return "" if snapshot.status else _rows(snapshot.total)


def _rows(count: int, which: str = "") -> str:
    return f"{count:,} {which}row{'' if count == 1 else 's'}"


def _lines_html(snapshot: TableSnapshot, lines: list[str]) -> str:
    """Return the lines above the table; ``role`` and ``aria-live`` live where the output is trusted."""
    status, *others = lines
    live = "polite" if snapshot.announce else "off"
    first = f'<div role="status" aria-live="{live}" style="padding:0.15em 0">{escape(status)}</div>'
    return (first if status else "") + "".join(map(_line, others))


def _line(text: str) -> str:
    return f'<div style="{_QUIET}">{escape(text)}</div>' if text else ""


def _table_html(snapshot: TableSnapshot, names: list[str], cells: list[list[str | None]]) -> str:
    if not names:
        return ""
    aligned = [_RIGHT if numeric else _LEFT for numeric in snapshot.numeric]
    head = "".join(_element(f'th scope="col" style="{s}"', n) for s, n in zip(aligned, names, strict=True))
    starts = [f'td style="{style}"' for style in aligned]
    rows = ["".join(map(_element, starts, row)) for row in cells]
    if snapshot.kinds is not None:
        head = f'<th scope="col" style="{_LEFT}">change</th>{head}'
        rows = [_kind_html(kind) + row for kind, row in zip(snapshot.kinds, rows, strict=True)]
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return (
        f'<div style="overflow-x:auto" tabindex="0" role="region" aria-label="{_label(snapshot)}">'
        '<table class="dataframe" style="font-variant-numeric:tabular-nums;margin:0">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _label(snapshot: TableSnapshot) -> str:
    shown, wide = len(snapshot.rows), len(snapshot.columns)
    return f"table of {_rows(snapshot.total)}, {shown:,} shown, {wide} column{'' if wide == 1 else 's'}"


def _element(start: str, text: str | None) -> str:
    """Return one cell; ``start`` is its tag with attributes, of two characters' name (td, th)."""
    if text is None:
        return f"<{start}>{_NULL}</{start[:2]}>"
    if len(text) > HTML_LIMIT:
        start, text = f'{start} title="{escape(cut(text, TITLE_LIMIT))}"', cut(text, HTML_LIMIT)
    return f"<{start}>{escape(text)}</{start[:2]}>"


def _kind_html(kind: str) -> str:
    change = _CHANGES.get(kind)
    if change is None:
        return _element(f'td style="{_LEFT}"', visible(kind))
    sign = f'<b style="color:{change.colour}">{change.sign}</b>'
    return f'<td style="{_LEFT}">{sign} {change.word}</td>'


def _text_lines(snapshot: TableSnapshot, names: list[str], cells: list[list[str | None]]) -> list[str]:
    if not names:
        return []
    numeric = snapshot.numeric
    if snapshot.kinds is not None:
        names, numeric = ["change", *names], (False, *numeric)
        cells = [[_kind_text(kind), *row] for kind, row in zip(snapshot.kinds, cells, strict=True)]
    return draw_grid(names, cells, numeric)


def _kind_text(kind: str) -> str:
    change = _CHANGES.get(kind)
    return f"{change.sign} {change.word}" if change else visible(kind)
