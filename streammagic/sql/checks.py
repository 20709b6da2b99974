"""Rules that a statement is held against before it is sent.

A rule looks at tokens, never at text: what stands in a string or comment is not seen.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from enum import Enum
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Protocol

from streammagic.errors import RefusedError, StreamMagicError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from importlib.metadata import EntryPoint

    from streammagic.sql.catalog import Column
    from streammagic.sql.statements import Statement, Token

GROUP = "streammagic.rules"
"""The group of entry points in which installed packages register rules of theirs."""


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

    ``lives_on``: the statement becomes a job without an end that outlives the cell. ``bounded``: only what is
    there now is read. ``columns`` gives the columns of a table, named as typed, None where it is not known;
    ``setting`` the session's value of a setting, None where it is the default. Both may ask the engine.
    ``start``: where the person has said that it begins to read, "earliest" or "latest".
    ``length``: characters of the statement as it was typed, before variables were put in; None: its own.
    """

    limits: Limits = field(default_factory=Limits)
    lives_on: bool = False
    bounded: bool = False
    start: str | None = None
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

    ``name`` is a short word with dashes, ``summary`` one line about what it looks for, ``example`` SQL that
    it has something to say about, for a limit where that is 1. ``engines`` are the magics that it is for,
    such as {"flink"}; empty: all. ``asks``: it uses ``Context.columns`` or ``Context.setting``, so that it
    can only look when the statements before are done.
    """

    name: str
    severity: Severity
    summary: str
    example: str
    engines: frozenset[str]
    asks: bool

    def look(self, statement: Statement, context: Context) -> Iterator[Finding]:
        """Yield what there is to say about a statement; nothing about what is right."""


@dataclass(kw_only=True, eq=False)
class Check:
    """A `Rule` made of a function: ``looks`` is what `Rule.look` does, all else as there."""

    name: str
    severity: Severity
    summary: str
    example: str
    looks: Callable[[Statement, Context], Iterable[Finding]] = field(repr=False)
    engines: frozenset[str] = frozenset()
    asks: bool = False

    def look(self, statement: Statement, context: Context) -> Iterator[Finding]:
        """Yield what there is to say about a statement."""
        yield from self.looks(statement, context)


def rules_for(engine: str, own: tuple[Rule, ...]) -> tuple[Rule, ...]:
    """Return the rules of a magic: its dialect's ``own``, then those of installed packages.

    A rule that can't be loaded has in its place one that says so.
    """
    return (*own, *(rule for rule in _installed() if not rule.engines or engine in rule.engines))


def examine(
    statement: Statement, rules: Iterable[Rule], context: Context, *, asks: bool
) -> list[tuple[Rule, Finding]]:
    """Return what the rules with this ``asks`` have to say about a statement, each with its rule.

    A rule that fails while it looks is said to have failed, as advice: a check breaks no cell. Raises the
    `StreamMagicError` of an engine that was asked and is out of reach.
    """
    found: list[tuple[Rule, Finding]] = []
    for rule in rules:
        if rule.asks != asks:
            continue
        try:
            found += [(rule, _checked(finding)) for finding in rule.look(statement, context)]
        except StreamMagicError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever somebody else's rule may raise
            broken = _broken(rule.name, "failed", error)
            found += [(broken, finding) for finding in broken.look(statement, context)]
    return found


def refusal(rule: Rule, finding: Finding, statement: Statement) -> RefusedError:
    """Return the error that a finding is where the statement is not sent, placed in the statement."""
    offset = finding.token.start - statement.start if finding.token else 0
    before = statement.text[:offset]
    advice = (
        finding.hint if not finding.hint or finding.hint.endswith((".", "!", "?")) else f"{finding.hint}."
    )
    hint = f"{advice} " if advice else ""
    return RefusedError(
        finding.message,
        statement=statement.text,
        line=before.count("\n") + 1,
        column=offset - before.rfind("\n"),
        hint=f"{hint}The check {rule.name} keeps it from being sent; --no-check sends it all the same.",
    )


def line_of(rule: Rule, finding: Finding) -> str:
    """Return a finding as one line, to stand beside the result."""
    return " ".join(f"{rule.name}: {finding.message} {finding.hint}".split())


@functools.cache
def _installed() -> tuple[Rule, ...]:
    return tuple(_load(point) for point in entry_points(group=GROUP))


def _load(point: EntryPoint) -> Rule:
    """Return the rule that an entry point names; where there is none, a rule that says why."""
    try:
        rule: Rule = point.load()
        if not (
            isinstance(rule.name, str)
            and isinstance(rule.summary, str)
            and isinstance(rule.example, str)
            and isinstance(rule.severity, Severity)
            and isinstance(rule.engines, frozenset)
            and isinstance(rule.asks, bool)
            and callable(rule.look)
        ):
            return _broken(point.name, "is no Rule", TypeError(f"{point.value} has a field of another type"))
    except Exception as error:  # noqa: BLE001 - importing somebody else's module may raise anything
        return _broken(point.name, "can't be loaded", error)
    return rule


def _broken(name: str, what: str, error: Exception) -> Rule:
    """Return a rule in the place of one that is of no use, which says so of each statement."""
    reason = f"{type(error).__name__}: {error}".rstrip(": ")
    finding = Finding(f"The rule {what}, so it was not looked at: {reason}.")
    return Check(
        name=name,
        severity=Severity.ADVICE,
        summary=f"{what}: {reason}",
        example="",
        looks=lambda _statement, _context: (finding,),
    )


def _checked(finding: Finding) -> Finding:
    """Return a finding. Raises `TypeError` for what is none."""
    if not isinstance(finding, Finding):
        raise TypeError(f"it gave a {type(finding).__name__}, not a Finding")
    return finding
