"""The failures of Flink SQL that are known: how to tell them, what happened in plain words, what to do.

Patterns are those of Flink 2.3, each met on the real one (but those of lost TaskManagers and full memory,
which are Flink's texts in its own classes). They look at one exception of the chain at a time, written as
"SimpleClassName: message", without what a parser expected. What a job says while it runs is in
`errors_running`, what connectors say in `errors_connecting`, what is refused of queries in `errors_queries`,
of definitions in `errors_defining`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

DOCS = "https://nightlies.apache.org/flink/flink-docs-release-2.3/docs/"

SYNTAX = "sql/reference/overview/"
CREATE = "sql/reference/ddl/create/"
ALTER = "sql/reference/ddl/alter/"
DROP = "sql/reference/ddl/drop/"
INSERT = "sql/reference/dml/insert/"
TYPES = "sql/reference/data-types/"
SELECT = "sql/reference/queries/select/"
GROUPS = "sql/reference/queries/group-agg/"
HINTS = "sql/reference/queries/hints/"
JOINS = "sql/reference/queries/joins/"
LIMIT = "sql/reference/queries/limit/"
MATCH = "sql/reference/queries/match_recognize/"
ORDER = "sql/reference/queries/orderby/"
OVER = "sql/reference/queries/over-agg/"
WINDOWS = "sql/reference/queries/window-tvf/"
JAR = "sql/reference/utility/jar/"
SHOW = "sql/reference/utility/show/"
FUNCTIONS = "sql/functions/built-in-functions/"
CATALOGS = "sql/catalogs/"
CHANGES = "concepts/sql-table-concepts/dynamic_tables/"
TIME = "concepts/sql-table-concepts/time_attributes/"
VERSIONED = "concepts/sql-table-concepts/versioned_tables/"
CONNECTORS = "connectors/table/overview/"
DATAGEN = "connectors/table/datagen/"
FORMATS = "connectors/table/formats/overview/"
JSON = "connectors/table/formats/json/"
KAFKA = "connectors/table/kafka/"
UPSERT_KAFKA = "connectors/table/upsert-kafka/"
CONFIG = "deployment/config/"


class Known(NamedTuple):
    """A known failure. ``message`` and ``hint`` may name the groups of ``pattern`` and what `errors` adds.

    - The group ``name`` is looked for in the statement, to have a place where Flink tells none.
    - ``page`` is the page of Flink's documentation that is about it, below `DOCS`.
    - ``missing`` tells what kind of thing ``name`` is where it was not found and the engine has a list of
      such names: "table", "column" or "function".
    - ``at`` is the word of the statement, its last one, that it is about where there is no name.
    """

    pattern: re.Pattern[str]
    message: str
    hint: str = ""
    page: str = ""
    missing: str = ""
    at: str = ""


def known(  # noqa: PLR0913, PLR0917 - the fields of a row, most of them not given
    pattern: str, message: str, hint: str = "", page: str = "", missing: str = "", at: str = ""
) -> Known:
    """Return a known failure, its pattern as text."""
    return Known(re.compile(pattern), message, hint, page, missing, at)


_SHOW_TABLES = "{near} SHOW TABLES lists what there is."
_SHOW_FUNCTIONS = "{near} SHOW FUNCTIONS lists what there is."
_CAST = "CAST one side: CAST(… AS STRING), CAST(… AS BIGINT)."

NAMES = (
    # names
    known(
        r"Object '(?P<name>[^']+)' not found(?: within '[^']+')?(?:; did you mean '(?P<meant>[^']+)')?",
        "There is no {what} {name}.",
        "{near} {elsewhere} {shows} what there is.",
        SHOW,
        "table",
    ),
    known(
        r"(?:Cannot find table|Tables or views with the identifier) '(?P<name>[^']+)' "
        r"(?:in any of the catalogs|doesn't exist)",
        "There is no table {name}.",
        _SHOW_TABLES,
        SHOW,
        "table",
    ),
    known(
        r"Source table '(?P<name>[^']+)' of the LIKE clause not found",
        "There is no table {name}.",
        _SHOW_TABLES,
        CREATE,
        "table",
    ),
    known(
        r"SHOW CREATE (?:TABLE|VIEW)\. (?P<kind>Table|View) with identifier (?P<name>\S+) does not exist",
        "There is no {kind} {name}.",
        _SHOW_TABLES,
        SHOW,
        "table",
    ),
    known(
        r"ValidationException: (?P<kind>Table|View) with identifier '(?P<name>[^']+)' does not exist",
        "There is no {kind} {name} to drop.",
        "{near} A view is dropped with DROP VIEW, a temporary one with DROP TEMPORARY …; IF EXISTS "
        "makes it no error.",
        DROP,
        "table",
    ),
    known(
        r"Temporary (?P<kind>table or view|table|view) with identifier '(?P<name>[^']+)' does not exist",
        "There is no temporary {kind} {name} to drop.",
        "{near} IF EXISTS makes it no error.",
        DROP,
        "table",
    ),
    known(
        r"Temporary table with identifier '(?P<name>[^']+)' exists\. Drop it first",
        "{name} is a temporary table.",
        "Write DROP TEMPORARY TABLE {name}.",
        DROP,
    ),
    known(
        r"Table (?P<name>`\S+) doesn't exist or is a temporary table",
        "There is no table {name}, or it is a temporary one.",
        "{near} A temporary table can't be altered or analysed: run its CREATE anew (--replace), or "
        "create it "
        "without TEMPORARY.",
        ALTER,
        "table",
    ),
    known(
        r"TableException: Sink '(?P<name>[^']+)' does not exists",
        "Nothing can be written into {name}: it is a view or is not there.",
        _SHOW_TABLES,
        INSERT,
        "table",
    ),
    known(
        r"Database (?:'[^']+'\.)?'?(?P<name>[^'\s]+)'? (?:does not exist in Catalog|doesn't exist)",
        "There is no database {name}.",
        "SHOW DATABASES lists what there is; CREATE DATABASE {name} makes one.",
        CATALOGS,
    ),
    known(
        r"A database with name \[(?P<name>[^\]]+)\] does not exist",
        "There is no database {name}.",
        "SHOW DATABASES lists what there is; CREATE DATABASE {name} makes one.",
        CATALOGS,
    ),
    known(
        r"Database (?P<name>\S+) in catalog \S+ is not empty",
        "The database {name} is not empty.",
        "DROP DATABASE {name} CASCADE drops all that is in it too.",
        DROP,
    ),
    known(
        r"(?:A catalog with name \[|CatalogException: Catalog )(?P<name>[^\]\s]+)\]? does not exist",
        "There is no catalog {name}.",
        "SHOW CATALOGS lists what there is; CREATE CATALOG {name} WITH ('type' = '…') makes one.",
        CATALOGS,
    ),
    known(
        r"Unknown target column '(?P<name>[^']+)'",
        "The table that is written into has no column {name}.",
        "{near}",
        INSERT,
        "column",
    ),
    known(
        r"Column '(?P<name>[^']+)' not found in (?:any table|table '[^']+')(?:; did you mean "
        r"'(?P<meant>[^']+)')?",
        "There is no column {name}.",
        "{near} {place_hint} DESCRIBE shows the columns of a table.",
        SELECT,
        "column",
    ),
    known(
        r"The rowtime attribute field '(?P<name>[^']+)' is not defined in the table schema",
        "There is no column {name} for the watermark.",
        "{near} It may be a computed one: ts AS TO_TIMESTAMP(…).",
        CREATE,
    ),
    known(
        r"Primary key column '(?P<name>[^']+)' is not defined",
        "There is no column {name} for the primary key.",
        "{near}",
        CREATE,
    ),
    known(
        r"(?i)column `(?P<name>[^`]+)` does not exist in the (?:base )?table",
        "There is no column {name}.",
        "{near} DESCRIBE shows the columns of a table.",
        ALTER,
        "column",
    ),
    known(
        r"Column `(?P<name>[^`]+)` already exists in the table",
        "There is a column {name} already.",
        "",
        ALTER,
    ),
    known(
        r"A (?:regular )?Column named '(?P<name>[^']+)' already exists",
        "The column {name} is there twice.",
        "",
        CREATE,
    ),
    known(
        r"A column with the same name `(?P<name>[^`]+)` has been defined",
        "The column {name} is there twice.",
        "Give one of them another name: … AS other.",
        CREATE,
    ),
    known(
        r"Column '(?P<name>[^']+)' is ambiguous",
        "The column {name} is ambiguous.",
        "More than one table of this query has it: write table.{name}.",
        JOINS,
    ),
    known(
        r"\bTable '(?P<name>[^']+)' not found",
        "{name} is neither a table of this query nor an alias.",
        "A table that has an alias is known by that alone.",
        SELECT,
    ),
    known(
        r"Duplicate relation name '(?P<name>[^']+)' in FROM",
        "{name} is in this FROM twice.",
        "Give one of them an alias: FROM {name} AS a JOIN {name} AS b.",
        JOINS,
    ),
    known(
        r"No match found for function signature (?P<name>[\w$.`]+)",
        "There is no function {name}, or none for these arguments.",
        _SHOW_FUNCTIONS,
        FUNCTIONS,
        "function",
    ),
    known(
        r"Invalid number of arguments to function '(?P<name>[^']+)'\. Was expecting (?P<count>\d+)",
        "{name} takes {count} argument(s).",
        "",
        FUNCTIONS,
    ),
    known(
        r"(?s)Cannot apply '(?P<name>[\w$]+)' to arguments of type '(?P<has>.+?)'\. Supported "
        r"form\(s\): (?P<forms>.+)",
        "{name} does not take these arguments: {has}.",
        "It takes {forms}. CAST makes a value fit.",
        FUNCTIONS,
    ),
    known(
        r"(?s)Cannot apply '(?P<name>[^']+)' to arguments of type '(?P<has>.+?)'\. Supported "
        r"form\(s\): (?P<forms>.+)",
        "{name} can't be applied to these types: {has}.",
        _CAST + " A time is compared with TIMESTAMP '2026-01-01 00:00:00', and moved by INTERVAL '1' HOUR.",
        TYPES,
    ),
    known(
        r"Unknown field '(?P<name>[^']+)'",
        "There is no field {name} in this row.",
        "DESCRIBE shows the fields of a ROW.",
        TYPES,
    ),
    # types
    known(
        r"implicit type conversion between (?P<one>\S+) and (?P<other>\S+) is not supported",
        "{one} can't be compared with {other}.",
        _CAST,
        TYPES,
    ),
    known(
        r"The cast from (?P<from>\w+) type to (?P<to>\w+) type is not allowed\.(?: It's recommended to use "
        r"(?P<instead>.+?) instead)?",
        "{from} can't be cast to {to}.",
        "Milliseconds become a time with TO_TIMESTAMP_LTZ(ms, 3), text with TO_TIMESTAMP(text); a "
        "time becomes "
        "seconds with UNIX_TIMESTAMP(CAST(ts AS STRING)).",
        TYPES,
    ),
    known(
        r"Cast function cannot convert value of type (?P<from>.+?) to type (?P<to>[^\n]+)",
        "{from} can't be cast to {to}.",
        "",
        TYPES,
    ),
    known(
        r"Illegal mixing of types in CASE or COALESCE|Parameters must be of the same type"
        r"|Values passed to VALUES operator must have compatible types",
        "The values here are of different types or numbers.",
        "All branches of a CASE, elements of an ARRAY and rows of VALUES need the same types: CAST one side.",
        TYPES,
    ),
    known(r"WHERE clause must be a condition", "WHERE needs a condition.", "Compare: WHERE x > 0.", SELECT),
    known(
        r"Column count mismatch in (?P<name>[A-Z ]+)",
        "The two sides of {name} have different numbers of columns.",
        "",
        "sql/reference/queries/overview/",
    ),
    known(
        r"Unknown identifier '(?P<name>[^']+)'",
        "There is no type or column {name}.",
        "{near} {type_here} Types are INT, BIGINT, DOUBLE, DECIMAL(10, 2), STRING, BOOLEAN, DATE, "
        "TIMESTAMP(3), … A "
        "computed column may name columns of the table that are not computed themselves.",
        TYPES,
        "column",
    ),
    known(
        r"Illegal (?P<type>\w+) literal '(?P<name>[^']+)': not in format '(?P<format>[^']+)'",
        "'{name}' is no {type}.",
        "It is written {type} '{format}'.",
        TYPES,
    ),
    known(
        r"Illegal interval literal format '(?P<name>[^']+)'|Interval field value (?P<value>\S+) "
        r"exceeds precision "
        r"of (?P<unit>\w+)\((?P<digits>\d+)\)",
        "This INTERVAL can't be read.",
        "Write INTERVAL '10' MINUTE. A unit has two digits unless more are asked for: INTERVAL '100' DAY(3).",
        TYPES,
    ),
    known(
        r"Array element access needs an index starting at 1 but was (?P<value>-?\d+)",
        "Arrays are counted from 1.",
        "",
        TYPES,
    ),
    known(
        r"List of column aliases must have same degree as table; table has (?P<has>\d+) "
        r"columns.*?alias list has "
        r"(?P<given>\d+)",
        "The table has {has} columns, and {given} names are given.",
        "",
        SELECT,
    ),
    known(
        r"VIEW definition and input fields not match",
        "The view names another number of columns than its query has.",
        "",
        CREATE,
    ),
)
