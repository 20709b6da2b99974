"""What is looked for in ksqlDB's SQL before it is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streammagic.sql.checks import Check, Finding, Rule, Severity
from streammagic.sql.checks_common import COMMON_RULES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streammagic.sql.checks import Context
    from streammagic.sql.statements import Statement, Token

_KSQL = frozenset({"ksql"})
_OFFSET = "auto.offset.reset"


def _limit(statement: Statement, context: Context) -> Iterator[Finding]:
    first = statement.words[:1]
    selects = [token for token in statement.tokens if token.word == "SELECT" and token.depth == 0]
    lives_on = first in (("CREATE",), ("INSERT",)) or (first == ("SELECT",) and context.lives_on)
    token = _limit_at_end(statement)
    if token and lives_on and selects and selects[0].start < token.start:
        yield Finding(
            "A query that lives on has no LIMIT: ksqlDB refuses it, or goes on past it.",
            "Leave it out; a SELECT … EMIT CHANGES LIMIT n in a cell of its own shows n rows.",
            token,
        )


def _limit_at_end(statement: Statement) -> Token | None:
    """Return the LIMIT of a query: the last word but one, with a number or a variable."""
    tokens = statement.tokens
    if len(tokens) < 3:  # noqa: PLR2004 - a LIMIT limits something
        return None
    word, value = tokens[-2:]
    is_value = value.text[0].isdecimal() or value.text.startswith("${")
    return word if word.word == "LIMIT" and word.depth == 0 and is_value else None


def _from_latest(statement: Statement, context: Context) -> Iterator[Finding]:
    emit = next(
        (
            token
            for token, after in zip(statement.tokens, statement.tokens[1:], strict=False)
            if token.word == "EMIT" and after.word in ("CHANGES", "FINAL") and token.depth == 0
        ),
        None,
    )
    looks = statement.words[:1] == ("SELECT",) and emit is not None
    said = context.start or context.setting(_OFFSET)
    if looks and not said and not context.lives_on and not context.bounded:
        yield Finding(
            "The query begins at the latest record: only what comes from now on is seen.",
            f"%%ksql --from earliest shows what is there; --from latest, or SET '{_OFFSET}', settles it.",
            emit,
        )


KSQLDB_RULES: tuple[Rule, ...] = (
    Check(
        name="persistent-limit",
        severity=Severity.ERROR,
        summary="LIMIT in a query that lives on: ksqlDB refuses it, or goes on past it",
        example="CREATE TABLE top AS SELECT id, COUNT(*) AS n FROM orders GROUP BY id LIMIT 10",
        looks=_limit,
        engines=_KSQL,
    ),
    *COMMON_RULES,
    Check(
        name="from-latest",
        severity=Severity.ADVICE,
        summary=f"a push query for which nobody has said where it begins ({_OFFSET}): at the latest record",
        example="SELECT * FROM orders EMIT CHANGES",
        looks=_from_latest,
        engines=_KSQL,
        asks=True,
    ),
)
"""The rules for ksqlDB."""
