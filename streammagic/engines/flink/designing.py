"""A statement on its way to be deployed: planned, and asked what it reads and writes."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from streammagic.engines.flink import bundles, plans, sinks
from streammagic.errors import OptionError, SqlError, StreamMagicError
from streammagic.sql.flink import FlinkDialect
from streammagic.sql.statements import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streammagic.engines.jobs import Bundle
    from streammagic.sql.statements import Statement

_EXPLAIN = "EXPLAIN CHANGELOG_MODE\n"


def explained(run: sinks.Run, statement: Statement) -> plans.Plan:
    """Plan a statement. An error has its place in the statement, not in the EXPLAIN around it."""
    start = 0
    if statement.words[:1] == ("EXECUTE",):
        start = statement.tokens[1].start - statement.start
    if statement.kind is Kind.CREATE_AS:
        start = FlinkDialect.query_of(statement)
    text = _EXPLAIN + statement.text[start:]
    try:
        rows = run(text, statement.retold(text))
    except SqlError as error:
        error.statement = statement.text
        if error.line is not None and error.column is not None:
            before = statement.text[:start]
            if error.line == 2:  # noqa: PLR2004 - the first line under the EXPLAIN
                error.column += len(before) - (before.rfind("\n") + 1)
            error.line += before.count("\n") - 1
        raise
    return plans.read(str(rows[0][0]))


@contextmanager
def placed_in_statement(bundle: Bundle) -> Iterator[None]:
    """Move the place of an error from what is sent to what the person wrote."""
    try:
        yield
    except StreamMagicError as error:
        if not bundle.insert:
            raise
        error.statement = bundle.statement
        if bundle.table_ddl and error.line is not None and error.line > 1:
            error.line -= 1  # INSERT INTO … stands on a line of its own
        else:
            error.line = error.column = None
        raise


def with_targets(bundle: Bundle, statement: Statement, name: str) -> Bundle:
    """Say what a statement that names its tables itself writes and reads."""
    targets = bundles.targets(statement)
    own = [statement.text] if statement.kind is Kind.CREATE_AS else []
    insert = ""
    if bundle.sink.exactly_once:
        options = {**sinks.EXACTLY_ONCE, "sink.transactional-id-prefix": f"streammagic-{name}"}
        written = ", ".join(f"'{key}'='{value}'" for key, value in options.items())
        insert = bundles.with_options(statement, written) or ""
        if not insert:
            raise OptionError(
                "--exactly-once is for a SELECT or one INSERT INTO.",
                hint=f"Set the options in the tables' WITH (…): {written}.",
            )
    return replace(
        bundle,
        table=targets[0] if targets else "",
        insert=insert,
        **kafka_of(bundle, bundles.definitions_of(targets, [*bundle.definitions, *own])),
    )


def kafka_of(bundle: Bundle, written: Sequence[str]) -> dict[str, Any]:
    """Return which topics and groups of Kafka a bundle has to do with; ``written`` define its targets."""
    topics = tuple(bundles.options_of([], written, "topic"))
    read = [sql for sql in bundle.definitions if sql not in written]
    return {
        "topics": topics,
        "reads": tuple(topic for topic in bundles.options_of([], read, "topic") if topic not in topics),
        "makes": {
            topic: "'upsert-kafka'" in sql
            for sql in written
            if "{{ kafka }}" in sql
            for topic in bundles.options_of([], [sql], "topic")
        },
        "groups": tuple(bundles.options_of([], bundle.definitions, "properties.group.id")),
    }
