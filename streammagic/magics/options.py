"""Reading the line of a magic. A mistake is an `OptionError` with a hint, never a line on stderr."""

from __future__ import annotations

import argparse
import difflib
import math
import re
import shlex
from typing import TYPE_CHECKING, Any, NoReturn

from streammagic.errors import OptionError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


_SETTINGS: dict[str, Any] = {
    "add_help": False,
    "allow_abbrev": False,
    "formatter_class": argparse.RawDescriptionHelpFormatter,
}


class HelpAsked(Exception):  # noqa: N818 - not an error: a way out of argparse
    """``--help`` was typed; the text is the argument."""


class OptionParser(argparse.ArgumentParser):
    """An argparse parser that raises instead of printing and exiting."""

    def __init__(self, prog: str | None = None, description: str | None = None, **more: Any) -> None:
        super().__init__(
            prog=prog,
            description=description,
            **(_SETTINGS | more),
        )
        self.add_argument("-h", "--help", action=_Help, nargs=0, help="show this text")

    @property
    def flags(self) -> frozenset[str]:
        """The options that take no value."""
        return frozenset(
            name for action in self._actions if action.nargs == 0 for name in action.option_strings
        )

    def read(self, line: str) -> argparse.Namespace:
        """Parse a magic's line."""
        return self.parse_args(words(line))

    @property
    def arguments(self) -> tuple[argparse.Action, ...]:
        """What it reads: options and positional arguments, in order."""
        return tuple(self._actions)

    def error(self, message: str) -> NoReturn:
        """Raise what argparse would print."""
        choice = re.match(r"argument \w+: invalid choice: '([^']*)' \(choose from (.*)\)", message)
        if choice is not None:
            choices = re.findall(r"[\w-]+", choice[2])
            near = difflib.get_close_matches(choice[1], choices, n=1)
            raise OptionError(
                f"{self.prog} knows no {choice[1]}.",
                hint=(f"Did you mean {near[0]}? " if near else "") + f"It knows {', '.join(choices)}.",
            )
        known = [option for action in self._actions for option in action.option_strings]
        typed = next((word.rstrip(":") for word in message.split() if word.startswith("-")), "")
        near = difflib.get_close_matches(typed, known, n=1)
        hint = f"Did you mean {near[0]}? " if near and typed not in known else ""
        one_line = self.prog.replace("%%", "%")  # a cell magic with nothing under it is IPython's to refuse
        raise OptionError(f"{self.prog}: {message}", hint=f"{hint}{one_line} --help lists the options.")


class _Help(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        raise HelpAsked(parser.format_help())


def words(line: str) -> list[str]:
    """Split a line into words as a shell would. Raises `OptionError` for an open quote."""
    try:
        return shlex.split(line)
    except ValueError as error:
        raise OptionError(f"{error}: {line}", hint="A quote in the options is not closed.") from None


def assignments(given: Sequence[str], option: str = "--set") -> dict[str, str]:
    """Read the ``K=V`` words of an option. Raises `OptionError` for one without ``=``."""
    found = {}
    for word in given:
        key, equals, value = word.partition("=")
        if not equals or not key:
            raise OptionError(f"{option} {word}: it is written key=value.")
        found[key] = value
    return found


def at_least_one(text: str) -> int:
    """Read a positive number, for argparse."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive whole number")
    return int(text)


def seconds(text: str) -> float:
    """Read a number of seconds, for argparse."""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number of seconds")
    return number


def settle_seconds(text: str) -> float:
    """Read a number of seconds or 0, for argparse."""
    return 0.0 if text in ("0", "0.0") else seconds(text)


def deployment_name(text: str) -> str:
    """Read the name of a deployment, which names its topic too, for argparse."""
    if not re.fullmatch(r"[A-Za-z_][\w.-]{0,199}", text, re.ASCII):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no name for a deployment: letters, digits, '_', '-' and '.', a letter first"
        )
    return text


def keep_count(text: str) -> int | None:
    """Read ``--keep N|all``, for argparse; None is all."""
    return None if text == "all" else at_least_one(text)


def variable_name(text: str) -> str:
    """Read the name of a Python variable, for argparse."""
    if not text.isidentifier():
        raise argparse.ArgumentTypeError(f"{text!r} is no name for a Python variable")
    return text


def query_parser(magic: str, title: str) -> OptionParser:
    """Return the parser of a query magic's options; the same for every engine."""
    parser = OptionParser(
        f"%%{magic}",
        f"Run the {title} SQL in this cell. The rows come back as a table that updates while you watch.",
    )
    add: Callable[..., argparse.Action] = parser.add_argument
    add("-o", "--output", metavar="NAME", type=variable_name, help="bind the last statement's result to NAME")
    add("--limit", metavar="N", type=at_least_one, help="end the query once its table has N rows")
    add(
        "--keep", metavar="N|all", type=keep_count, default=..., help="changes that the log keeps, the newest"
    )
    add("--timeout", metavar="SECONDS", type=seconds, help="end the query after so long")
    waiting = parser.add_mutually_exclusive_group()
    waiting.add_argument("--wait", action="store_true", help="stay in the cell until the query ends")
    waiting.add_argument("--bg", action="store_true", help="hand the prompt back at once")
    add("--view", choices=["table", "changes", "chart", "none"], default="table", help="what is shown")
    add("--x", metavar="COL", help="the chart's horizontal axis")
    add("--y", metavar="COL", nargs="+", action="extend", default=[], help="the chart's values")
    add(
        "--key",
        metavar="COL",
        nargs="+",
        action="extend",
        default=[],
        help="columns that decide where an updated row stands",
    )
    add(
        "--set",
        metavar="K=V",
        nargs="+",
        action="extend",
        default=[],
        help="settings for these statements only",
    )
    add("--conn", metavar="NAME", help="the connection to use")
    add("--from", dest="start", choices=["earliest", "latest"], help="where to start reading topics")
    add("--replace", action="store_true", help="let a changed CREATE take the place of the earlier one")
    add("--preview", action="store_true", help="show what would be sent, and send nothing")
    add_sql_options(parser)
    return parser


def add_sql_options(parser: argparse.ArgumentParser) -> None:
    """Add the options that decide how a cell's SQL is read."""
    parser.add_argument(
        "--jinja", action="store_true", help="the SQL is a Jinja template: {%% for %%}, {%% if %%}"
    )
    parser.add_argument("--no-check", action="store_true", help="send it without looking at it first")
