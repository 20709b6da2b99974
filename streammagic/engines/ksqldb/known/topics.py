"""Topics, formats and schemas, and what WITH takes."""

from streammagic.engines.ksqldb.known.entry import known

_FORMATS, _CREATE, _BY_ID = (
    "reference/serialization",
    "create-stream",
    "operate-and-deploy/schema-inference-with-id",
)
_REGISTRY = "operate-and-deploy/installation/server-config/avro-schema"
_ASSERT = "The assertion failed: "
NO_REGISTRY_HINT = "Use VALUE_FORMAT = 'JSON', or set ksql.schema.registry.url there."

_TOPICS = (
    known(
        r"Topic '(?P<name>[^']+)' does not exist\. If you want to create a new topic",
        "There is no topic {name}.",
        "To have it made say how many partitions it gets: WITH (KAFKA_TOPIC = '{name}', PARTITIONS = 1, …).",
        about="topic",
        page=_CREATE,
    ),
    known(
        r"Topic does not exist: (?P<name>\S+)|Could not find topic '(?P<other>[^']+)'",
        "There is no topic {name}{other}.",
        "LIST TOPICS shows them; their names tell cases apart.",
        about="topic",
        page="show-topics",
    ),
    known(
        r"A Kafka topic with the name '(?P<name>[^']+)' already exists, with different partition/replica "
        r"configuration than required\. (?P<rest>[^\n]+)",
        "The topic {name} is there, with another number of partitions or replicas.",
        "Leave PARTITIONS and REPLICAS out. {rest}",
        page=_CREATE,
    ),
    known(
        r"MissingSourceTopic|source topics were missing during rebalance",
        "A topic that the query reads was deleted.",
        "Make the topic again, CREATE … WITH (PARTITIONS = …), and run the cell again.",
        page=_CREATE,
    ),
    known(r"^Topic (?P<name>\S+) does not exist$", _ASSERT + "there is no topic {name}."),
    known(r"^Topic (?P<name>\S+) exists$", _ASSERT + "there is a topic {name}."),
    known(r"^Schema with (?P<what>.+?) (?P<does>does not exist|exists)", _ASSERT + "{what} {does}."),
)

_SCHEMAS = (
    known(
        r"Unknown format: (?P<name>\S+)",
        "There is no format {name}.",
        "{near}",
        about="format",
        page=_FORMATS,
    ),
    known(
        r"(?:The '(?P<format>\w+)' )?format does not support type '(?P<name>\w+)'",
        "The format {format} has no {name}.",
        "JSON has all types; DELIMITED and KAFKA have simple ones only.",
        page=_FORMATS,
    ),
    known(
        r"The '(?P<format>\w+)' format only supports a single field\. Got: (?P<columns>\[.*\])",
        "The format {format} holds one column, and these are several: {columns}.",
        "Use VALUE_FORMAT = 'JSON'.",
        page=_FORMATS,
    ),
    known(
        r"(?P<format>\w+)(?: format)? only supports MAP types with STRING keys",
        "In {format} the keys of a MAP are STRING.",
        "Write: MAP<STRING, …>.",
        at="MAP",
        page=_FORMATS,
    ),
    known(
        r"Format '(?P<format>\w+)' does not support '(?P<name>\w+)' set to '(?P<value>\w+)'",
        "{format} does not know {name} = {value}.",
        "Leave it out.",
        page=_FORMATS,
    ),
    known(
        r"'(?P<name>WRAP_SINGLE_VALUE)' is only valid for single-field value schemas",
        "{name} is for values of a single column.",
        "Leave it out.",
        page=_FORMATS,
    ),
    known(
        r"Cannot supply both '(?P<name>\w+)' and '(?P<other>\w+)' properties",
        "{name} and {other} can't both be given.",
        "Leave one of them out; FORMAT stands for KEY_FORMAT and VALUE_FORMAT.",
        page=_CREATE,
    ),
    known(
        r"Statement is missing the '(?P<missing>\w+)' property",
        "{missing} is missing.",
        "Add it to WITH: {missing} = 'JSON'.",
        at="WITH",
        page=_CREATE,
    ),
    known(
        r"Missing required property \"(?P<missing>\w+)\" which has no default value",
        "{missing} is missing.",
        "Add it to WITH: {missing} = '…'.",
        at="WITH",
        page=_CREATE,
    ),
    known(
        r"'(?P<name>WINDOW_SIZE)' should not be set for SESSION windows",
        "Session windows have no size.",
        "Leave WINDOW_SIZE out.",
        page=_CREATE,
    ),
    known(
        r"Invalid config variable\(s\) in the WITH clause: (?P<name>[^\n,]+)",
        "WITH knows no {name}.",
        "{near}",
        about="with",
        page=_CREATE,
    ),
    known(
        r"(?P<format>\w+) should support schema inference when (?P<name>\w+) is provided\. "
        r"Current format is (?P<is>\w+)",
        "{name} needs a format with schemas, and {format} is {is}.",
        "Use AVRO, PROTOBUF or JSON_SR, or leave {name} out.",
        page=_BY_ID,
    ),
    known(
        r"Table elements and (?P<name>\w+) cannot both exist",
        "The columns come from {name}: none can be named besides.",
        "Leave the list of columns out, or {name}.",
        page=_BY_ID,
    ),
    known(
        r"format (?P<name>\w+) without configuring 'ksql.schema.registry.url'",
        "{name} needs a Schema Registry, and the server has none.",
        NO_REGISTRY_HINT,
        page=_REGISTRY,
    ),
    known(
        r"not configured to use a schema registry",
        "The server has no Schema Registry.",
        NO_REGISTRY_HINT,
        page=_REGISTRY,
    ),
    known(
        r"Schema for message (?P<what>\w+) on topic '(?P<name>[^']+)' does not exist in the Schema Registry",
        "The Schema Registry has no schema for the {what} of {name}.",
        "Name the columns in the statement, or write a record with a schema first.",
        page="operate-and-deploy/schema-registry-integration",
    ),
)

TOPICS = (*_TOPICS, *_SCHEMAS)
