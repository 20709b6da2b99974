"""The table that a bare SELECT is written into: its columns, its key, its connector.

The planner is asked, nothing is guessed: DESCRIBE of a temporary view gives the columns, and the refusal
of an INSERT with a wrong PRIMARY KEY names the right one (no other way tells it; Flink 2.3.0).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from streammagic.engines.flink import errors
from streammagic.errors import OptionError, SqlError
from streammagic.sql import naming

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streammagic.engines.flink.plans import Plan
    from streammagic.engines.jobs import SinkRequest
    from streammagic.results.changes import Row
    from streammagic.sql.statements import Statement

    class Run(Protocol):
        """Runs a statement that ends by itself; an error has its place in ``told``."""

        def __call__(self, sql: str, told: Statement | None = None) -> list[Row]:
            """Return its rows."""


_VIEW, _ORACLE, _NO_KEY = "streammagic_view", "streammagic_oracle", "streammagic_no_key"
_UPSERT_KEYS = re.compile(r"upsert key: (.*?)\. This can lead", re.DOTALL)
_KEY = re.compile(r"\[([^\]]*)\]")
_ATTRIBUTE = re.compile(r" \*(?:ROWTIME|PROCTIME)\*")
_TRANSACTION_MS = 600_000
"""Within a broker's default ``transaction.max.timeout.ms`` of 15 minutes; Flink's default is an hour."""

EXACTLY_ONCE: Mapping[str, str] = {
    "sink.delivery-guarantee": "exactly-once",
    "properties.transaction.timeout.ms": str(_TRANSACTION_MS),
}
"""What makes a Kafka sink transactional; ``sink.transactional-id-prefix`` is the deployment's own."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a query: its type in SQL, without NOT NULL."""

    name: str
    type: str
    nullable: bool

    @property
    def sql(self) -> str:
        """The column as a CREATE TABLE has it."""
        return f"{quoted(self.name)} {self.type}{'' if self.nullable else ' NOT NULL'}"


def literal(text: str) -> str:
    """Return a string literal; a variable stays one."""
    return text if text.startswith("{{") else naming.literal(text)


def quoted(name: str) -> str:
    """Return a name in back-ticks."""
    return "`" + name.replace("`", "``") + "`"


def derive(run: Run, statement: Statement, plan: Plan, name: str, request: SinkRequest) -> str:
    """Return the CREATE TABLE of a sink for a planned query, asking the planner through ``run``.

    Raises `SqlError` where the query can't be planned or gives no table, `OptionError` where the request
    does not fit it.
    """
    query = statement.text
    columns = _columns(run, statement)
    key = _upsert_key(run, query, columns) if plan.updating else ()
    if "connector" in request.options:
        raise OptionError("The connector of the table is chosen with --sink, not with --with.")
    connector = request.connector or ("upsert-kafka" if key else "kafka")
    if connector == "kafka" and key:
        connector = "upsert-kafka"
    if connector == "upsert-kafka":
        if not key:
            raise OptionError(
                "upsert-kafka needs a key, and this query has none.",
                hint="Leave --sink out: the changes are then written as debezium-json.",
            )
        columns = _not_null(columns, key, statement)
    options = _options(connector, name, updating=plan.updating) | _exactly_once(request, connector, name)
    if "format" in request.options:  # its own options are not the other's
        options = {key: value for key, value in options.items() if "json." not in key}
    return _ddl(
        naming.table_name(name),
        columns,
        key if connector == "upsert-kafka" else (),
        options | dict(request.options),
    )


def _columns(run: Run, statement: Statement) -> list[Column]:
    query = statement.text
    text = f"CREATE TEMPORARY VIEW {_VIEW} AS\n{query}"
    try:
        run(text, statement.retold(text))
    except SqlError as error:
        error.statement = query
        error.line = None if error.line is None else error.line - 1
        raise
    try:
        described = run(f"DESCRIBE {_VIEW}")
    finally:
        run(f"DROP TEMPORARY VIEW IF EXISTS {_VIEW}")
    for place, row in enumerate(described, 1):
        if row[0].startswith("EXPR$"):
            raise SqlError(
                f"Column {place} of the query has no name.",
                engine=errors.TITLE,
                statement=query,
                hint="Name it with AS: the table that is made for it needs a name for each column.",
            )
    return [Column(row[0], _ATTRIBUTE.sub("", row[1]), nullable=bool(row[2])) for row in described]


