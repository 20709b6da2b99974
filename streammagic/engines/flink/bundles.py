"""What a statement needs of all that was defined before it, and what it reads and writes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streammagic.sql import naming
from streammagic.sql.flink import FlinkDialect, name_at
from streammagic.sql.statements import Kind, split

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streammagic.engines.flink.session import Entry
    from streammagic.sql.statements import Statement

_DIALECT = FlinkDialect()


def single(sql: str) -> Statement:
    """Return the one statement that a text consists of."""
    return split(sql, _DIALECT)[0]


def needed(statement: Statement, entries: Sequence[Entry]) -> tuple[str, ...]:
    """Return the definitions that a statement depends on, in the order they were run.

    That is every SET, USE, ADD JAR and every catalog, database and function; and of the tables and views
    those that it mentions, or that one mentioned mentions. Names count without their database: rather one
    definition too many.
    """
    mentioned = _names(statement)
    chosen: set[int] = set()
    for place, entry in reversed(list(enumerate(entries))):
        if entry.name is not None:
            about = {entry.name[-1]}
        else:
            subject = _DIALECT.subject(entry.statement)
            about = set() if subject is None else {naming.parts(subject)[-1]}
            if "RENAME" in [token.word for token in entry.statement.tokens]:
                about |= _names(entry.statement)
        if not about or about & mentioned:
            chosen.add(place)
            mentioned |= _names(single(entry.sql))
    return tuple(entries[place].sql for place in sorted(chosen))


def _names(statement: Statement) -> set[str]:
    return {
        part
        for token in statement.tokens
        if token.word or token.text.startswith("`")
        for part in naming.parts(token.text)
    }


def _last(name: str) -> str:
    return naming.parts(name)[-1] if name else ""


def targets(statement: Statement) -> list[str]:
    """Return the tables that a statement writes, as typed."""
    if statement.kind is Kind.CREATE_AS:
        name = _DIALECT.created_name(statement)
        return [name] if name else []
    words = [token.word for token in statement.tokens]
    return [
        name_at(statement.tokens, place + 2)[0]
        for place, word in enumerate(words[:-2])
        if word == "INSERT" and words[place + 1] in ("INTO", "OVERWRITE")
    ]


def with_options(statement: Statement, options: str) -> str | None:
    """Return an INSERT whose table is given options by a hint; None where that can't be done."""
    if statement.words[:1] != ("INSERT",):
        return None
    _, after = name_at(statement.tokens, 2)
    at = statement.tokens[after - 1].end - statement.start
    return f"{statement.text[:at]} /*+ OPTIONS({options}) */{statement.text[at:]}"


def with_brokers(statement: Statement) -> Statement:
    """Return a CREATE TABLE of Kafka's that names no brokers with the variable for them, others as is."""
    connector = next(_values(statement, "connector"), "")
    servers = "properties.bootstrap.servers"
    if connector not in ("kafka", "upsert-kafka") or next(_values(statement, servers), None) is not None:
        return statement
    if any(token.text == f"'{servers}'" for token in statement.tokens):
        return statement  # it is set to a variable
    place = next(i for i, token in enumerate(statement.tokens) if token.text == "'connector'")
    depth = statement.tokens[place].depth
    closing = next(t for t in statement.tokens[place:] if t.text == ")" and t.depth == depth - 1)
    at = closing.start - statement.start
    head = statement.text[:at].rstrip()
    return statement.retold(f"{head}, '{servers}' = {{{{ kafka }}}}{statement.text[len(head) :]}")


def definitions_of(tables: Sequence[str], definitions: Sequence[str]) -> list[str]:
    """Return the definitions of some tables."""
    wanted = {_last(table) for table in tables}
    return [sql for sql in definitions if _last(_DIALECT.created_name(single(sql)) or "") in wanted]


def options_of(tables: Sequence[str], definitions: Sequence[str], key: str) -> list[str]:
    """Return what an option is set to in the definitions of some tables (of all where none are named)."""
    wanted = {_last(table) for table in tables}
    return [
        value
        for sql in definitions
        for value in _values(single(sql), key)
        if not wanted or _last(_DIALECT.created_name(single(sql)) or "") in wanted
    ]


def _values(statement: Statement, key: str) -> Iterator[str]:
    tokens = statement.tokens
    for place, token in enumerate(tokens[:-2]):
        if token.text == f"'{key}'" and tokens[place + 1].text == "=":
            found = tokens[place + 2].text
            if found.startswith("'"):
                yield found[1:-1].replace("''", "'")


def sets(key: str, definitions: Sequence[str]) -> bool:
    """Tell whether one of the definitions is a SET of that key."""
    return any(
        statement.words[:1] == ("SET",) and statement.tokens[1].text == f"'{key}'"
        for statement in map(single, definitions)
        if len(statement.tokens) > 1
    )
