"""The failures of ksqlDB that are known: how to tell them, what happened in plain words, what to do.

Patterns are those of 7.4's messages, most of them the same from 5.5 to 8.2. They look at a message whose
wrapped lines are joined, without stack lines and without the names of Java's packages.
"""

from __future__ import annotations

import re
from typing import NamedTuple

PUSH_LIMIT, HTTP2_ONLY, NO_REGISTRY, RATE_LIMIT = 40003, 40004, 42801, 42900

UNKNOWN_SOURCES = (
    re.compile(r"Could not find STREAM/TABLE '(?P<name>[^']+)' in the Metastore"),
    re.compile(r"(?:into|from) an unknown stream/table: `?(?P<name>[^`\n.]+)"),
    re.compile(r"\b(?:Stream|Table|Source) `?(?P<name>[^`\s]+?)`? does not exist\."),
    re.compile(r"while preparing statement: `?(?P<name>[^`\s]+?)`? does not exist\."),
    re.compile(
        r"Could not find source to delete topic for: .*?\bDROP \w+ (?:IF EXISTS )?`?(?P<name>[^`\s;]+)"
    ),
)
FENCED = re.compile(
    r"fenced by another producer|ProducerFenced|InvalidProducerEpoch|newer producer with the same"
)
SAME_COMMAND = re.compile(r"Another command with the same id")
BEHIND = re.compile(r"while waiting for command topic consumer")
IN_DOUBT = re.compile(r"into the command topic[\s\S]*(?:EndTxn|committing transaction)")


class Known(NamedTuple):
    """A known failure. ``message`` and ``hint`` may name the groups of ``pattern`` and what `errors` adds.

    The group ``name`` is looked for in the statement, to have a place where the server tells none.
    """

    pattern: re.Pattern[str]
    message: str
    hint: str = ""


BY_CODE = {
    PUSH_LIMIT: (
        "As many push queries run as the server allows.",
        "Stop one with handle.stop(), or TERMINATE one of LIST QUERIES; the limit is ksql.max.push.queries.",
    ),
    HTTP2_ONLY: (
        "This server takes queries over HTTP/2 only.",
        "It is older than ksqlDB 0.24 (Confluent Platform 7.1), which this client needs for that.",
    ),
    RATE_LIMIT: ("The server takes no more such requests at the moment.", "Run it again in a moment."),
    NO_REGISTRY: (
        "The server has no Schema Registry.",
        "Use VALUE_FORMAT = 'JSON', or set ksql.schema.registry.url there.",
    ),
}

_EMIT = "With EMIT CHANGES it becomes a push query, which follows changes: {push}"
_SCAN = (
    "Name the key: WHERE key = …; or SET 'ksql.query.pull.table.scan.enabled' = 'true' to have all rows "
    "looked through; or follow changes: {push}"
)
_PROPERTY = "LIST PROPERTIES shows the names that this server knows."
_QUERIES = "LIST QUERIES shows what runs."
_CAST = "CAST one side: CAST(… AS STRING), CAST(… AS BIGINT)."
_AGAIN = "Run it again in a moment."
_DOUBT = "Other clients were faster; nothing was written. Run it again."


def _known(pattern: str, message: str, hint: str = "") -> Known:
    return Known(re.compile(pattern), message, hint)


