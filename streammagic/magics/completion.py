"""Completion in our magics, by a matcher of IPython: from memory, within the time between two keys.

A completion asks nothing of an engine that is not connected, and starts none. What it needs of one that is,
it has fetched in the background, and waits for that no longer than `PATIENCE`.
"""

from __future__ import annotations

import re
import time
from types import ModuleType
from typing import TYPE_CHECKING, Any

from IPython.core.completer import SimpleCompletion, context_matcher

from streammagic.engines.base import plugins
from streammagic.errors import SqlError
from streammagic.magics.background import Background
from streammagic.magics.options import query_parser
from streammagic.magics.typed import Typed, typed
from streammagic.magics.words import next_word, sql_start
from streammagic.results.handle import Handle
from streammagic.sql.caret import At, look
from streammagic.sql.catalog import Catalog
from streammagic.sql.completion import Candidate, Known, complete
from streammagic.sql.statements import Kind

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from IPython.core.completer import CompletionContext
    from IPython.core.interactiveshell import InteractiveShell

    from streammagic.engines.base import Plugin, StreamEngine
    from streammagic.magics.desk import Desk
    from streammagic.magics.options import OptionParser
    from streammagic.sql.caret import Place
    from streammagic.sql.statements import Statement

PATIENCE = 0.03
"""Seconds that a completion waits for what is being fetched; then it does with what is known."""

_CATALOG_SECONDS = 60.0
_TOPICS_SECONDS = 10.0
_LEDGER_SECONDS = 2.0
"""Seconds after which a thing is fetched again when it is asked for."""

_DEFINES = frozenset({Kind.DEFINITION, Kind.CREATE_AS, Kind.SESSION})
_WITH_SQL = frozenset({"deploy", "preview"})
"""The verbs of ``%%stream`` below which SQL stands."""

_DEPLOYMENT_VERBS = frozenset(
    {"deploy", "stop", "savepoint", "delete", "attach", "show", "diagnose", "logs", "metrics", "watch"}
)


class _Nothing(list[SimpleCompletion]):
    """No completions, and nobody else's either: IPython suppresses other matchers only for some."""

    def __len__(self) -> int:
        return 1


