"""What is looked for in Flink's SQL about time: what a stream can be sorted by, what windows are over."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from streammagic.sql.checks import Check, Finding, Rule, Severity
from streammagic.sql.checks_common import WINDOW_FUNCTIONS
from streammagic.sql.checks_flink_state import is_bounded
from streammagic.sql.selects import bare, cut, inside, named_queries, outermost, selects
from streammagic.sql.statements import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streammagic.sql.catalog import Column
    from streammagic.sql.checks import Context
    from streammagic.sql.selects import Select, Source
    from streammagic.sql.statements import Statement, Token

_FLINK = frozenset({"flink"})
_RUN = frozenset({Kind.QUERY, Kind.INSERT, Kind.CREATE_AS})


def _order_by(statement: Statement, context: Context) -> Iterator[Finding]:
    if statement.kind not in _RUN or is_bounded(context):
        return
    for select in outermost(statement):
        terms = cut(select.clause("ORDER"), select.depth)
        if not terms or "LIMIT" in select.clauses or "FETCH" in select.clauses:
            continue
        if _is_no_time(terms[0], select, statement, context):
            yield Finding(
                "ORDER BY without LIMIT sorts a stream by its time only, and upwards.",
                "Give it a LIMIT, or read what is there now: --set execution.runtime-mode=batch",
                terms[0][0],
            )


def _is_no_time(term: Sequence[Token], select: Select, statement: Statement, context: Context) -> bool:
    """Tell whether a term is surely no time of the table, upwards. What isn't known surely is left alone."""
    if any(token.word == "DESC" for token in term):
        return True
    term = [token for token in term if token.word != "ASC"]
    columns = _columns(select.sources, statement, context)
    if columns is None or not term or term[0].text.isdecimal():
        return False
    if len(term) == 1 and bare(term[0]) in select.aliases:
        term = select.aliases[bare(term[0])]
    names = {bare(token) for token in term}
    makes_time = any(token.word.endswith(("_ROWTIME", "PROCTIME", "_TIME")) for token in term)
    times = {column.name for column in columns if column.is_time}
    is_known = bool(names & {column.name for column in columns}) or any(token.text == "(" for token in term)
    return is_known and not makes_time and not names & times


def _watermark(statement: Statement, context: Context) -> Iterator[Finding]:
    if is_bounded(context):
        return
    queries = named_queries(statement)
    for table, token in _windowed(statement):
        column = None if table in queries else _column(table, bare(token), context)
        if column is not None and not column.is_time:
            yield Finding(
                f"The window is over {column.name} of {table}, a {column.type} without a watermark.",
                f"Its CREATE TABLE needs WATERMARK FOR {token.text} AS {token.text} - INTERVAL '5' SECOND.",
                token,
            )
            return


def _windowed(statement: Statement) -> Iterator[tuple[str, Token]]:
    """Yield the table and the time's column of each window, of those that name both."""
    tokens = statement.tokens
    for i, (token, after) in enumerate(pairwise(tokens)):
        if token.word in WINDOW_FUNCTIONS and after.text == "(":
            found = _function_time(inside(tokens, i + 1))
            if found:
                yield found
    for select in selects(statement):
        keys = select.clause("GROUP")
        name = select.sources[0].name if len(select.sources) == 1 else None
        for i, (token, after) in enumerate(pairwise(keys)):
            if name and token.word in WINDOW_FUNCTIONS and after.text == "(":
                time = cut(inside(keys, i + 1), after.depth + 1)
                if time and (len(time[0]) == 1 or time[0][-2].text == "."):
                    yield name, time[0][-1]


def _function_time(arguments: Sequence[Token]) -> tuple[str, Token] | None:
    """Return the table and the column of TUMBLE(TABLE t, DESCRIPTOR(ts), …)."""
    words = [token.word for token in arguments]
    if "TABLE" not in words or "DESCRIPTOR" not in words:
        return None
    at = words.index("TABLE") + 1
    end = at + 1
    while end + 1 < len(arguments) and arguments[end].text == ".":
        end += 2
    column = inside(arguments, words.index("DESCRIPTOR") + 1)
    return ("".join(token.text for token in arguments[at:end]), column[0]) if len(column) == 1 else None


def _column(table: str, name: str, context: Context) -> Column | None:
    return next((column for column in context.columns(table) or () if column.name == name), None)


def _columns(sources: Sequence[Source], statement: Statement, context: Context) -> tuple[Column, ...] | None:
    """Return the columns of the one table that is read; None where it is more, or no table."""
    if len(sources) != 1:
        return None
    name = sources[0].name
    if name is None or name in named_queries(statement) or sources[0].has("MATCH_RECOGNIZE"):
        return None
    return context.columns(name)


TIME_RULES: tuple[Rule, ...] = (
    Check(
        name="order-by",
        severity=Severity.ADVICE,
        summary="ORDER BY of a stream by something else than its time, upwards, without LIMIT",
        example="SELECT * FROM orders ORDER BY price DESC",
        looks=_order_by,
        engines=_FLINK,
        asks=True,
    ),
    Check(
        name="watermark",
        severity=Severity.ADVICE,
        summary="a window over a column that has no watermark",
        example=(
            "SELECT window_start, window_end, COUNT(*) "
            "FROM TUMBLE(TABLE orders, DESCRIPTOR(created), INTERVAL '1' HOUR) "
            "GROUP BY window_start, window_end"
        ),
        looks=_watermark,
        engines=_FLINK,
        asks=True,
    ),
)
"""The rules about time."""
