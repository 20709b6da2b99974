"""ksqlDB, through its REST API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streammagic.engines.base import Plugin
from streammagic.sql.ksqldb import KsqlDialect

if TYPE_CHECKING:
    from streammagic.engines.base import Lease, Settings, StreamEngine


def _connect(settings: Settings, lease: Lease) -> StreamEngine:
    from streammagic.engines.ksqldb.engine import KsqlEngine

    return KsqlEngine(settings, lease)


PLUGIN = Plugin(
    magic="ksql",
    title="ksqlDB",
    dialect=KsqlDialect(),
    addresses={"server": "ksqldb"},
    embedded=False,
    connect=_connect,
)
