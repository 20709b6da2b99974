"""Flink, through its SQL Gateway (statements, rows) and its JobManager's REST API (jobs)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streammagic.engines.base import Plugin
from streammagic.sql.flink import FlinkDialect

if TYPE_CHECKING:
    from streammagic.engines.base import Lease, Settings, StreamEngine


def _connect(settings: Settings, lease: Lease) -> StreamEngine:
    from streammagic.engines.flink.engine import FlinkEngine

    return FlinkEngine(settings, lease)


PLUGIN = Plugin(
    magic="flink",
    title="Flink",
    dialect=FlinkDialect(),
    addresses={"gateway": "flink_gateway", "rest": "flink_rest"},
    embedded=True,
    connect=_connect,
)
