"""``{{ … }}`` in SQL.

Two kinds, told apart by when they are replaced. A person's values, ``{{ name }}``, are put in when a cell
runs (`Values`): what is kept of it, in a bundle or the ledger, holds them. ``{{ kafka }}``,
``{{ secret("NAME") }}`` and ``{{ jar("g:a:v") }}`` are put in when the SQL is sent (`Variables`), never when
it is kept. So a broker may move, and a secret is in no file.

``{{ "text" }}`` is that text. A value that holds ``{{`` is written so, for it must not become a variable.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from streammagic.errors import OptionError
from streammagic.sql.naming import is_writable
from streammagic.sql.near import did_you_mean
from streammagic.sql.statements import CALCITE, tokenize

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from streammagic.sql.literals import Writer
    from streammagic.sql.statements import Lexer

_LATER = re.compile(
    r"""\{\{ \s*
        (?: (?P<name>kafka)
          | (?P<call>secret|jar) \( \s* (?P<q>['"]) (?P<argument>[^'"]+) (?P=q) \s* \)
          | "(?P<text>[^"]*)" )
        \s* \}\}""",
    re.VERBOSE,
)
_NOW = re.compile(
    r"""\{\{ \s* (?P<root>[^\W\d]\w*)
        (?P<steps> (?: \.[^\W\d]\w* | \[-?\d+\] | \['[^']*'\] | \["[^"]*"\] )*+ )
        \s* (?: \| \s* (?P<filter>\w+) \s* )? \}\}""",
    re.VERBOSE,
)
_STEP = re.compile(r"""\.(\w+)|\[(-?\d+)\]|\[['"]([^'"]*)['"]\]""")
_ESCAPED_BRACES = '{{ "{{" }}'
_FILTERS = ("ident", "raw")
_HOW = (
    "{{ name }} is a variable of this notebook, {{ name.x }} and {{ name['x'] }} its attributes and keys; "
    "| ident or | raw may follow. What is to be computed needs a variable of its own, or --jinja."
)


@dataclass(frozen=True, slots=True)
class Rendered:
    """A text in which variables were replaced.

    ``cuts`` are pairs of offsets, in it and in its source, that belong together: by turns where text as
    typed begins and where a value does.
    """

    text: str
    source: str
    cuts: tuple[tuple[int, int], ...] = ((0, 0),)

    def place_in_source(self, line: int, column: int) -> tuple[int, int]:
        """Return where a place (1-based) of the text is in the source; one in a value: its variable."""
        lines = self.text.split("\n")
        return _place(
            self.source, self.offset_in_source(sum(len(text) + 1 for text in lines[: line - 1]) + column - 1)
        )

    def offset_in_source(self, offset: int) -> int:
        """Return the offset in the source that belongs to one in the text."""
        at = bisect_right(self.cuts, (offset, len(self.source))) - 1
        start, origin = self.cuts[at]
        is_value = at % 2 == 1
        return min(origin if is_value else origin + offset - start, len(self.source))


@dataclass(frozen=True, slots=True)
class Variables:
    """What is put in when SQL is sent: a lookup by name, given the argument in parentheses, "" without one.

    ``lexer`` tells strings and comments of the SQL apart that they are in.
    """

    lookups: Mapping[str, Callable[[str], str]] = field(default_factory=dict)
    lexer: Lexer = CALCITE

    def render(self, sql: str) -> Rendered:
        """Replace each variable by an SQL string literal; inside of one by its text; none in a comment.

        Raises what a variable's lookup raises.
        """

        def written(match: re.Match[str], quote: str) -> str | None:
            value = self._value(match)
            if value is None:
                return None
            return _escaped(value, quote) if quote else _escaped(value, "'").join("''")

        return _replaced(sql, _LATER, self.lexer, written)

    def expand(self, text: str) -> str:
        """Replace each variable in what is no SQL, such as a setting, by its value."""

        def value(match: re.Match[str]) -> str:
            found = self._value(match)
            return match[0] if found is None else found

        return _LATER.sub(value, text)

    def _value(self, match: re.Match[str]) -> str | None:
        if match["text"] is not None:
            return match["text"]
        lookup = self.lookups.get(match["name"] or match["call"])
        return None if lookup is None else lookup(match["argument"] or "")


@dataclass(frozen=True, slots=True)
class Values:
    """What is put in when a cell runs: the person's variables, written in an engine's SQL."""

    namespace: Mapping[str, Any]
    writer: Writer
    lexer: Lexer = CALCITE

    def fill(self, sql: str) -> Rendered:
        """Replace each ``{{ name }}`` by a literal of its type; inside of a string or name by its text.

        Raises `OptionError`, with its place in ``sql``, for a name that is not there, a value that can't be
        written, and braces outside of strings that can't be read.
        """

        def written(match: re.Match[str], quote: str) -> str | None:
            if _LATER.match(match[0]):
                return None
            try:
                return self._written(match, quote)
            except OptionError as error:
                error.line, error.column = _place(sql, match.start("root"))
                raise

        rendered = _replaced(sql, _NOW, self.lexer, written)
        for offset in _unread(sql, self.lexer):
            line, column = _place(sql, offset)
            raise OptionError("This {{ … }} can't be read.", line=line, column=column, hint=_HOW)
        return rendered

    def _written(self, match: re.Match[str], quote: str) -> str:
        chosen = match["filter"]
        if chosen is not None and chosen not in _FILTERS:
            near = did_you_mean(chosen, _FILTERS)
            raise OptionError(
                f"There is no | {chosen}.", hint=f"{near} There are | ident and | raw.".lstrip()
            )
        value = self._found(match["root"], match["steps"])
        if chosen == "raw":
            return str(value)
        if chosen == "ident":
            if not isinstance(value, str):
                raise OptionError(f"| ident takes a str, and {match['root']} is {_kind(value)}.")
            if not quote:
                return inert(self.writer.identifier(value))
        elif not quote:
            return inert(self.writer.literal(value))
        text = value if chosen == "ident" else self.writer.text(value)
        if quote == "`" and not is_writable(f"x{text}"):
            raise OptionError(f"{text!r} can't be part of a name in SQL.", hint="A name ends with its line.")
        return inert(_escaped(text, quote))

    def _found(self, root: str, steps: str) -> Any:
        if root not in self.namespace:
            known = [name for name in self.namespace if not name.startswith("_")]
            raise OptionError(
                f"There is no variable {root}.",
                hint=did_you_mean(root, known)
                or f'{root} = … in a cell before makes one. Braces as they stand are {{{{ "{{{{" }}}}.',
            )
        value, path = self.namespace[root], root
        for step in _STEP.finditer(steps):
            value = _stepped(value, step, path)
            path += step[0]
        return value


def inert(sql: str) -> str:
    """Return SQL in which nothing is a variable: what looks like one in it is data."""
    return sql.replace("{{", _ESCAPED_BRACES)


def secrets_named(sql: str) -> Iterator[tuple[str, int]]:
    """Yield the names of the secrets that a text asks for, and where."""
    for match in _LATER.finditer(sql):
        if match["call"] == "secret":
            yield match["argument"], match.start()


def _stepped(value: Any, step: re.Match[str], path: str) -> Any:
    attribute, index, key = step.groups()
    try:
        if index is not None:
            return value[int(index)]
        if attribute is not None and hasattr(value, attribute):
            return getattr(value, attribute)
        return value[key if attribute is None else attribute]
    except (KeyError, IndexError, TypeError, AttributeError):
        names = list(value) if isinstance(value, dict) else [n for n in dir(value) if not n.startswith("_")]
        known = [name for name in names if isinstance(name, str)]
        raise OptionError(
            f"{path} has no {index or attribute or key}.", hint=did_you_mean(attribute or key or "", known)
        ) from None


def _kind(value: object) -> str:
    return f"a {type(value).__name__}"


def _escaped(text: str, quote: str) -> str:
    """Return what stands for text inside of quotes that open with ``'``, ``"``, a back-tick or ``E'``."""
    if quote.upper() == "E'":
        text = text.replace("\\", "\\\\")
    return text.replace(quote[-1], quote[-1] * 2)


def _place(source: str, offset: int) -> tuple[int, int]:
    return source.count("\n", 0, offset) + 1, offset - source.rfind("\n", 0, offset)


def _replaced(
    sql: str, pattern: re.Pattern[str], lexer: Lexer, written: Callable[[re.Match[str], str], str | None]
) -> Rendered:
    """Replace matches of a pattern that are not in comments.

    ``written`` is given a match and what opens the quotes around it, "" outside; None leaves it.
    """
    found = list(pattern.finditer(sql))
    if not found:
        return Rendered(sql, sql)
    starts, quoted = _quotes(sql, lexer)
    opens = [start for start, _, _ in quoted]
    parts: list[str] = []
    cuts = [(0, 0)]
    done = length = 0
    for match in found:
        start, end, quote = quoted[at] if (at := bisect_right(opens, match.start()) - 1) >= 0 else (0, 0, "")
        inside = quote if start < match.start() < end else ""
        text = written(match, inside) if inside or match.start() in starts else None
        if text is None:
            continue
        parts += [sql[done : match.start()], text]
        length += match.start() - done
        cuts.append((length, match.start()))
        length += len(text)
        done = match.end()
        cuts.append((length, done))
    return Rendered("".join([*parts, sql[done:]]), sql, tuple(cuts))


def _quotes(sql: str, lexer: Lexer) -> tuple[set[int], list[tuple[int, int, str]]]:
    """Return where tokens start, and what is in quotes: from, to, what opens it. Hints are looked into."""
    starts: set[int] = set()
    quoted: list[tuple[int, int, str]] = []

    def look(text: str, base: int) -> None:
        for token in tokenize(text, lexer):
            starts.add(base + token.start)
            if token.text.startswith("/*+"):
                look(token.text[3:-2], base + token.start + 3)
            elif token.text[0] in "'\"`" or token.text[:2].upper() == "E'":
                opening = 2 if token.text[0] in "eE" else 1
                quoted.append((base + token.start, base + token.end, token.text[:opening]))

    look(sql, 0)
    return starts, quoted


def _unread(sql: str, lexer: Lexer) -> Iterable[int]:
    """Yield where ``{{`` stands outside of strings and comments that opens no variable."""
    if "{{" not in sql:
        return
    end = 0
    for token in tokenize(sql, lexer):
        if token.start < end or not sql.startswith("{{", token.start):
            continue
        match = _LATER.match(sql, token.start) or _NOW.match(sql, token.start)
        if match is None:
            yield token.start
            return
        end = match.end()
