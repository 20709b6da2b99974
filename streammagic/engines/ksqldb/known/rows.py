"""INSERT: rows and queries that do not fit what they are to be written to."""

from streammagic.engines.ksqldb.known.entry import known

_VALUES, _INTO = "insert-values", "insert-into"

ROWS = (
    known(
        r"Expected type (?P<type>.+?) for field `?(?P<name>[^`\n]+)`? but got (?P<got>[^\n]+)",
        "The column {name} is {type}, the value is not: {got}.",
        "Write it as {type}; what stands in quotes is a STRING.",
        page=_VALUES,
    ),
    known(
        r"Expected a value for each column\. Expected Columns: (?P<columns>\[.*?\])",
        "There are not as many values as columns.",
        "Give a value to each of {columns}, or name the columns meant: INSERT INTO … (A, B) VALUES (…).",
        at="VALUES",
        page=_VALUES,
    ),
    known(
        r"Inserting into column `(?P<name>[^`]+)` is not allowed",
        "{name} is set by Kafka: no value can be inserted.",
        "Leave it out.",
        page=_VALUES,
    ),
    known(
        r"Value for primary key column\(s\) (?P<key>[^\n]+?) is required",
        "A table's row needs its primary key: {key}.",
        "Give it a value.",
        at="VALUES",
        page=_VALUES,
    ),
    known(
        r"INSERT INTO can only be used to insert into a stream\. (?P<name>\S+) is a table",
        "{name} is a table: queries insert into streams only.",
        "Write single rows with INSERT INTO {name} … VALUES (…).",
        page=_INTO,
    ),
    known(
        r"Cannot insert into HEADER columns: (?P<names>[^\n]+)",
        "Headers can't be inserted: {names}.",
        "Name the other columns: INSERT INTO … (A, B) VALUES (…).",
        at="INSERT",
        page=_VALUES,
    ),
    known(
        r"Cannot insert into (?P<name>\S+) because it has header columns",
        "{name} has columns of headers: no query inserts into it.",
        page=_INTO,
    ),
    known(
        r"Cannot (?:insert values into|delete topic for) read-only (?:table|stream|source): (?P<name>\S+)",
        "{name} is read only: it was made by CREATE SOURCE.",
        "Whatever writes its topic is to be asked; CREATE without SOURCE makes one that can be written.",
        page="create-table",
    ),
    known(
        r"Result schema is (?P<result>[^\n]+)\nSink schema is (?P<sink>[^\n]+)",
        "The query's columns are not those that it is to be written to.",
        "It gives {result}.\nWanted are {sink}.",
        at="SELECT",
        page=_INTO,
    ),
    known(
        r"Incompatible schema between results and sink",
        "The query's columns are not those that it is to be written to.",
        "DESCRIBE shows them; they have to agree in name, type and order.",
        at="SELECT",
        page=_INTO,
    ),
    known(
        r"The message is (?P<size>\d+) bytes when serialized which is larger than (?P<most>\d+)",
        "The row is too big for Kafka: {size} bytes, of {most} at most.",
        "What the server sends at most is its max.request.size.",
        page="reference/server-configuration",
    ),
    known(
        r"Topic (?P<topic>\S+) not present in metadata after (?P<ms>\d+) ms",
        "Kafka did not answer: the row was not written to {topic}.",
        "Is the broker running? The server's /healthcheck tells.",
        page="operate-and-deploy/installation/check-ksqldb-server-health",
    ),
)
