"""The fenced blocks of the pages in docs/, and the tables there that are made from the code.

``python tests/docs_snippets.py`` writes those tables again. In a page, above a block:

- ``<!-- not run: REASON -->``: the block is for reading only.
- ``<!-- raises: NAME -->``: the cell fails with an error of that class.

and anywhere ``<!-- runs on: flink, kafka, ksqldb -->``: what the cells of the page need, in one shell.
"""

import argparse
import functools
import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = sorted((ROOT / "docs").glob("*.md"))
CELLS = ("python", "sql")
ENGINES = ("flink", "kafka", "ksqldb")

_COMMENT = re.compile(r"<!-- (?P<key>not run|raises|runs on): (?P<value>.*?) -->")
_GENERATED = re.compile(r"(<!-- made from the code: (\w+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Snippet:
    """A fenced block; ``line`` is that of its fence. ``output`` is the text block directly after it."""

    page: str
    line: int
    language: str
    text: str
    not_run: str | None = None
    raises: str | None = None
    output: str | None = None


@dataclass(frozen=True)
class Page:
    """A page, cut into its blocks; ``prose`` is what is left."""

    name: str
    snippets: list[Snippet]
    prose: str
    runs_on: tuple[str, ...]

    @property
    def cells(self):
        return [snippet for snippet in self.snippets if snippet.language in CELLS and snippet.not_run is None]


def read(path):
    """Cut a page. Raises `ValueError`, with the place, for a block that no test would see."""
    page = _Reader(path.stem)
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        page.take(number, line)
    return page.end()


class _Reader:
    """Takes the lines of a page one by one."""

    def __init__(self, name):
        self.name = name
        self.snippets, self.prose = [], []
        self.runs_on = ()
        self.notes = {}
        self.open = None
        self.body = []
        self.follows_code = False

    def take(self, number, line):
        if self.open is not None:
            self._inside(line)
        elif line.lstrip().startswith("```"):
            self._begin(number, line)
        elif found := _COMMENT.fullmatch(line.strip()):
            self._note(number, found["key"], found["value"])
        else:
            self.prose.append(line)
            self.follows_code = self.follows_code and not line.strip()
            if line.strip() and self.notes:
                self._fail(number, "a remark that belongs to no block")

    def end(self):
        if self.open is not None or self.notes:
            self._fail("end", "a fence is not closed, or a remark has no block")
        return Page(self.name, self.snippets, "\n".join(self.prose), self.runs_on)

    def _note(self, number, key, value):
        if key != "runs on":
            self.notes[key] = value
            return
        self.runs_on = tuple(word.strip() for word in value.split(","))
        if unknown := set(self.runs_on) - set(ENGINES):
            self._fail(number, f"nothing runs on {unknown}")

    def _begin(self, number, line):
        language = line.removeprefix("```").strip()
        if line[0] != "`" or language not in (*CELLS, "bash", "text"):
            self._fail(number, f"a fence is ```python, sql, bash or text at the line's start, not {line!r}")
        self.open = (number, language, self.notes)
        self.notes, self.body = {}, []

    def _inside(self, line):
        if line.rstrip() != "```":
            self.body.append(line)
            return
        number, language, notes = self.open
        self.open = None
        text = "\n".join(self.body)
        if language == "text" and "not run" not in notes:
            if not self.follows_code:
                self._fail(number, "an output stands directly below the cell that gives it")
            before = self.snippets.pop()
            self.snippets.append(Snippet(**{**vars(before), "output": text}))
            self.follows_code = False
            return
        self.snippets.append(
            Snippet(
                page=self.name,
                line=number,
                language=language,
                text=text,
                not_run=notes.get("not run"),
                raises=notes.get("raises"),
            )
        )
        self.follows_code = language in CELLS and "not run" not in notes

    def _fail(self, where, what):
        raise ValueError(f"docs/{self.name}.md, line {where}: {what}")


def same_output(expected, printed):
    """Tell whether a cell printed what its page says; a line of one … stands for any lines, or none."""
    pattern = "".join(r"(?:.*\n)*" if line == "…" else f"{re.escape(line)}\n" for line in _lines(expected))
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in _lines(printed))) is not None


def _lines(text):
    return [line.rstrip() for line in text.strip("\n").splitlines()]


def with_tables(text):
    """Return a page with the tables in it that are made from the code as they are to be now."""
    return _GENERATED.sub(lambda found: f"{found[1]}\n{TABLES[found[2]]()}\n\n{found[4]}", text)


def _table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines)


def settings_table():
    """Every setting: its default, the environment variable that is read in its place, its help."""
    from streammagic.config import StreamMagic

    traits, defaults = StreamMagic.class_traits(config=True), StreamMagic()
    rows = [
        [
            f"`{name}`",
            f"`{value!r}`" if (value := getattr(defaults, name)) not in ("", None, {}, []) else "",
            f"`STREAMMAGIC_{name.upper()}`" if name in from_environment() else "",
            trait.help,
        ]
        for name, trait in traits.items()
        if name not in ("config", "log", "parent")
    ]
    return _table(["setting", "default", "or in the environment", "what it does"], sorted(rows))


def from_environment():
    """Return the settings that are read through `StreamMagic.setting`."""
    from streammagic.engines.base import plugins

    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "streammagic").rglob("*.py")]
    asked = {name for source in sources for name in re.findall(r'\.setting\("(\w+)"\)', source)}
    return asked | {name for plugin in plugins().values() for name in plugin.addresses.values()}


@functools.cache
def verbs():
    """Return the verbs of ``%stream``, each with its parser."""
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    from streammagic.magics.notebook import Notebook
    from streammagic.magics.stream import StreamCommands

    notebook = Notebook(InteractiveShell(config=Config(HistoryManager={"enabled": False})))
    try:
        return subparsers(StreamCommands(notebook.desk, notebook.queries)._table.parser)
    finally:
        notebook.close()


def subparsers(parser):
    """Return the parsers of a parser's verbs, by name."""
    (choices,) = [a.choices for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    return dict(choices)


def verbs_table():
    """Every verb, and whether it is a command too."""
    from streammagic import cli

    rows = [
        [f"`%stream {name}`", f"`streammagic {name}`" if name in cli._VERBS else "", parser.description]
        for name, parser in verbs().items()
    ]
    return _table(["in a cell", "as a command", "what it does"], rows)


def options_table():
    """Every option of a query magic."""
    from streammagic.magics.options import query_parser

    rows = []
    for action in query_parser("flink", "Flink")._actions:
        words = ", ".join(action.option_strings)
        value = action.metavar or "|".join(action.choices or [])
        more = " …" if action.nargs == "+" else ""
        code = f"`{words}{' ' if value else ''}{value}{more}`".replace("|", "\\|")
        rows.append([code, action.help.replace("%%", "%")])
    return "\n".join(["| option | what it does |", "| --- | --- |", *(f"| {a} | {b} |" for a, b in rows)])


TABLES = {"settings": settings_table, "verbs": verbs_table, "options": options_table}

if __name__ == "__main__":
    for written in PAGES:
        written.write_text(with_tables(written.read_text(encoding="utf-8")), encoding="utf-8")
