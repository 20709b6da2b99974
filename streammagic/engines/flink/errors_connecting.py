"""The known failures of connectors, formats and their options, found when a table is used."""

from __future__ import annotations

from streammagic.engines.flink.errors_known import (
    CATALOGS,
    CONFIG,
    CONNECTORS,
    DATAGEN,
    FORMATS,
    KAFKA,
    known,
)

FLINK = "2.3.0"
"""The Flink that versions below are for."""

_FORMAT = "org.apache.flink:flink-sql-{}:" + FLINK
_JDBC = "org.apache.flink:flink-connector-jdbc-core:4.0.0-2.0"

JARS = {
    "avro": _FORMAT.format("avro"),
    "avro-confluent": _FORMAT.format("avro-confluent-registry"),
    "debezium-avro-confluent": _FORMAT.format("avro-confluent-registry"),
    "parquet": _FORMAT.format("parquet"),
    "orc": _FORMAT.format("orc"),
    "protobuf": _FORMAT.format("protobuf"),
    "jdbc": _JDBC,
    "kafka": "org.apache.flink:flink-sql-connector-kafka:5.0.0-2.2",
    "upsert-kafka": "org.apache.flink:flink-sql-connector-kafka:5.0.0-2.2",
    "elasticsearch-7": "org.apache.flink:flink-sql-connector-elasticsearch7",
    "mongodb": "org.apache.flink:flink-sql-connector-mongodb",
    "opensearch": "org.apache.flink:flink-sql-connector-opensearch",
    "kinesis": "org.apache.flink:flink-sql-connector-aws-kinesis-streams",
    "firehose": "org.apache.flink:flink-sql-connector-aws-kinesis-firehose",
    "dynamodb": "org.apache.flink:flink-sql-connector-dynamodb",
    "pulsar": "org.apache.flink:flink-sql-connector-pulsar",
    "hbase-2.2": "org.apache.flink:flink-sql-connector-hbase-2.2",
    "mysql-cdc": "org.apache.flink:flink-sql-connector-mysql-cdc",
    "postgres-cdc": "org.apache.flink:flink-sql-connector-postgres-cdc",
}
"""The jar of a connector or format that does not come along, by its name in WITH.

One without a version was not met in a version for Flink 2.
"""

_AND_DATABASE = {
    "jdbc": " It needs the jar of its database (such as flink-connector-jdbc-postgres) and a driver too."
}


def jar_hint(name: str) -> str:
    """Say how a connector or format gets there; "" for one that is not known."""
    jar = JARS.get(name, "")
    if not jar:
        return ""
    if jar.count(":") < 2:  # noqa: PLR2004 - group:artifact:version
        return f"It is in {jar}; %stream local add {jar}:VERSION adds it, in a version for Flink 2."
    return f"%stream local add {jar} adds it.{_AND_DATABASE.get(name, '')}"


_ANEW = "Correct its CREATE TABLE, and run that with --replace."
_START = (
    "Without 'scan.startup.mode' Kafka goes on where a consumer group was: write 'scan.startup.mode' = "
    "'earliest-offset', or give 'properties.group.id'."
)

