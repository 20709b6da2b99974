"""A DataFrame as a table of an engine: the statements that make one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from streammagic.errors import OptionError
from streammagic.sql import naming, naming_ksqldb
from streammagic.sql.literals_flink import FlinkWriter
from streammagic.sql.literals_frames import columns_of
from streammagic.sql.literals_ksqldb import KsqlWriter
from streammagic.sql.literals_plain import series_values

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_INSERTS = 1_000
"""Rows that are sent to ksqlDB as INSERTs: each takes it 10 to 20 ms."""

_KSQL_TYPES: Mapping[str, str] = {
    "TINYINT": "INT",
    "SMALLINT": "INT",
    "FLOAT": "DOUBLE",
    "TIMESTAMP": "TIMESTAMP",
    "TIMESTAMP_LTZ": "TIMESTAMP",
    "TIME": "TIME",
}
_SAME = frozenset({"BOOLEAN", "INT", "BIGINT", "DOUBLE", "DECIMAL", "STRING", "DATE", "BYTES"})


class Loading(NamedTuple):
    """How a table comes to be: by ``statements``, after those of ``instead`` where what is there is to go.

    Where there are ``columns``, names and types, the rows are first put into the topic as JSON.
    """

    statements: tuple[str, ...] = ()
    instead: tuple[str, ...] = ()
    columns: tuple[tuple[str, str], ...] = ()


def into_flink(name: str, frame: Any, topic: str | None) -> Loading:
    """Return a temporary view of the rows, or the columns of a table over a topic.

    Raises `OptionError` for what can't be written, and for a view of too many rows.
    """
    if topic is not None:
        return Loading(columns=columns_of(frame))
    rows = FlinkWriter().literal(frame)
    view = f"CREATE TEMPORARY VIEW {naming.path(name)} AS SELECT * FROM {rows}"  # noqa: S608 - all quoted
    return Loading((view,))


def into_ksqldb(name: str, frame: Any, topic: str | None) -> Loading:
    """Return a stream with a topic of its own, and the INSERTs of its rows.

    Names are written without quotes where that can be, so that the case of them does not count. Raises
    `OptionError` for what can't be written, and for too many rows.
    """
    if len(frame) > MAX_INSERTS:
        raise OptionError(
            f"The DataFrame has {len(frame):,} rows, and {MAX_INSERTS:,} are sent to ksqlDB one by one.",
            hint="%stream send TOPIC DF puts more into a topic, and CREATE STREAM makes a stream of that.",
        )
    writer, stream = KsqlWriter(), _ksql_name(name)
    columns = [(_ksql_name(column), _ksql_type(column, kind)) for column, kind in columns_of(frame)]
    names = ", ".join(column for column, _ in columns)
    values = [series_values(frame.iloc[:, at]) for at in range(len(columns))]
    created = ", ".join(f"{column} {kind}" for column, kind in columns)
    source = f"kafka_topic = {naming.literal(topic or name)}, value_format = 'JSON', partitions = 1"
    rows = (", ".join(map(writer.literal, row)) for row in zip(*values, strict=True))
    inserts = (f"INSERT INTO {stream} ({names}) VALUES ({row})" for row in rows)  # noqa: S608 - literals
    return Loading(
        statements=(f"CREATE STREAM {stream} ({created}) WITH ({source})", *inserts),
        instead=(f"DROP STREAM IF EXISTS {stream} DELETE TOPIC",),
    )


def _ksql_name(name: str) -> str:
    plain = re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) and name.upper() not in naming_ksqldb.RESERVED
    return name if plain else naming_ksqldb.identifier(name)


def _ksql_type(column: str, flink: str) -> str:
    base, bracket, rest = flink.partition("(")
    kind = _KSQL_TYPES.get(base.strip())
    if kind is not None:
        return kind
    if base not in _SAME:
        hint = "Make it a number or text in Python."
        raise OptionError(f"Column {column!r}: ksqlDB has no {flink}.", hint=hint)
    return base + bracket + rest
