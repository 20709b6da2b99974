"""What is known of one failure."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

DOCS = "https://docs.ksqldb.io/en/latest/"
_REFERENCE = "developer-guide/ksqldb-reference/"

About = Literal[
    "", "source", "column", "function", "topic", "query", "with", "setting", "type", "format", "variable"
]
"""The kinds of names that may be misspelt."""


class Known(NamedTuple):
    """A known failure. ``message`` and ``hint`` may name the groups of ``pattern`` and what `wording` adds.

    The group ``name`` is looked for in the statement, to have a place where the server tells none; where
    there is no such name, the words ``at`` are (a group may be named in them, too). ``about`` says what kind
    of thing does not exist where that is the failure: ``name`` is near to what is meant. ``page`` is a path
    in the documentation, by itself that of a statement or of operators and functions.
    """

    pattern: re.Pattern[str]
    message: str
    hint: str = ""
    about: About = ""
    at: str = ""
    page: str = ""

    @property
    def link(self) -> str | None:
        """The address of the page that is about it."""
        if not self.page:
            return None
        return f"{DOCS}{self.page if '/' in self.page else _REFERENCE + self.page}/"


def known(  # noqa: PLR0913 - the fields of `Known`, all but two optional and named
    pattern: str, message: str, hint: str = "", *, about: About = "", at: str = "", page: str = ""
) -> Known:
    """Return a known failure, its pattern given as text."""
    return Known(re.compile(pattern), message, hint, about, at, page)
