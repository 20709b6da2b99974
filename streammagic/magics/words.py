"""What may stand next on a magic's line, by the parser that will read it."""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_WORD = re.compile(r"""(?:[^\s'"]|'[^']*'|"[^"]*")+""")
_MANY = ("+", "*", argparse.REMAINDER)


@dataclass(frozen=True, slots=True)
class Next:
    """What the word at the cursor may be.

    ``values_of`` is the argument that takes it, None where there is none; ``options`` are those that may be
    begun with it. ``fragment`` is what stands of it before the cursor.
    """

    fragment: str
    values_of: argparse.Action | None
    options: tuple[str, ...]


def next_word(arguments: Sequence[argparse.Action], line: str) -> Next | None:
    """Tell what may come at the end of ``line``; None in an open quote."""
    done = [match[0] for match in _WORD.finditer(line)]
    if line.count('"') % 2 or line.count("'") % 2:
        return None
    fragment = done.pop() if done and not line[-1:].isspace() else ""
    reader = _Reader(arguments)
    for word in done:
        reader.take(word)
    return reader.at(fragment)


def sql_start(arguments: Sequence[argparse.Action], line: str) -> int | None:
    """Return where the SQL of a one-line magic begins; None where the end of ``line`` is in its options."""
    reader = _Reader([action for action in arguments if action.option_strings])
    for match in _WORD.finditer(line):
        if reader.pending is None and not match[0].startswith("-"):
            return match.start()
        if match.end() == len(line):
            return None
        reader.take(match[0])
        reader.one_value()
    return len(line) if reader.pending is None and line[-1:].isspace() else None


class _Reader:
    """Follows a line word by word, as far as argparse's rules are needed."""

    def __init__(self, arguments: Sequence[argparse.Action]) -> None:
        self._options = {name: action for action in arguments for name in action.option_strings}
        self._places = [action for action in arguments if not action.option_strings]
        self._used: set[int] = set()
        self.pending: argparse.Action | None = None
        self._values = 0

    def take(self, word: str) -> None:
        """Take in a word that is complete."""
        name, equals, _ = word.partition("=")
        if word.startswith("-") and name in self._options:
            action = self._options[name]
            self._used.add(id(action))
            self.pending = None if equals or action.nargs == 0 else action
            self._values = 0
        elif self.pending is not None:
            self._values += 1
            if self.pending.nargs not in _MANY:
                self.pending = None
        elif self._places and self._places[0].nargs not in _MANY:
            del self._places[0]

    def one_value(self) -> None:
        """Let an option have one value at most, as where SQL follows."""
        if self._values:
            self.pending = None

    def at(self, fragment: str) -> Next:
        """Return what a word that begins like this may be."""
        name, equals, rest = fragment.partition("=")
        if equals and name in self._options:
            return Next(rest, self._options[name], ())
        if self.pending is not None and not (self._values and fragment.startswith("-")):
            needed = self.pending if not fragment.startswith("-") else None
            return Next(fragment, needed, () if needed is not None and not self._values else self._free())
        place = self._places[0] if self._places and not fragment.startswith("-") else None
        return Next(fragment, place, self._free())

    def _free(self) -> tuple[str, ...]:
        """Return the options that were not given, or may be given again; each in its longest spelling."""
        free: dict[int, str] = {}
        for action in self._options.values():
            repeats = action.nargs in _MANY or isinstance(action.default, list)
            if repeats or id(action) not in self._used:
                free[id(action)] = max(action.option_strings, key=len)
        return tuple(free.values())
