"""``%stream preview``, ``rules``, ``help`` and ``load``: what goes into SQL, and SQL before it is sent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streammagic.engines.base import QueryOptions, plugins
from streammagic.errors import OptionError
from streammagic.magics.options import add_sql_options
from streammagic.magics.reading import preview, read
from streammagic.sql.literals_plain import is_frame
from streammagic.sql.near import did_you_mean
from streammagic.sql.statements import split
from streammagic.sql.variables import inert
from streammagic.views.blocks import entry_bundle, line_bundle
from streammagic.views.table import TableSnapshot, table_bundle

if TYPE_CHECKING:
    import argparse

    import pandas as pd

    from streammagic.magics.desk import Desk, Verbs


class FrontVerbs:
    """The verbs about SQL that is not sent yet."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, verbs: Verbs) -> None:
        """Register the verbs."""
        engines = sorted(plugins())
        shown = verbs.add(
            "preview", "show what would be sent of the SQL in the cell", self._preview, body=True
        )
        shown.add_argument("--engine", choices=engines, default="flink", help="whose SQL it is")
        add_sql_options(shown)
        rules = verbs.add("rules", "list what SQL is checked for before it is sent", self._rules)
        rules.add_argument("--engine", choices=engines, help="the rules of one engine")
        rules.add_argument("--conn", metavar="NAME", help="with the limits of a connection")
        helped = verbs.add("help", "explain a part of SQL with an example", self._help)
        helped.add_argument("topic", metavar="TOPIC", nargs="*", help="such as TUMBLE; none: list them")
        helped.add_argument("--engine", choices=engines, help="where both engines have it")
        load = verbs.add("load", "make a table of a DataFrame", self._load)
        load.add_argument("frame", metavar="DF", help="the variable that holds it; a handle will do")
        load.add_argument("--as", dest="name", metavar="NAME", required=True, help="what the table is called")
        load.add_argument("--topic", metavar="TOPIC", help="put the rows into a new topic of Kafka")
        load.add_argument("--replace", action="store_true", help="let a topic that is there be made anew")
        load.add_argument("--engine", choices=engines, default="flink", help="where the table is made")
        load.add_argument("--conn", metavar="NAME", help="the connection to use")

    def _preview(self, options: argparse.Namespace) -> None:
        desk, plugin = self._desk, plugins()[options.engine]
        dialect = plugin.dialect
        statements = []
        if options.body is not None:
            read(options.cell, dialect, desk.namespace, jinja=options.jinja)
            statements = split(options.cell.sql, dialect)
        if not statements:
            raise OptionError(
                "There is no SQL in this cell.", hint="%%stream preview stands on the first line."
            )
        checking = desk.connections.checking(plugin, None, off=options.no_check)
        desk.show(preview(statements, checking.before(statements, options.cell), dialect, desk))

    def _rules(self, options: argparse.Namespace) -> pd.DataFrame:
        import pandas as pd

        connections = self._desk.connections
        target = None if options.conn is None else connections.plugin(options.conn)
        rows: dict[str, list[str]] = {}
        for magic, plugin in plugins().items():
            if magic not in {options.engine or magic} & {magic if target is None else target.magic}:
                continue
            checking = connections.checking(plugin, options.conn, off=False)
            for rule in checking.rules:
                row = rows.setdefault(rule.name, [rule.name, "", checking.consequence(rule), rule.summary])
                row[1] += f", {magic}" if row[1] else magic
        columns = ("rule", "for", "then", "looks for")
        frame = pd.DataFrame(list(rows.values()), columns=list(columns)).astype(str)
        snapshot = TableSnapshot(
            columns=columns,
            rows=[list(map(str, row)) for row in rows.values()],
            numeric=(False,) * len(columns),
            total=len(rows),
        )
        return self._desk.returning(frame, table_bundle(snapshot))

    def _help(self, options: argparse.Namespace) -> None:
        from streammagic import reference

        if not options.topic:
            lines = [f"{plugin.title}: {', '.join(reference.names(m))}" for m, plugin in plugins().items()]
            self._desk.show(line_bundle("%stream help TOPIC explains one of these", *lines))
            return
        entry = reference.entry(" ".join(options.topic), options.engine)
        self._desk.show(entry_bundle(entry.title, entry.text, entry.example, entry.link))

    def _load(self, options: argparse.Namespace) -> None:
        desk, name, topic = self._desk, options.name, options.topic
        frame = self._frame(options.frame)
        plugin = plugins()[options.engine]
        if options.conn is not None:
            plugin = desk.connections.plugin(options.conn)
        loading = plugin.dialect.loading(name, frame, topic)
        sql = list(map(inert, loading.statements))
        if loading.columns:
            sql = [self._sent(options, frame, loading.columns)]
        elif options.replace:
            sql = [*loading.instead, *sql]
        engine = desk.engine(plugin.magic, options.conn)
        with desk.progress() as progress:
            for number, statement in enumerate(split("; ".join(sql), plugin.dialect)):
                progress.say(f"{engine.title} takes {name} in: {number} of {len(sql)} statements")
                desk.run(engine, [statement], QueryOptions(replace=not loading.instead))
        rows = f"{len(frame):,} row{'' if len(frame) == 1 else 's'}"
        desk.show(line_bundle(f"{name}: {rows} of {options.frame}" + (f" in topic {topic}" if topic else "")))

    def _frame(self, variable: str) -> pd.DataFrame:
        """Return the DataFrame that a variable holds, or the result of a query."""
        namespace = self._desk.namespace
        if variable not in namespace:
            raise OptionError(
                f"There is no variable {variable}.",
                hint=did_you_mean(variable, namespace) or "Name a DataFrame of the notebook.",
            )
        value = namespace[variable]
        found: Any = value if is_frame(value) else getattr(value, "df", None)
        if not is_frame(found):
            raise OptionError(
                f"{variable} is no DataFrame but of type {type(value).__name__}.",
                hint="pd.DataFrame(…) makes one of lists and dicts.",
            )
        frame: pd.DataFrame = found
        return frame

    def _sent(
        self, options: argparse.Namespace, frame: pd.DataFrame, columns: tuple[tuple[str, str], ...]
    ) -> str:
        """Put the rows into a new topic; return the definition of its table."""
        from streammagic.topics import send, table_ddl
        from streammagic.topics.schema import TopicColumn, TopicSchema
        from streammagic.topics.sqltypes import SqlType

        topic, broker = options.topic, self._desk.broker()
        if topic in broker.names():
            if not options.replace:
                raise OptionError(
                    f"There is a topic {topic} already; nothing was sent.",
                    hint="--replace deletes it first; %stream send appends to it.",
                )
            broker.delete([topic])
        with self._desk.progress() as progress:
            progress.say(f"sending {len(frame):,} rows to {topic}")
            send(broker, topic, frame, create=True)
        schema = TopicSchema(
            columns=tuple(TopicColumn(name=name, type=SqlType(kind)) for name, kind in columns),
            format="json",
            options={"json.timestamp-format.standard": "ISO-8601"},
        )
        return table_ddl(topic, options.name, schema, "{{ kafka }}", self._desk.config.kafka_properties)
