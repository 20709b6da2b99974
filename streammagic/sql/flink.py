"""Flink SQL: what its statements do.

Source: the "SQL" pages of Flink's documentation (one page a statement), Flink 2.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streammagic.sql import foreign, keywords, loading, naming
from streammagic.sql.checks_flink import FLINK_RULES
from streammagic.sql.literals_flink import FlinkWriter
from streammagic.sql.statements import CALCITE, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streammagic.sql.dialect import Option
    from streammagic.sql.loading import Loading
    from streammagic.sql.statements import Statement, Token

_BY_FIRST_WORD = {
    "SELECT": Kind.QUERY,
    "WITH": Kind.QUERY,
    "VALUES": Kind.QUERY,
    "TABLE": Kind.QUERY,
    "INSERT": Kind.INSERT,
    "UPDATE": Kind.INSERT,
    "DELETE": Kind.INSERT,
    "TRUNCATE": Kind.INSERT,
    "ANALYZE": Kind.INSERT,
    "END": Kind.INSERT,
    "CREATE": Kind.DEFINITION,
    "REPLACE": Kind.DEFINITION,
    "ALTER": Kind.DEFINITION,
    "DROP": Kind.DEFINITION,
    "SET": Kind.SESSION,
    "RESET": Kind.SESSION,
    "USE": Kind.SESSION,
    "LOAD": Kind.SESSION,
    "UNLOAD": Kind.SESSION,
    "ADD": Kind.SESSION,
    "REMOVE": Kind.SESSION,
    "SHOW": Kind.ANSWER,
    "DESCRIBE": Kind.ANSWER,
    "DESC": Kind.ANSWER,
    "EXPLAIN": Kind.ANSWER,
    "CALL": Kind.ANSWER,
    "HELP": Kind.CLIENT,
    "CLEAR": Kind.CLIENT,
    "QUIT": Kind.CLIENT,
    "EXIT": Kind.CLIENT,
}
_CREATE_MODIFIERS = frozenset({"CREATE", "OR", "REPLACE", "ALTER", "TEMPORARY", "SYSTEM", "MATERIALIZED"})


class FlinkDialect:
    """The `Dialect` of Flink SQL."""

    lexer = CALCITE
    writer = FlinkWriter()
    rules = FLINK_RULES
    together = "Several INSERTs make one job as EXECUTE STATEMENT SET BEGIN …; …; END."
    vocabulary = keywords.FLINK

    def identifier(self, name: str) -> str:
        """Return one name as SQL has it."""
        return naming.identifier(name)

    def options(self) -> Mapping[str, Sequence[Option]]:
        """Return the options of Flink's own connectors, and of Kafka's, with those of their formats."""
        from streammagic.sql.connectors import with_formats

        return with_formats()

    def settings(self) -> Sequence[Option]:
        """Return nothing: Flink takes any key."""
        return ()

    def loading(self, name: str, frame: Any, topic: str | None) -> Loading:
        """Return how a table is made of a DataFrame."""
        return loading.into_flink(name, frame, topic)

    def classify(self, statement: Statement) -> Kind:
        """Say what a Flink statement does."""
        words = statement.words
        first = words[0] if words else ""
        if words[:2] in (("EXECUTE", "SELECT"), ("EXECUTE", "WITH")):
            return Kind.QUERY
        if first == "EXECUTE" or words[:3] == ("COMPILE", "AND", "EXECUTE"):
            return Kind.INSERT
        kind = _BY_FIRST_WORD.get(first, Kind.OTHER)
        if kind is Kind.DEFINITION and _object(words) == "TABLE" and statement.top_level("AS") is not None:
            return Kind.CREATE_AS
        return kind

    def created_name(self, statement: Statement) -> str | None:
        """Return what ``CREATE [OR REPLACE] [TEMPORARY] TABLE|VIEW [IF NOT EXISTS] name`` names, as typed."""
        if statement.kind not in (Kind.DEFINITION, Kind.CREATE_AS) or statement.words[0] in ("ALTER", "DROP"):
            return None
        tokens = list(statement.tokens)
        while tokens and tokens[0].word in _CREATE_MODIFIERS:
            del tokens[0]
        if not tokens or tokens[0].word not in ("TABLE", "VIEW"):
            return None
        del tokens[0]
        if [token.word for token in tokens[:3]] == ["IF", "NOT", "EXISTS"]:
            del tokens[:3]
        return name_at(tokens, 0)[0] or None

    def foreign_hint(self, statement: Statement) -> str | None:
        """Say what a refused statement has of ksqlDB's SQL, and how Flink has it."""
        return foreign.under_flink(statement)

    @staticmethod
    def subject(statement: Statement) -> str | None:
        """Return the table or view that an ALTER or DROP is about, as typed, else None."""
        words = [token.word for token in statement.tokens]
        if words[:1] not in (["ALTER"], ["DROP"]):
            return None
        for kind in ("TABLE", "VIEW"):
            if kind in words[1:4]:
                place = words.index(kind) + 1
                place += 2 if words[place : place + 2] == ["IF", "EXISTS"] else 0
                return name_at(statement.tokens, place)[0] or None
        return None

    @staticmethod
    def query_of(statement: Statement) -> int:
        """Return the offset, in its text, of the query of a CREATE TABLE … AS."""
        at = next(i for i, token in enumerate(statement.tokens) if token.word == "AS" and token.depth == 0)
        return statement.tokens[at + 1].start - statement.start


def name_at(tokens: Sequence[Token], place: int) -> tuple[str, int]:
    """Return the name, as typed, that begins at a token, and the place after it."""
    name = ""
    while place < len(tokens) and (not name or name.endswith(".") or tokens[place].text == "."):
        name += tokens[place].text
        place += 1
    return name, place


def _object(words: tuple[str, ...]) -> str:
    """Return the kind of object that a CREATE makes, "" for what is no CREATE."""
    if words[0] not in ("CREATE", "REPLACE"):
        return ""
    return next((word for word in words if word not in _CREATE_MODIFIERS), "")
