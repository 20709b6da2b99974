"""What a topic's values are, as Flink would have to be told: columns, a format, and what to know besides."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streammagic.topics.sqltypes import SqlType


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicColumn:
    """A physical column. ``remarks`` stand beside it as comments; they may hold foreign text."""

    name: str
    type: SqlType
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicSchema:
    """The table that a topic can be read as.

    ``columns`` are those of the value. ``key`` is the name of a column of text, one more, that holds the
    record's key; None where the key is no text, is not there, or is a column of the value already.
    ``format`` is the value of the option ``format``, ``options`` those that belong to it, under their
    full names. ``event_time`` is the one column that says when a record's event happened, if that is
    beyond doubt. ``notes`` are sentences, which may hold foreign text.
    """

    columns: tuple[TopicColumn, ...]
    format: str
    options: Mapping[str, str] = field(default_factory=dict)
    key: str | None = None
    event_time: str | None = None
    notes: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the value's columns."""
        return tuple(column.name for column in self.columns)
