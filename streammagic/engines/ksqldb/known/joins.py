"""Joins: what can be joined with what, and on what."""

from streammagic.engines.ksqldb.known.entry import known
from streammagic.engines.ksqldb.known.queries import CAST

_JOIN, _PARTITIONS = "developer-guide/joins/join-streams-and-tables", "developer-guide/joins/partition-data"
_WINDOWS = "concepts/time-and-windows-in-ksqldb-queries"
_STEPS = "Join two of them into a stream or table of its own first, then that with the third."

JOINS = (
    known(
        r"Key types differ: (?P<left>[^\n]+?) vs (?P<right>[^\n]+)",
        "The two sides of the join have keys of different types: {left} and {right}.",
        CAST,
        at="JOIN",
        page=_PARTITIONS,
    ),
    known(
        r"Invalid join condition: types don't match\. Got (?P<what>[^\n]+?)\.?(?:\n|$)",
        "The two sides of the join have different types: {what}.",
        CAST,
        at="JOIN",
        page=_PARTITIONS,
    ),
    known(
        r"foreign-key table-table joins are not supported as part of n-way joins",
        "A join of more than two tables can't go by a column that is no key.",
        _STEPS,
        at="JOIN",
        page=_JOIN,
    ),
    known(
        r"Foreign-key table-table joins are not supported on windowed tables",
        "A windowed table is joined on its key only.",
        at="JOIN",
        page=_JOIN,
    ),
    known(
        r"joins? require to join on the (?:table's )?primary key[^.]*\. Got (?P<what>[^\n]+?)\.?(?:\n|$)",
        "A table is joined on its primary key: {what} is not.",
        "DESCRIBE shows the key. A table with another is made by CREATE TABLE … AS SELECT … GROUP BY.",
        at="JOIN",
        page=_JOIN,
    ),
    known(
        r"joins on multiple conditions are not yet supported",
        "A join goes by one condition.",
        "Make one key of both columns, such as A || '-' || B, in a stream of its own.",
        at="ON",
        page=_JOIN,
    ),
    known(
        r"Invalid comparison expression '(?P<what>[^\n]+?)' in join",
        "{what} is of no source: both sides of ON are columns, one of each source.",
        "What compares with a fixed value belongs into WHERE.",
        at="ON",
        page=_JOIN,
    ),
    known(
        r"Each side of the join must reference exactly one source and not the same|"
        r"A join criteria is expected to reference the source",
        "ON has to compare a column of what is joined with one of what stands before it.",
        at="ON",
        page=_JOIN,
    ),
    known(
        r"Can not join '(?P<name>[^']+)' to '[^']+': self joins are not yet supported",
        "{name} can't be joined with itself.",
        "Make a second one: CREATE STREAM … AS SELECT * FROM {name}.",
        page=_JOIN,
    ),
    known(
        r"N-way joins do not support multiple occurrences of the same source\. Source: '(?P<name>[^']+)'",
        "{name} is there twice in one join.",
        _STEPS,
        page=_JOIN,
    ),
    known(
        r"table-stream joins are not supported",
        "A stream is joined with a table, not a table with a stream.",
        "Write the stream first: FROM stream JOIN table.",
        at="JOIN",
        page=_JOIN,
    ),
    known(
        r"full-outer join not supported for stream-table join",
        "A stream and a table have no FULL OUTER JOIN.",
        "INNER and LEFT JOIN are what there is.",
        at="FULL",
        page=_JOIN,
    ),
    known(
        r"Stream-Stream joins must have a WITHIN clause",
        "A join of two streams needs WITHIN.",
        "Write: JOIN … WITHIN 1 HOURS ON ….",
        at="JOIN",
        page=_JOIN,
    ),
    known(
        r"Can not join windowed source to non-windowed source",
        "A windowed source can't be joined with one that is not.",
        at="JOIN",
        page=_WINDOWS,
    ),
    known(
        r"Incompatible windowed sources\.?\s+Left source: (?P<left>\w+)\s+Right source: (?P<right>\w+)",
        "{left} windows can't be joined with {right} windows.",
        "Session windows go with session windows, all others with each other.",
        at="JOIN",
        page=_WINDOWS,
    ),
    known(
        r"Implicit repartitioning of windowed sources is not supported",
        "A windowed source can't be joined on anything but its key.",
        at="JOIN",
        page=_WINDOWS,
    ),
    known(
        r"Source\(s\) (?P<names>[^\n]+?) are using the '(?P<format>\w+)' value format\. "
        r"This format does not yet support JOIN",
        "{names}: a source whose values are in the format {format} can't be joined.",
        "Make one in another format: CREATE STREAM … WITH (VALUE_FORMAT = 'JSON') AS SELECT * FROM ….",
        at="JOIN",
        page="reference/serialization",
    ),
    known(
        r"(?i)Can't join `?(?P<left>[^`\s]+)`? with `?(?P<right>[^`\s]+)`? since the number of "
        r"partitions don't match\. \S+ partitions = (?P<m>\d+); \S+ partitions = (?P<n>\d+)",
        "{left} and {right} can't be joined: their topics have {m} and {n} partitions.",
        "Make one of them anew with as many: CREATE STREAM … WITH (PARTITIONS = {m}) AS SELECT * FROM "
        "{right} PARTITION BY its key.",
        at="JOIN",
        page=_PARTITIONS,
    ),
)
