"""Read the SELECTs of a statement by their clauses, from its tokens.

It is no parser: what it does not know it passes over, and a statement that means nothing gives clauses that
mean nothing. It is for advice, never for what is sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streammagic.sql.statements import Statement, Token

_ENDS = frozenset({"UNION", "INTERSECT", "EXCEPT", "MINUS"})
_CLAUSES = frozenset({"FROM", "WHERE", "GROUP", "HAVING", "WINDOW", "ORDER", "LIMIT", "OFFSET", "FETCH"})
_KSQL_CLAUSES = frozenset({"FROM", "WHERE", "GROUP", "HAVING", "WINDOW", "LIMIT"})
"""ksqlDB reserves no more of them: a column may be called "offset" there."""
_QUERIES = frozenset({"SELECT", "WITH", "VALUES"})
_NO_NAMES = _QUERIES | {"TABLE", "LATERAL", "UNNEST"}
_JOIN_MODIFIERS = frozenset({"INNER", "LEFT", "RIGHT", "FULL", "OUTER", "CROSS", "NATURAL", "SEMI", "ANTI"})


@dataclass(frozen=True)
class Source:
    """One table, view or query that a FROM reads, with how it is joined to those before it."""

    tokens: tuple[Token, ...]
    """The relation with its alias, at least one."""
    join: tuple[Token, ...]
    """The words of the JOIN, or the comma; empty for the first source."""
    condition: tuple[Token, ...]
    """What follows ON or USING."""

    @property
    def name(self) -> str | None:
        """The name of the table, as typed; None for a query, a function or an UNNEST."""
        tokens = self.tokens
        if tokens[0].word in _NO_NAMES or not (tokens[0].word or tokens[0].text.startswith("`")):
            return None
        place = 1
        while place + 1 < len(tokens) and tokens[place].text == ".":
            place += 2
        if place < len(tokens) and tokens[place].text == "(":
            return None
        return "".join(token.text for token in tokens[:place])

    @property
    def of_each_row(self) -> bool:
        """Whether it is made from the row that it is joined to, so that nothing has to be kept for it."""
        return self.tokens[0].word in ("LATERAL", "UNNEST")

    @property
    def is_cross(self) -> bool:
        """Whether it is joined by CROSS JOIN."""
        return any(token.word == "CROSS" for token in self.join)

    @property
    def is_of_a_moment(self) -> bool:
        """Whether each row meets the version of a moment: FOR SYSTEM_TIME AS OF."""
        return self.has("FOR", "SYSTEM_TIME", "AS", "OF")

    @property
    def is_query(self) -> bool:
        """Whether it is a query in parentheses."""
        return self.tokens[0].text == "(" and len(self.tokens) > 1 and self.tokens[1].word in _QUERIES

    @property
    def is_values(self) -> bool:
        """Whether it is rows written out."""
        return self.is_query and self.tokens[1].word == "VALUES"

    def has(self, *words: str) -> bool:
        """Tell whether these words stand in a row in it."""
        said = [token.word for token in self.tokens]
        return any(tuple(said[i : i + len(words)]) == words for i in range(len(said)))

    @property
    def inner(self) -> list[Source]:
        """The sources of joins in parentheses; empty for all else."""
        if self.tokens[0].text != "(" or self.is_query:
            return []
        depth = self.tokens[0].depth
        end = next((i for i, t in enumerate(self.tokens) if i and t.depth == depth), len(self.tokens))
        return list(_sources(self.tokens[1:end], depth + 1))


@dataclass(frozen=True)
class Select:
    """One SELECT, without those that are joined to it by UNION. A query inside of it is a Select too."""

    tokens: tuple[Token, ...]
    clauses: dict[str, tuple[Token, ...]]
    """By its first word, what follows that word (or BY): of "SELECT", "FROM", "GROUP", …"""

    @property
    def depth(self) -> int:
        """How many parentheses are open around it."""
        return self.tokens[0].depth

    def clause(self, word: str) -> tuple[Token, ...]:
        """Return the tokens of a clause; empty where it has none."""
        return self.clauses.get(word, ())

    @cached_property
    def items(self) -> list[tuple[Token, ...]]:
        """What it selects, one by one, without DISTINCT."""
        tokens = self.clauses["SELECT"]
        while tokens and (tokens[0].word in ("ALL", "DISTINCT") or tokens[0].text.startswith("/*+")):
            tokens = tokens[1:]
        return cut(tokens, self.depth)

    @property
    def is_distinct(self) -> bool:
        """Whether it is a SELECT DISTINCT."""
        return any(token.word == "DISTINCT" for token in self.clauses["SELECT"][:2])

    @cached_property
    def sources(self) -> list[Source]:
        """What its FROM reads, in order."""
        return list(_sources(self.clause("FROM"), self.depth))

    @cached_property
    def aliases(self) -> dict[str, tuple[Token, ...]]:
        """What the items are that are given a name with AS, by that name."""
        return {
            bare(item[-1]): item[:-2]
            for item in self.items
            if len(item) > 2 and item[-2].word == "AS"  # noqa: PLR2004 - an expression before it
        }


def selects(statement: Statement) -> list[Select]:
    """Return all SELECTs of a statement, in the order in which they are written."""
    clauses = _KSQL_CLAUSES if statement.lexer.folds_names else _CLAUSES | _ENDS
    tokens = statement.tokens
    return [_select(tokens, i, clauses) for i, token in enumerate(tokens) if token.word == "SELECT"]


def outermost(statement: Statement) -> list[Select]:
    """Return the SELECTs that give the statement's own rows: several where there is a UNION or a set."""
    found = selects(statement)
    has_with = any(token.word == "WITH" and token.depth == 0 for token in statement.tokens)
    plain = [select for select in found if select.depth == 0]
    if plain or has_with:
        return plain
    return [select for select in found if select.depth == min(each.depth for each in found)]


