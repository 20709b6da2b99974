"""From the exceptions of a stack to what a person is told: sentence, place, remedy, page."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from streammagic.engines.flink import errors_syntax
from streammagic.engines.flink.errors_connecting import CONNECTING, jar_hint
from streammagic.engines.flink.errors_defining import DEFINING
from streammagic.engines.flink.errors_known import NAMES, Known
from streammagic.engines.flink.errors_queries import QUERIES
from streammagic.engines.flink.errors_running import RUNNING
from streammagic.sql import naming
from streammagic.sql.near import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streammagic.engines.flink.javastacks import JavaError
    from streammagic.sql.catalog import Catalog
    from streammagic.sql.statements import Statement, Token

ALL = (*NAMES, *QUERIES, *DEFINING, *CONNECTING, *RUNNING)

_EXPECTING = "\nWas expecting"
_PLACE = re.compile(r"(?:From|[Aa]t) line (\d+), column (\d+)")
_PLACE_PREFIX = re.compile(r"(?:From|At) line \d+, column \d+(?: to line \d+, column \d+)?: ")
_PLACE_SUFFIX = re.compile(r" at line \d+, column \d+")
_VALIDATION_PREFIX = re.compile(r"(?:SQL (?:validation|parse) failed\. )+")
_QUOTED_NAME = re.compile(r"'((?:`[^`]+`|[\w$]+)(?:\.(?:`[^`]+`|[\w$]+))*)'")
_TABLE = re.compile(r"Unable to create a (?:source|sink) for (?:reading|writing) table '(?P<name>[^']+)'")
_TOPIC = re.compile(r"Failed to get metadata for topics \[([^\]]+)\]")
_LISTS = (
    re.compile(r"Available factory identifiers are:\s+([\w.\-\s]+)"),
    re.compile(r"Supported options:\s+([\w.\-#\s]+)"),
    re.compile(r"supports the following metadata keys for reading:\s+([\w.\-\s]+)"),
    re.compile(r"Available fields: \[([^\]]*)\]"),
    re.compile(r"in the 'key\.fields' option:\s*\[([^\]]*)\]"),
    re.compile(r"(?:Expected one of: |Supported values are )\[+([^\]]*)\]"),
    re.compile(r"Expected (either true or false)"),
)
"""Where a message lists what there is instead."""

_WINDOWS = frozenset({"TUMBLE", "HOP", "CUMULATE", "SESSION"})
_SHORT, _LISTED = 200, 400
_DEFAULT = ("default_catalog", "default_database")
_ID = re.compile(r"\b(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}(?:_[0-9a-f_]+)?)\b")


@dataclass(slots=True)
class Told:
    """What is known of a failure; ``page`` is below the root of Flink's documentation."""

    message: str
    cause: str
    hint: str = ""
    page: str = ""
    line: int | None = None
    column: int | None = None


class _Match(NamedTuple):
    known: Known
    groups: dict[str, str]
    cause: str


def tell(errors: Sequence[JavaError], root: JavaError, statement: Statement | None) -> Told:
    """Say what happened. ``root`` is the exception that is quoted where the failure is not known."""
    found = _match(errors)
    if found is None:
        return _untold(errors, root, statement)
    name = found.groups.get("name", "")
    table = next(_tables(errors), "")
    whole = "\n".join(error.message for error in errors)
    facts = found.groups | _facts(whole, found, table, statement)
    told = Told(
        clean(found.known.message.format_map(_Facts(facts))),
        found.cause,
        clean(found.known.hint.format_map(_Facts(facts))),
        found.known.page,
    )
    told.line, told.column = _known_place(errors, (name, table), found.known.at, statement)
    return told


def clean(text: str) -> str:
    """Even out the gaps that empty parts of a hint leave, line by line."""
    lines = (" ".join(line.split()) for line in _ID.sub("…", text).splitlines())
    return "\n".join(line for line in lines if line)


def missing_kind(cause: str) -> str:
    """Return the kind of what was not found, where a catalog might have a near miss of it; else ""."""
    found = _missing(cause)
    return "" if found is None else found[0]


def with_near_misses(cause: str, hint: str, statement: str, catalog: Catalog) -> str:
    """Return a hint with what the catalog has and was probably meant; the same hint where nothing is."""
    found = _missing(cause)
    if found is None or "Did you mean" in hint:
        return hint
    names = _names(found[0], statement, catalog)
    if found[0] == "function" and found[1].casefold() in map(str.casefold, names):
        return hint  # it is there, and not for these arguments
    near = did_you_mean(found[1], names)
    return f"{near} {hint}".strip() if near else hint


def _missing(cause: str) -> tuple[str, str] | None:
    """Return kind and name of what was not found."""
    for each in ALL:
        match = each.pattern.search(f"Exception: {cause.partition(_EXPECTING)[0]}") if each.missing else None
        if match is not None:
            return each.missing, naming.parts(match["name"])[-1]
    return None


