"""Which tables a statement names, under which names, and what columns they have: also unfinished ones."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from streammagic.sql.catalog import Column

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from streammagic.sql.statements import Token

_NAMES_TABLE = frozenset(
    {"FROM", "JOIN", "INTO", "OVERWRITE", "UPDATE", "TABLE", "DESCRIBE", "DESC", "STREAM"}
)
_QUERY = frozenset({"SELECT", "VALUES", "WITH", "TABLE"})
_WINDOWS = frozenset({"TUMBLE", "HOP", "CUMULATE", "SESSION"})
_NO_COLUMN = frozenset({"WATERMARK", "PRIMARY", "CONSTRAINT", "UNIQUE", "PERIOD"})
_NO_ALIAS = frozenset(
    """
AND AS CROSS EMIT EXCEPT FETCH FOR FROM FULL GROUP HAVING INNER INTERSECT INTO JOIN LATERAL LEFT LIMIT
MATCH_RECOGNIZE NATURAL OFFSET ON OR ORDER OUTER OVER PARTITION PIVOT QUALIFY RIGHT SELECT SET TABLE
TABLESAMPLE UNION USING VALUES WHERE WINDOW WITH WITHIN
    """.split()  # noqa: SIM905 - a list of words is read as one
)
_WINDOW_COLUMNS = (
    Column("window_start", "TIMESTAMP(3)"),
    Column("window_end", "TIMESTAMP(3)"),
    Column("window_time", "TIMESTAMP(3)", is_time=True),
)


@dataclass(frozen=True, slots=True)
class Source:
    """A table that a statement names. ``name`` is what its columns are qualified with, "" for nothing."""

    name: str
    columns: tuple[Column, ...]
    is_query: bool = False
    """It is a query of the WITH clause, so that a FROM may name it."""


def bare(text: str) -> str:
    """Return a name without its quotes."""
    quote = text[:1]
    if quote in ("`", '"') and len(text) > 1 and text.endswith(quote):
        return text[1:-1].replace(quote * 2, quote)
    return text


def is_name(token: Token) -> bool:
    """Tell whether a token may be a name."""
    return bool(token.word) or token.text.startswith(("`", '"'))


class Scope:
    """What is in reach of a statement, of which there may be only a part.

    ``tables`` are those of the catalog; their names are looked up whatever their case.
    """

    def __init__(self, tokens: Sequence[Token], tables: Mapping[str, tuple[Column, ...]]) -> None:
        self._tokens = tokens
        self._tables = {name.casefold(): columns for name, columns in tables.items()}
        self.sources: list[Source] = []
        for find in (self._queries, self._named, self._created):
            self.sources += find()

    def of(self, name: str) -> tuple[Column, ...]:
        """Return the columns of a table or alias, () where it is not known."""
        for source in self.sources:
            if source.name.casefold() == name.casefold():
                return source.columns
        return self._tables.get(name.casefold(), ())

    def columns(self) -> tuple[Column, ...]:
        """Return the columns of all that the statement names; of all tables if it names none."""
        named = [source.columns for source in self.sources if not source.is_query and source.columns]
        found = chain.from_iterable(named or self._tables.values())
        return tuple({column.name: column for column in found}.values())

    def _queries(self) -> Iterator[Source]:
        """Yield ``name AS (SELECT …``."""
        tokens = self._tokens
        for i, token in enumerate(tokens[:-3]):
            opens = tokens[i + 1].word == "AS" and tokens[i + 2].text == "("
            if opens and is_name(token) and tokens[i + 3].word in _QUERY:
                columns = self._outputs(_group(tokens, i + 2))
                self._tables[bare(token.text).casefold()] = columns
                yield Source(bare(token.text), columns, is_query=True)

    def _named(self) -> Iterator[Source]:
        targets = []
        for i, token in enumerate(self._tokens):
            if token.word not in _NAMES_TABLE:
                continue
            place = i + 1
            while place < len(self._tokens):
                source, place = self._reference(place)
                if token.word in ("INTO", "OVERWRITE"):
                    targets.append(source)
                elif source is not None:
                    yield source
                is_list = token.word == "FROM" and place < len(self._tokens)
                if not is_list or self._tokens[place].text != ",":
                    break
                place += 1
        yield from filter(None, targets)

    def _reference(self, place: int) -> tuple[Source | None, int]:
        """Read a table, a query or a table function with its alias; return the place after it, too."""
        tokens = self._tokens
        while place < len(tokens) and tokens[place].word in ("LATERAL", "IF", "EXISTS", "EXTENDED"):
            place += 1
        if place >= len(tokens):
            return None, place
        is_call = place + 1 < len(tokens) and tokens[place].word != "" and tokens[place + 1].text == "("
        name = ""
        if tokens[place].text == "(" or is_call:
            group = _group(tokens, place + is_call)
            columns = self._called(group) if is_call else self._outputs(group)
            place += len(group) + 1 + is_call
            place += place < len(tokens) and tokens[place].text == ")"
        elif is_name(tokens[place]) and tokens[place].word not in _NO_ALIAS:
            name, place = _last_part(tokens, place)
            columns = self._tables.get(name.casefold(), ())
        else:
            return None, place
        alias, place = _alias(tokens, place)
        return Source(alias or name, columns), place

    def _called(self, group: Sequence[Token]) -> tuple[Column, ...]:
        """Return the columns of ``TABLE(TUMBLE(TABLE t, …))``."""
        found: tuple[Column, ...] = ()
        for i, token in enumerate(group[:-1]):
            if token.word == "TABLE" and is_name(group[i + 1]):
                found += self._tables.get(_last_part(group, i + 1)[0].casefold(), ())
        return found + _WINDOW_COLUMNS if any(token.word in _WINDOWS for token in group) else found

    def _outputs(self, tokens: Sequence[Token]) -> tuple[Column, ...]:
        """Return what a query selects, as far as its items have names."""
        depth = min((token.depth for token in tokens), default=0)
        found: dict[str, Column] = {}
        for item in _items(tokens, depth):
            last = item[-1]
            if last.text == "*":
                inner = Scope(tokens, self._tables)
                columns = inner.of(bare(item[0].text)) if len(item) > 1 else inner.columns()
                found |= {column.name: column for column in columns}
            elif is_name(last) and last.word != "END":
                found[bare(last.text)] = Column(bare(last.text), "")
        return tuple(found.values())

    def _created(self) -> Iterator[Source]:
        """Yield the table whose columns a CREATE lists."""
        opens = next((i for i, token in enumerate(self._tokens) if token.text == "("), None)
        if opens is None or not self._tokens or self._tokens[0].word != "CREATE":
            return
        head = [token.word for token in self._tokens[:opens]]
        if "TABLE" not in head and "STREAM" not in head:
            return
        yield Source(bare(self._tokens[opens - 1].text), created_columns(_group(self._tokens, opens)))


def created_columns(tokens: Sequence[Token]) -> tuple[Column, ...]:
    """Return the columns that stand, with their types, in a CREATE's parentheses."""
    depth = min((token.depth for token in tokens), default=0)
    found, begins = [], True
    for i, token in enumerate(tokens[:-1]):
        if begins and is_name(token) and token.word not in _NO_COLUMN:
            found.append(Column(bare(token.text), tokens[i + 1].word))
        begins = token.depth == depth and token.text == ","
    return tuple(found)


def _group(tokens: Sequence[Token], opens: int) -> Sequence[Token]:
    """Return what stands between a parenthesis and its end, or the end of all."""
    depth = tokens[opens].depth
    for i in range(opens + 1, len(tokens)):
        if tokens[i].text == ")" and tokens[i].depth <= depth:
            return tokens[opens + 1 : i]
    return tokens[opens + 1 :]


def _last_part(tokens: Sequence[Token], place: int) -> tuple[str, int]:
    """Return the last part of a name such as ``catalog.database.table``, and the place after it."""
    while place + 2 < len(tokens) and tokens[place + 1].text == "." and is_name(tokens[place + 2]):
        place += 2
    return bare(tokens[place].text), place + 1


def _alias(tokens: Sequence[Token], place: int) -> tuple[str, int]:
    """Return the alias that stands at a place, "" for none, and the place after it."""
    while place < len(tokens) and tokens[place].text.startswith("/*"):
        place += 1
    place += place < len(tokens) and tokens[place].word == "AS"
    if place < len(tokens) and is_name(tokens[place]) and tokens[place].word not in _NO_ALIAS:
        return bare(tokens[place].text), place + 1
    return "", place


def _items(tokens: Sequence[Token], depth: int) -> Iterator[list[Token]]:
    """Yield the items between a query's SELECT and FROM."""
    item: list[Token] = []
    selects = False
    for token in tokens:
        if token.depth == depth and token.word in ("SELECT", "FROM"):
            if token.word == "FROM" and selects:
                break
            selects = True
            continue
        if not selects or (token.word in ("DISTINCT", "ALL") and not item):
            continue
        if token.depth == depth and token.text == ",":
            if item:
                yield item
            item = []
        else:
            item.append(token)
    if item:
        yield item
