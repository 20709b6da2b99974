"""What an engine is: the protocol that everything to the left of the engines relies on.

A third engine is a package with an entry point in the group ``streammagic.engines`` that names a
`Plugin`; nothing outside its folder may ask which engine it is talking to.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Literal, Protocol

from streammagic.sql.variables import Variables

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from streammagic.engines.jobs import JobEngine
    from streammagic.errors import StreamMagicError
    from streammagic.results.feed import Cursor
    from streammagic.sql.catalog import Catalog, Column
    from streammagic.sql.dialect import Dialect
    from streammagic.sql.statements import Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How an engine is reached. Secrets are in here: it has no repr of its fields.

    ``urls`` are the engine's addresses by role, for Flink "gateway" and "rest". ``verify`` is True, False
    or the path of a CA bundle; ``cert`` the path of a client certificate with its key, or both paths.
    ``request_timeout`` bounds one request, ``operation_timeout`` the time until the engine has accepted
    or refused a statement; both in seconds. ``init_sql`` runs in every new session. ``data`` is
    the directory of the embedded engine's logs, checkpoints and savepoints, where it is that engine.
    ``variables`` are expanded in what is sent; ``auto_kafka`` tells whether Kafka tables that name no brokers
    are to be completed, and ``own`` reads a setting that only this engine has, by its name.
    """

    urls: Mapping[str, str] = field(repr=False)
    verify: bool | str = field(default=True, repr=False)
    cert: str | tuple[str, str] | None = field(default=None, repr=False)
    auth: tuple[str, str] | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    properties: Mapping[str, str] = field(default_factory=dict, repr=False)
    init_sql: str = field(default="", repr=False)
    request_timeout: float = 30.0
    operation_timeout: float = 60.0
    data: Path | None = None
    auto_kafka: Callable[[], bool] = lambda: False
    own: Callable[[str], str] = lambda _: ""
    variables: Variables = field(default_factory=Variables, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryOptions:
    """What rides on one statement.

    ``settings`` hold for this statement only. ``replace`` allows a CREATE that differs from an earlier
    one of the same name to take its place. ``start`` is where a query begins to read: "earliest", "latest",
    or None for the engine's own choice.
    """

    settings: Mapping[str, str] = field(default_factory=dict)
    replace: bool = False
    start: str | None = None


class Lease(Protocol):
    """Where an engine writes down what it opens, before it opens it, so that somebody can clean up."""

    def hold(self, kind: Literal["session", "job"], endpoint: str, id: str) -> None:  # noqa: A002
        """Note that this process is about to open, or has opened, a session or job."""

    def release(self, kind: Literal["session", "job"], endpoint: str, id: str) -> None:  # noqa: A002
        """Note that it has ended."""


class StreamEngine(Protocol):
    """A connection to an engine. Safe to use from several threads at once."""

    title: str

    @property
    def jobs(self) -> JobEngine:
        """What it does for jobs that outlive a cell. Raises `StreamMagicError` where it can't."""

    def query(self, statement: Statement, options: QueryOptions) -> Cursor:
        """Send a statement and return its cursor. Raises `StreamMagicError`.

        `OptionError` is for options that this engine can't honour.
        """

    def catalog(self) -> Catalog:
        """Ask the engine for what it has: tables with their columns, functions. Raises `StreamMagicError`."""

    def columns(self, table: str) -> tuple[Column, ...] | None:
        """Return the columns of a table, named as typed; None where there is none or it can't be told."""

    def setting(self, name: str) -> str | None:
        """Return what this connection's session has set a setting to; None where it has not."""

    def improve(self, error: StreamMagicError, statement: Statement) -> None:
        """Say in an error's hint what may have been meant by a name that is not there. Never raises."""

    def complete(self, sql: str, position: int) -> list[str]:
        """Return the engine's own completions of the word at an offset; none where it has no such service.

        Raises `StreamMagicError`.
        """

    def ping(self) -> str:
        """Return the engine's name and version, or raise `ConnectionFailedError`."""

    def clean(self, kind: str, endpoint: str, what: str) -> bool:
        """End what a lease of a dead process names, if it is this engine's; tell whether it is gone."""

    def succeed(self, before: StreamEngine) -> None:
        """Take over what was defined on a connection to an engine that is gone, or has moved."""

    def close(self) -> None:
        """Let go of everything held on the engine; never raises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """What an entry point of the group ``streammagic.engines`` names.

    ``magic`` is the word after ``%%``. ``addresses`` tells, by role, which setting holds an address: a
    traitlet, and the environment variable ``STREAMMAGIC_<SETTING>``. The first is required unless
    ``embedded``: then `streammagic.local` can start one.
    """

    magic: str
    title: str
    dialect: Dialect
    addresses: Mapping[str, str]
    embedded: bool
    connect: Callable[[Settings, Lease], StreamEngine]

    @property
    def main(self) -> str:
        """The role of the address that an engine can't do without."""
        return next(iter(self.addresses))


@functools.cache
def plugins() -> dict[str, Plugin]:
    """Return the installed engines by their magic's name."""
    found = (point.load() for point in entry_points(group="streammagic.engines"))
    return {plugin.magic: plugin for plugin in found}
