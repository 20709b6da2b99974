"""Where an error is in the cell that was typed, and how it is shown there."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from streammagic.errors import StreamMagicError
from streammagic.sql.secrets import mask
from streammagic.views.channel import show
from streammagic.views.errors import error_card, error_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streammagic.sql.statements import Statement
    from streammagic.views.modes import Mode


@dataclass(frozen=True, slots=True)
class CellText:
    """A cell as it was typed: the magic with its options, and the body that holds the SQL."""

    head: str
    body: str
    one_line: bool = False

    @property
    def text(self) -> str:
        """The whole cell."""
        return self.head + self.body if self.one_line else f"{self.head}\n{self.body}"

    def locate(self, error: StreamMagicError, statement: Statement) -> None:
        """Move an error's place from its statement to the cell."""
        if error.line is None:
            return
        if error.line == 1 and error.column is not None:
            error.column += statement.column - 1
            if self.one_line and statement.line == 1:
                error.column += len(self.head)
        error.line += statement.line - 1 + (not self.one_line)


def card(error: StreamMagicError, cell: CellText | None, mode: Mode) -> dict[str, str]:
    """Render an error. In batch the stack stays out of it: it differs from run to run."""
    details, error.details = error.details, None if mode == "batch" else error.details
    try:
        return error_card(error, cell=None if cell is None else mask(cell.text))
    finally:
        error.details = details


@contextlib.contextmanager
def errors_shown(cell: CellText | None, mode: Mode) -> Iterator[None]:
    """Show an error's card and let it pass: the cell fails, with one line where a traceback would be.

    A terminal has no place for cards; there the text of it takes the traceback's place.
    """
    try:
        yield
    except StreamMagicError as error:
        if mode == "text":
            error.shown_as = error_text(error, cell=None if cell is None else mask(cell.text)).splitlines()
        else:
            if error.shown_as is None:
                show(card(error, cell, mode))
            error.shown_as = one_line(error)
        raise


def one_line(error: StreamMagicError) -> list[str]:
    """Return what stands in the traceback's place under a card."""
    return [f"{type(error).__name__}: {error.message}"]