def _upsert_key(run: Run, query: str, columns: Sequence[Column]) -> tuple[str, ...]:
    """Return the columns by which the query updates its rows, () where there are none.

    Source: the ValidationException of org.apache.flink.table.planner for an INSERT whose PRIMARY KEY is
    another; it lists all keys. A single row that is updated (no GROUP BY) passes: it has no key.
    """
    typed = [Column(f"c{i}", column.type, column.nullable).sql for i, column in enumerate(columns)]
    names = ", ".join(f"{quoted(column.name)} AS c{i}" for i, column in enumerate(columns))
    run(
        f"CREATE TEMPORARY TABLE {_ORACLE} ({', '.join(typed)}, {_NO_KEY} INT NOT NULL, "
        f"PRIMARY KEY ({_NO_KEY}) NOT ENFORCED) WITH ('connector' = 'upsert-kafka', 'topic' = 'none', "
        "'properties.bootstrap.servers' = '127.0.0.1:1', 'key.format' = 'raw', 'value.format' = 'json')"
    )
    try:
        run(f"EXPLAIN INSERT INTO {_ORACLE} SELECT {names}, CAST(RAND() AS INT) FROM ({query})")  # noqa: S608
    except SqlError as error:
        said = _UPSERT_KEYS.search(error.cause or "")
        if said is None:
            return ()
        keys = [found.split(", ") for found in _KEY.findall(said[1])]
        return tuple(columns[int(name[1:])].name for name in min(keys, key=len, default=[]))
    finally:
        run(f"DROP TEMPORARY TABLE IF EXISTS {_ORACLE}")
    return ()


def _not_null(columns: Sequence[Column], key: Sequence[str], statement: Statement) -> list[Column]:
    """Make the key's columns NOT NULL where the query keeps NULLs out; refuse where it does not.

    Flink's types stay nullable under WHERE k IS NOT NULL, so the words of the query are looked at. The sink
    checks each row all the same (``table.exec.sink.not-null-enforcer``).
    """
    words = " ".join(token.text.strip("`") if not token.word else token.text for token in statement.tokens)
    kept = []
    for column in columns:
        if column.name not in key or not column.nullable:
            kept.append(column)
        elif re.search(rf"\b{re.escape(column.name)} IS NOT NULL\b", words, re.IGNORECASE):
            kept.append(Column(column.name, column.type, nullable=False))
        else:
            name = column.name
            raise SqlError(
                f"The key column {name} can be NULL, and a NULL key has no place in the sink.",
                engine=errors.TITLE,
                hint=f"Keep such rows out with WHERE {name} IS NOT NULL, or give them a value, "
                f"COALESCE({name}, …), in SELECT and GROUP BY alike.",
            )
    return kept


def _options(connector: str, name: str, *, updating: bool) -> dict[str, str]:
    kafka = {"topic": name, "properties.bootstrap.servers": "{{ kafka }}"}
    if connector == "upsert-kafka":
        return {"connector": connector, **kafka, "key.format": "json", "value.format": "json"}
    if connector == "kafka":
        value = "debezium-json" if updating else "json"
        return {
            "connector": connector,
            **kafka,
            "scan.startup.mode": "earliest-offset",
            "format": value,
            f"{value}.timestamp-format.standard": "ISO-8601",
        }
    if connector == "filesystem":
        return {"connector": connector, "format": "json"}
    return {"connector": connector}


def _exactly_once(request: SinkRequest, connector: str, name: str) -> dict[str, str]:
    if not request.exactly_once:
        return {}
    if connector not in ("kafka", "upsert-kafka"):
        raise OptionError(f"--exactly-once is for Kafka sinks; {connector} has nothing to be told.")
    reads = {"properties.isolation.level": "read_committed"}  # whoever reads the table sees each row once
    return {**EXACTLY_ONCE, "sink.transactional-id-prefix": f"streammagic-{name}", **reads}


def _ddl(table: str, columns: Sequence[Column], key: Sequence[str], options: Mapping[str, str]) -> str:
    lines = [f"  {column.sql}" for column in columns]
    if key:
        lines.append(f"  PRIMARY KEY ({', '.join(map(quoted, key))}) NOT ENFORCED")
    given = [f"  {literal(name)} = {literal(value)}" for name, value in options.items()]
    return (
        f"CREATE TABLE {quoted(table)} (\n" + ",\n".join(lines) + "\n) WITH (\n" + ",\n".join(given) + "\n)"
    )
