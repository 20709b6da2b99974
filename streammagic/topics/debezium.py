"""Debezium's envelopes: a change of a database's row, as JSON.

Source: Debezium's documentation of change events: ``before``, ``after``, ``op`` (c, u, d, r for a snapshot
read, t for a truncation), alone or as the ``payload`` beside its Connect ``schema``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_OPERATIONS = frozenset({"c", "u", "d", "r", "t"})


def payload(value: dict[str, Any]) -> dict[str, Any]:
    """Return the envelope inside a message that carries its schema, else the message itself."""
    inner = value.get("payload")
    return inner if isinstance(inner, dict) and "schema" in value else value


def is_envelope(value: dict[str, Any]) -> bool:
    """Tell whether a JSON object is a change event."""
    found = payload(value)
    operation = found.get("op")
    return isinstance(operation, str) and operation in _OPERATIONS and {"before", "after"} <= set(found)


def rows(envelopes: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows inside the envelopes: before and after, where there is one."""
    found = [payload(envelope) for envelope in envelopes]
    sides = [side for envelope in found for side in (envelope["before"], envelope["after"])]
    return [side for side in sides if isinstance(side, dict)]
