"""From what a person deploys to the statement that the server gets.

A SELECT becomes CREATE STREAM or CREATE TABLE … AS SELECT: which of them is the query's own, as the server
plans it. INSERT INTO … SELECT gets the deployment's name as its QUERY_ID, so that its query is known by it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from streammagic.engines.ksqldb.keys import UpsertKey
from streammagic.engines.ksqldb.queries import identity
from streammagic.errors import OptionError, SqlError
from streammagic.sql.ksqldb import KsqlDialect
from streammagic.sql.naming import literal, table_name
from streammagic.sql.naming_ksqldb import identifier, normal_name
from streammagic.sql.statements import Kind, split

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streammagic.engines.jobs import Bundle
    from streammagic.engines.ksqldb.commands import Commands, Entity
    from streammagic.sql.statements import Statement

_DIALECT = KsqlDialect()


@dataclass(frozen=True, slots=True)
class Shape:
    """What a designed statement is: CREATE (STREAM or TABLE) or INSERT, and what it is known by."""

    word: str
    name: str

    @property
    def creates(self) -> bool:
        """Whether it makes the source that it writes."""
        return self.word in ("STREAM", "TABLE")

    @property
    def identity(self) -> str:
        """What its query is known by."""
        return identity(self.name, of_sink=self.creates)


def deployable(statement: Statement) -> None:
    """Raise where a statement can't become a persistent query, with the place of what forbids it."""
    selects = statement.kind is Kind.QUERY and statement.words[:1] == ("SELECT",)
    if not selects and _DIALECT.query_of(statement) is None:
        raise OptionError(
            f"{statement.title} starts no persistent query.",
            hint="Deploy a SELECT, a CREATE STREAM or TABLE … AS SELECT, or an INSERT INTO … SELECT.",
        )
    at = statement.top_level("LIMIT")
    if at is not None:
        place = statement.tokens[at - 1].start - statement.start
        before = statement.text[:place]
        raise SqlError(
            "LIMIT has no place in a persistent query: it never ends.",
            engine="ksqlDB",
            statement=statement.text,
            line=before.count("\n") + 1,
            column=place - before.rfind("\n"),
            hint="Leave LIMIT out, or look at some rows with %%ksql first.",
        )


def designed(bundle: Bundle, name: str, commands: Commands) -> Bundle:
    """Return a bundle with the statement that is sent, and the topics that it reads and writes.

    Raises `SqlError` where the server refuses the query.
    """
    typed = split(bundle.statement, _DIALECT)[0]
    # The query as typed comes first: where an error is in it, the person can see.
    at = _DIALECT.query_of(typed) or 0
    query = _DIALECT.with_emit_changes(split(typed.text[at:], _DIALECT)[0])
    description = commands.explain(query, typed, at=at)
    if typed.kind is Kind.QUERY:
        is_table = UpsertKey.of(description, typed).parts is not None
        word, sink = "TABLE" if is_table else "STREAM", identifier(table_name(name).upper())
        ddl = f"CREATE {word} {sink} {_with(bundle.sink.options)}AS\n{query}"
    elif typed.words[:1] == ("INSERT",):
        ddl = _insert(typed, name)
    else:
        ddl = _create(typed, bundle.sink.options)
    topic, is_new = _topic(split(ddl, _DIALECT)[0], commands)
    reads = [commands.describe(identifier(str(source))) for source in description.get("sources") or []]
    return replace(
        bundle,
        table=shape(ddl).name,
        table_ddl=ddl,
        topics=(topic,),
        reads=tuple(dict.fromkeys(str(source["topic"]) for source in reads if source is not None)),
        made_topics=(topic,) if is_new else (),
    )


def shape(ddl: str) -> Shape:
    """Read what a designed statement is."""
    statement = split(ddl, _DIALECT)[0]
    if statement.words[:1] == ("INSERT",):
        return Shape("INSERT", str(_DIALECT.with_properties(statement).get("QUERY_ID", "")).upper())
    return Shape(statement.words[1], normal_name(_DIALECT.sink_of(statement) or ""))


def or_replace(ddl: str) -> str:
    """Return a designed CREATE as one that takes the place of what is there."""
    return ddl.replace("CREATE ", "CREATE OR REPLACE ", 1)


def _create(statement: Statement, options: Mapping[str, str]) -> str:
    """Return a CREATE … AS SELECT without OR REPLACE: whether it may replace is for the plan to say."""
    if options:
        raise OptionError(
            "--with is for a SELECT; this statement has its own WITH (…).", hint="Write it there."
        )
    word = "TABLE" if "TABLE" in statement.words else "STREAM"
    name = _DIALECT.created_name(statement) or ""
    at = next(token.start for token in statement.tokens if token.text == name) - statement.start
    return f"CREATE {word} {statement.text[at:]}"


def _insert(statement: Statement, name: str) -> str:
    query_id = _DIALECT.with_properties(statement).get("QUERY_ID")
    if query_id is not None:
        return statement.text
    at = _DIALECT.query_of(statement)
    if at is None or _DIALECT.with_properties(statement):
        raise OptionError("An INSERT INTO with a WITH (…) needs a QUERY_ID in it to be deployed.")
    return f"{statement.text[:at]}WITH (QUERY_ID={literal(table_name(name).upper())}) {statement.text[at:]}"


def _with(options: Mapping[str, str]) -> str:
    if not options:
        return ""
    return f"WITH ({', '.join(f'{key.upper()}={_value(value)}' for key, value in options.items())}) "


def _value(text: str) -> str:
    return text if text.isdecimal() or text.lower() in ("true", "false") else literal(text)


def _topic(statement: Statement, commands: Commands) -> tuple[str, bool]:
    """Return the topic that a statement writes, and whether it is not there yet.

    Whether what is there under the sink's name can be replaced is asked later. Where there is nothing, the
    statement is planned, and refused if it must be: no place of that is in what was typed.
    """
    sink: Entity | None = commands.describe(_DIALECT.sink_of(statement) or "")
    if sink is not None:
        return str(sink["topic"]), False
    try:
        topology = str(commands.explain(statement.text).get("topology", ""))
    except SqlError as error:
        error.line = error.column = None
        raise
    found = re.search(r"Sink: \S+ \(topic: (\S+)\)", topology)
    topic = found[1] if found else str(_DIALECT.with_properties(statement).get("KAFKA_TOPIC", ""))
    known = commands.ask("LIST TOPICS;")
    there = any(topic == each["name"] for entity in known for each in entity.get("topics", ()))
    return topic, not there