def _names(kind: str, statement: str, catalog: Catalog) -> list[str]:
    if kind == "function":
        return [name.upper() if name.islower() else name for name in catalog.functions]
    if kind == "table":
        return list(catalog.tables)
    folded = statement.casefold()
    tables = [columns for table, columns in catalog.tables.items() if table.casefold() in folded]
    return [column.name for columns in tables or catalog.tables.values() for column in columns]


def _match(errors: Sequence[JavaError]) -> _Match | None:
    texts = [(error, f"{error.name}: {error.message.partition(_EXPECTING)[0]}") for error in reversed(errors)]
    for each in ALL:
        for error, text in texts:
            match = each.pattern.search(text)
            if match is not None:
                groups = {key: _short(value or "") for key, value in match.groupdict().items()}
                return _Match(each, _plain_names(groups), error.message)
    return None


def _plain_names(groups: dict[str, str]) -> dict[str, str]:
    """Take the default catalog and database out of a name; the first of several alternatives is the name."""
    if "name" in groups and not groups["name"]:
        groups["name"] = next((value for value in groups.values() if value), "")
    if "name" in groups:
        groups["name"] = plain(groups["name"])
    return groups


def plain(name: str) -> str:
    """Return a table's name without quotes and without the default catalog and database."""
    if not re.fullmatch(r"(?:`[^`]+`|[\w$]+)(?:\.(?:`[^`]+`|[\w$]+)){0,2}", name):
        return name
    found = naming.parts(name)
    if found[:2] == _DEFAULT:
        found = found[2:]
    elif found[:1] == _DEFAULT[1:] and len(found) == 2:  # noqa: PLR2004 - database and table
        found = found[1:]
    return ".".join(found)


class _Facts(dict[str, str]):
    """Facts for a template; what is not there is nothing."""

    def __missing__(self, key: str) -> str:
        return ""


def _facts(whole: str, found: _Match, table: str, statement: Statement | None) -> dict[str, str]:
    groups = found.groups
    name = groups.get("name", "")
    options = _listed(whole)
    is_qualifier = _is_qualifier(name, statement)
    listed = ", ".join(options)
    topic = _TOPIC.search(whole)
    return {
        "table": table,
        "of": f" (table {table})" if table else "",
        "what": "catalog or database" if is_qualifier else "table",
        "shows": "SHOW CATALOGS and SHOW DATABASES list" if is_qualifier else "SHOW TABLES lists",
        "near": f"Did you mean {groups['meant']}? Names are case-sensitive."
        if groups.get("meant")
        else did_you_mean(name, options),
        "near_value": did_you_mean(groups.get("value", ""), options),
        "listed": listed if len(listed) <= _LISTED else f"{listed[:_LISTED].rpartition(',')[0]}, …",
        "installed": f"Installed here: {listed}." if listed else "",
        "values": f"It takes {listed}." if listed else _said(whole),
        "said": _short(found.cause),
        "jar": jar_hint(name),
        "elsewhere": _elsewhere(name, statement),
        "kind": groups.get("kind", "").lower(),
        "type_here": errors_syntax.type_hint(name),
        "place_hint": _place_hint(name, statement),
        "topic": f" ({topic[1]})" if topic else "",
    }


def _listed(whole: str) -> list[str]:
    for pattern in _LISTS:
        match = pattern.search(whole)
        if match is not None:
            text = match[1].replace("either ", "").replace(" or ", " ")
            return [part.strip("'`") for part in re.split(r"[,\s]+", text.strip()) if part]
    return []


def _said(whole: str) -> str:
    last = whole.rpartition("\n")[2].strip()
    if "duration format" in last:
        return "It takes a duration such as '10 s' or '1 h'."
    return "It takes a number." if last.startswith("For input string") else ""


def _tables(errors: Sequence[JavaError]) -> Iterator[str]:
    for error in errors:
        match = _TABLE.search(error.message)
        if match is not None:
            yield plain(match["name"])


def _is_qualifier(name: str, statement: Statement | None) -> bool:
    """Tell whether a name that is not found stands before a dot."""
    tokens = () if statement is None else statement.tokens
    return any(_is(token, name) and after.text == "." for token, after in itertools.pairwise(tokens))


def _place_hint(name: str, statement: Statement | None) -> str:
    """Say what is wrong with where a name stands that is no column there."""
    tokens = () if statement is None else statement.tokens
    for at, token in enumerate(tokens):
        if not _is(token, name):
            continue
        if at > 1 and tokens[at - 1].text == "(" and tokens[at - 2].word in _WINDOWS:
            return f"A window takes TABLE {name}."
        if at > 3 and tokens[at - 1].text == "," and _in_window(tokens, at):  # noqa: PLR2004 - (TABLE t, …
            return f"A window takes DESCRIPTOR({token.text})."
        if at and tokens[at - 1].word == "AS":
            return (
                f"{name} is a name given in this SELECT, which WHERE and GROUP BY do not know: repeat the "
                "expression, or put the query in a sub-query."
            )
    return ""


