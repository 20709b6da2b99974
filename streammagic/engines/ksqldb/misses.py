"""What was meant by a name that does not exist."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from streammagic.sql.keywords import KSQL
from streammagic.sql.ksqldb_names import (
    FORMATS,
    OTHER_TYPES,
    PSEUDO_COLUMNS,
    WINDOW_COLUMNS,
    WITH_OF_CREATE,
    setting_names,
)
from streammagic.sql.naming_ksqldb import identifier, normal_name
from streammagic.sql.near import near

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from streammagic.engines.ksqldb.known.entry import About
    from streammagic.sql.catalog import Catalog, Column
    from streammagic.sql.statements import Statement

CASE = "Names in back-ticks keep their case, others are upper case."
_COLUMNS_SHOWN = 12


class Unknown(NamedTuple):
    """A name that does not exist, and of what kind it is; a column may be one of ``source``."""

    about: About
    name: str
    source: str = ""


def of_ksqldb(about: About, name: str) -> str:
    """Say what may have been meant by a name of ksqlDB's own, and what there is where that is little.

    "" is for all other names.
    """
    match about:
        case "type":
            other = OTHER_TYPES.get(name.upper())
            found = f"Did you mean {other}?" if other else _meant(name, KSQL.types)
            return f"{found} There are {_listed(KSQL.types)}, and the types of CREATE TYPE.".strip()
        case "format":
            return f"{_meant(name, FORMATS)} There are {_listed(FORMATS)}.".strip()
        case "with":
            names = [one.name for one in WITH_OF_CREATE]
            return _meant(name, names) or f"CREATE STREAM and CREATE TABLE take {_listed(names)}."
        case "setting":
            return _meant(name, setting_names())
    return ""


def hint(
    unknown: Unknown,
    otherwise: str,
    statement: Statement,
    *,
    catalog: Callable[[], Catalog],
    names: Callable[[str], Iterable[str]],
) -> str:
    """Return the hint that says what was meant, asking the server; ``otherwise`` where nothing is near.

    ``names`` asks for those of TOPICS, QUERIES or VARIABLES. Raises what they raise.
    """
    match unknown.about:
        case "source":
            return _meant(unknown.name, catalog().tables, identifier) or otherwise
        case "function":
            return _meant(unknown.name, catalog().functions) or otherwise
        case "column":
            return _column(unknown, statement, catalog()) or otherwise
        case "query":
            return _meant(unknown.name, names("QUERIES")) or otherwise
        case "topic":
            return f"{_meant(unknown.name, names('TOPICS'))} {otherwise}".strip()
        case "variable":
            return f"{_meant(unknown.name, names('VARIABLES'))} {otherwise}".strip()
    return otherwise


def _column(unknown: Unknown, statement: Statement, catalog: Catalog) -> str:
    """Return the column that may be meant, of the sources that a statement names; else all their columns."""
    sources = _named(statement, catalog)
    if unknown.source in sources:
        sources = {unknown.source: sources[unknown.source]}
    before, _, name = unknown.name.rpartition(".")
    names = [column.name for columns in sources.values() for column in columns]
    before = f"{before}." if before else ""
    others = () if unknown.source else (*PSEUDO_COLUMNS, *WINDOW_COLUMNS)
    found = _meant(name.strip("`"), (*names, *others), lambda one: before + identifier(one))
    if found or not names:
        return found
    return " ".join(f"{identifier(source)} has {_columns(columns)}." for source, columns in sources.items())


def _named(statement: Statement, catalog: Catalog) -> dict[str, tuple[Column, ...]]:
    """Return the sources of a catalog that a statement names; what it makes is not there yet."""
    names = dict.fromkeys(normal_name(token.text) for token in statement.tokens)
    return {name: catalog.tables[name] for name in names if catalog.tables.get(name)}


def _columns(columns: tuple[Column, ...]) -> str:
    shown = [identifier(column.name) for column in columns[:_COLUMNS_SHOWN]]
    more = len(columns) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _meant(name: str, known: Iterable[str], written: Callable[[str], str] = str) -> str:
    """Return "Did you mean x?" for the nearest name, as it is to be written; "" where none is like it."""
    found = near(name, known)
    if not found or found[0] == name:
        return ""
    case = f" {CASE}" if found[0].casefold() == name.casefold() and written(found[0])[-1:] == "`" else ""
    return f"Did you mean {written(found[0])}?{case}"


def _listed(names: Iterable[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}"
