"""What a dialect must be able to say about a statement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from streammagic.sql.checks import Rule
    from streammagic.sql.literals import Writer
    from streammagic.sql.statements import Kind, Lexer, Statement


class Dialect(Protocol):
    """The part of an engine's SQL that the way a cell is run depends on."""

    lexer: Lexer
    writer: Writer
    rules: tuple[Rule, ...]
    keywords: tuple[str, ...]

    def classify(self, statement: Statement) -> Kind:
        """Say what a statement does, from its tokens; ``statement.kind`` is not set yet."""

    def created_name(self, statement: Statement) -> str | None:
        """Return the name, as typed, of the table or view that a CREATE statement makes, else None."""

    def foreign_hint(self, statement: Statement) -> str | None:
        """Say which other engine's SQL a refused statement looks like, and the equivalent here.

        It is for statements that the engine has refused: a right one may look foreign, too.
        """
