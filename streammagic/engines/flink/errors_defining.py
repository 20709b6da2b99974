"""The known failures of INSERTs, of CREATE and DROP, and of functions and their jars."""

from __future__ import annotations

from streammagic.engines.flink.errors_known import (
    CONNECTORS,
    CREATE,
    DROP,
    FUNCTIONS,
    INSERT,
    JAR,
    MATCH,
    OVER,
    SYNTAX,
    TIME,
    known,
)

DEFINING = (
    # writing
    known(
        r"(?s)sink for? ?'(?P<name>[^']+)' do not match\.\s*Cause: Different number of columns.*?"
        r"Query schema: (?P<query>[^\n]+)\s*Sink schema:\s*(?P<sink>[^\n]+)",
        "The query has another number of columns than {name}.",
        "The query: {query}\nThe table: {sink}\nINSERT INTO {name} (a, b) SELECT … fills some of its "
        "columns.",
        INSERT,
    ),
    known(
        r"(?s)sink for? ?'(?P<name>[^']+)' do not match\.\s*Cause: Incompatible types for sink column "
        r"'(?P<column>[^']+)' at position (?P<position>\d+).*?Query schema: (?P<query>[^\n]+)\s*"
        r"Sink schema:\s*(?P<sink>[^\n]+)",
        "What goes into the column {column} of {name} has another type.",
        "The query: {query}\nThe table: {sink}\nColumns are taken in their order, not by name; CAST "
        "makes a type fit.",
        INSERT,
    ),
    known(
        r"Column '(?P<name>[^']+)' has no default value and does not allow NULLs",
        "The column {name} is NOT NULL, and the INSERT leaves it out.",
        "",
        INSERT,
    ),
    known(
        r"Static partition column '(?P<name>[^']+)' should be in the partition keys",
        "The table is not partitioned by {name}.",
        "",
        INSERT,
    ),
    known(
        r"INSERT OVERWRITE requires that .* table '(?P<name>[^']+)'",
        "{name} can't be overwritten.",
        "INSERT OVERWRITE is for partitions of files in batch mode; write INSERT INTO.",
        INSERT,
    ),
    known(
        r"(?P<name>TRUNCATE TABLE|DELETE|UPDATE) statement is not supported in streaming mode",
        "{name} is for batch mode, and for connectors that can do it.",
        "",
        INSERT,
    ),
    # definitions
    known(
        r"(?:Table \(or view\) |Temporary table '|Database )(?P<name>[^\s']+)'? already exists",
        "{name} exists already.",
        "DROP it first, or write IF NOT EXISTS; the magic's --replace puts a definition in its place.",
        CREATE,
    ),
    known(
        r"Flink doesn't support ENFORCED mode for (?P<name>PRIMARY) KEY",
        "A PRIMARY KEY is NOT ENFORCED in Flink, and says so.",
        "Write PRIMARY KEY (id) NOT ENFORCED: Flink relies on it and does not check it.",
        CREATE,
    ),
    known(
        r"Duplicate (?P<name>primary) key definition",
        "There are two PRIMARY KEYs.",
        "Write PRIMARY KEY (a, b).",
        CREATE,
    ),
    known(
        r"Multiple (?P<name>WATERMARK) declarations",
        "A table has one watermark.",
        "Decide for one column.",
        CREATE,
    ),
    known(
        r"Invalid data type of time field for (?P<name>watermark) definition.*time field type is "
        r"(?P<type>[^\n]+)",
        "A watermark needs a column of TIMESTAMP(3) or TIMESTAMP_LTZ(3), and this one is {type}.",
        "Compute one: ts AS TO_TIMESTAMP_LTZ(ms, 3), or ts AS TO_TIMESTAMP(text), or ts AS CAST(x AS "
        "TIMESTAMP(3)).",
        TIME,
    ),
    known(
        r"Invalid metadata key '(?P<name>[^']+)' in column '(?P<column>[^']+)'",
        "The connector has no metadata {name}.",
        "{near} It has {listed}.",
        CONNECTORS,
    ),
    known(
        r"Only 'INSERT/CREATE TABLE AS' statement is allowed in Statement Set",
        "A statement set takes INSERTs only.",
        "END closes and starts it. What asks, such as SELECT or SHOW, comes before or after.",
        INSERT,
    ),
    known(
        r"No Statement Set to submit", "END ends no statement set.", "BEGIN STATEMENT SET begins one.", INSERT
    ),
    known(
        r"Unsupported CREATE OR REPLACE statement for EXPLAIN",
        "EXPLAIN is for queries and INSERTs.",
        "",
        "sql/reference/utility/explain/",
    ),
    # functions and jars
    known(
        r"ClassNotFoundException: org\.apache\.flink\.client\.python\.PythonFunctionFactory",
        "Functions in Python are not supported.",
        "This Flink has no Python beside its tasks. Use SQL, or a jar "
        "with the function: ADD JAR '…', CREATE FUNCTION f AS 'com.example.F'.",
        "sql/functions/user-defined-functions/",
    ),
    known(
        r"Function '(?P<name>[^']+)' does not extend from",
        "The class {name} is no function of Flink.",
        "It must extend ScalarFunction, TableFunction, AggregateFunction or the like.",
        "dev/table/functions/udfs/",
    ),
    known(
        r"(?:jar or artifact )?resource \[(?P<name>[^\]]+)\] not found",
        "There is no file {name} where the gateway runs.",
        "%stream local add GROUP:ARTIFACT:VERSION fetches a jar and adds it to this session.",
        JAR,
    ),
    known(
        r"(?:Function|Temporary catalog function|A function named) '?(?P<name>[\w.`]+)'? (?:does not exist"
        r"|doesn't exist)",
        "There is no function {name} to drop.",
        "IF EXISTS makes it no error; a temporary one is dropped with DROP TEMPORARY FUNCTION.",
        DROP,
    ),
    known(r"SQL Gateway doesn't support REMOVE JAR", "The gateway can't remove a jar.", "", JAR),
    known(
        r"No module with name '(?P<name>[^']+)' exists",
        "There is no module {name}.",
        "SHOW MODULES lists what there is.",
        "sql/reference/utility/load/",
    ),
    known(r"Bang equal '(?P<name>!)='", "Flink writes <> for unequal.", "Write a <> b.", SYNTAX),
    known(
        r"Expecting alias, found character literal",
        "A name is not written in apostrophes.",
        "Write it in back-ticks: AS `name`.",
        SYNTAX,
        at="AS",
    ),
    known(
        r"All aggregates must be computed on the same window",
        "All OVER of a query need the same window.",
        "Put the others in a sub-query: SELECT *, … OVER (…) FROM (SELECT *, … OVER (…) FROM t).",
        OVER,
        at="OVER",
    ),
    known(
        r"All rows per match mode is not supported",
        "MATCH_RECOGNIZE gives one row a match.",
        "Write ONE ROW PER MATCH, or leave it out.",
        MATCH,
        at="ALL",
    ),
    known(
        r"class org\.apache\.calcite\S+ cannot be cast to class",
        "Flink's planner fails over this statement itself.",
        "DESCRIPTOR takes a column's name, and most functions take no names of arguments (a => 1).",
        FUNCTIONS,
    ),
)
