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

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_VARIABLE = re.compile(
    r"""(?P<quote>')? \{\{ \s*
        (?: (?P<name>kafka) | (?P<call>secret|jar) \( \s* (?P<q>['"]) (?P<argument>[^'"]+) (?P=q) \s* \) )
        \s* \}\} (?(quote)')""",
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
    """What the variables stand for: a lookup by name, given the argument in parentheses, "" without one."""

    lookups: Mapping[str, Callable[[str], str]] = field(default_factory=dict)

    def render(self, sql: str) -> Rendered:
        """Replace each variable by an SQL string literal. Raises what a variable's lookup raises."""
        parts: list[str] = []
        cuts = [(0, 0)]
        done = length = 0
        for match in _VARIABLE.finditer(sql):
            literal = self._literal(match)
            if literal is None:
                continue
            parts += [sql[done : match.start()], literal]
            length += match.start() - done
            cuts.append((length, match.start()))
            length += len(literal)
            done = match.end()
            cuts.append((length, done))
        return Rendered("".join([*parts, sql[done:]]), sql, tuple(cuts))

    def _literal(self, match: re.Match[str]) -> str | None:
        lookup = self.lookups.get(match["name"] or match["call"])
        if lookup is None:
            return None
        return "'" + lookup(match["argument"] or "").replace("'", "''") + "'"


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
