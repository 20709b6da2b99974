"""Names that are not there, or that nobody may give."""

from streammagic.engines.ksqldb.known.entry import known

_CASE = "how-to-guides/control-the-case-of-identifiers"

_UNKNOWN_SOURCES = (
    r"Could not find STREAM/TABLE '(?P<name>[^']+)' in the Metastore",
    r"(?:into|from) an unknown stream/table: `?(?P<name>[^`\n.]+)",
    r"\b(?:Stream|Table|Source) `?(?P<name>[^`\s]+?)`? does not exist\.",
    r"while preparing statement: `?(?P<name>[^`\s]+?)`? does not exist\.",
    r"Could not find source to delete topic for: .*?\bDROP \w+ (?:IF EXISTS )?`?(?P<name>[^`\s;]+)",
)

NAMES = (
    known(
        r'"(?P<name>\w+)" is a reserved keyword',
        "{name} is a reserved word.",
        "As a name it needs back-ticks: `{name}`.",
        page="reference/sql/syntax/lexical-structure",
    ),
    known(
        r"Source names may only contain .*Got: '\$\{(?P<name>[^}]+)\}'",
        "The variable {name} is not defined.",
        "DEFINE {name} = '…'; gives it a value.",
        about="variable",
        page="how-to-guides/substitute-variables",
    ),
    known(
        r"Source names may only contain .*Got: '(?P<name>[^']*)'",
        "{name} can't be the name of a stream or table.",
        "Their names hold letters, digits, _ and - only.",
        page="reference/sql/syntax/lexical-structure",
    ),
    *(
        known(pattern, "There is no stream or table {name}.", "{near}", about="source", page=_CASE)
        for pattern in _UNKNOWN_SOURCES
    ),
    known(
        r"(?P<name>[\w`.]+)' is not a valid stream/table name or alias",
        "{name} is neither a source of this query nor an alias.",
        "A source that has an alias is known by that only.",
        page="select-push-query",
    ),
    known(
        r"WHERE column '(?P<name>WINDOW(?:START|END))' cannot be resolved"
        r"|WHERE expression: Unknown column (?P<other>WINDOW(?:START|END))",
        "There are no windows here: {name}{other} is not known in WHERE.",
        "A windowed table has it; a WINDOW clause has it in SELECT only.",
        at="WHERE",
        page="concepts/time-and-windows-in-ksqldb-queries",
    ),
    known(
        r"Window bounds column (?P<name>WINDOW(?:START|END)) can only be used in the SELECT",
        "{name} can stand in the SELECT of a windowed aggregation only, and in no function.",
        "Select it by itself; what is made of it is made in a second query over that table.",
        page="concepts/time-and-windows-in-ksqldb-queries",
    ),
    known(
        r"[cC]olumn '(?P<name>[^']+)' cannot be resolved"
        r"|expression: Unknown column (?P<other>\S+?)\.?(?:\n|$)",
        "There is no column {name}{other}.",
        "DESCRIBE shows the columns of a source. Names without back-ticks are upper case.",
        about="column",
        page="describe",
    ),
    known(
        r"into '(?P<into>[^']+)'\.\s+Column name `(?P<name>[^`]+)` does not exist",
        "{into} has no column {name}.",
        "DESCRIBE {into} shows its columns.",
        about="column",
        page="describe",
    ),
    known(
        r"Column '(?P<name>[^']+)' is ambiguous\. (?P<rest>Could be [^\n]+?)\.?(?:\n|$)",
        "The column {name} is ambiguous.",
        "{rest}: write it with its source.",
        page="select-push-query",
    ),
    known(
        r"Can't find any functions with the name '(?P<name>[^']+)'",
        "There is no function {name}.",
        "LIST FUNCTIONS shows them all.",
        about="function",
        page="functions",
    ),
    known(
        r"Function '(?P<name>[^']+)' (?:does not accept parameters|cannot be resolved due to ambiguous "
        r"method parameters) (?P<types>\(.*?\))\.?(?:\n|$)",
        "The function {name} does not take {types}.",
        "DESCRIBE FUNCTION {name} shows what it takes; CAST makes a value fit.",
        page="describe-function",
    ),
    known(
        r"Duplicate column names: `?(?P<twice>[^`\n]+)",
        "The column {twice} is there twice.",
        "Rename one: … AS other_name.",
        at="{twice}",
        page="reference/sql/data-definition",
    ),
    known(
        r"Reserved column name in select: `?(?P<name>[^`\s.]+)",
        "{name} is ksqlDB's own: no result has a column of that name.",
        "Give it another: {name} AS other_name.",
        page="reference/sql/data-definition",
    ),
    known(
        r"[`'](?P<name>\w+)[`'] is a reserved column name\. You cannot use it",
        "{name} is ksqlDB's own: no column can be called so.",
        "Give it another name.",
        page="reference/sql/data-definition",
    ),
    known(r"Duplicate field names found in STRUCT", "A field is there twice in this STRUCT.", at="STRUCT"),
    known(
        r"(?i)Tables require a PRIMARY KEY",
        "A table needs a PRIMARY KEY.",
        "Write: id STRING PRIMARY KEY.",
        at="TABLE",
        page="create-table",
    ),
    known(
        r"Column `(?P<name>[^`]+)` is a '(?P<has>[A-Z ]+)' column: please use '(?P<use>[A-Z ]+)' "
        r"for (?P<what>\w+)",
        "The key of {what} is written {use}, not {has}.",
        page="reference/sql/data-definition",
    ),
    known(
        r"Cannot resolve unknown type(?: or alias)?: (?P<name>[^\s.]+)",
        "There is no type {name}.",
        "{near}",
        about="type",
        page="reference/sql/data-types",
    ),
    known(
        r"Type '?(?P<name>[^'\s]+?)'? does not exist",
        "There is no type {name}.",
        "LIST TYPES shows them.",
        page="show-types",
    ),
    known(
        r"Cannot register custom type '(?P<name>[^']+)' since it is already registered with type: "
        r"(?P<type>[^\n]+)",
        "There is a type {name} already: {type}.",
        "DROP TYPE {name} removes it.",
        page="create-type",
    ),
)
