"""What is looked for in Flink's SQL before it is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streammagic.sql.checks import Check, Finding, Rule, Severity
from streammagic.sql.checks_common import COMMON_RULES
from streammagic.sql.checks_flink_state import STATE_RULES, is_bounded
from streammagic.sql.checks_flink_time import TIME_RULES
from streammagic.sql.naming import RESERVED
from streammagic.sql.selects import joined, selects

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streammagic.sql.checks import Context
    from streammagic.sql.selects import Select
    from streammagic.sql.statements import Statement, Token

_FLINK = frozenset({"flink"})
_VALUES = frozenset({"END", "NULL", "TRUE", "FALSE", "UNKNOWN"})
"""Reserved words that an expression may end with."""


def _emit(statement: Statement, _: Context) -> Iterator[Finding]:
    for select in selects(statement):
        token = _emit_at_end(select)
        if token:
            yield Finding(
                "EMIT is ksqlDB's: a query of Flink has none.",
                "Leave it out: a query of a stream goes on by itself. For ksqlDB there is %%ksql.",
                token,
            )
            return


def _emit_at_end(select: Select) -> Token | None:
    """Return the EMIT that ends a SELECT with CHANGES or FINAL.

    ``emit`` is a name where a name is due: behind FROM, JOIN, a comma, a dot or an operator, with
    ``changes`` its alias. So it is meant only where what stands before could end a query by itself.
    """
    tokens = [token for token in select.tokens if token.depth == select.depth]
    for i in range(2, len(tokens) - 1):
        pair = tokens[i].word == "EMIT" and tokens[i + 1].word in ("CHANGES", "FINAL")
        ends = i + 2 == len(tokens) or tokens[i + 2].word == "LIMIT"
        if pair and ends and _ends_query(tokens[i - 1]) and "FROM" in {each.word for each in tokens[:i]}:
            return tokens[i]
    return None


def _ends_query(token: Token) -> bool:
    if token.word:
        return token.word not in RESERVED or token.word in _VALUES
    return token.text[0] in "`')]" or token.text[0].isdecimal() or token.text.startswith("/*+")


def _cross_join(statement: Statement, context: Context) -> Iterator[Finding]:
    if is_bounded(context):
        return
    for select in selects(statement):
        for source in joined(select.sources):
            harmless = source.of_each_row or source.is_values or source.is_of_a_moment
            if source.is_cross and not harmless and not _equals_names(select.clause("WHERE")):
                yield Finding(
                    "CROSS JOIN makes a row of each pair of rows, and keeps all of both sides.",
                    "Say which belong together: JOIN … ON a.id = b.id.",
                    source.join[0],
                )
                return


def _equals_names(where: Sequence[Token]) -> bool:
    """Tell whether a condition makes two columns equal: then it is a join like any other."""
    return any(
        sign.text == "=" and _is_name(where[i - 1]) and _is_name(where[i + 1])
        for i, sign in enumerate(where)
        if 0 < i < len(where) - 1
    )


def _is_name(token: Token) -> bool:
    return token.text.startswith("`") or (bool(token.word) and token.word not in RESERVED)


FLINK_RULES: tuple[Rule, ...] = (
    Check(
        name="emit",
        severity=Severity.ERROR,
        summary="EMIT CHANGES or EMIT FINAL at the end of a query, which is ksqlDB's",
        example="SELECT item, COUNT(*) FROM orders GROUP BY item EMIT CHANGES",
        looks=_emit,
        engines=_FLINK,
    ),
    *COMMON_RULES,
    *STATE_RULES,
    *TIME_RULES,
    Check(
        name="cross-join",
        severity=Severity.ADVICE,
        summary="CROSS JOIN of two tables (not with UNNEST, LATERAL or VALUES)",
        example="SELECT o.id, p.paid FROM orders AS o CROSS JOIN payments AS p",
        looks=_cross_join,
        engines=_FLINK,
        asks=True,
    ),
)
"""The rules for Flink."""
