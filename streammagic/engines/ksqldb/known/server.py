"""The server: its properties, its limits, its queries, and what it does not get done."""

import re

from streammagic.engines.ksqldb.known.entry import known
from streammagic.engines.ksqldb.known.topics import NO_REGISTRY_HINT

PUSH_LIMIT, HTTP2_ONLY, NO_REGISTRY, RATE_LIMIT = 40003, 40004, 42801, 42900

FENCED = re.compile(
    r"fenced by another producer|ProducerFenced|InvalidProducerEpoch|newer producer with the same"
)
SAME_COMMAND = re.compile(r"Another command with the same id")
BEHIND = re.compile(r"while waiting for command topic consumer")
IN_DOUBT = re.compile(r"into the command topic[\s\S]*(?:EndTxn|committing transaction)")

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
    NO_REGISTRY: ("The server has no Schema Registry.", NO_REGISTRY_HINT),
}

_AGAIN = "Run it again in a moment."
_DOUBT = "Other clients were faster; nothing was written. Run it again."
_SETTINGS = "reference/server-configuration"

_PROPERTIES = (
    known(
        r"(?:Unknown property: |Not recognizable as ksql, streams, consumer, or producer property: '?)"
        r"(?P<name>[^'\s]+)",
        "There is no property {name}.",
        "{near} LIST PROPERTIES shows the names that this server knows.",
        about="setting",
        page=_SETTINGS,
    ),
    known(
        r"Invalid value (?P<value>\S*) for configuration (?P<name>\S+?)(?:: (?P<rest>[^\n]+))?(?:\n|$)",
        "{value} is no value for {name}.",
        "{rest}",
        page=_SETTINGS,
    ),
    known(
        r"overrides set locally are prohibited by the KSQL server .*: \[(?P<name>[^\]]+)\]",
        "This server lets nobody set {name}.",
        "UNSET '{name}' takes it back; what is to be set so is set in the server's own configuration.",
        page=_SETTINGS,
    ),
    known(
        r"Cannot alter system configs when KSQL_SHARED_RUNTIME_ENABLED is turned off",
        "This server allows no ALTER SYSTEM.",
        "SET changes a property for this notebook.",
        at="ALTER SYSTEM",
        page="alter-system",
    ),
)

_LIMITS = (
    known(
        r"(?:push queries to exceed the configured limit|Maximum number of push queries exceeded)",
        *BY_CODE[PUSH_LIMIT],
        page=_SETTINGS,
    ),
    known(
        r"Host (?:is at rate limit|has exceeded)",
        "The server limits pull queries, and they were too many.",
        _AGAIN,
        page=_SETTINGS,
    ),
    known(
        r"(?:Unknown queryId: |terminate query with query ID: '|Query with id:|No query with id )"
        r"(?P<name>[^'\s]+)",
        "There is no query {name}.",
        "LIST QUERIES shows what runs.",
        about="query",
        page="show-queries",
    ),
)

_COMMANDS = (
    known(FENCED.pattern, "Another client's command came between: this one was not carried out.", _DOUBT),
    known(
        SAME_COMMAND.pattern,
        "A command of the same name was being carried out: this one was not.",
        _DOUBT + " If that goes on, the server is stuck with that name until it is started again.",
    ),
    known(
        IN_DOUBT.pattern,
        "Kafka did not confirm the statement in time: whether it was carried out is unknown.",
        "Look with LIST STREAMS, LIST TABLES or LIST QUERIES before you run it again.",
    ),
    known(
        r"Timeout while initializing transaction",
        "Kafka did not answer: the statement was not written, and not carried out.",
        "Is the broker running? A single one needs transaction.state.log.replication.factor = 1.",
    ),
    known(
        BEHIND.pattern,
        "The server is still busy with earlier commands: this one was not carried out.",
        _AGAIN,
    ),
    known(
        r"HttpHostConnectException|Could not connect to the server",
        "ksqlDB can't reach Kafka Connect, which connectors need.",
        "Is it running? Its address is the server's ksql.connect.url.",
        page="how-to-guides/use-connector-management",
    ),
)

_REQUESTS = (
    known(
        r"could not be deserialized\. This is a bug",
        "ksqlDB can't store this statement: a bug of the server.",
        "Back-ticks inside of a name bring it about.",
        page="how-to-guides/control-the-case-of-identifiers",
    ),
    known(
        r"internal error when processing the query\. Please consult the server logs",
        "The server met an internal error.",
        "A bad value of a property brings it about, see SET; its log tells.",
        page="operate-and-deploy/logging",
    ),
    known(
        r"On wrong context or worker",
        "The query was ended, and the server failed to say so.",
        "Its next versions do: nothing is left to be done.",
    ),
    known(
        r"should be issued to the websocket endpoint",
        "SELECT and PRINT are not statements of this endpoint.",
    ),
    known(
        r"Neither a query nor a print statement|^Not a query|not supported for this resource",
        "This endpoint takes SELECT and PRINT only.",
    ),
    known(
        r"^Invalid JSON in request|^Failed to deserialize buffer|Cannot invoke \"Buffer",
        "The server could not read the request.",
        "A proxy before it may have changed the request; a property without a value brings it about, too.",
    ),
)

SERVER = (*_PROPERTIES, *_LIMITS, *_COMMANDS, *_REQUESTS)
