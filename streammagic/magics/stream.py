"""``%stream``: connections, the embedded engine, and what runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streammagic.engines.base import plugins
from streammagic.errors import OptionError
from streammagic.magics.options import HelpAsked, OptionParser, assignments
from streammagic.magics.place import CellText, errors_shown
from streammagic.magics.query import as_magic
from streammagic.views.blocks import line_bundle, plan_bundle
from streammagic.views.channel import show
from streammagic.views.modes import display_mode
from streammagic.views.progress import Progress

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from IPython.core.interactiveshell import InteractiveShell

    from streammagic.local import Cluster
    from streammagic.magics.notebook import Notebook
    from streammagic.views.modes import Mode


class StreamCommands:
    """The verbs of ``%stream``."""

    def __init__(self, notebook: Notebook) -> None:
        self._notebook = notebook
        self._parser = self._build_parser()

    def register(self, shell: InteractiveShell) -> None:
        """Make ``%stream`` known."""
        register: Callable[..., None] = shell.register_magic_function
        register(as_magic(self.run, "stream"), "line", "stream")

    def run(self, line: str) -> None:
        """Run one ``%stream`` line."""
        mode = display_mode(self._notebook.config.mode)
        with errors_shown(CellText("%stream ", line, one_line=True), mode):
            try:
                options = self._parser.read(line)
            except HelpAsked as asked:
                show(plan_bundle(str(asked)))
                return
            if options.verb is None:
                show(plan_bundle(self._parser.format_help()))
                return
            options.run(options)

    def _build_parser(self) -> OptionParser:
        parser = OptionParser("%stream", "Stream SQL: connections and the embedded engine.")
        verbs = parser.add_subparsers(dest="verb", metavar="VERB", parser_class=OptionParser)
        connect = verbs.add_parser("connect", description="Introduce a connection: an engine at an address.")
        connect.add_argument("name", metavar="NAME", help="what --conn will call it")
        connect.add_argument(
            "urls", metavar="ROLE=URL", nargs="+", help="gateway=http://host:8083 rest=http://host:8081"
        )
        connect.add_argument(
            "--engine", choices=sorted(plugins()), default="flink", help="which engine is there"
        )
        connect.set_defaults(run=self._connect)
        status = verbs.add_parser("status", description="List the connections and the queries that run.")
        status.set_defaults(run=self._status)
        local = verbs.add_parser("local", description="Start, stop or show the embedded Flink.")
        local.add_argument("action", choices=["start", "stop", "status"])
        local.set_defaults(run=self._local)
        return parser

    def _connect(self, options: argparse.Namespace) -> None:
        plugin = plugins()[options.engine]
        urls = assignments(options.urls)
        unknown = set(urls) - set(plugin.url_roles)
        if unknown or plugin.url_roles[0] not in urls:
            raise OptionError(
                f"{plugin.title} is reached by {' and '.join(plugin.url_roles)}.",
                hint=f"%stream connect {options.name} "
                + " ".join(f"{role}=http://host:port" for role in plugin.url_roles),
            )
        self._notebook.connections.name(options.name, plugin, urls)
        with Progress(self._mode()) as progress:
            engine = self._notebook.connections.engine(plugin, options.name, progress.say)
        show(line_bundle(f"{options.name}: {engine.ping()}"))

    def _status(self, _: argparse.Namespace) -> None:
        lines = [f"connection {name}: {state}" for name, state in self._notebook.connections.known().items()]
        lines += [f"query: {handle.line}" for handle in self._notebook.queries.running()]
        show(line_bundle(*lines))

    def _local(self, options: argparse.Namespace) -> None:
        from streammagic import local

        if options.action == "start":
            with Progress(self._mode()) as progress:
                cluster = local.start(progress.say, **self._notebook.config.local)
            show(line_bundle(_line(cluster), *cluster.notes))
        elif options.action == "stop":
            self._notebook.close()
            show(line_bundle("stopped" if local.stop() else "nothing was running"))
        else:
            found = local.status()
            show(line_bundle("Flink is not running" if found is None else _line(found)))

    def _mode(self) -> Mode:
        return display_mode(self._notebook.config.mode)


def _line(cluster: Cluster) -> str:
    return f"Flink {cluster.flink_version} is {cluster.state}: gateway {cluster.gateway}, web {cluster.rest}"
