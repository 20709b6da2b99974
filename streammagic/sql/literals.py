"""Python values in SQL: each as a literal of its own type."""

from __future__ import annotations

from typing import Any, Protocol


class Writer(Protocol):
    """Writes Python values in one engine's SQL. Every method raises `OptionError` for what can't be written."""

    def literal(self, value: Any) -> str:
        """Return a value as an expression of its type; a DataFrame as a table in parentheses."""

    def text(self, value: Any) -> str:
        """Return what stands for a scalar value inside of a string or quoted name, not escaped."""

    def identifier(self, name: str) -> str:
        """Return a name (``a.b``: a path) as SQL has it, quoted where that is needed."""
