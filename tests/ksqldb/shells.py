"""Ways to use a ksqlDB: a notebook's shell whose cells are ``%%ksql``, or the engine itself."""

import contextlib
import re
from dataclasses import dataclass, field

import pytest
from ksqldb.standin import entity, info
from real_shell import shell_with

from streammagic.engines.base import QueryOptions, Settings
from streammagic.engines.ksqldb.engine import KsqlEngine
from streammagic.errors import StreamMagicError
from streammagic.results.changes import RowKind
from streammagic.results.fold import ExactFold, KeyedFold
from streammagic.sql.ksqldb import KsqlDialect
from streammagic.sql.statements import split
from streammagic.sql.variables import Variables


@contextlib.contextmanager
def cells_on(server, folder, **environment):
    """Cells of a notebook in a terminal, on a server; no thread and no connection is left afterwards."""
    address = {"STREAMMAGIC_KSQLDB": server.url, "STREAMMAGIC_HOME": str(folder / "home")}
    with shell_with(address | environment, folder) as shell:
        shell.extension_manager.load_extension("streammagic")
        yield Cells(shell, server)
    server.wait_until_idle()


class Cells:
    """A shell on a server, and short ways to use both."""

    def __init__(self, shell, server):
        self.shell = shell
        self.server = server

    def ksql(self, sql, options="", name="last"):
        """Run a cell and return the handle of its last statement; it ends what had its name before."""
        self.shell.run_cell(f"%%ksql -o {name} {options}\n{sql}")
        return self.shell.user_ns[name]

    def rows(self, sql, options=""):
        return list(self.ksql(sql, options))

    def shown(self, sql, options=""):
        """Run a cell and return what it shows."""
        before = len(self.shell.shown)
        self.ksql(sql, options)
        return "\n".join(self.shell.shown[before:])

    def fails(self, sql, options="", kind=StreamMagicError):
        """Run a cell that fails; return its error."""
        with pytest.raises(kind) as caught:
            self.ksql(sql, options)
        return caught.value

    def config(self, **settings):
        for name, value in settings.items():
            self.shell.run_line_magic("config", f"StreamMagic.{name} = {value!r}")

    def sent(self, path="/ksql"):
        """Return the bodies that were sent, without those of questions that were not typed."""
        return [request.json for request in self.server.requests if request.path == path]


def said(error):
    """Return what a person sees of an error in a terminal."""
    return "\n".join(error.shown_as or [str(error)])


@contextlib.contextmanager
def engine_on(*servers, lookups=None, **settings):
    """The engine on one or more nodes; no connection is left afterwards."""
    urls = {"server": ",".join(server if isinstance(server, str) else server.url for server in servers)}
    engine = KsqlEngine(Settings(urls=urls, variables=Variables(lookups or {}), **settings), None)
    try:
        yield engine
    finally:
        engine.close()
    for server in servers:
        if not isinstance(server, str) and not server.stopping:
            server.wait_until_idle()


@dataclass
class Ran:
    """A statement that has ended: its schema, its changes, what was said, and what it failed with."""

    cursor: object
    rows: list = field(default_factory=list)
    kinds: list = field(default_factory=list)
    error: StreamMagicError | None = None

    @property
    def schema(self):
        return self.cursor.schema

    @property
    def notes(self):
        return self.cursor.notes

    @property
    def decoded(self):
        return [self.schema.decode(row) for row in self.rows]

    @property
    def table(self):
        """The rows of the table that the changes describe, decoded."""
        fold = ExactFold() if self.schema.key is None else KeyedFold(self.schema.key)
        for page in self.cursor.pages:
            fold.apply(page)
        return [self.schema.decode(row) for row in fold.rows()]


class _Noted:
    """A cursor that keeps its pages."""

    def __init__(self, cursor):
        self._cursor = cursor
        self.pages = []

    def __getattr__(self, name):
        return getattr(self._cursor, name)


def statement(sql):
    (found,) = split(sql, KsqlDialect())
    return found


def run(engine, sql, *, rows=None, start=None, may_fail=False, **settings):
    """Run a statement to its end, or until it has given so many changes, and let go of it."""
    ran = Ran(_Noted(engine.query(statement(sql), QueryOptions(start=start, settings=settings))))
    try:
        for page in ran.cursor._cursor:
            ran.cursor.pages.append(page)
            ran.rows += page.rows
            ran.kinds += page.kinds or [RowKind.INSERT] * len(page)
            if rows is not None and len(ran.rows) >= rows:
                break
    except StreamMagicError as error:
        if not may_fail:
            raise
        ran.error = error
    finally:
        ran.cursor.close()
    return ran


def fails(engine, sql, kind=StreamMagicError, **options):
    """Run a statement that fails, and return its error."""
    with pytest.raises(kind) as caught:
        run(engine, sql, **options)
    return caught.value


def description(keys=(), *, table=False, sources=(), window=None):
    """Return the answer to EXPLAIN of a query: its key columns, whether it makes a table, what it reads."""
    told = {
        "id": "transient_1",
        "statementText": "",
        "windowType": window,
        "fields": [{"name": key, "schema": {"type": "STRING"}, "type": "KEY"} for key in keys],
        "sources": list(sources),
        "sinks": [],
        "topology": "--> KTABLE-TOSTREAM-0000000009" if table else "--> KSTREAM-1",
        "executionPlan": "",
        "overriddenProperties": {},
        "state": None,
    }
    return entity({"@type": "queryDescription", "statementText": "", "queryDescription": told})


def source(  # noqa: PLR0913 - each has its default
    name, *, window=None, topic="orders", kind="STREAM", writers=(), value_format="JSON"
):
    """Return the answer to DESCRIBE of a source."""
    told = {
        "name": name,
        "windowType": window,
        "readQueries": [],
        "writeQueries": list(writers),
        "fields": [],
        "type": kind,
        "keyFormat": "KAFKA",
        "valueFormat": value_format,
        "topic": topic,
        "partitions": 1,
        "replication": 1,
        "statement": "",
    }
    return entity({"@type": "sourceDescription", "statementText": "", "sourceDescription": told})


def is_running(server, version="7.4.0", properties=()):
    """Let a server answer what is asked beside every query: it runs, EXPLAIN tells of a stream."""
    server.on("GET", "/info", info(version))
    server.on("POST", "/ksql", description(["ID"]), sql=re.compile(r"^EXPLAIN "))
    told = [{"name": name, "scope": "KSQL", "value": value} for name, value in properties]
    answer = entity({"@type": "properties", "statementText": "", "properties": told})
    server.on("POST", "/ksql", answer, sql="LIST PROPERTIES;")
