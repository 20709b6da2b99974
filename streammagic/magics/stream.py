"""``%stream``: connections, the embedded engine, deployments, topics. One group of verbs a module."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streammagic.engines.base import plugins
from streammagic.errors import InterruptedQuery, OptionError, StreamMagicError
from streammagic.magics.connections import Target
from streammagic.magics.deploy import DeployVerbs
from streammagic.magics.embedded import EmbeddedVerbs
from streammagic.magics.front import FrontVerbs
from streammagic.magics.jobs import JobVerbs
from streammagic.magics.life import LifeVerbs
from streammagic.magics.options import HelpAsked, OptionParser, assignments, words
from streammagic.magics.place import CellText, errors_shown
from streammagic.magics.query import as_magic
from streammagic.magics.topics import TopicVerbs
from streammagic.views.blocks import line_bundle, plan_bundle

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping

    from IPython.core.interactiveshell import InteractiveShell

    from streammagic.magics.desk import Desk, Verbs
    from streammagic.magics.queries import Queries


class VerbTable:
    """The verbs by name, each with its parser. A `Verbs`."""

    def __init__(self, prog: str) -> None:
        self.parser = OptionParser(prog, "Stream SQL: deployments, topics, connections, the embedded engine.")
        self._parsers = self.parser.add_subparsers(dest="verb", metavar="VERB", parser_class=OptionParser)
        self._with_body: set[str] = set()
        self._by_name: dict[str, OptionParser] = {}

    def add(
        self, name: str, description: str, run: Callable[[argparse.Namespace], Any], *, body: bool = False
    ) -> OptionParser:
        """Register a verb and return its parser."""
        parser: OptionParser = self._parsers.add_parser(name, description=description, help=description)
        parser.set_defaults(run=run)
        self._by_name[name] = parser
        if body:
            self._with_body.add(name)
        return parser

    @property
    def verbs(self) -> Mapping[str, OptionParser]:
        """The verbs by name, with what each of them reads."""
        return self._by_name

    def run(self, line: str, cell: CellText, body: str | None, display: Callable[..., None]) -> Any:
        """Run one line; return what its verb returns."""
        try:
            options, rest = self.parser.parse_known_args(words(line))
            if rest:  # argparse would blame the table, and name its options
                self._by_name.get(options.verb, self.parser).error(
                    f"unrecognized arguments: {' '.join(rest)}"
                )
        except HelpAsked as asked:
            display(plan_bundle(str(asked)))
            return None
        if options.verb is None:
            display(plan_bundle(self.parser.format_help()))
            return None
        if body is not None and options.verb not in self._with_body:
            raise OptionError(
                f"%stream {options.verb} has no use for the text in the cell.",
                hint=f"Write %stream {options.verb} …, with one %, on a line of its own.",
            )
        options.body, options.cell = body, cell
        try:
            return options.run(options)
        except InterruptedQuery:
            raise
        except KeyboardInterrupt:
            raise InterruptedQuery(
                f"{options.verb}; what it had begun may go on, and %stream jobs shows how things stand"
            ) from None


def verb_table(desk: Desk, prog: str = "%stream") -> VerbTable:
    """Return the verbs about deployments and topics, which are also commands of the command line."""
    table = VerbTable(prog)
    for group in (DeployVerbs(desk), LifeVerbs(desk), JobVerbs(desk), TopicVerbs(desk)):
        group.add_to(table)
    return table


class StreamCommands:
    """The magics ``%stream`` and ``%%stream`` of a notebook."""

    def __init__(self, desk: Desk, queries: Queries) -> None:
        self._desk = desk
        self._table = verb_table(desk)
        ConnectionVerbs(desk, queries).add_to(self._table)
        EmbeddedVerbs(desk).add_to(self._table)
        FrontVerbs(desk).add_to(self._table)
        desk.act = self.line

    @property
    def verbs(self) -> Mapping[str, OptionParser]:
        """The verbs by name, with what each of them reads."""
        return self._table.verbs

    def register(self, shell: InteractiveShell) -> None:
        """Make ``%stream`` and ``%%stream`` known."""
        register: Callable[..., None] = shell.register_magic_function
        register(as_magic(self.line, "stream"), "line", "stream")
        register(as_magic(self.cell, "stream"), "cell", "stream")

    def line(self, line: str) -> Any:
        """Run one ``%stream`` line."""
        return self._run(line, CellText("%stream ", line, one_line=True), None)

    def cell(self, line: str, body: str) -> Any:
        """Run a ``%%stream`` line with the text of its cell."""
        return self._run(line, CellText(f"%%stream {line}".rstrip(), body), body)

    def _run(self, line: str, cell: CellText, body: str | None) -> Any:
        with errors_shown(cell, self._desk.mode()):
            return self._table.run(line, cell, body, self._desk.show)


class ConnectionVerbs:
    """``connect`` and ``status``."""

    def __init__(self, desk: Desk, queries: Queries) -> None:
        self._desk = desk
        self._queries = queries

    def add_to(self, verbs: Verbs) -> None:
        """Register the verbs."""
        connect = verbs.add("connect", "introduce a connection: an engine at an address", self._connect)
        connect.add_argument("name", metavar="NAME", help="what --conn will call it")
        connect.add_argument(
            "urls",
            metavar="ROLE=URL",
            nargs="+",
            help="gateway=http://host:8083 rest=http://host:8081, or server=http://host:8088",
        )
        connect.add_argument(
            "--engine", choices=sorted(plugins()), default="flink", help="which engine is there"
        )
        connect.add_argument(
            "--production",
            action="store_true",
            help="refuse what is beyond a limit (%%stream rules lists them)",
        )
        connect.add_argument(
            "--limit",
            metavar="K=N",
            nargs="+",
            action="extend",
            default=[],
            help="limits of its own: length=, joins=, windows=, blocked='PRINT, DROP'",
        )
        verbs.add("status", "list the connections and the queries that run", self._status)

    def _connect(self, options: argparse.Namespace) -> None:
        plugin = plugins()[options.engine]
        urls = assignments(options.urls)
        unknown = set(urls) - set(plugin.addresses)
        if unknown or plugin.main not in urls:
            raise OptionError(
                f"{plugin.title} is reached by {' and '.join(plugin.addresses)}.",
                hint=f"%stream connect {options.name} "
                + " ".join(f"{role}=http://host:port" for role in plugin.addresses),
            )
        limits = assignments(options.limit, "--limit")
        self._desk.connections.name(options.name, Target(plugin, urls, limits, options.production))
        try:
            engine = self._desk.engine(plugin.magic, options.name)
            self._desk.show(line_bundle(f"{options.name}: {engine.ping()}"))
        except StreamMagicError:
            self._desk.connections.forget(options.name)
            raise

    def _status(self, _: argparse.Namespace) -> None:
        lines = [f"connection {name}: {state}" for name, state in self._desk.connections.known().items()]
        lines += [f"query: {handle.line}" for handle in self._queries.running()]
        self._desk.show(line_bundle(*lines))
