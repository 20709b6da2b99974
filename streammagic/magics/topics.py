"""``%stream topics``, ``peek``, ``table`` and ``send``: Kafka's topics from a notebook."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from streammagic.errors import OptionError
from streammagic.magics.options import at_least_one
from streammagic.views.blocks import line_bundle, plan_bundle
from streammagic.views.table import TableSnapshot, table_bundle

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    import pandas as pd

    from streammagic.magics.desk import Desk, Verbs
    from streammagic.magics.options import OptionParser
    from streammagic.topics import Broker, Decoder, Record, Registry

_SAMPLE = 100
_MOST_SHOWN = 200
"""Records that are shown of as many as were asked for; the DataFrame has them all."""

_UPPER_BOUND = "messages is an upper bound: markers of transactions and compacted records are counted too"


class TopicVerbs:
    """The verbs of ``%stream`` about topics."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, verbs: Verbs) -> None:
        """Register the verbs."""
        topics = verbs.add("topics", "list Kafka's topics", self._topics)
        topics.add_argument("--all", action="store_true", help="Kafka's own topics too")
        peek = verbs.add("peek", "show the last or first records of a topic", self._peek)
        peek.add_argument("topic", metavar="TOPIC")
        peek.add_argument(
            "--from",
            dest="start",
            choices=["earliest", "latest"],
            default="latest",
            help="latest, the default: the last records; earliest: the first",
        )
        peek.add_argument(
            "--limit", metavar="N", type=at_least_one, default=10, help="how many, 10 by default"
        )
        table = verbs.add("table", "write the CREATE TABLE of a topic, learnt from its records", self._table)
        table.add_argument("topic", metavar="TOPIC")
        table.add_argument("--name", metavar="T", help="the table's name; the topic's by default")
        table.add_argument(
            "--sample",
            metavar="N",
            type=at_least_one,
            default=_SAMPLE,
            help=f"how many records to learn from, {_SAMPLE} by default: half of them first, half last ones",
        )
        table.add_argument("--yes", action="store_true", help="create it, in Flink")
        send = verbs.add(
            "send", "publish a variable, or each line of the cell, to a topic", self._send, body=True
        )
        send.add_argument("topic", metavar="TOPIC")
        send.add_argument(
            "variable", metavar="VARIABLE", nargs="?", help="a DataFrame, a list of dicts or of lines"
        )
        send.add_argument(
            "--key",
            metavar="COL",
            action="append",
            default=[],
            help="the column, or the JSON's field, that is the message's key; several make a JSON object",
        )
        for parser in (topics, peek, table, send):
            _add_bootstrap(parser)

    def _topics(self, options: argparse.Namespace) -> pd.DataFrame:
        import pandas as pd

        found = self._broker(options).topics(include_internal=options.all)
        rows = [(topic.name, topic.partitions, topic.messages, topic.internal) for topic in found]
        frame = pd.DataFrame(rows, columns=["topic", "partitions", "messages", "internal"])
        frame = frame.astype({"topic": "str", "messages": "Int64"})
        columns = ("topic", "partitions", "messages", *(("internal",) if options.all else ()))
        shown = rows[: self._desk.config.max_rows]
        snapshot = TableSnapshot(
            columns=columns,
            rows=[
                [
                    name,
                    f"{partitions:,}",
                    None if messages is None else f"{messages:,}",
                    "yes" if internal else "",
                ][: len(columns)]
                for name, partitions, messages, internal in shown
            ],
            numeric=(False, True, True, False)[: len(columns)],
            total=len(rows),
            notes=(_UPPER_BOUND,) if rows else (),
        )
        return self._desk.returning(frame, table_bundle(snapshot))

    def _peek(self, options: argparse.Namespace) -> pd.DataFrame:
        from streammagic.topics import Decoder, peek

        with self._desk.progress() as progress:
            progress.say(f"reading {options.topic}")
            records = peek(self._broker(options), options.topic, start=options.start, limit=options.limit)
            decoder = Decoder(self._registry())
            frame = _frame(records, decoder)
        is_last, is_batch = options.start == "latest", self._desk.mode() == "batch"
        status = f"{options.topic}: {'last' if is_last else 'first'} records"
        snapshot = _snapshot(frame, status, decoder.notes, is_last=is_last, is_batch=is_batch)
        return self._desk.returning(frame, table_bundle(snapshot))

    def _table(self, options: argparse.Namespace) -> None:
        from streammagic.sql.naming import literal, path, table_name
        from streammagic.topics import infer, registered, table_ddl

        name, registry = options.name or table_name(options.topic), self._registry()
        with self._desk.progress() as progress:
            progress.say(f"reading {options.topic}")
            records = _sample(self._broker(options), options.topic, options.sample)
            schema = registered(registry, options.topic, records) if registry else None
            ddl = table_ddl(
                options.topic,
                name,
                schema or infer(records),
                literal(options.bootstrap) if options.bootstrap else "{{ kafka }}",
                self._desk.config.kafka_properties,
            )
        self._desk.show(plan_bundle(ddl))
        if options.yes:
            self._desk.run_sql("flink", ddl)
            self._desk.show(line_bundle(f"CREATE TABLE {path(name)}: OK"))

    def _send(self, options: argparse.Namespace) -> None:
        from streammagic.topics import send

        rows, topic, broker = self._rows(options), options.topic, self._broker(options)
        with self._desk.progress() as progress:
            progress.say(f"sending to {topic}")
            is_new = topic not in broker.names()
            count = send(broker, topic, rows, key=options.key, create=is_new)
        # in a notebook that is run again the topic is there
        created = ", a new topic" if is_new and self._desk.mode() != "batch" else ""
        messages = f"{count:,} message{'' if count == 1 else 's'}"
        self._desk.show(line_bundle(f"{messages} sent to {topic}{created}"))

    def _rows(self, options: argparse.Namespace) -> Any:
        """Return what is to be sent: the cell's text, or the variable's value."""
        topic, name, body = options.topic, options.variable, options.body
        if body is not None:
            if name is not None:
                raise OptionError(
                    f"{name} and the text in the cell can't both be sent.",
                    hint=f"%stream send {topic} {name}, with one %, sends the variable.",
                )
            return body
        if name is None:
            raise OptionError(
                "There is nothing to send.",
                hint=f"%stream send {topic} VARIABLE, or %%stream send {topic} with a message on each line.",
            )
        if name not in self._desk.namespace:
            near = difflib.get_close_matches(name, list(self._desk.namespace), n=1)
            raise OptionError(
                f"There is no variable {name}.",
                hint=f"Did you mean {near[0]}?" if near else "Name a variable of the notebook.",
            )
        return self._desk.namespace[name]

    def _broker(self, options: argparse.Namespace) -> Broker:
        from streammagic.topics import Broker

        return Broker(options.bootstrap or self._desk.kafka(), self._desk.config.kafka_properties)

    def _registry(self) -> Registry | None:
        from streammagic.topics import Registry

        url = self._desk.config.setting("schema_registry")
        return Registry(url) if url else None


