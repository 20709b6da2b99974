"""Hints for SQL that was typed under another engine's magic."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streammagic.sql.statements import Statement


def under_ksql(statement: Statement) -> str | None:
    """Say what of Flink's SQL a statement refused by ksqlDB holds."""
    del statement
    return None


def under_flink(statement: Statement) -> str | None:
    """Say what of ksqlDB's SQL a statement refused by Flink holds."""
    del statement
    return None
