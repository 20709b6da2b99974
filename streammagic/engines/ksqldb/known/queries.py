"""Queries: pull and push, aggregates and keys, types and expressions."""

from streammagic.engines.ksqldb.known.entry import known

_EMIT = "With EMIT CHANGES it becomes a push query, which follows changes: {push}"
_SCAN = (
    "Name the key: WHERE key = …; or SET 'ksql.query.pull.table.scan.enabled' = 'true' to have all rows "
    "looked through; or follow changes: {push}"
)
CAST = "CAST one side: CAST(… AS STRING), CAST(… AS BIGINT)."
_PULL, _PUSH, _COERCION = "select-pull-query", "select-push-query", "type-coercion"

_PULLS = (
    known(
        r"The `?(?P<name>[^`\s]+)`? table isn't queryable",
        "The table {name} can't be read by a pull query.",
        _EMIT + "\nOr derive a table that can, CREATE TABLE … AS SELECT. A table whose own query was "
        "terminated can't be read either.",
        page=_PULL,
    ),
    known(
        r"Pull queries don't support (?P<what>[A-Z ,-]+?) clauses",
        "A pull query can't have {what}.",
        _EMIT + "\nOr have a table made that holds the answer, CREATE TABLE … AS SELECT, and pull from that.",
        at="{what}",
        page=_PULL,
    ),
    known(
        r"Pull queries don't support the following columns in SELECT clauses: (?P<name>[^\n.]+)",
        "A pull query can't select {name}.",
        _EMIT,
        page=_PULL,
    ),
    known(
        r"Pull queries don't support negative integers in the LIMIT",
        "LIMIT can't be negative.",
        at="LIMIT",
        page=_PULL,
    ),
    known(r"Value must be integer for command: LIMIT", "LIMIT takes a whole number.", at="LIMIT", page=_PULL),
    known(
        r"LIMIT clause in pull queries is currently disabled",
        "This server allows no LIMIT in pull queries.",
        "Its ksql.query.pull.limit.clause.enabled would; or follow changes: {push}",
        at="LIMIT",
        page=_PULL,
    ),
    known(
        r"WHERE clause missing key column|Query requires table scan to be enabled",
        "This server wants the table's key in WHERE.",
        _SCAN,
        at="WHERE",
        page=_PULL,
    ),
    known(
        r"(?P<value>'[^'\n]*'|\S+) can not be converted to the type of the key column: "
        r"(?P<name>[^\s.]+) (?P<type>\w+)",
        "{value} does not fit the key {name}, which is {type}.",
        "Compare the key with a value of its own type.",
        page=_PULL,
    ),
    known(
        r"A comparison must (?:directly reference a key column|be between a key column)"
        r"|A comparison condition on the key column cannot be combined",
        "Here a pull query can only compare the key itself with a fixed value.",
        _SCAN,
        at="WHERE",
        page=_PULL,
    ),
    known(
        r"Primary key columns can not be NULL",
        "A key is never NULL.",
        "Leave that condition out.",
        page=_PULL,
    ),
    known(
        r"Materialized data for key .* is not available yet|Unable to execute pull query"
        r"|Exhausted standby hosts|Cannot determine which host contains the required partitions",
        "The table can't be read yet: its data is being restored, or its query is not running.",
        "Run it again in a moment. If that goes on, LIST QUERIES tells whether the query that writes it "
        "runs.",
        page="operate-and-deploy/high-availability-pull-queries",
    ),
    known(
        r"EMIT FINAL is only supported for windowed aggregations",
        "EMIT FINAL needs a windowed aggregation.",
        "Add WINDOW … and GROUP BY, or write EMIT CHANGES.",
        at="EMIT FINAL",
        page=_PUSH,
    ),
    known(
        r"(?P<what>CREATE (?:TABLE|STREAM) AS SELECT|INSERT INTO) statements don't support LIMIT",
        "{what} can't have LIMIT: its query runs on for ever.",
        "Leave LIMIT out.",
        at="LIMIT",
        page=_PUSH,
    ),
    known(
        r"Expected exactly one KSQL statement; found [2-9]",
        "Only one query is sent at a time, and these are several.",
        "Write each into a statement of its own.",
    ),
    known(
        r"Expected exactly one KSQL statement; found 0|\"ksql\" field must be populated",
        "There is no statement here.",
    ),
)

