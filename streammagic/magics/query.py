"""``%%flink`` and its like: one cell magic and one line magic for every installed engine."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from IPython.core.magic import no_var_expand

from streammagic.errors import OptionError
from streammagic.magics.options import HelpAsked, query_parser
from streammagic.magics.place import CellText, errors_shown
from streammagic.magics.reading import preview, read
from streammagic.magics.run import CellRun, check_options
from streammagic.sql.statements import split
from streammagic.views.blocks import plan_bundle
from streammagic.views.channel import show
from streammagic.views.modes import display_mode
from streammagic.views.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from IPython.core.interactiveshell import InteractiveShell

    from streammagic.engines.base import Plugin
    from streammagic.magics.notebook import Notebook
    from streammagic.results.handle import Handle


class QueryMagic:
    """The magics of one engine."""

    def __init__(self, plugin: Plugin, notebook: Notebook) -> None:
        self._plugin = plugin
        self._notebook = notebook
        self._parser = query_parser(plugin.magic, plugin.title)

    def register(self, shell: InteractiveShell) -> None:
        """Make ``%%<magic>`` and ``%<magic>`` known."""
        name = self._plugin.magic
        register: Callable[..., None] = shell.register_magic_function
        register(as_magic(self.cell, name), "cell", name)
        register(as_magic(self.line, name), "line", name)

    def cell(self, line: str, body: str) -> None:
        """Run ``%%<magic> options`` with SQL in the cell."""
        text = CellText(f"%%{self._plugin.magic} {line}".rstrip(), body)
        with errors_shown(text, self._mode()):
            self._run(line, text)

    def line(self, line: str) -> Handle | None:
        """Run ``%<magic> [options] SQL`` and return the handle, so that it can be assigned."""
        options, sql = _options_and_sql(line, self._parser.flags)
        text = CellText(f"%{self._plugin.magic} {options}{' ' if options else ''}", sql, one_line=True)
        with errors_shown(text, self._mode()):
            handle = self._run(options, text)
        if handle is not None:
            self._notebook.was_shown(handle)
        return handle

    def _mode(self) -> Any:
        return display_mode(self._notebook.config.mode)

    def _run(self, line: str, cell: CellText) -> Handle | None:
        mode = self._mode()
        try:
            options = self._parser.read(line)
        except HelpAsked as asked:
            show(plan_bundle(str(asked)))
            return None
        check_options(options)
        notebook, dialect = self._notebook, self._plugin.dialect
        read(cell, dialect, notebook.shell.user_ns, jinja=options.jinja, ask=mode != "batch")
        statements = split(cell.sql, dialect)
        if not statements:
            raise OptionError(
                "There is no SQL in this cell.",
                hint=f"%%{self._plugin.magic} stands on the first line, the SQL below it; "
                f"%{self._plugin.magic} --help lists the options.",
            )
        checking = notebook.connections.checking(self._plugin, options.conn, off=options.no_check)
        remarks = checking.before(statements, cell)
        if options.preview:
            show(preview(statements, remarks, dialect, notebook.desk))
            return None
        cell_id = notebook.cell_id() or hashlib.sha256(cell.text.encode()).hexdigest()
        notebook.queries.stop_cell(cell_id)
        with Progress(mode) as progress:
            engine = notebook.connections.engine(self._plugin, options.conn, progress.say)
        run = CellRun(
            cell=cell,
            cell_id=cell_id,
            mode=mode,
            options=options,
            config=notebook.config,
            magic=self._plugin.magic,
            engine=engine,
            dialect=dialect,
            checking=checking,
            queries=notebook.queries,
            namespace=notebook.shell.user_ns,
            done=notebook.desk.done,
        )
        return run.run(statements, remarks)


def as_magic(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """Wrap a method as a magic that IPython pastes no variables into: SQL is full of braces and dollars."""

    def magic(*arguments: str) -> Any:
        return function(*arguments)

    magic.__name__ = name
    magic.__doc__ = function.__doc__
    expand_nothing: Callable[..., Any] = no_var_expand
    wrapped: Callable[..., Any] = expand_nothing(magic)
    return wrapped


def _options_and_sql(line: str, flags: Collection[str]) -> tuple[str, str]:
    """Cut a one-line magic where its options end: before the first word that is neither option nor value."""
    rest = line.lstrip()
    taken = ""
    while rest.startswith("-") and not rest.startswith("--\n"):
        word, space, after = rest.partition(" ")
        taken += word + space
        rest = after.lstrip()
        if "=" not in word and word not in flags:
            value, space, after = rest.partition(" ")
            taken += value + space
            rest = after.lstrip()
    return taken.rstrip(), rest
