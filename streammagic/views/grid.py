"""The plain text of a table: a header, a rule, columns that stand under each other in any script."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streammagic.views.cells import TEXT_LIMIT, cut_to_width, pad, width

if TYPE_CHECKING:
    from collections.abc import Sequence

PAGE_WIDTH = 120
"""Columns of text a line may take before columns in the middle are left out.

A constant, not the terminal's width: a saved notebook must hold the same bytes wherever it was run.
"""
_BETWEEN = 3  # " │ "


def draw_grid(names: list[str], cells: list[list[str | None]], numeric: Sequence[bool]) -> list[str]:
    """Return the lines of a table of visible text; None is SQL NULL, ``numeric`` aligns to the right.

    A string that reads like NULL is quoted, so that the two cannot be taken for each other. The middle
    columns of a table too wide for a page give way to one column of dots, and a last line says how many.
    """
    shown = [[_text(cell) for cell in row] for row in cells]
    head = [cut_to_width(name, TEXT_LIMIT) for name in names]
    widths = [max(map(width, column)) for column in zip(head, *shown, strict=True)]
    kept = _columns_that_fit(widths)
    gap = None if len(kept) == len(widths) else _gap_at(kept)

    def line(row: list[str]) -> str:
        parts = [pad(row[i], widths[i], right=numeric[i]) for i in kept]
        return f" {' │ '.join(_spread(parts, gap, '…'))}".rstrip()

    rule = "─┼─".join(_spread(["─" * widths[i] for i in kept], gap, "─"))
    lines = [line(head), f"─{rule}─", *map(line, shown)]
    return (
        lines if gap is None else [*lines, f"… {len(widths) - len(kept)} of {len(widths)} columns not shown"]
    )


def _text(cell: str | None) -> str:
    if cell is None:
        return "NULL"
    if cell.strip('"') == "NULL":
        return f'"{cell}"'
    return cut_to_width(cell, TEXT_LIMIT)


def _columns_that_fit(widths: list[int]) -> list[int]:
    """Return the places of the columns to show: all, else as many of the first and the last as fit."""
    if sum(widths) + _BETWEEN * len(widths) <= PAGE_WIDTH:
        return list(range(len(widths)))
    left, right, room = 0, len(widths), PAGE_WIDTH - 1 - _BETWEEN  # room for the column of dots
    while left < right:
        place = left if left <= len(widths) - right else right - 1
        room -= widths[place] + _BETWEEN
        if room < 0 and left:
            break
        left, right = (left + 1, right) if place == left else (left, right - 1)
    return [*range(left), *range(right, len(widths))]


def _gap_at(kept: list[int]) -> int:
    """Return how many of the kept columns stand before the first one left out."""
    return next((at for at, place in enumerate(kept) if at != place), len(kept))


def _spread(parts: list[str], gap: int | None, filler: str) -> list[str]:
    return parts if gap is None else [*parts[:gap], filler, *parts[gap:]]
