"""A cell as it was typed, what it says with its variables put in, and where an error is in it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streammagic.errors import OptionError, StreamMagicError
from streammagic.sql.secrets import ask_for_secret, mask, stored_secret
from streammagic.sql.variables import secrets_named
from streammagic.views.channel import show
from streammagic.views.errors import error_card, error_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streammagic.sql.statements import Statement
    from streammagic.sql.variables import Rendered, Values
    from streammagic.views.modes import Mode


@dataclass(slots=True)
class CellText:
    """A cell: the magic with its options, and the body that holds the SQL."""

    head: str
    body: str
    one_line: bool = False
    _filled: Rendered | None = field(default=None, init=False)

    @property
    def text(self) -> str:
        """The whole cell as typed; as expanded, where it is a template."""
        return self.head + self.body if self.one_line else f"{self.head}\n{self.body}"

    @property
    def sql(self) -> str:
        """The body with the person's variables put in, once it is filled."""
        return self.body if self._filled is None else self._filled.text

    def fill(self, values: Values, *, jinja: bool = False, ask: bool = False) -> None:
        """Put the person's variables in, and ``ask`` for secrets that nobody knows.

        A template (``jinja``) takes the body's place: its errors are shown in what came of it. Raises
        `OptionError` with its place in the cell.
        """
        try:
            if jinja:
                from streammagic.sql.templates import templated

                sql, values = templated(self.body, values)
                self.body = values.fill(sql).text
            else:
                self._filled = values.fill(self.body)
            if ask:
                for name, _ in secrets_named(self.sql):
                    if stored_secret(name) is None:
                        ask_for_secret(name)
        except OptionError as error:
            self._move(error)
            raise

    def typed(self, statement: Statement) -> str:
        """Return a statement as it was typed, with its variables."""
        if self._filled is None:
            return statement.text
        place = self._filled.offset_in_source
        return self.body[place(statement.start) : place(statement.end)]

    def locate(self, error: StreamMagicError, statement: Statement) -> None:
        """Move an error's place from its statement to the cell."""
        if error.line is None:
            return
        if error.line == 1 and error.column is not None:
            error.column += statement.column - 1
        error.line += statement.line - 1
        if self._filled is not None:
            line, column = self._filled.place_in_source(error.line, error.column or 1)
            error.line, error.column = line, None if error.column is None else column
        self._move(error)

    def _move(self, error: StreamMagicError) -> None:
        """Move an error's place from the body to the cell."""
        if error.line is None:
            return
        if self.one_line and error.line == 1 and error.column is not None:
            error.column += len(self.head)
        error.line += not self.one_line


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
