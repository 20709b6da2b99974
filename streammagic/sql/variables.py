"""``{{ kafka }}``, ``{{ secret("NAME") }}`` and ``{{ jar("g:a:v") }}`` in SQL.

They are expanded when it is sent, never when it is kept: what a session, a bundle or the ledger holds is
the text as typed. So a broker may move, and a secret is in no file.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from streammagic.sql.secrets import remember
from streammagic.sql.statements import CALCITE, tokenize

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from streammagic.sql.statements import Lexer

_VARIABLE = re.compile(
    r"""\{\{ \s*
        (?: (?P<name>kafka) | (?P<call>secret|jar) \( \s* (?P<q>['"]) (?P<argument>[^'"]+) (?P=q) \s* \) )
        \s* \}\}""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Rendered:
    """A text as it is sent.

    ``cuts`` are pairs of offsets, in it and in its source, that belong together: by turns where text as
    typed begins and where a value does.
    """

    text: str
    source: str
    cuts: tuple[tuple[int, int], ...] = ((0, 0),)

    def place_in_source(self, line: int, column: int) -> tuple[int, int]:
        """Return where a place (1-based) of the sent text is in the source; one in a value: its variable."""
        lines = self.text.split("\n")
        offset = sum(len(text) + 1 for text in lines[: line - 1]) + column - 1
        at = bisect_right(self.cuts, (offset, len(self.source))) - 1
        start, origin = self.cuts[at]
        is_value = at % 2 == 1
        found = min(origin if is_value else origin + offset - start, len(self.source))
        return self.source.count("\n", 0, found) + 1, found - self.source.rfind("\n", 0, found)


@dataclass(frozen=True, slots=True)
class Variables:
    """What the variables stand for: a lookup by name, given the argument in parentheses, "" without one.

    ``lexer`` tells strings and comments of the SQL apart that they are in.
    """

    lookups: Mapping[str, Callable[[str], str]] = field(default_factory=dict)
    lexer: Lexer = CALCITE

    def render(self, sql: str) -> Rendered:
        """Replace each variable by an SQL string literal; inside of one by its text; none in a comment.

        Raises what a variable's lookup raises.
        """
        found = list(_VARIABLE.finditer(sql))
        if not found or not self.lookups:
            return Rendered(sql, sql)
        starts = {token.start: token for token in tokenize(sql, self.lexer)}
        strings = [(t.start, t.end) for t in starts.values() if t.text.startswith(("'", '"', "`"))]
        parts: list[str] = []
        cuts = [(0, 0)]
        done = length = 0
        for match in found:
            inside = any(start < match.start() < end for start, end in strings)
            value = self._value(match) if inside or match.start() in starts else None
            if value is None:
                continue
            escaped = value.replace("'", "''")
            text = escaped if inside else f"'{escaped}'"
            parts += [sql[done : match.start()], text]
            length += match.start() - done
            cuts.append((length, match.start()))
            length += len(text)
            done = match.end()
            cuts.append((length, done))
        return Rendered("".join([*parts, sql[done:]]), sql, tuple(cuts))

    def expand(self, text: str) -> str:
        """Replace each variable in what is no SQL, such as a setting, by its value."""

        def value(match: re.Match[str]) -> str:
            found = self._value(match)
            return match[0] if found is None else found

        return _VARIABLE.sub(value, text)

    def _value(self, match: re.Match[str]) -> str | None:
        lookup = self.lookups.get(match["name"] or match["call"])
        return None if lookup is None else lookup(match["argument"] or "")


def secret(name: str) -> str:
    """Return a secret: the environment variable of that name, else what the system's keyring holds.

    It is masked from then on. Raises `OptionError` where neither knows it.
    """
    import os

    from streammagic.errors import OptionError

    value = os.environ.get(name)
    if value is None:
        try:
            import keyring

            value = keyring.get_password("streammagic", name)
        except Exception:  # noqa: BLE001 - whatever its backend raises: there is no secret to be had from it
            value = None
    if value is None:
        raise OptionError(
            f'There is no secret "{name}".',
            hint=f"Set the environment variable {name}, or `keyring set streammagic {name}`.",
        )
    remember(value)
    return value