KNOWN = (
    # the statement
    _known(
        r'"(?P<name>\w+)" is a reserved keyword',
        "{name} is a reserved word.",
        "As a name it needs back-ticks: `{name}`.",
    ),
    _known(
        r"Source names may only contain .*Got: '\$\{(?P<name>[^}]+)\}'",
        "The variable {name} is not defined.",
        "DEFINE {name} = '…'; gives it a value.",
    ),
    _known(
        r"Source names may only contain .*Got: '(?P<name>[^']*)'",
        "{name} can't be the name of a stream or table.",
        "Their names hold letters, digits, _ and - only.",
    ),
    *(Known(pattern, "There is no stream or table {name}.", "{near}") for pattern in UNKNOWN_SOURCES),
    _known(
        r"(?P<name>[\w`.]+)' is not a valid stream/table name or alias",
        "{name} is neither a source of this query nor an alias.",
    ),
    _known(
        r"WHERE column '(?P<name>WINDOW(?:START|END))' cannot be resolved",
        "The table is not windowed: it has no {name}.",
    ),
    _known(
        r"[cC]olumn '(?P<name>[^']+)' cannot be resolved",
        "There is no column {name}.",
        "DESCRIBE shows the columns of a source. Names without back-ticks are upper case.",
    ),
    _known(
        r"into '(?P<into>[^']+)'\.\s+Column name `(?P<name>[^`]+)` does not exist",
        "{into} has no column {name}.",
        "DESCRIBE {into} shows its columns.",
    ),
    _known(
        r"Column '(?P<name>[^']+)' is ambiguous\. (?P<rest>Could be [^\n]+?)\.?(?:\n|$)",
        "The column {name} is ambiguous.",
        "{rest}: write it with its source.",
    ),
    _known(
        r"Can't find any functions with the name '(?P<name>[^']+)'",
        "There is no function {name}.",
        "LIST FUNCTIONS shows them all.",
    ),
    _known(
        r"Function '(?P<name>[^']+)' (?:does not accept parameters|cannot be resolved due to ambiguous "
        r"method parameters) (?P<types>\(.*?\))\.?(?:\n|$)",
        "The function {name} does not take {types}.",
        "DESCRIBE FUNCTION {name} shows what it takes; CAST makes a value fit.",
    ),
    _known(r"Duplicate column names: `?(?P<name>[^`\n]+)", "The column {name} is there twice."),
    _known(
        r"(?i)Tables require a PRIMARY KEY", "A table needs a PRIMARY KEY.", "Write: id STRING PRIMARY KEY."
    ),
    _known(
        r"Column `(?P<name>[^`]+)` is a '(?P<has>[A-Z ]+)' column: please use '(?P<use>[A-Z ]+)' "
        r"for (?P<what>\w+)",
        "The key of {what} is written {use}, not {has}.",
    ),
    # pull and push queries
    _known(
        r"The `?(?P<name>[^`\s]+)`? table isn't queryable",
        "The table {name} can't be read by a pull query.",
        _EMIT + "\nOr derive a table that can, CREATE TABLE … AS SELECT. A table whose own query was "
        "terminated can't be read either.",
    ),
    _known(
        r"Pull queries don't support (?P<what>[A-Z ,-]+?) clauses",
        "A pull query can't have {what}.",
        _EMIT + "\nOr have a table made that holds the answer, CREATE TABLE … AS SELECT, and pull from that.",
    ),
    _known(
        r"Pull queries don't support the following columns in SELECT clauses: (?P<name>[^\n.]+)",
        "A pull query can't select {name}.",
        _EMIT,
    ),
    _known(r"Pull queries don't support negative integers in the LIMIT", "LIMIT can't be negative."),
    _known(r"Value must be integer for command: LIMIT", "LIMIT takes a whole number."),
    _known(
        r"LIMIT clause in pull queries is currently disabled",
        "This server allows no LIMIT in pull queries.",
        "SET 'ksql.query.pull.limit.clause.enabled' = 'true', or follow changes: {push}",
    ),
    _known(
        r"(?P<what>CREATE (?:TABLE|STREAM) AS SELECT|INSERT INTO) statements don't support LIMIT",
        "{what} can't have LIMIT: its query runs on for ever.",
        "Leave LIMIT out.",
    ),
    _known(
        r"WHERE clause missing key column|Query requires table scan to be enabled",
        "This server wants the table's key in WHERE.",
        _SCAN,
    ),
    _known(
        r"(?P<value>'[^'\n]*'|\S+) can not be converted to the type of the key column: "
        r"(?P<name>[^\s.]+) (?P<type>\w+)",
        "{value} does not fit the key {name}, which is {type}.",
        "Compare the key with a value of its own type.",
    ),
    _known(
        r"A comparison must (?:directly reference a key column|be between a key column)"
        r"|A comparison condition on the key column cannot be combined",
        "Here a pull query can only compare the key itself with a fixed value.",
        _SCAN,
    ),
    _known(r"Primary key columns can not be NULL", "A key is never NULL.", "Leave that condition out."),
    _known(
        r"Materialized data for key .* is not available yet|Unable to execute pull query"
        r"|Exhausted standby hosts|Cannot determine which host contains the required partitions",
        "The table can't be read yet: its data is being restored, or its query is not running.",
        _AGAIN + " If that goes on, LIST QUERIES tells whether the query that writes it runs.",
    ),
    _known(
        r"EMIT FINAL is only supported for windowed aggregations",
        "EMIT FINAL needs a windowed aggregation.",
        "Add WINDOW … and GROUP BY, or write EMIT CHANGES.",
    ),
    _known(
        r"(?:push queries to exceed the configured limit|Maximum number of push queries exceeded)",
        *BY_CODE[PUSH_LIMIT],
    ),
    _known(
        r"Host (?:is at rate limit|has exceeded)",
        "The server limits pull queries, and they were too many.",
        _AGAIN,
    ),
    # aggregates, keys, joins
    _known(
        r"Non-aggregate SELECT expression\(s\) not part of GROUP BY: (?P<name>[^\n]+)",
        "{name}: neither aggregated nor in GROUP BY.",
        "Add it to GROUP BY, aggregate it, LATEST_BY_OFFSET({name}), or leave it out.",
    ),
    _known(
        r"Use of aggregate functions? (?P<name>\w+) requires a GROUP BY",
        "{name} aggregates, and there is no GROUP BY.",
        "Add GROUP BY.",
    ),
    _known(
        r"GROUP BY requires aggregate functions",
        "GROUP BY needs an aggregate in SELECT or HAVING.",
        "Add one, such as COUNT(*), or leave GROUP BY out.",
    ),
    _known(
        r"must include the (?:key|join) (?:columns?|expressions?) (?P<name>[^\n(]+?) in its projection",
        "The SELECT lacks its key: {name}.",
        "Add {name} to the SELECT. A value column of the same content is AS_VALUE(…).",
    ),
    _known(
        r"The projection contains no value columns",
        "The SELECT has nothing but its key.",
        "Add a column; AS_VALUE(key) AS name repeats the key as one.",
    ),
    _known(
        r"Your SELECT query produces a (?P<what>TABLE|STREAM)",
        "This query gives a {what}.",
        "Write CREATE {what} … AS SELECT. GROUP BY gives a table, and so does reading one.",
    ),
    _known(
        r"Key types differ: (?P<left>[^\n]+?) vs (?P<right>[^\n]+)",
        "The two sides of the join have keys of different types: {left} and {right}.",
        _CAST,
    ),
    _known(
        r"Invalid join condition: types don't match\. Got (?P<what>[^\n]+?)\.?(?:\n|$)",
        "The two sides of the join have different types: {what}.",
        _CAST,
    ),
    _known(
        r"joins? require to join on the (?:table's )?primary key[^.]*\. Got (?P<what>[^\n]+?)\.?(?:\n|$)",
        "A table is joined on its primary key: {what} is not.",
        "DESCRIBE shows the key. A table with another is made by CREATE TABLE … AS SELECT … GROUP BY.",
    ),
    _known(
        r"table-stream joins are not supported",
        "A stream is joined with a table, not a table with a stream.",
        "Write the stream first: FROM stream JOIN table.",
    ),
    _known(
        r"Stream-Stream joins must have a WITHIN clause",
        "A join of two streams needs WITHIN.",
        "Write: JOIN … WITHIN 1 HOURS ON ….",
    ),
    _known(
        r"(?i)Can't join `?(?P<left>[^`\s]+)`? with `?(?P<right>[^`\s]+)`? since the number of "
        r"partitions don't match\. \S+ partitions = (?P<m>\d+); \S+ partitions = (?P<n>\d+)",
        "{left} and {right} can't be joined: their topics have {m} and {n} partitions.",
        "Make one of them anew with as many: CREATE STREAM … WITH (PARTITIONS = {m}) AS SELECT * FROM "
        "{right} PARTITION BY its key.",
    ),
    # types
    _known(
        r"Unsupported arithmetic types\. (?P<left>\S+) (?P<right>\S+)",
        "{left} and {right} don't go into one calculation.",
        _CAST,
    ),
    _known(r"Arithmetic on types (?P<types>.+?) are not supported", "There is no arithmetic on {types}."),
    _known(
        r"Cannot compare (?P<left>.+?\)) to (?P<right>.+?\)) with (?P<how>\w+)",
        "{left} can't be compared with {right}.",
        "Compare values of one type: CAST one side, mind the quotes of strings.",
    ),
    _known(
        r"operator does not exist: (?P<what>.+?)(?: \(.*\))?(?:\n|$)", "The types do not fit: {what}.", _CAST
    ),
    # INSERT
    _known(
        r"Expected type (?P<type>.+?) for field `?(?P<name>[^`\n]+)`? but got (?P<got>[^\n]+)",
        "The column {name} is {type}, the value is not: {got}.",
    ),
    _known(
        r"Expected a value for each column\. Expected Columns: (?P<columns>\[.*?\])",
        "There are not as many values as columns.",
        "Give a value to each of {columns}, or name the columns meant: INSERT INTO … (A, B) VALUES (…).",
    ),
    _known(
        r"Inserting into column `(?P<name>[^`]+)` is not allowed",
        "{name} is set by Kafka: no value can be inserted.",
        "Leave it out.",
    ),
    _known(
        r"Value for primary key column\(s\) (?P<name>[^\n]+?) is required",
        "A table's row needs its primary key: {name}.",
        "Give it a value.",
    ),
    _known(
        r"INSERT INTO can only be used to insert into a stream\. (?P<name>\S+) is a table",
        "{name} is a table: queries insert into streams only.",
        "Write single rows with INSERT INTO {name} … VALUES (…).",
    ),
    _known(
        r"Result schema is (?P<result>[^\n]+)\nSink schema is (?P<sink>[^\n]+)",
        "The query's columns are not those that it is to be written to.",
        "It gives {result}.\nWanted are {sink}.",
    ),
    _known(
        r"The message is (?P<size>\d+) bytes when serialized which is larger than (?P<most>\d+)",
        "The row is too big for Kafka: {size} bytes, of {most} at most.",
    ),
    _known(
        r"Topic (?P<name>\S+) not present in metadata after (?P<ms>\d+) ms",
        "Kafka did not answer: the row was not written to {name}.",
        "Is the broker running? The server's /healthcheck tells.",
    ),
    # sources
    _known(
        r"Cannot (?:add|create) (?P<what>stream|table) [`'](?P<name>[^`']+)[`']: A (?P<is>\w+) with the same "
        r"name already exists",
        "There is a {is} {name} already.",
        "CREATE OR REPLACE (or --replace) changes it, CREATE … IF NOT EXISTS leaves it, DROP removes it.",
    ),
    _known(
        r"Cannot drop (?P<name>\S+?)\.\s+The following queries",
        "{name} can't be dropped: it is used by {holders}.",
        "End what uses it first: TERMINATE {holders}.",
    ),
    _known(
        r"Cannot drop (?P<name>\S+?)\.\s+The following streams and/or tables",
        "{name} can't be dropped: {holders} is made from it.",
        "Drop {holders} first.",
    ),
    _known(r"type is stream, but statement was DROP", "It is a stream, not a table.", "Write DROP STREAM."),
    _known(r"type is table, but statement was DROP", "It is a table, not a stream.", "Write DROP TABLE."),
    _known(
        r"Refusing to delete topic\. Found other data sources \((?P<others>[^)]+)\) using topic "
        r"(?P<name>\S+)",
        "The topic {name} can't be deleted: {others} is over it too.",
        "Drop {others} first, or leave DELETE TOPIC out.",
    ),
    _known(
        r"DataSource '`?(?P<name>[^`']+)`?' has schema = .*columns are changed, missing or "
        r"reordered: (?P<what>\[.*?\])",
        "{name} can't be replaced in place: changed, missing or reordered are {what}.",
        "New columns at the end are all that fits. DROP it, and create it anew.",
    ),
    _known(
        r"[Qq]uery is not upgradeable\. Plan step of type (?P<step>\w+) must have matching (?P<what>\w+)",
        "The query can't be replaced in place: its step {step} has another {what}.",
        "DROP it, and create it anew.",
    ),
    _known(
        r"Upgrades not yet supported for (?P<step>\w+)",
        "The query can't be replaced in place: ksqlDB can't do that with a {step}.",
        "DROP it, and create it anew.",
    ),
    _known(
        r"Cannot add column `(?P<name>[^`]+)` to schema\. A column with the same name already exists",
        "There is a column {name} already.",
    ),
    _known(
        r"Cannot register custom type '(?P<name>[^']+)' since it is already registered with type: "
        r"(?P<type>[^\n]+)",
        "There is a type {name} already: {type}.",
        "DROP TYPE {name} removes it.",
    ),
    _known(
        r"Type '?(?P<name>[^'\s]+?)'? does not exist", "There is no type {name}.", "LIST TYPES shows them."
    ),
    # topics and formats
    _known(
        r"Topic '(?P<name>[^']+)' does not exist\. If you want to create a new topic",
        "There is no topic {name}.",
        "To have it made say how many partitions it gets: WITH (KAFKA_TOPIC = '{name}', PARTITIONS = 1, …).",
    ),
    _known(
        r"Topic does not exist: (?P<name>\S+)|Could not find topic '(?P<other>[^']+)'",
        "There is no topic {name}{other}.",
        "LIST TOPICS shows them; their names tell cases apart.",
    ),
    _known(
        r"A Kafka topic with the name '(?P<name>[^']+)' already exists, with different partition/replica "
        r"configuration than required\. (?P<rest>[^\n]+)",
        "The topic {name} is there, with another number of partitions or replicas.",
        "Leave PARTITIONS and REPLICAS out. {rest}",
    ),
    _known(
        r"MissingSourceTopic|source topics were missing during rebalance",
        "A topic that the query reads was deleted.",
        "Make the topic again, CREATE … WITH (PARTITIONS = …), and run the cell again.",
    ),
    _known(
        r"Unknown format: (?P<name>\S+)",
        "There is no format {name}.",
        "There are JSON, AVRO, PROTOBUF, JSON_SR, DELIMITED, KAFKA and NONE.",
    ),
    _known(
        r"Statement is missing the '(?P<name>\w+)' property",
        "{name} is missing.",
        "Add it to WITH: {name} = 'JSON'.",
    ),
    _known(
        r"format (?P<name>\w+) without configuring 'ksql.schema.registry.url'",
        "{name} needs a Schema Registry, and the server has none.",
        BY_CODE[NO_REGISTRY][1],
    ),
    _known(
        r"not configured to use a schema registry",
        *BY_CODE[NO_REGISTRY],
    ),
    _known(
        r"Schema for message (?P<what>\w+) on topic '(?P<name>[^']+)' does not exist in the Schema Registry",
        "The Schema Registry has no schema for the {what} of {name}.",
        "Name the columns in the statement, or write a record with a schema first.",
    ),
    _known(r"^Topic (?P<name>\S+) does not exist$", "The assertion failed: there is no topic {name}."),
    _known(r"^Topic (?P<name>\S+) exists$", "The assertion failed: there is a topic {name}."),
    _known(
        r"^Schema with (?P<what>.+?) (?P<does>does not exist|exists)", "The assertion failed: {what} {does}."
    ),
    # properties
    _known(
        r"(?:Unknown property: |Not recognizable as ksql, streams, consumer, or producer property: '?)"
        r"(?P<name>[^'\s]+)",
        "There is no property {name}.",
        _PROPERTY,
    ),
    _known(
        r"Invalid value (?P<value>\S*) for configuration (?P<name>\S+?)(?:: (?P<rest>[^\n]+))?(?:\n|$)",
        "{value} is no value for {name}.",
        "{rest}",
    ),
    _known(
        r"overrides set locally are prohibited by the KSQL server .*: \[(?P<name>[^\]]+)\]",
        "This server lets nobody set {name}.",
        "UNSET '{name}' takes it back; what is to be set so is set in the server's own configuration.",
    ),
    _known(
        r"Invalid config variable\(s\) in the WITH clause: (?P<name>[^\n]+)",
        "WITH knows no {name}.",
    ),
    _known(
        r"Cannot alter system configs when KSQL_SHARED_RUNTIME_ENABLED is turned off",
        "This server allows no ALTER SYSTEM.",
        "SET changes a property for this notebook.",
    ),
    # queries
    _known(
        r"(?:Unknown queryId: |terminate query with query ID: '|Query with id:|No query with id )"
        r"(?P<name>[^'\s]+)",
        "There is no query {name}.",
        _QUERIES,
    ),
    # the server
    _known(FENCED.pattern, "Another client's command came between: this one was not carried out.", _DOUBT),
    _known(
        SAME_COMMAND.pattern,
        "A command of the same name was being carried out: this one was not.",
        _DOUBT + " If that goes on, the server is stuck with that name until it is started again.",
    ),
    _known(
        IN_DOUBT.pattern,
        "Kafka did not confirm the statement in time: whether it was carried out is unknown.",
        "Look with LIST STREAMS, LIST TABLES or LIST QUERIES before you run it again.",
    ),
    _known(
        r"Timeout while initializing transaction",
        "Kafka did not answer: the statement was not written, and not carried out.",
        "Is the broker running? A single one needs transaction.state.log.replication.factor = 1.",
    ),
    _known(
        BEHIND.pattern,
        "The server is still busy with earlier commands: this one was not carried out.",
        _AGAIN,
    ),
    _known(
        r"HttpHostConnectException|Could not connect to the server",
        "ksqlDB can't reach Kafka Connect, which connectors need.",
        "Is it running? Its address is the server's ksql.connect.url.",
    ),
    _known(
        r"could not be deserialized\. This is a bug",
        "ksqlDB can't store this statement: a bug of the server.",
        "Back-ticks inside of a name bring it about.",
    ),
    _known(
        r"internal error when processing the query\. Please consult the server logs",
        "The server met an internal error.",
        "A bad value of a property brings it about, see SET; its log tells.",
    ),
    _known(
        r"should be issued to the websocket endpoint",
        "SELECT and PRINT are not statements of this endpoint.",
    ),
    _known(
        r"Neither a query nor a print statement|^Not a query|not supported for this resource",
        "This endpoint takes SELECT and PRINT only.",
    ),
)
"""Known failures, in the order in which they are looked for."""