class Completions:
    """The matcher of one shell, and what it knows. ``verbs`` are those of ``%stream``, with their parsers."""

    def __init__(self, shell: InteractiveShell, desk: Desk, verbs: Mapping[str, OptionParser]) -> None:
        self._shell = shell
        self._desk = desk
        self._verbs = verbs
        self._queries = {magic: query_parser(magic, plugin.title) for magic, plugin in plugins().items()}
        self._memory = Background()
        self._was_asked = False

    def register(self) -> None:
        """Put the matcher before all others."""
        self._matchers().insert(0, self.match)

    def close(self) -> None:
        """Take the matcher out again, and end what is under way."""
        if self.match in self._matchers():
            self._matchers().remove(self.match)
        self._memory.close()

    def _matchers(self) -> list[Any]:
        completer: Any = self._shell.Completer
        found: list[Any] = completer.custom_matchers
        return found

    def defined(self, engine: StreamEngine, statement: Statement) -> None:
        """Note that a statement has run: what it may have changed is fetched anew, soon."""
        if statement.kind not in _DEFINES or statement.words[:1] in (("SET",), ("RESET",)):
            return
        self._memory.outdate(("catalog", engine))
        at_a_prompt = self._desk.mode() == "live" or getattr(self._shell, "pt_app", None) is not None
        if at_a_prompt or self._was_asked:
            self._memory.want(("catalog", engine), engine.catalog, seconds=_CATALOG_SECONDS, hurry=False)

    @context_matcher(identifier="streammagic", priority=1000)  # type: ignore[untyped-decorator,unused-ignore]
    def match(self, context: CompletionContext) -> dict[str, Any]:
        """Return what may stand at the cursor of a cell, and keep others quiet where the magic is ours."""
        names = {*self._queries, "stream"}
        found = typed(context.full_text, context.cursor_line, context.cursor_position, names)
        if found is None:
            return {"completions": []}
        self._was_asked = True
        fragment, candidates = self._asked(found)
        shown = [SimpleCompletion(each.text, type=each.kind) for each in candidates]
        return {
            "completions": shown or _Nothing(),
            "matched_fragment": fragment,
            "suppress": True,
            "ordered": True,
        }

    def _asked(self, asked: Typed) -> tuple[str, list[Candidate]]:
        """Return what is to be replaced, and by what."""
        words = asked.head[: asked.position]
        if asked.magic == "stream":
            if not asked.in_body:
                return self._on_stream_line(words)
            verb = asked.head.split()[:1]
            if not verb or verb[0] not in _WITH_SQL:
                return "", []
            plugin = plugins().get(_value(asked.head, "--engine") or "flink")
            return self._in_sql(asked.body or "", asked.position, plugin, _value(asked.head, "--conn"))
        arguments = self._queries[asked.magic].arguments
        plugin, conn = plugins()[asked.magic], _value(asked.head, "--conn")
        if asked.in_body:
            return self._in_sql(asked.body or "", asked.position, plugin, conn)
        start = None if asked.body is not None else sql_start(arguments, words)
        if start is not None:
            return self._in_sql(asked.head[start:], asked.position - start, plugin, conn)
        return self._on_line(arguments, words, "")

    def _on_stream_line(self, line: str) -> tuple[str, list[Candidate]]:
        verb, space, rest = line.lstrip().partition(" ")
        if not space:
            return verb, [Candidate(name, "verb") for name in self._verbs if name.startswith(verb)]
        parser = self._verbs.get(verb)
        return ("", []) if parser is None else self._on_line(parser.arguments, rest, verb)

    def _on_line(
        self, arguments: Sequence[argparse.Action], line: str, verb: str
    ) -> tuple[str, list[Candidate]]:
        asked = next_word(arguments, line)
        if asked is None:
            return "", []
        found = [] if asked.values_of is None else list(self._values(asked.values_of, verb))
        found += [Candidate(option, "option") for option in asked.options]
        return asked.fragment, [each for each in found if each.text.startswith(asked.fragment)]

    def _values(self, argument: argparse.Action, verb: str) -> Iterator[Candidate]:
        """Yield what an argument may be, as far as it is one of some."""
        if argument.choices is not None:
            yield from _candidates(map(str, argument.choices), "value")
        elif argument.dest == "conn" or (verb == "connect" and argument.dest == "name"):
            yield from _candidates(self._desk.connections.known(), "connection")
        elif verb == "connect" and argument.dest == "urls":
            roles = dict.fromkeys(role for plugin in plugins().values() for role in plugin.addresses)
            yield from _candidates((f"{role}=" for role in roles), "value")
        elif verb == "help" and argument.dest == "topic":
            yield from _candidates(_help_topics(), "topic")
        elif argument.dest == "topic" and not argument.option_strings:
            yield from _candidates(self._topics(time.monotonic() + PATIENCE), "topic")
        elif argument.dest == "name" and not argument.option_strings and verb in _DEPLOYMENT_VERBS:
            yield from _candidates(self._deployments(), "deployment")
        elif argument.metavar in ("VARIABLE", "DF"):
            yield from _candidates(self._variables(_is_frame), "variable")
        elif argument.metavar == "HANDLE":
            yield from _candidates(self._variables(lambda value: isinstance(value, Handle)), "variable")
        elif verb == "local" and argument.dest == "what":
            yield Candidate("kafka", "value")

    def _in_sql(
        self, sql: str, position: int, plugin: Plugin | None, conn: str | None
    ) -> tuple[str, list[Candidate]]:
        connections = self._desk.connections
        plugin = connections.targets().get(conn) if conn else plugin
        if plugin is None:
            return "", []
        place = look(sql, position, plugin.dialect.lexer)
        engine = connections.open_engine(plugin, conn)
        return place.fragment, complete(place, self._known(place, plugin, engine))

    def _known(self, place: Place, plugin: Plugin, engine: StreamEngine | None) -> Known:
        """Gather what is known; what is not, or is old, is being fetched from now on."""
        until = time.monotonic() + PATIENCE
        catalog, folds = Catalog(), plugin.dialect.lexer.folds_names
        proposed: Sequence[str] = ()
        if engine is not None and place.at in (At.WORD, At.STRING):
            self._memory.want(("catalog", engine), engine.catalog, seconds=_CATALOG_SECONDS)
            proposed = self._proposed(place, engine, until) if place.at is At.WORD else ()
            catalog = self._memory.get(("catalog", engine), until) or catalog
        return Known(
            vocabulary=plugin.dialect.vocabulary,
            identifier=plugin.dialect.identifier,
            catalog=catalog,
            variables=sorted(self._variables(_is_value)) if place.at is At.VARIABLE else (),
            topics=self._topics(until) if place.at is At.STRING else (),
            options=plugin.dialect.options(),
            settings=plugin.dialect.settings(),
            engine=proposed,
            quoted_keys=not folds,
            folds_names=folds,
        )

    def _proposed(self, place: Place, engine: StreamEngine, until: float) -> Sequence[str]:
        """Return the engine's own completions of a place. At most one question is under way at a time."""
        key, asked = ("proposed", engine), (place.sql, place.offset)
        before = self._memory.known(key)
        if before is None or before[0] != asked:
            self._memory.outdate(key)
        self._memory.want(key, lambda: (asked, _complete(engine, *asked)), seconds=_CATALOG_SECONDS)
        found = self._memory.get(key, until)
        return found[1] if found is not None and found[0] == asked else ()

    def _topics(self, until: float) -> Sequence[str]:
        self._memory.want("topics", self._fetch_topics, seconds=_TOPICS_SECONDS)
        return self._memory.get("topics", until) or ()

    def _fetch_topics(self) -> list[str]:
        address = self._desk.connections.kafka_if_there()
        if address is None:
            return []
        from streammagic.topics.broker import Broker

        names = Broker(address, self._desk.config.kafka_properties).names()
        return sorted(name for name in names if not name.startswith("__"))

    def _deployments(self) -> Sequence[str]:
        self._memory.want("deployments", _fetch_deployments, seconds=_LEDGER_SECONDS)
        return self._memory.get("deployments", time.monotonic() + PATIENCE) or ()

    def _variables(self, wanted: Any) -> Iterator[str]:
        """Yield the names of the person's own variables that hold something wanted."""
        hidden = self._shell.user_ns_hidden
        for name, value in list(self._shell.user_ns.items()):
            if not name.startswith("_") and name not in hidden and wanted(value):
                yield name


