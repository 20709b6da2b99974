"""The rules that hold for every engine's SQL: the limits, and ``SELECT *`` into a sink."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streammagic.sql.checks import Check, Finding, Rule, Severity
from streammagic.sql.selects import inside, named_queries, outermost, parts, selects

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streammagic.sql.checks import Context
    from streammagic.sql.selects import Select
    from streammagic.sql.statements import Statement, Token

WINDOW_FUNCTIONS = frozenset({"TUMBLE", "HOP", "CUMULATE", "SESSION"})
"""Flink's windows: as table functions, and (but for CUMULATE) in a GROUP BY."""

_KSQL_WINDOWS = frozenset({"TUMBLING", "HOPPING", "SESSION"})
_MODIFIERS = frozenset({"OR", "REPLACE", "TEMPORARY", "SYSTEM", "MATERIALIZED", "SOURCE", "SINK"})
_STEPS = "Do it in steps, a view or a table each"


def _length(statement: Statement, context: Context) -> Iterator[Finding]:
    limit = context.limits.max_length
    length = len(statement.text) if context.length is None else context.length
    if length > limit:
        yield Finding(
            f"The statement has {length:,} characters, and {limit:,} are the limit.",
            f"{_STEPS}, or raise the limit: %config StreamMagic.max_length = {length}",
        )


def _joins(statement: Statement, context: Context) -> Iterator[Finding]:
    return _too_many(statement, joins_of(statement), "joins", context.limits.max_joins)


def _windows(statement: Statement, context: Context) -> Iterator[Finding]:
    return _too_many(statement, windows_of(statement), "windows", context.limits.max_windows)


def _too_many(statement: Statement, found: Sequence[Token], what: str, limit: int) -> Iterator[Finding]:
    for part in _parts(statement, found):
        if len(part) > limit:
            yield Finding(
                f"The statement has {len(part)} {what}, and {limit} are the limit.",
                f"{_STEPS}, or raise the limit: %config StreamMagic.max_{what} = {len(part)}",
                part[limit],
            )


def _blocked(statement: Statement, context: Context) -> Iterator[Finding]:
    plain = tuple(word for word in statement.words if word not in _MODIFIERS)
    for blocked in context.limits.blocked:
        wanted = tuple(blocked.upper().split())
        if wanted and wanted in (statement.words[: len(wanted)], plain[: len(wanted)]):
            yield Finding(
                f"{' '.join(wanted)} is among the statements that are blocked here.",
                "%config StreamMagic.blocked lists them.",
                statement.tokens[0],
            )
            return


def _star(statement: Statement, _: Context) -> Iterator[Finding]:
    writes = any(token.word == "INSERT" and token.depth == 0 for token in statement.tokens)
    if not writes or statement.words[:1] == ("EXPLAIN",):
        return
    queries, every = named_queries(statement), selects(statement)
    for select in outermost(statement):
        star = _open_star(select, every, queries)
        if star:
            yield Finding(
                "SELECT * goes into a sink: a column more in the source changes what is written, or ends it.",
                "Name the columns.",
                star,
            )
            return


def _open_star(select: Select, every: Sequence[Select], queries: frozenset[str]) -> Token | None:
    """Return the ``*`` by which a SELECT has all columns of a table; none where a query names them."""
    star = next((item[-1] for item in select.items if _is_star(item)), None)
    if star is None or any(token.word == "MATCH_RECOGNIZE" for token in select.clause("FROM")):
        return None
    for source in select.sources:
        if source.is_query:
            start = source.tokens[1].start
            nested = next((each for each in every if each.tokens[0].start == start), None)
            if nested is not None and _open_star(nested, every, queries):
                return star
        elif source.name not in queries:
            return star
    return None


def _is_star(item: Sequence[Token]) -> bool:
    """Tell ``*`` and ``t.*`` from a product."""
    return item[-1].text == "*" and (len(item) == 1 or item[-2].text == ".")


def joins_of(statement: Statement) -> list[Token]:
    """Return the word JOIN, or the comma, of each join of a statement, in order.

    What is made from each row by itself (UNNEST, LATERAL) is joined with nothing.
    """
    tokens = statement.tokens
    words = [
        token
        for token, after in zip(tokens, (*tokens[1:], None), strict=True)
        if token.word == "JOIN" and not (after and after.word in ("UNNEST", "LATERAL"))
    ]
    commas = [
        source.join[-1]
        for select in selects(statement)
        for source in select.sources
        if source.join and source.join[-1].text == "," and not source.of_each_row
    ]
    return sorted(words + commas)


def windows_of(statement: Statement) -> list[Token]:
    """Return the word that says which window, for each window of a statement, in order.

    ``OVER (…)`` is none: several functions share one, and each writes it out.
    """
    tokens = statement.tokens
    grouped = {token.start for select in selects(statement) for token in select.clause("GROUP")}
    found = []
    for i, token in enumerate(tokens[:-1]):
        if tokens[i + 1].text != "(":
            continue
        is_function = token.word in WINDOW_FUNCTIONS and (
            token.start in grouped or any(each.word == "DESCRIPTOR" for each in inside(tokens, i + 1))
        )
        before = {each.word for each in tokens[max(i - 2, 0) : i]}
        if is_function or (token.word in _KSQL_WINDOWS and "WINDOW" in before):
            found.append(token)
    return found


def _parts(statement: Statement, found: Sequence[Token]) -> Iterator[list[Token]]:
    """Cut what was found in a statement set by its INSERTs: the limits are for each of them."""
    for part in parts(statement):
        yield [token for token in found if part[0].start <= token.start < part[-1].end]


COMMON_RULES: tuple[Rule, ...] = (
    Check(
        name="length",
        severity=Severity.LIMIT,
        summary="more characters than max_length (5,000), as typed, before variables are put in",
        example="INSERT INTO sink VALUES (1, 'a'), (2, 'b'), (3, 'c')",
        looks=_length,
    ),
    Check(
        name="joins",
        severity=Severity.LIMIT,
        summary="more joins than max_joins (3)",
        example=(
            "SELECT a.id FROM a JOIN b ON a.id = b.id JOIN c ON a.id = c.id JOIN d ON a.id = d.id "
            "JOIN e ON a.id = e.id"
        ),
        looks=_joins,
    ),
    Check(
        name="windows",
        severity=Severity.LIMIT,
        summary="more windows than max_windows (2)",
        example=(
            "SELECT id FROM TUMBLE(TABLE a, DESCRIPTOR(ts), INTERVAL '1' HOUR) UNION ALL "
            "SELECT id FROM TUMBLE(TABLE b, DESCRIPTOR(ts), INTERVAL '1' HOUR) UNION ALL "
            "SELECT id FROM TUMBLE(TABLE c, DESCRIPTOR(ts), INTERVAL '1' HOUR)"
        ),
        looks=_windows,
    ),
    Check(
        name="blocked",
        severity=Severity.LIMIT,
        summary="a statement that begins with words of blocked (CREATE CONNECTOR, DROP CONNECTOR, PRINT)",
        example="DROP CONNECTOR jdbc",
        looks=_blocked,
    ),
    Check(
        name="star-into-sink",
        severity=Severity.ADVICE,
        summary="SELECT * of a table in an INSERT: its columns are not this statement's to say",
        example="INSERT INTO sink SELECT * FROM orders",
        looks=_star,
    ),
)
