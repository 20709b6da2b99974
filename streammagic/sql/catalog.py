"""What an engine has, by name: for completions and near misses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Column:
    """A column as the engine describes it: name without quotes, type in its SQL ("TIMESTAMP(3)").

    ``is_time``: it is an event time (it has a watermark) or a processing time.
    """

    name: str
    type: str
    is_time: bool = False


@dataclass(frozen=True, slots=True)
class Catalog:
    """Tables (views and streams too) with their columns, and functions.

    Names are without quotes, those of tables as they are written in the session's current database. A table
    whose columns are not known has none.
    """

    tables: Mapping[str, tuple[Column, ...]] = field(default_factory=dict)
    functions: tuple[str, ...] = ()
