"""The names that ksqlDB itself gives to formats, properties and columns: for completions and near misses.

Sources: the pages of CREATE STREAM, CREATE TABLE, INSERT INTO, serialization and server configuration, and
LIST PROPERTIES of a 7.4. The words of its grammar are in `keywords`.
"""

from __future__ import annotations

from typing import NamedTuple

OTHER_TYPES = {
    "BINARY": "BYTES",
    "BOOL": "BOOLEAN",
    "CHAR": "STRING",
    "DATETIME": "TIMESTAMP",
    "FLOAT": "DOUBLE",
    "LONG": "BIGINT",
    "NUMBER": "DECIMAL(…, …)",
    "NUMERIC": "DECIMAL(…, …)",
    "REAL": "DOUBLE",
    "ROW": "STRUCT<…>",
    "SHORT": "INT",
    "SMALLINT": "INT",
    "TEXT": "STRING",
    "TIMESTAMP_LTZ": "TIMESTAMP",
    "TINYINT": "INT",
    "VARBINARY": "BYTES",
}
"""What other dialects call a type, and what comes nearest to it in ksqlDB."""

FORMATS = ("AVRO", "DELIMITED", "JSON", "JSON_SR", "KAFKA", "NONE", "PROTOBUF", "PROTOBUF_NOSR")

PSEUDO_COLUMNS = ("ROWTIME", "ROWPARTITION", "ROWOFFSET")
"""Columns of every source that no DESCRIBE shows."""
WINDOW_COLUMNS = ("WINDOWSTART", "WINDOWEND")


class Property(NamedTuple):
    """A property by name, with what it may be where that is a choice: values without quotes."""

    name: str
    values: tuple[str, ...] = ()


_BOOLEAN = ("true", "false")
_NULLABLE = ("OPTIONAL", "WRAPPER")

_COMMON = (
    Property("CLEANUP_POLICY", ("delete", "compact", "delete,compact")),
    Property("FORMAT", FORMATS),
    Property("KAFKA_TOPIC"),
    Property("KEY_DELIMITER", ("SPACE", "TAB")),
    Property("KEY_FORMAT", FORMATS),
    Property("KEY_PROTOBUF_NULLABLE_REPRESENTATION", _NULLABLE),
    Property("KEY_SCHEMA_FULL_NAME"),
    Property("KEY_SCHEMA_ID"),
    Property("PARTITIONS"),
    Property("REPLICAS"),
    Property("RETENTION_MS"),
    Property("TIMESTAMP"),
    Property("TIMESTAMP_FORMAT"),
    Property("VALUE_AVRO_SCHEMA_FULL_NAME"),
    Property("VALUE_DELIMITER", ("SPACE", "TAB")),
    Property("VALUE_FORMAT", FORMATS),
    Property("VALUE_PROTOBUF_NULLABLE_REPRESENTATION", _NULLABLE),
    Property("VALUE_SCHEMA_FULL_NAME"),
    Property("VALUE_SCHEMA_ID"),
    Property("WRAP_SINGLE_VALUE", _BOOLEAN),
)
WITH_OF_CREATE = (
    *_COMMON,
    Property("SOURCED_BY_CONNECTOR"),
    Property("WINDOW_SIZE"),
    Property("WINDOW_TYPE", ("SESSION", "HOPPING", "TUMBLING")),
)
"""What WITH takes in CREATE STREAM and CREATE TABLE over a topic."""
WITH_OF_CREATE_AS = _COMMON
"""What WITH takes in CREATE STREAM … AS SELECT and CREATE TABLE … AS SELECT."""
WITH_OF_INSERT = (Property("QUERY_ID"),)
"""What WITH takes in INSERT INTO … SELECT."""

UNQUOTED = frozenset(
    {"KEY_SCHEMA_ID", "PARTITIONS", "REPLICAS", "RETENTION_MS", "VALUE_SCHEMA_ID", "WRAP_SINGLE_VALUE"}
)
"""Properties of WITH whose values are numbers or true and false; all others are strings."""

STREAMS_PREFIX = "ksql.streams."
SETTINGS = (
    Property("auto.offset.reset", ("earliest", "latest", "none")),
    Property("buffered.records.per.partition"),
    Property("cache.max.bytes.buffering"),
    Property("commit.interval.ms"),
    Property("compression.type", ("none", "gzip", "snappy", "lz4", "zstd")),
    Property("fetch.min.bytes"),
    Property("isolation.level", ("read_committed", "read_uncommitted")),
    Property("ksql.cast.strings.preserve.nulls", _BOOLEAN),
    Property("ksql.nested.error.set.null", _BOOLEAN),
    Property("ksql.query.pull.max.allowed.offset.lag"),
    Property("ksql.query.pull.table.scan.enabled", _BOOLEAN),
    Property("ksql.query.retry.backoff.max.ms"),
    Property("ksql.timestamp.throw.on.invalid", _BOOLEAN),
    Property("linger.ms"),
    Property("max.poll.records"),
    Property("max.task.idle.ms"),
    Property("num.standby.replicas"),
    Property("num.stream.threads"),
    Property("processing.guarantee", ("at_least_once", "exactly_once_v2")),
    Property("replication.factor"),
)
"""What people SET: the server's own that a query may have of its own, and those of Kafka's clients.

Kafka's are also known by `STREAMS_PREFIX` and their name. LIST PROPERTIES tells all.
"""


def with_properties(*, of_query: bool, inserts: bool = False) -> tuple[Property, ...]:
    """Return what WITH takes: in a CREATE over a topic, in one ``of_query`` (AS SELECT), or in an INSERT."""
    if inserts:
        return WITH_OF_INSERT
    return WITH_OF_CREATE_AS if of_query else WITH_OF_CREATE


def setting_names() -> tuple[str, ...]:
    """Return the names of all `SETTINGS`, Kafka's also with their prefix."""
    names = [one.name for one in SETTINGS]
    return (*names, *(STREAMS_PREFIX + name for name in names if not name.startswith("ksql.")))