CONNECTING = (
    known(
        r"Could not find any factory for identifier '(?P<name>[^']+)' that implements "
        r"'\S+\.DynamicTableFactory'",
        "There is no connector {name}.",
        "{near} {jar}\nInstalled here: {listed}. " + _ANEW,
        CONNECTORS,
    ),
    known(
        r"Could not find any (?:format )?factory for identifier '(?P<name>[^']+)' (?:in the "
        r"classpath|that implements "
        r"'\S+(?:Format|FormatFactory)')",
        "There is no format {name}{of}.",
        "{near} {jar}\n{installed} " + _ANEW,
        FORMATS,
    ),
    known(
        r"Could not find any factory for identifier '(?P<name>[^']+)' that implements "
        r"'\S+\.(?P<kind>\w+)Factory'",
        "There is no {kind} {name}.",
        "{near}\nInstalled here: {listed}. Another one needs its jar: ADD JAR '…'.",
        CATALOGS,
    ),
    known(
        r"Catalog options do not contain an option key 'type'",
        "The catalog has no 'type'.",
        "Write CREATE CATALOG c WITH ('type' = 'generic_in_memory').",
        CATALOGS,
    ),
    known(
        r"Connector '(?P<name>[^']+)' can only be used as a (?P<can>\w+)\. It cannot be used as a "
        r"(?P<not>\w+)",
        "The connector {name} is a {can} only, and is used as a {not}{of}.",
        "",
        CONNECTORS,
    ),
    known(
        r"Table options do not contain an option key 'connector'",
        "The table {table} has no connector.",
        "Write WITH ('connector' = 'datagen') or the like.",
        CONNECTORS,
    ),
    known(
        r"(?s)One or more required options are missing\.\s*Missing required options "
        r"are:\s*(?P<names>[\w.\-\s]+)",
        "Options are missing{of}: {names}.",
        _ANEW,
        CONNECTORS,
    ),
    known(
        r"Either 'topic' or 'topic-pattern' must be set",
        "The Kafka table {table} has no topic.",
        "Write 'topic' = '…'; %stream topics lists them.",
        KAFKA,
    ),
    known(
        r"(?s)Unsupported options found for '(?P<connector>[^']+)'\.\s*Unsupported options:\s*(?P<name>\S+)",
        "The connector {connector} has no option {name}{of}.",
        "{near} Its options: {listed}. " + _ANEW,
        CONNECTORS,
    ),
    known(
        r"Could not parse value '(?P<value>[^']*)' for key '(?P<name>[^']+)'",
        "'{value}' is no value of {name}.",
        "{near_value} {values}",
        CONFIG,
    ),
    known(
        r"Unsupported value '(?P<value>[^']*)' for (?P<name>[\w.\-]+)\.",
        "'{value}' is no value of {name}.",
        "{near_value} {values}",
        FORMATS,
    ),
    known(
        r"Invalid STATE_TTL hint value|Invalid time zone|Unknown time-zone ID: (?P<name>\S+)",
        "A setting has a value that can't be read: {said}",
        "A time zone is one such as 'Europe/Berlin' or 'UTC', a duration one such as '1 h'.",
        CONFIG,
    ),
    known(
        r"(?:Could not find required (?:scan|sink) format '(?P<name>[^']+)')",
        "The table {table} has no format.",
        "Write 'format' = 'json' or the like.",
        FORMATS,
    ),
    known(
        r"The 'raw' format only supports single physical column",
        "The format raw has one column.",
        "Take json or csv for more.",
        "connectors/table/formats/raw/",
    ),
    known(
        r"Unsupported generator kind: (?P<name>\S+)",
        "datagen makes no {name} values.",
        "'kind' is 'random' or 'sequence'.",
        DATAGEN,
    ),
    known(
        r"Could not find required property '(?P<name>[^']+)' for sequence generator",
        "A sequence of datagen needs {name}.",
        "It has a 'start' and an 'end', and ends there. All values that are left are kept in state: for an "
        "endless one count with SUM.",
        DATAGEN,
    ),
    known(
        r"lower bound \((?P<low>\S+)\) must be strictly less than upper bound \((?P<high>\S+)\)",
        "datagen's min ({low}) must be below its max ({high}).",
        "",
        DATAGEN,
    ),
    known(
        r"Property group\.id is required when using committed offset",
        "The Kafka table has neither a start nor a group.",
        _START,
        KAFKA,
    ),
    known(
        r"'(?P<name>[\w.\-]+)' is required in '(?P<mode>[^']+)' startup mode",
        "The startup mode {mode} needs {name}.",
        "",
        KAFKA,
    ),
    known(
        r"(?P<name>[\w.\-]+) must be specified when using DeliveryGuarantee\.EXACTLY_ONCE",
        "Exactly once needs {name}.",
        "Give it in WITH: a text that no other job uses.",
        KAFKA,
    ),
    known(
        r"A key format 'key\.format' requires .*'key\.fields'",
        "With 'key.format' the table needs 'key.fields'.",
        "Name the columns that are in the message's key: 'key.fields' = 'id'.",
        KAFKA,
    ),
    known(
        r"Could not find the field '(?P<name>[^']+)' in the table schema for usage in the "
        r"(?P<part>\w+) format",
        "There is no column {name} for the message's {part}.",
        "{near} The table has {listed}.",
        KAFKA,
    ),
    known(
        r"JDBC-Class not found\. - (?P<name>\S+)",
        "The JDBC driver {name} is not there.",
        "Add its jar, such as %stream local add org.postgresql:postgresql:VERSION or "
        "com.mysql:mysql-connector-j:VERSION.",
        CONNECTORS,
    ),
)