def _elsewhere(name: str, statement: Statement | None) -> str:
    """Say where a table is named that is not in the statement."""
    if statement is None or any(_is(token, name.rpartition(".")[2]) for token in statement.tokens):
        return ""
    return f"A view that is read here is made of {name}."


def _in_window(tokens: Sequence[Token], at: int) -> bool:
    for place in range(at - 1, 0, -1):
        if tokens[place].text == "(" and tokens[place].depth < tokens[at].depth:
            return tokens[place - 1].word in _WINDOWS
    return False


def _known_place(
    errors: Sequence[JavaError], names: tuple[str, ...], word: str, statement: Statement | None
) -> tuple[int | None, int | None]:
    """Return where a failure about a name is: what Flink says, if the name is there or comes after it."""
    line, column = _said_place(errors, statement)
    if statement is None:
        return line, column
    last = names[0].rpartition(".")[2].strip("`").casefold()
    if line is not None and column is not None and _rest(statement, line, column, last):
        return line, column
    for name in filter(None, names):
        for wanted in (name, name.rpartition(".")[2]):
            token = next((token for token in statement.tokens if _is(token, wanted)), None)
            if token is not None:
                return position(statement, token.start - statement.start)
    at = [token for token in statement.tokens if word and token.word == word]
    return position(statement, at[-1].start - statement.start) if at else (None, None)


def _rest(statement: Statement, line: int, column: int, name: str) -> bool:
    """Tell whether a place is in the statement, and the name, if it is written there, comes then."""
    lines = statement.text.split("\n")
    if line > len(lines) or column > len(lines[line - 1]) + 1:
        return False
    if name not in statement.text.casefold():
        return not re.fullmatch(r"[\w$]+", name)
    return name in "\n".join([lines[line - 1][column - 1 :], *lines[line:]]).casefold()


def _is(token: Token, name: str) -> bool:
    return token.text.strip("`'\"").casefold() == name.strip("`").casefold() and bool(name)


def _untold(errors: Sequence[JavaError], root: JavaError, statement: Statement | None) -> Told:
    """Tell of a failure that is in no table: what the parser refuses, and anything else in Flink's words."""
    line, column = _said_place(errors, statement)
    if root.name.endswith("ParseException") or any(error.name.startswith("SqlParser") for error in errors):
        offset = None
        if statement is not None and line is not None and column is not None:
            offset = _offset(statement, line, column)
        slip = errors_syntax.slip(root.message, statement, offset)
        if slip.start is not None and statement is not None:
            line, column = position(statement, slip.start)
        elif statement is not None and line is None and "<EOF>" in root.message:
            line, column = position(statement, len(statement.text))
        page = slip.page or errors_syntax.RESERVED_WORDS
        return Told(slip.message or _sentence(root), root.message, slip.hint, page, line, column)
    if line is None and statement is not None:
        line, column = _quoted_place(root.message, statement)
    return Told(_sentence(root), root.message, "", "", line, column)


def _sentence(root: JavaError) -> str:
    first = root.message.split(_EXPECTING)[0].split("\nAvailable factory")[0].strip()
    first = _VALIDATION_PREFIX.sub("", first)
    first = _PLACE_SUFFIX.sub("", _PLACE_PREFIX.sub("", first))
    sentence = _ID.sub("…", first) or root.name
    return sentence if sentence[-1] in ".!?" else sentence + "."


def _said_place(errors: Sequence[JavaError], statement: Statement | None) -> tuple[int | None, int | None]:
    for error in reversed(errors):
        match = _PLACE.search(error.message)
        if match and match[1] != "0":
            return int(match[1]), _character(statement, int(match[1]), int(match[2]))
    return None, None


def _quoted_place(message: str, statement: Statement) -> tuple[int | None, int | None]:
    for name in _QUOTED_NAME.findall(message):
        wanted = name.rpartition(".")[2].strip("`")
        token = next((token for token in statement.tokens if _is(token, wanted)), None)
        if token is not None:
            return position(statement, token.start - statement.start)
    return None, None


def _character(statement: Statement | None, line: int, column: int) -> int:
    """Turn a column of Java's, which counts UTF-16 units, into one of characters."""
    lines = [] if statement is None else statement.text.split("\n")
    if line > len(lines):
        return column
    before = lines[line - 1].encode("utf-16-le", errors="surrogatepass")[: 2 * (column - 1)]
    missing = column - 1 - len(before) // 2
    return len(before.decode("utf-16-le", errors="replace")) + missing + 1


def position(statement: Statement, offset: int) -> tuple[int, int]:
    """Return line and column, from 1, of an offset in a statement's text."""
    before = statement.text[:offset]
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def _offset(statement: Statement, line: int, column: int) -> int | None:
    lines = statement.text.split("\n")
    return None if line > len(lines) else sum(len(each) + 1 for each in lines[: line - 1]) + column - 1


def _short(text: str) -> str:
    even = " ".join(text.split())
    return even if len(even) <= _SHORT else f"{even[: _SHORT - 1].rstrip()}…"
