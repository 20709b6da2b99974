"""What a dialect must be able to say about a statement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streammagic.sql.checks import Rule
    from streammagic.sql.keywords import Vocabulary
    from streammagic.sql.literals import Writer
    from streammagic.sql.loading import Loading
    from streammagic.sql.statements import Kind, Lexer, Statement


class Option(NamedTuple):
    """Something to be set: its key, and what it may be where that is a choice. Neither has quotes."""

    key: str
    values: tuple[str, ...] = ()


class Dialect(Protocol):
    """The part of an engine's SQL that the way a cell is run depends on."""

    lexer: Lexer
    rules: tuple[Rule, ...]
    together: str
    """What to do who wants several queries in one deployment: a sentence."""
    vocabulary: Vocabulary

    @property
    def writer(self) -> Writer:
        """What writes Python values in this SQL."""

    def identifier(self, name: str) -> str:
        """Return one name as SQL has it, in quotes where it needs them."""

    def options(self) -> Mapping[str, Sequence[Option]]:
        """Return what WITH (…) takes, by connector; by "" where there are none."""

    def settings(self) -> Sequence[Option]:
        """Return what SET takes, as far as it is known."""

    def loading(self, name: str, frame: Any, topic: str | None) -> Loading:
        """Return how a table of that name is made of a DataFrame, with its rows in a topic if one is given.

        Raises `OptionError` for what can't be written.
        """

    def classify(self, statement: Statement) -> Kind:
        """Say what a statement does, from its tokens; ``statement.kind`` is not set yet."""

    def created_name(self, statement: Statement) -> str | None:
        """Return the name, as typed, of the table or view that a CREATE statement makes, else None."""

    def foreign_hint(self, statement: Statement) -> str | None:
        """Say which other engine's SQL a refused statement looks like, and the equivalent here.

        It is for statements that the engine has refused: a right one may look foreign, too.
        """