_AGGREGATES = (
    known(
        r"Non-aggregate SELECT expression\(s\) not part of GROUP BY: (?P<name>[^\n]+)",
        "{name}: neither aggregated nor in GROUP BY.",
        "Add it to GROUP BY, aggregate it, LATEST_BY_OFFSET({name}), or leave it out.",
        page="aggregate-functions",
    ),
    known(
        r"Use of aggregate functions? (?P<name>\w+) requires a GROUP BY",
        "{name} aggregates, and there is no GROUP BY.",
        "Add GROUP BY.",
        page="aggregate-functions",
    ),
    known(
        r"GROUP BY requires aggregate functions",
        "GROUP BY needs an aggregate in SELECT or HAVING.",
        "Add one, such as COUNT(*), or leave GROUP BY out.",
        at="GROUP BY",
        page="aggregate-functions",
    ),
    known(
        r"has an intermediate type that the value format can not handle",
        "A function of this query keeps a value between that the value format has no type for.",
        "Choose a format with more types: WITH (VALUE_FORMAT = 'JSON').",
        page="reference/serialization",
    ),
    known(
        r"must include the (?:key|join) (?:columns?|expressions?) (?P<key>[^\n(]+?) in its projection",
        "The SELECT lacks its key: {key}.",
        "Add {key} to the SELECT. A value column of the same content is AS_VALUE(…).",
        at="SELECT",
        page="developer-guide/joins/synthetic-keys",
    ),
    known(
        r"The projection contains no value columns",
        "The SELECT has nothing but its key.",
        "Add a column; AS_VALUE(key) AS name repeats the key as one.",
        at="SELECT",
        page="scalar-functions",
    ),
    known(
        r"projection contains a key column \(`(?P<key>[^`]+)`\) more than once, "
        r"aliased as: (?P<names>[^\n]+?)\.?(?:\n|$)",
        "The SELECT has its key more than once: {names}.",
        "Keep one; AS_VALUE(…) AS name makes a value column of another.",
        at="SELECT",
        page="scalar-functions",
    ),
    known(
        r"Your SELECT query produces a (?P<what>TABLE|STREAM)",
        "This query gives a {what}.",
        "Write CREATE {what} … AS SELECT. GROUP BY gives a table, and so does reading one.",
        at="CREATE",
        page="reference/sql/data-definition",
    ),
    known(
        r"Map keys, including types that contain maps, are not supported.*?"
        r"Key column name: `(?P<name>[^`]+)`\. Column type: (?P<type>[^\n]+?)\.(?:\s|$)",
        "A key can't be or hold a MAP: {name} is {type}.",
        "Take an element of it, …['key'], or its text, CAST(… AS STRING).",
        page="reference/sql/data-types",
    ),
)

_EXPRESSIONS = (
    known(
        r"(?:Error processing expression: \(*(?P<name>[\w`.]+)[^\n]*?)?Unsupported arithmetic types\. "
        r"(?P<left>\S+) (?P<right>\S+)",
        "{left} and {right} don't go into one calculation.",
        CAST,
        page=_COERCION,
    ),
    known(
        r"Arithmetic on types (?P<types>.+?) are not supported",
        "There is no arithmetic on {types}.",
        page="operators",
    ),
    known(
        r"Cannot compare (?P<left>(?P<name>[\w`.]+)?.*?\)) to (?P<right>.+?\)) with (?P<how>\w+)",
        "{left} can't be compared with {right}.",
        "Compare values of one type: CAST one side, mind the quotes of strings.",
        page=_COERCION,
    ),
    known(
        r"Comparison with NULL not supported",
        "Nothing can be compared with NULL.",
        "Write IS NULL or IS NOT NULL.",
        at="NULL",
        page="operators",
    ),
    known(
        r"Can't infer a type of null",
        "This NULL has no type.",
        "Give it one: CAST(NULL AS STRING).",
        at="NULL",
        page=_COERCION,
    ),
    known(
        r"All case branches have NULL type",
        "All branches of the CASE are NULL: it has no type.",
        "Give one of them a type: CAST(NULL AS STRING).",
        at="CASE",
        page="operators",
    ),
    known(
        r'invalid input syntax for type (?P<type>\w+): "(?P<name>[^"\n]*)"',
        '"{name}" is no {type}.',
        "The values of one list, map or comparison are of one type.",
        page=_COERCION,
    ),
    known(
        r"Cannot construct a(?P<what>n array| map) with all NULL (?P<part>\w+)",
        "All {part} here are NULL: they have no type.",
        "Give one of them a type: CAST(NULL AS STRING).",
        page=_COERCION,
    ),
    known(
        r"(?P<what>Map|Array) constructor cannot be empty",
        "An empty {what} has no type.",
        "Give it at least one element.",
        page="reference/sql/data-types",
    ),
    known(
        r"column type for Like condition must be VARCHAR\. The column type is (?P<type>\w+)",
        "LIKE takes strings only; this is {type}.",
        "CAST(… AS STRING) LIKE '…'.",
        at="LIKE",
        page="operators",
    ),
    known(
        r"Like condition must be between strings",
        "LIKE compares a column with a string.",
        at="LIKE",
        page="operators",
    ),
    known(
        r"operator does not exist: (?P<what>.+?)(?: \((?P<name>.*)\))?(?:\n|$)",
        "The types do not fit: {what}.",
        CAST,
        page=_COERCION,
    ),
)

QUERIES = (*_PULLS, *_AGGREGATES, *_EXPRESSIONS)
