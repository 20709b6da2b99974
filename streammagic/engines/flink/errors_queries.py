"""The known failures of queries: groups, windows, orders, changes, joins and patterns."""

from __future__ import annotations

from streammagic.engines.flink.errors_known import (
    CHANGES,
    GROUPS,
    HINTS,
    JOINS,
    LIMIT,
    MATCH,
    ORDER,
    OVER,
    TIME,
    UPSERT_KAFKA,
    VERSIONED,
    WINDOWS,
    known,
)

_TIME_COLUMN = (
    "A time column has a watermark in its CREATE TABLE: WATERMARK FOR ts AS ts - INTERVAL '5' "
    "SECOND; or it is "
    "one of processing time: p AS PROCTIME(). DESCRIBE shows *ROWTIME* or *PROCTIME* then. A regular join, "
    "an expression or a CAST makes a plain column of it."
)

QUERIES = (
    # aggregates and windows
    known(
        r"Expression '(?P<name>[^']+)' is not being grouped",
        "{name} is neither grouped nor aggregated.",
        "Add it to GROUP BY, or take MAX({name}), LAST_VALUE({name}) or the like.",
        GROUPS,
    ),
    known(
        r"Windowed aggregate expression is illegal in (?P<where>\w+) clause",
        "A window over rows can't stand in {where}.",
        "Give it a name in a sub-query, and filter outside: SELECT * FROM (SELECT …, ROW_NUMBER() "
        "OVER (…) AS r "
        "FROM t) WHERE r <= 3.",
        OVER,
    ),
    known(
        r"Aggregate expression is illegal in (?P<where>[A-Z ]+) clause",
        "An aggregate can't stand in {where}.",
        "What is counted or summed is filtered after GROUP BY, with HAVING.",
        GROUPS,
    ),
    known(
        r"Aggregate expressions cannot be nested",
        "An aggregate can't stand in another one.",
        "Put the inner one in a sub-query.",
        GROUPS,
    ),
    known(
        r"Ordinal out of range",
        "There is no such column to sort or group by.",
        "Columns count from 1.",
        ORDER,
    ),
    known(
        r"requires the timecol (?:is|to be).*?but is (?P<type>[A-Z_]+(?:\([\d, ]+\))?)",
        "The window's column is no time column, but {type}.",
        _TIME_COLUMN,
        WINDOWS,
        at="DESCRIPTOR",
    ),
    known(
        r"Window aggregate can only be defined over a time attribute column, but (?P<type>\S+) encountered",
        "The window's column is no time column, but {type}.",
        _TIME_COLUMN,
        TIME,
        at="GROUP",
    ),
    known(
        r"(?P<name>HOP|CUMULATE) table function based aggregate requires (?P<whole>\w+) must be an "
        r"integral multiple "
        r"of (?P<part>\w+)|(?P<hop>HOP) table function based aggregate requires",
        "The size of {name} must be a multiple of its step.",
        "Such as INTERVAL '5' MINUTE in INTERVAL '10' MINUTE.",
        WINDOWS,
    ),
    known(
        r"Group function '\$?(?P<name>\w+)' can only appear in GROUP BY"
        r"|Unsupported call: (?P<call>TUMBLE_\w+|HOP_\w+|SESSION_\w+)",
        "A window can't stand here.",
        "Take it from the window's table: SELECT window_start, COUNT(*) FROM TUMBLE(TABLE t, DESCRIPTOR(ts), "
        "INTERVAL '1' MINUTE) GROUP BY window_start, window_end.",
        WINDOWS,
    ),
    known(
        r"The window can only be ordered by a single time column"
        r"|The window can only be ordered in ASCENDING mode"
        r"|The window rank function requires order by clause",
        "OVER needs ORDER BY a time column, ascending.",
        "Write OVER (PARTITION BY k ORDER BY ts). " + _TIME_COLUMN,
        OVER,
        at="OVER",
    ),
    known(
        r"OVER RANGE FOLLOWING windows are not supported",
        "OVER can't look at rows to come.",
        "Let the window end with CURRENT ROW.",
        OVER,
        at="OVER",
    ),
    known(
        r"Sort on a non-time-attribute field is not supported",
        "A stream can be sorted by its time column only, ascending.",
        "Add LIMIT n for a running top-n, or ask for the final rows with --set execution.runtime-mode=batch.",
        ORDER,
        at="ORDER",
    ),
    known(
        r"'(?P<name>LIMIT) start, count' is not allowed",
        "LIMIT takes one number.",
        "Write LIMIT 10 OFFSET 3.",
        LIMIT,
    ),
    # changes
    known(
        r"Table sink '(?P<name>[^']+)' doesn't support consuming (?P<changes>[a-z ]+?) changes which "
        r"is produced by "
        r"node (?P<node>\w+)",
        "The table {name} takes new rows only, and this query sends {changes} changes (of its {node}).",
        "Write into an upsert-kafka table with the query's key as PRIMARY KEY; or make the query one "
        "that only "
        "adds rows: a window (TUMBLE …) instead of a plain GROUP BY, an interval join instead of a "
        "plain one.",
        CHANGES,
    ),
    known(
        r"TableException: (?:StreamPhysical)?(?P<name>[\w ]+) doesn't support consuming "
        r"(?P<changes>[a-z ]+?) changes which is produced "
        r"by node (?P<node>\w+)",
        "{name} takes a stream of new rows only, and gets {changes} changes (of {node}).",
        "Work on the rows before they are grouped or joined, or group them by a window.",
        CHANGES,
    ),
    known(
        r"The query has an upsert key that differs from the primary key of the sink table "
        r"'(?P<name>[^']+)'\. "
        r"Primary key: \[(?P<has>[^\]]*)\], upsert key: ?\[?(?P<key>[^\].]*)\]?\.",
        "The query's key is not the PRIMARY KEY of {name} ({has}).",
        "Select what the query is grouped by, and make that the PRIMARY KEY.",
        UPSERT_KAFKA,
    ),
    known(
        r"'upsert-kafka' tables require to define a PRIMARY KEY",
        "An upsert-kafka table needs a PRIMARY KEY.",
        "Write: PRIMARY KEY (id) NOT ENFORCED.",
        UPSERT_KAFKA,
    ),
    known(
        r"The Kafka table '(?P<name>[^']+)' with '(?P<format>[^']+)' format doesn't support defining "
        r"PRIMARY KEY",
        "A kafka table of the format {format} has no PRIMARY KEY.",
        "Take the connector upsert-kafka where messages replace each other by key, or leave PRIMARY KEY out.",
        UPSERT_KAFKA,
    ),
    known(
        r"'upsert-kafka' connector doesn't support '(?P<name>[^']+)' as (?P<part>\w+) format",
        "upsert-kafka does not take the format {name} for its {part}.",
        "Its formats are those of plain rows: json, csv, avro.",
        UPSERT_KAFKA,
    ),
    # joins and patterns
    known(
        r"join requires a condition",
        "A JOIN needs its condition.",
        "Write JOIN b ON a.id = b.id; CROSS JOIN is the one without.",
        JOINS,
    ),
    known(
        r"Event-Time Temporal Table Join requires both primary key and row time attribute",
        "The table that is looked up at a time is not versioned: it has no watermark.",
        "It needs WATERMARK FOR ts AS ts, and PRIMARY KEY (id) NOT ENFORCED.",
        VERSIONED,
        at="FOR",
    ),
    known(
        r"Temporal Table Join requires primary key in versioned table",
        "The table that is looked up at a time has no PRIMARY KEY.",
        "It needs PRIMARY KEY (id) NOT ENFORCED, and WATERMARK FOR ts AS ts.",
        VERSIONED,
        at="FOR",
    ),
    known(
        r"Temporal table's primary key \[(?P<key>[^\]]+)\] must be included in the equivalence condition",
        "The join does not compare the whole PRIMARY KEY ({key}).",
        "A temporal join finds a row by its key: ON a.x = b.{key}.",
        JOINS,
        at="FOR",
    ),
    known(
        r"only supports 'FOR SYSTEM_TIME AS OF' left table's time attribute",
        "FOR SYSTEM_TIME AS OF needs a time column of the table on the left.",
        _TIME_COLUMN,
        JOINS,
        at="FOR",
    ),
    known(
        r"Processing-time temporal join is not supported",
        "A table can't be looked up as of processing time unless its connector can look rows up.",
        "Use an event time (a column with a watermark), a plain join, or a connector with look-ups "
        "such as jdbc.",
        JOINS,
        at="FOR",
    ),
    known(
        r"Unsupported time travel expression: (?P<name>.+?) for the expression",
        "FOR SYSTEM_TIME AS OF needs a time column of the table on the left.",
        "Write FOR SYSTEM_TIME AS OF a.ts.",
        JOINS,
        at="FOR",
    ),
    known(
        r"You must specify either rowtime or proctime for order by",
        "MATCH_RECOGNIZE needs ORDER BY a time column, as its first.",
        _TIME_COLUMN,
        MATCH,
        at="MATCH_RECOGNIZE",
    ),
    known(
        r"Greedy quantifiers are not allowed as the last element",
        "A pattern can't end with a greedy quantifier.",
        "End it with a plain variable, PATTERN (A B* C), or a reluctant one, B*?.",
        MATCH,
        at="PATTERN",
    ),
    known(
        r"Patterns that can produce empty matches",
        "The pattern can match nothing at all.",
        "At least one of its variables must be there: PATTERN (A B*?).",
        MATCH,
        at="PATTERN",
    ),
    known(
        r"Hint: (?P<name>\w+) should be registered",
        "There is no hint {name}.",
        "Options of a table are given by FROM t /*+ OPTIONS('key' = 'value') */.",
        HINTS,
    ),
    known(
        r"options of following hints cannot match the name of input tables or views:\s*`(?P<name>[^`]+)` in "
        r"`(?P<hint>[^`]+)`",
        "The hint {hint} names {name}, which is no table of this query.",
        "A table that has an alias is known by that alone.",
        HINTS,
    ),
)
