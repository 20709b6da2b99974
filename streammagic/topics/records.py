"""What lies in a topic, as it lies there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic. ``messages`` is the sum of its partitions' offsets between low and high watermark.

    That is an upper bound of what can be read: transaction markers, records of aborted transactions and
    those that compaction removed are counted too. It is None where a partition has no leader to ask.
    """

    name: str
    partitions: int
    messages: int | None
    internal: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A consumer group: its state in Kafka's words, such as ``STABLE`` or ``EMPTY``, and its members."""

    name: str
    state: str
    members: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One record. ``timestamp`` is aware, in UTC; None where the record has none.

    ``value`` is None for a tombstone: the mark that deletes a key in a compacted topic. Header names may
    repeat.
    """

    partition: int
    offset: int
    timestamp: datetime | None
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()
