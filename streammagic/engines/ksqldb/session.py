"""What lasts from one statement to the next: properties and variables, which ksqlDB leaves to its clients.

The server keeps neither SET nor DEFINE beyond the request that holds it (KsqlRequest's ``streamsProperties``
and ``sessionVariables``), so they are kept here and sent along with every request.
"""

from __future__ import annotations

import re
import threading
from typing import TYPE_CHECKING

from streammagic.sql.ksqldb import LEXER, KsqlDialect
from streammagic.sql.statements import tokenize

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streammagic.sql.statements import Statement

OFFSET_RESET = "auto.offset.reset"
_STREAMS = "ksql.streams."
"""What the server allows before a property of Kafka Streams: the same with it and without."""
_VARIABLE = re.compile(r"\$\{\s*(\w+)\s*\}")
_DIALECT = KsqlDialect()


class Session:
    """The properties and variables of one connection. Safe to use from several threads."""

    def __init__(self, properties: Mapping[str, str]) -> None:
        self._lock = threading.Lock()
        self._properties = {_bare(name): value for name, value in properties.items()}
        self._variables: dict[str, str] = {}
        self._sequence: int | None = None

    @property
    def properties(self) -> dict[str, str]:
        """The properties as they are now."""
        with self._lock:
            return dict(self._properties)

    @property
    def variables(self) -> dict[str, str]:
        """The variables as they are now; their names do not tell cases apart."""
        with self._lock:
            return dict(self._variables)

    def variables_in(self, sql: str) -> dict[str, str]:
        """Return the variables that a text names."""
        named = {name.lower() for name in _VARIABLE.findall(sql)}
        return {name: value for name, value in self.variables.items() if name in named}

    @property
    def sequence(self) -> int | None:
        """The newest command that was carried out for this connection: what the next request waits for."""
        return self._sequence

    def with_properties(self, settings: Mapping[str, str]) -> dict[str, str]:
        """Return the properties as they are for one statement, which has some of its own."""
        return self.properties | {_bare(name): value for name, value in settings.items()}

    def saw_command(self, sequence: int) -> None:
        """Note the number of a command in the server's command topic, -1 for none."""
        with self._lock:
            if sequence >= 0:
                self._sequence = max(sequence, self._sequence or 0)

    def forget_command(self, sequence: int) -> None:
        """Wait for a command no longer, unless a newer one has been carried out meanwhile."""
        with self._lock:
            if self._sequence == sequence:
                self._sequence = None

    def set_property(self, name: str, value: str) -> None:
        """Set a property."""
        with self._lock:
            self._properties[_bare(name)] = value

    def define(self, name: str, value: str) -> None:
        """Define a variable."""
        with self._lock:
            self._variables[name.lower()] = value

    def has(self, statement: Statement) -> bool:
        """Tell whether what an UNSET or UNDEFINE names is set."""
        kept, name, _ = self._meant(statement)
        with self._lock:
            return name in kept

    def tried(self, statement: Statement) -> dict[str, str]:
        """Return the property that a SET would set; none for any other statement."""
        kept, name, value = self._meant(statement)
        with self._lock:
            return {} if value is None or kept is self._variables else {name: self._expanded(value)}

    def apply(self, statement: Statement) -> None:
        """Carry out a SET, UNSET, DEFINE or UNDEFINE."""
        kept, name, value = self._meant(statement)
        with self._lock:
            if value is None:
                kept.pop(name, None)
            else:
                kept[name] = self._expanded(value)

    def _meant(self, statement: Statement) -> tuple[dict[str, str], str, str | None]:
        """Return where a statement's setting is kept, its name there, and its value."""
        name, value = _DIALECT.setting(statement) or ("", None)
        if statement.words[:1] in (("DEFINE",), ("UNDEFINE",)):
            return self._variables, name.lower(), value
        return self._properties, _bare(name), value

    def expand(self, sql: str) -> str:
        """Replace ``${name}`` by the variables' values; unknown ones stay, for the server to refuse.

        In comments nothing is replaced. Inside of a string the server does so too (VariableSubstitutor).
        """
        if "${" not in sql:
            return sql
        counted = [(token.start, token.end) for token in tokenize(sql, LEXER)]
        with self._lock:

            def value(match: re.Match[str]) -> str:
                inside = any(start <= match.start() < end for start, end in counted)
                return self._variables.get(match[1].lower(), match[0]) if inside else match[0]

            return _VARIABLE.sub(value, sql)

    def _expanded(self, value: str) -> str:
        return _VARIABLE.sub(lambda m: self._variables.get(m[1].lower(), m[0]), value)


def _bare(name: str) -> str:
    return name.removeprefix(_STREAMS)