def joined(sources: Sequence[Source]) -> Iterator[Source]:
    """Yield the sources that are joined to another, those in parentheses too."""
    for source in sources:
        yield from joined(source.inner)
        if source.join:
            yield source


def flat(sources: Sequence[Source]) -> Iterator[Source]:
    """Yield sources, those of joins in parentheses one by one."""
    for source in sources:
        yield from flat(source.inner) if source.inner else (source,)


def named_queries(statement: Statement) -> frozenset[str]:
    """Return the names that a WITH gives to queries, with and without back-ticks: they are no tables."""
    tokens = statement.tokens
    found: set[str] = set()
    for i in range(1, len(tokens) - 2):
        opens = tokens[i].word == "AS" and tokens[i + 1].text == "(" and tokens[i + 2].word in _QUERIES
        if opens:
            name = bare(tokens[_before_columns(tokens, i - 1)])
            found |= {name, f"`{name}`"}
    return frozenset(found)


def parts(statement: Statement) -> list[tuple[Token, ...]]:
    """Return the tokens of each INSERT of a statement set, else those of the statement, as one."""
    found: list[list[Token]] = [[]]
    for token in statement.tokens:
        if token.text == ";" and token.depth == 0:
            found.append([])
        else:
            found[-1].append(token)
    return [tuple(part) for part in found if part]


def bare(token: Token) -> str:
    """Return the name that a token is, without its back-ticks."""
    text = token.text
    return text[1:-1].replace("``", "`") if len(text) > 1 and text.startswith("`") else text


def cut(tokens: Sequence[Token], depth: int) -> list[tuple[Token, ...]]:
    """Cut tokens at the commas of a depth."""
    found: list[list[Token]] = [[]]
    for token in tokens:
        if token.text == "," and token.depth == depth:
            found.append([])
        else:
            found[-1].append(token)
    return [tuple(item) for item in found if item]


def inside(tokens: Sequence[Token], opening: int) -> tuple[Token, ...]:
    """Return what stands in the parentheses that a token opens."""
    depth = tokens[opening].depth
    after = tokens[opening + 1 :]
    end = next((i for i, token in enumerate(after) if token.depth <= depth), len(after))
    return tuple(after[:end])


def _before_columns(tokens: Sequence[Token], place: int) -> int:
    """Return the place of the name before the "(a, b)" that ends at ``place``, else ``place``."""
    if tokens[place].text != ")":
        return place
    depth = tokens[place].depth
    opening = next((i for i in range(place - 1, -1, -1) if tokens[i].depth == depth), 0)
    return max(opening - 1, 0)


def _select(tokens: Sequence[Token], first: int, clauses: frozenset[str]) -> Select:
    """Read the SELECT that begins at a token."""
    depth = tokens[first].depth
    starts: list[tuple[str, int]] = [("SELECT", first + 1)]
    end = first + 1
    while end < len(tokens):
        token = tokens[end]
        begins = token.depth == depth and token.word in clauses
        if token.depth < depth or token.text == ";" or (begins and token.word in _ENDS):
            break
        if begins and _is_clause(tokens, end):
            starts.append((token.word, end + 1))
        end += 1
    found: dict[str, tuple[Token, ...]] = {}
    for (word, start), (_, stop) in zip(starts, [*starts[1:], ("", end + 1)], strict=True):
        begin = start + 1 if start < end and tokens[start].word == "BY" else start
        found.setdefault(word, tuple(tokens[begin : stop - 1]))
    return Select(tuple(tokens[first:end]), found)


def _is_clause(tokens: Sequence[Token], at: int) -> bool:
    """Tell a clause from IS DISTINCT FROM and WITHIN GROUP (…)."""
    word = tokens[at].word
    if word in ("GROUP", "ORDER"):
        return at + 1 < len(tokens) and tokens[at + 1].word == "BY"
    return word != "FROM" or tokens[at - 1].word != "DISTINCT"


def _sources(tokens: Sequence[Token], depth: int) -> Iterator[Source]:
    """Cut a FROM clause at its joins and commas."""
    join: list[Token] = []
    current: list[Token] = []
    for token in tokens:
        here = token.depth == depth
        if here and (token.text == "," or token.word == "JOIN"):
            words = _taken_off(current) if token.word == "JOIN" else []
            if current:
                yield _source(current, join, depth)
            join, current = [*words, token], []
        else:
            current.append(token)
    if current:
        yield _source(current, join, depth)


def _taken_off(tokens: list[Token]) -> list[Token]:
    """Take the words off the end that belong to the JOIN which follows."""
    words: list[Token] = []
    while tokens and tokens[-1].word in _JOIN_MODIFIERS:
        words.insert(0, tokens.pop())
    return words


def _source(tokens: Sequence[Token], join: Sequence[Token], depth: int) -> Source:
    at = next((i for i, t in enumerate(tokens) if i and t.depth == depth and t.word in ("ON", "USING")), None)
    relation, condition = (tokens, ()) if at is None else (tokens[:at], tokens[at + 1 :])
    return Source(tuple(relation), tuple(join), tuple(condition))