def _candidates(texts: Iterable[str], kind: str) -> Iterator[Candidate]:
    return (Candidate(text, kind) for text in texts)


def _value(head: str, option: str) -> str | None:
    """Return the value of an option on a line that may be unfinished."""
    found = re.search(rf"(?:^|\s){option}[ \t=]+([^\s'\"]+)", head)
    return None if found is None else found[1]


def _is_value(value: object) -> bool:
    return not callable(value) and not isinstance(value, ModuleType)


def _is_frame(value: object) -> bool:
    """Tell whether it is a DataFrame or a handle; pandas is not imported to find out."""
    return isinstance(value, Handle) or type(value).__name__ == "DataFrame"


def _complete(engine: StreamEngine, sql: str, position: int) -> list[str]:
    try:
        return engine.complete(sql, position)
    except SqlError:  # Flink refuses to complete some statements
        return []


def _fetch_deployments() -> list[str]:
    from streammagic import leases
    from streammagic.jobs.ledger import Ledger

    if not (leases.home() / "ledger.sqlite3").exists():
        return []
    ledger = Ledger.open()
    try:
        return sorted({deployment.name for deployment in ledger.deployments()})
    finally:
        ledger.close()


def _help_topics() -> Iterable[str]:
    from streammagic import reference

    return dict.fromkeys(name for magic in plugins() for name in reference.names(magic))