def _add_bootstrap(parser: OptionParser) -> None:
    parser.add_argument("--bootstrap", metavar="HOST:PORT", help="other brokers than the configured ones")


def _sample(broker: Broker, topic: str, count: int) -> list[Record]:
    """Return first and last records: a table reads both, and what is in them may have changed."""
    from streammagic.topics import peek

    last = peek(broker, topic, start="latest", limit=(count + 1) // 2)
    first = peek(broker, topic, start="earliest", limit=count // 2) if count > 1 else []
    known = {(record.partition, record.offset) for record in last}
    return [record for record in first if (record.partition, record.offset) not in known] + last


def _frame(records: Sequence[Record], decoder: Decoder) -> pd.DataFrame:
    """Return the records with their keys, values and headers as text."""
    import pandas as pd

    headers = [[(name, decoder.text(value)) for name, value in record.headers] for record in records]
    return pd.DataFrame(
        {
            "partition": pd.Series([record.partition for record in records], dtype="int64"),
            "offset": pd.Series([record.offset for record in records], dtype="int64"),
            "timestamp": pd.Series([record.timestamp for record in records], dtype="datetime64[ms, UTC]"),
            "key": pd.Series([decoder.text(record.key) for record in records], dtype="str"),
            "value": pd.Series([decoder.text(record.value) for record in records], dtype="str"),
            "headers": pd.Series(headers, dtype=object),
        }
    )


def _snapshot(
    frame: pd.DataFrame, status: str, notes: Sequence[str], *, is_last: bool, is_batch: bool
) -> TableSnapshot:
    """Return the frame as a picture; in batch without clocks and their order, which another run changes."""
    leave = {"timestamp"} if is_batch else set()
    if not any(frame["headers"]):
        leave.add("headers")
    columns = tuple(name for name in frame.columns if name not in leave)
    shown = frame.sort_values(["partition", "offset"]) if is_batch else frame
    shown = shown.tail(_MOST_SHOWN) if is_last else shown.head(_MOST_SHOWN)
    rows = [
        [_cell(name, value) for name, value in zip(columns, row, strict=True)]
        for row in shown[list(columns)].itertuples(index=False)
    ]
    return TableSnapshot(
        columns=columns,
        rows=rows,
        numeric=tuple(name in ("partition", "offset") for name in columns),
        total=len(frame),
        position=len(frame) - len(rows) if is_last else 0,
        status=status,
        notes=tuple(notes),
    )


def _cell(column: str, value: Any) -> str | None:
    if column == "headers":
        return ", ".join(f"{name}={'NULL' if held is None else held}" for name, held in value)
    if value is None or value != value:  # noqa: PLR0124 - NaN and NaT are unequal to themselves
        return None
    if column == "timestamp":
        return f"{value:%Y-%m-%d %H:%M:%S}.{value.microsecond // 1000:03d}Z"
    return str(value)
