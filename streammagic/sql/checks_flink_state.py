"""What is looked for in Flink's SQL about state that only grows.

It is said of statements that go on without an end (INSERT, CREATE TABLE … AS, deployments): a SELECT in a
cell ends with the notebook. It isn't where the mode is batch, nor where a TTL is set. That a plan keeps such
state, and which conditions make it keep none, is what EXPLAIN shows of Flink 2.3.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from streammagic.sql.checks import Check, Finding, Rule, Severity
from streammagic.sql.checks_common import WINDOW_FUNCTIONS
from streammagic.sql.selects import bare, flat, joined, named_queries, selects
from streammagic.sql.statements import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streammagic.sql.checks import Context
    from streammagic.sql.selects import Select, Source
    from streammagic.sql.statements import Statement, Token

_FLINK = frozenset({"flink"})
_TTL = "table.exec.state.ttl"
_TTL_HINT = f"SET '{_TTL}' = '1 d' lets go of what has not been touched for a day"
_NO_TIME = re.compile(r"\s*0+\s*\D*")
_ENDS_OF_WINDOW = frozenset({"window_start", "window_end"})
_ENDLESS = frozenset({Kind.INSERT, Kind.CREATE_AS})
_MAY_END = frozenset({"UPDATE", "DELETE", "TRUNCATE", "ANALYZE", "MATERIALIZED"})
"""Leading words of what runs in batch mode; how a materialized table is filled depends on its freshness."""


def _join_state(statement: Statement, context: Context) -> Iterator[Finding]:
    if not _keeps_state(statement, context):
        return
    for select in selects(statement):
        for source in joined(select.sources):
            if _is_regular(source, select, context):
                yield Finding(
                    "The join keeps every row of both sides for ever: neither a window nor a time bounds it.",
                    f"{_TTL_HINT}; or join within a time: a.ts BETWEEN b.ts - INTERVAL '1' HOUR AND b.ts.",
                    source.join[-1],
                )
                return


def _is_regular(source: Source, select: Select, context: Context) -> bool:
    """Tell whether a join is neither of each row by itself, nor with a moment's version, nor bounded."""
    if source.of_each_row or source.is_of_a_moment or source.is_cross:
        return False
    where = (*source.condition, *select.clause("WHERE"))
    names = {bare(token).lower() for token in where}
    return not (
        names >= _ENDS_OF_WINDOW
        or _has_span(where)
        or _times_are_equal(where, _times(select.sources, context))
    )


def _has_span(condition: Sequence[Token]) -> bool:
    """Tell whether a condition says how far times may be apart."""
    compares = any(token.word == "BETWEEN" or token.text in ("<", ">") for token in condition)
    return compares and any(token.word == "INTERVAL" for token in condition)


def _times_are_equal(condition: Sequence[Token], times: frozenset[str]) -> bool:
    """Tell whether a condition is the equality of two times, which bounds a join as well."""
    return any(
        sign.text == "=" and bare(condition[i - 1]) in times and _last_of_name(condition, i + 1) in times
        for i, sign in enumerate(condition)
        if i
    )


def _last_of_name(tokens: Sequence[Token], place: int) -> str:
    """Return the last part of the name that begins at a place."""
    while place + 2 < len(tokens) and tokens[place + 1].text == ".":
        place += 2
    return bare(tokens[place]) if place < len(tokens) else ""


def _group_state(statement: Statement, context: Context) -> Iterator[Finding]:
    if not _keeps_state(statement, context):
        return
    names = _window_names(statement)
    for select in selects(statement):
        token, what = _grouping(select)
        if token and not _by_window(select, names):
            yield Finding(
                f"{what} keeps something of every key for ever: no window bounds it.",
                f"{_TTL_HINT}; or group by window_start and window_end of a window.",
                token,
            )
            return


def _grouping(select: Select) -> tuple[Token | None, str]:
    """Return where rows are brought together by a key, and how it is said."""
    if select.is_distinct:
        return select.tokens[0], "SELECT DISTINCT"
    keys = select.clause("GROUP")
    if not keys or [token.text for token in keys] == ["(", ")"]:
        return None, ""
    words = (token for token, after in pairwise(select.tokens) if (token.word, after.word) == ("GROUP", "BY"))
    return next(token for token in words if token.depth == select.depth), "GROUP BY"


def _by_window(select: Select, names: dict[str, str]) -> bool:
    """Tell whether a SELECT's key holds a window: both its ends, or in a GROUP BY its function."""
    keys = (
        [token for item in select.items for token in item] if select.is_distinct else select.clause("GROUP")
    )
    ends = {names.get(bare(token), bare(token)).lower() for token in keys}
    return ends >= _ENDS_OF_WINDOW or any(token.word in WINDOW_FUNCTIONS for token in keys)


def _window_names(statement: Statement) -> dict[str, str]:
    """Return what the ends of windows are called where a SELECT gives them other names."""
    return {
        alias: bare(tokens[-1])
        for select in selects(statement)
        for alias, tokens in select.aliases.items()
        if bare(tokens[-1]).lower() in _ENDS_OF_WINDOW
    }


def _keeps_state(statement: Statement, context: Context) -> bool:
    """Tell whether what a statement keeps in state piles up until somebody stops it."""
    goes_on = statement.kind in _ENDLESS and _MAY_END.isdisjoint(statement.words[:4])
    if not (goes_on or (context.lives_on and statement.kind is Kind.QUERY)) or not _reads_tables(statement):
        return False
    hinted = any(t.text.startswith("/*+") and "STATE_TTL" in t.text.upper() for t in statement.tokens)
    return not (hinted or is_bounded(context) or _has_ttl(context))


def _has_ttl(context: Context) -> bool:
    ttl = context.setting(_TTL)
    return bool(ttl) and not _NO_TIME.fullmatch(ttl or "")


def is_bounded(context: Context) -> bool:
    """Tell whether only what is there now is read: then nothing piles up, and all can be sorted."""
    return context.bounded or (context.setting("execution.runtime-mode") or "").upper() == "BATCH"


def _reads_tables(statement: Statement) -> bool:
    """Tell whether it reads anything but rows that it has itself."""
    queries = named_queries(statement)
    return any(
        (source.name is not None and source.name not in queries)
        or any(t.word == "TABLE" for t in source.tokens)
        for select in selects(statement)
        for source in flat(select.sources)
    )


def _times(sources: Sequence[Source], context: Context) -> frozenset[str]:
    """Return the names of all columns with a time in what is read, as far as they are known."""
    names = [source.name for source in flat(sources) if source.name]
    return frozenset(c.name for name in names for c in context.columns(name) or () if c.is_time)


STATE_RULES: tuple[Rule, ...] = (
    Check(
        name="join-state",
        severity=Severity.ADVICE,
        summary=f"a join that no window, interval or {_TTL} bounds, in what goes on without an end",
        example="INSERT INTO sink SELECT o.id, p.paid FROM orders AS o JOIN payments AS p ON o.id = p.id",
        looks=_join_state,
        engines=_FLINK,
        asks=True,
    ),
    Check(
        name="group-state",
        severity=Severity.ADVICE,
        summary=f"GROUP BY or DISTINCT that no window or {_TTL} bounds, in what goes on without an end",
        example="INSERT INTO sink SELECT item, COUNT(*) FROM orders GROUP BY item",
        looks=_group_state,
        engines=_FLINK,
        asks=True,
    ),
)
"""The rules about state."""
