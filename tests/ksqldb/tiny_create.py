"""CREATE and ALTER: the sources that they make, the queries that come with those, and when one may replace another."""

from dataclasses import replace

from ksqldb.tiny_data import Plan, Query, Source, Topic
from ksqldb.tiny_parser import parse
from ksqldb.tiny_sql import KsqlError, quoted

_WITH = {
    "KAFKA_TOPIC",
    "KEY_FORMAT",
    "VALUE_FORMAT",
    "FORMAT",
    "PARTITIONS",
    "REPLICAS",
    "RETENTION_MS",
    "CLEANUP_POLICY",
    "TIMESTAMP",
    "TIMESTAMP_FORMAT",
    "WRAP_SINGLE_VALUE",
    "VALUE_DELIMITER",
    "WINDOW_TYPE",
    "WINDOW_SIZE",
    "QUERY_ID",
}
_FORMATS = {"JSON", "KAFKA", "DELIMITED", "NONE", "JSON_SR", "AVRO", "PROTOBUF"}


class Creating:
    """The part of the engine that makes sources."""

    def _create(self, statement, session):
        exists = self.sources.get(statement.name)
        kind, word = statement.kind.capitalize(), statement.kind.lower()
        if exists and "EXISTS" in statement.options:
            message = f"Cannot add {word} `{statement.name}`: A {exists.kind.lower()} with the same name already exists."
            told = {
                "@type": "warning_entity",
                "statementText": statement.text,
                "message": message,
                "warnings": [],
            }
            return [told]
        made, query = self._made(statement, session)
        self._check_free(statement, made, query)
        topic = self.topics.setdefault(made.topic.name, made.topic)
        made.topic = topic
        self.sources[made.name] = made
        if query:
            made.query = query.id
            before = self.queries.get(query.id)
            if before:  # a replaced query goes on from where it was, with the state that it had
                query.position, query.paused, query.plan.groups = (
                    before.position,
                    before.paused,
                    before.plan.groups,
                )
            self.queries[query.id] = query
            self.go_on(query.topic)
        message = f"Created query with ID {query.id}" if query else f"{kind} created"
        command = f"{word}/`{made.name}`/create"
        return self._command(statement, made.statement, command, message, query and query.id)

    def _made(self, statement, session):
        """Return the source that a CREATE makes, and the query that comes with it; nothing is changed yet."""
        unknown = statement.properties.keys() - _WITH
        if unknown:
            named = ", ".join(sorted(unknown))
            raise KsqlError(
                f"Failed to prepare statement: Invalid config variable(s) in the WITH clause: {named}"
            )
        given = dict(statement.properties)
        if both := given.pop("FORMAT", None):
            given |= {"KEY_FORMAT": both, "VALUE_FORMAT": both}
        made = (
            self._selected(statement, given, session)
            if statement.select
            else self._declared(statement, given)
        )
        for part in ("KEY_FORMAT", "VALUE_FORMAT"):
            if (name := given.get(part, "JSON").upper()) not in _FORMATS:
                raise KsqlError(f"Unknown format: {name}", made[0].statement)
            if name in ("AVRO", "PROTOBUF", "JSON_SR"):
                raise KsqlError(
                    f"Cannot create topic '{made[0].topic.name}' with format {name} without configuring "
                    "'ksql.schema.registry.url'",
                    code=42801,
                    status="428 Precondition Required",
                    generic=True,
                )
        return made

    def _declared(self, statement, given):
        names = [column.name for column in statement.columns]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise KsqlError(f"Failed to prepare statement: Duplicate column names: `{twice}`")
        table = statement.kind == "TABLE"
        shown = {"CLEANUP_POLICY": "compact" if table else "delete", "KEY_FORMAT": "KAFKA"} | given
        begin = f"CREATE {_flags(statement)}{statement.kind} "
        begin += "IF NOT EXISTS " * ("EXISTS" in statement.options) + quoted(statement.name)
        mark = " PRIMARY KEY" if table else " KEY"
        columns = ", ".join(
            f"{quoted(c.name)} {c.type.ddl}{mark if c.key else ''}" for c in statement.columns
        )
        text = f"{begin} ({columns}) WITH ({_listed(shown)});"
        if table and not any(column.key for column in statement.columns):
            raise KsqlError("Tables require a PRIMARY KEY. Please define the PRIMARY KEY.", text)
        name = str(given.get("KAFKA_TOPIC", statement.name))
        topic = self.topics.get(name)
        if topic is None and "PARTITIONS" not in given:
            raise KsqlError(
                f"Topic '{name}' does not exist. If you want to create a new topic for the stream/table please re-run "
                "the statement providing the required 'PARTITIONS' configuration in the WITH clause (and optionally "
                "'REPLICAS').",
                code=40000,
                generic=True,
            )
        made = Source(
            statement.name,
            statement.kind,
            statement.columns,
            topic or Topic(name, int(given["PARTITIONS"])),
            text,
            given.get("KEY_FORMAT", "KAFKA").upper(),
            given.get("VALUE_FORMAT", "JSON").upper(),
            queryable="SOURCE" in statement.options,
        )
        if not made.queryable:
            return made, None
        everything = parse(f"SELECT * FROM {quoted(made.name)};", {})[0].select
        name = f"CST_{made.name}_{self.sequence + 1}"
        return made, Query(name, text, Plan(everything, made), {"auto.offset.reset": "earliest"})

    def _selected(self, statement, given, session):
        source = self.source(statement.select.source)
        table, topic = statement.kind == "TABLE", str(given.get("KAFKA_TOPIC", statement.name))
        name = given.pop("QUERY_ID", None) or f"C{statement.kind[0]}AS_{statement.name}_{self.sequence + 1}"
        exists = self.sources.get(statement.name)
        if exists and exists.query:
            name = exists.query
        policy = "compact,delete" if table and statement.select.window else "compact" if table else "delete"
        shown = {"CLEANUP_POLICY": policy, "KAFKA_TOPIC": topic, "PARTITIONS": source.topic.partitions}
        shown |= {"REPLICAS": 1, "RETENTION_MS": 604800000} | given
        begin = (
            f"CREATE {_flags(statement)}{statement.kind} {quoted(statement.name)} WITH ({_listed(shown)}) AS "
        )
        try:
            plan = Plan(statement.select, source, statement.kind)
        except KsqlError as error:
            message = error.message.replace("{name}", statement.name)
            raise KsqlError(
                f"Could not determine output schema for query due to error: {message}", statement.text
            ) from None
        made = Source(
            statement.name,
            statement.kind,
            plan.sink_columns,
            self.topics.get(topic) or Topic(topic, int(shown["PARTITIONS"])),
            begin + plan.text(),
            given.get("KEY_FORMAT", source.key_format).upper(),
            given.get("VALUE_FORMAT", source.value_format).upper(),
            plan.windowed if table else None,
            reads=[source.name],
            queryable=table,
        )
        return made, Query(name.upper(), made.statement, plan, session.properties, made)

    def _check_free(self, statement, made, query):
        """Refuse what would take the place of a source that it may not replace."""
        exists = self.sources.get(made.name)
        if exists and ("REPLACE" not in statement.options or exists.kind != made.kind):
            word, other = made.kind.lower(), exists.kind.lower()
            taken = f"Cannot add {word} '{made.name}': A {other} with the same name already exists"
            raise KsqlError(taken, made.statement)
        if exists:
            self._check_upgrade(exists, made, query)

    def _check_upgrade(self, old, new, query):
        lost = [
            column for place, column in enumerate(old.columns) if new.columns[place : place + 1] != [column]
        ]
        if lost:
            raise KsqlError(
                f"Cannot upgrade data source: DataSource '`{old.name}`' has schema = {old.schema} which is not "
                f"upgradeable to {new.schema}. (The following columns are changed, missing or reordered: "
                f"[{', '.join(f'`{column.name}` {column.type}' for column in lost)}])",
                new.statement,
            )
        before = self.queries.get(old.query)
        if not (query and before):
            return
        was, now = before.plan, query.plan
        if was.grouped != now.grouped or was.window != now.window or was.source.name != now.source.name:
            raise KsqlError(
                f"Cannot upgrade data source: Query is not upgradeable. Plan of {query.id} is of another kind.",
                new.statement,
            )

    def _alter(self, statement, _):
        source = self._of_kind(statement, "ALTER")
        for column in statement.columns:
            if column.name in {one.name for one in source.columns}:
                raise KsqlError(
                    f"Cannot add column `{column.name}` to schema. A column with the same name already exists."
                )
            source = replace(source, columns=[*source.columns, column])
        self.sources[source.name] = source
        kind = statement.kind
        command = f"{kind.lower()}/{source.name}/alter"
        return self._command(
            statement, statement.text, command, f"{kind.capitalize()} {source.name} altered."
        )

    def _of_kind(self, statement, verb):
        source = self.sources.get(statement.name)
        if source is None:
            raise KsqlError(f"{statement.kind.capitalize()} {statement.name} does not exist.")
        if source.kind != statement.kind:
            raise KsqlError(
                f"Incompatible data source type is {source.kind.lower()}, but statement was {verb} "
                f"{statement.kind.lower()}"
            )
        return source


def _flags(statement):
    return "OR REPLACE " * ("REPLACE" in statement.options) + "SOURCE " * ("SOURCE" in statement.options)


def _listed(properties):
    """Return a WITH clause's inside, as normalised statements have it."""
    return ", ".join(
        f"{name}={value}" if isinstance(value, int) else f"{name}='{value}'"
        for name, value in sorted(properties.items())
    )
