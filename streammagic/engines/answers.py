"""The cursor of a statement whose whole answer is known at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streammagic.results.changes import Page, Schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streammagic.results.changes import Row


class AnswerCursor:
    """The `Cursor` of a statement that has been answered: some rows, and what there is to say."""

    def __init__(self, *notes: str, schema: Schema | None = None, rows: Sequence[Row] = ()) -> None:
        self.schema = schema or Schema()
        self.job_id: str | None = None
        self.is_query = False
        self.reads_from = ""
        self.notes = list(notes)
        self._rows = list(rows)

    def __iter__(self) -> Iterator[Page]:
        yield Page(self._rows)

    def interrupt(self) -> None:
        """Do nothing: it is over already."""

    def silence(self) -> list[str]:
        """Say nothing: there are no rows to wait for."""
        return []

    def close(self) -> None:
        """Do nothing: nothing is open."""
