"""Streams and tables: created, replaced, changed, dropped."""

from streammagic.engines.ksqldb.known.entry import known

_UPDATE = "how-to-guides/update-a-running-persistent-query"
_ANEW = "DROP it, and create it anew."

SOURCES = (
    known(
        r"Cannot (?:add|create) (?P<what>stream|table) [`'](?P<name>[^`']+)[`']: A (?P<is>\w+) with the same "
        r"name already exists",
        "There is a {is} {name} already.",
        "CREATE OR REPLACE (or --replace) changes it, CREATE … IF NOT EXISTS leaves it, DROP removes it.",
        page=_UPDATE,
    ),
    known(
        r"Cannot (?:add|alter) table '(?P<name>[^']+)': (?:CREATE OR REPLACE is|ALTER operations are) "
        r"not supported on source tables",
        "{name} was made by CREATE SOURCE TABLE: it can't be changed.",
        _ANEW,
        page="create-table",
    ),
    known(
        r"Cannot drop (?P<name>\S+?)\.\s+The following queries",
        "{name} can't be dropped: it is used by {holders}.",
        "End what uses it first: TERMINATE {holders}.",
        page="terminate",
    ),
    known(
        r"Cannot drop (?P<name>\S+?)\.\s+The following streams and/or tables",
        "{name} can't be dropped: {holders} is made from it.",
        "Drop {holders} first.",
        page="drop-stream",
    ),
    known(
        r"type is stream, but statement was DROP",
        "{target} is a stream, not a table.",
        "Write DROP STREAM.",
        at="TABLE",
        page="drop-stream",
    ),
    known(
        r"type is table, but statement was DROP",
        "{target} is a table, not a stream.",
        "Write DROP TABLE.",
        at="STREAM",
        page="drop-table",
    ),
    known(
        r"Refusing to delete topic\. Found other data sources \((?P<others>[^)]+)\) using topic "
        r"(?P<topic>\S+)",
        "The topic {topic} can't be deleted: {others} is over it too.",
        "Drop {others} first, or leave DELETE TOPIC out.",
        at="DELETE TOPIC",
        page="drop-stream",
    ),
    known(
        r"DataSource '`?(?P<name>[^`']+)`?' has schema = .*columns are changed, missing or "
        r"reordered: (?P<what>\[.*?\])",
        "{name} can't be replaced in place: changed, missing or reordered are {what}.",
        "New columns at the end are all that fits. " + _ANEW,
        page=_UPDATE,
    ),
    known(
        r"value columns are changed, missing or reordered: (?P<what>\[.*?\])\. "
        r"Schema from schema registry is (?P<has>\[.*?\])",
        "The columns are not those of the schema: changed, missing or reordered are {what}.",
        "The schema has {has}.",
        page="operate-and-deploy/schema-inference-with-id",
    ),
    known(
        r"[Qq]uery is not upgradeable\. Plan step of type (?P<step>\w+) must have matching (?P<what>\w+)",
        "The query can't be replaced in place: its step {step} has another {what}.",
        _ANEW,
        page=_UPDATE,
    ),
    known(
        r"Upgrades not yet supported for (?P<step>\w+)",
        "The query can't be replaced in place: ksqlDB can't do that with a {step}.",
        _ANEW,
        page=_UPDATE,
    ),
    known(
        r"Cannot add column `(?P<name>[^`]+)` to schema\. A column with the same name already exists",
        "There is a column {name} already.",
        "Give the new one another name.",
        page="describe",
    ),
    known(
        r"No columns supplied",
        "There are no columns.",
        "Name them, (id STRING KEY, …), or use a format whose schema is in a Schema Registry, such as AVRO.",
        at="WITH",
        page="create-stream",
    ),
    known(
        r"Windowed sources require a key column",
        "A windowed source needs a key.",
        "Name it: id STRING KEY.",
        page="create-stream",
    ),
    known(
        r"Invalid type for (?P<what>HEADERS?(?:\('[^']*'\))?) column: "
        r"expected (?P<type>[^\n]+?), got (?P<got>[^\n]+)",
        "A column of {what} is {type}, not {got}.",
        at="HEADERS",
        page="create-stream",
    ),
)
