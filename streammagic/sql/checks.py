"""Rules that a statement is held against before it is sent.

A rule looks at tokens, never at text: what stands in a string or comment is not seen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from streammagic.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from streammagic.sql.catalog import Column
    from streammagic.sql.statements import Statement, Token


class Severity(Enum):
    """What follows from a finding."""

    ERROR = "error"
    """The engine would refuse it, or worse: the statement is not sent."""
    LIMIT = "limit"
    """A line beside the result; where checks are strict, or the connection is for production, an error."""
    ADVICE = "advice"
    """A line beside the result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much is too much. ``blocked`` are the leading words of statements, such as "CREATE CONNECTOR"."""

    max_length: int = 5_000
    max_joins: int = 3
    max_windows: int = 2
    blocked: tuple[str, ...] = ("CREATE CONNECTOR", "DROP CONNECTOR", "PRINT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a rule may know beside the statement.

    ``lives_on`` tells that the statement becomes a job without an end that outlives the cell. ``columns`` gives
    the columns of a table, named as typed, None where it is not known; ``setting`` the session's value of a
    setting, None where it is the default. Both may ask the engine. ``bounded``: only what is there now is read.
    ``length``: characters of the statement as it was typed, before variables were put in; None: its own.
    """

    limits: Limits = field(default_factory=Limits)
    lives_on: bool = False
    bounded: bool = False
    length: int | None = None
    columns: Callable[[str], tuple[Column, ...] | None] = lambda _: None
    setting: Callable[[str], str | None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule has to say: a sentence, what to do, and the token that it is about."""

    message: str
    hint: str = ""
    token: Token | None = None


class Rule(Protocol):
    """One rule. Third parties register theirs as entry points of the group ``streammagic.rules``.

    ``name`` is a short word with dashes, ``summary`` one line about what it looks for, ``example`` SQL that it
    has something to say about. ``engines`` are the magics that it is for, such as {"flink"}; empty: all.
    ``asks``: it uses ``Context.columns`` or ``Context.setting``, so that it can only look when the statements
    before are done.
    """

    name: str
    severity: Severity
    summary: str
    example: str
    engines: frozenset[str]
    asks: bool

    def look(self, statement: Statement, context: Context) -> Iterator[Finding]:
        """Yield what there is to say about a statement; nothing about what is right."""


def rules_for(engine: str, own: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """Return the rules for an engine."""
    return tuple(rule for rule in own if not rule.engines or engine in rule.engines)


def examine(
    statement: Statement, rules: tuple[Rule, ...], context: Context, *, asks: bool
) -> list[tuple[Rule, Finding]]:
    """Return what the rules that ask, or those that do not, have to say."""
    return [(rule, found) for rule in rules if rule.asks == asks for found in rule.look(statement, context)]


def refusal(rule: Rule, finding: Finding, statement: Statement) -> RefusedError:
    """Return the error of a statement that is not sent."""
    del rule
    return RefusedError(finding.message, statement=statement.text, hint=finding.hint)


def line_of(rule: Rule, finding: Finding) -> str:
    """Return a finding as one line."""
    del rule
    return f"{finding.message} {finding.hint}".strip()
