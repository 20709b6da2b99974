"""Every failure a person can meet, as an exception that carries what they need to act on it.

Failures are raised, never returned and never printed: nbclient, nbval and papermill then stop at the
cell that failed. `views.errors` turns one of these into a card; the fields are stable, so that code in
a notebook may catch and inspect them.
"""

from __future__ import annotations


class StreamMagicError(Exception):
    """The base of all errors raised by streammagic.

    Fields, each None where unknown:

    - ``engine``: title of the engine that was asked ("Flink").
    - ``statement``: the SQL that was sent, exactly as typed.
    - ``line``, ``column``: 1-based place in ``statement``; the magics move it to the place in the cell.
    - ``cause``: the engine's own words, unchanged.
    - ``hint``: what to do about it, one or two sentences.
    - ``details``: the long form (a Java stack, a log tail), shown folded.
    - ``link``: the address of the page of the engine's documentation that is about it.
    """

    def __init__(  # noqa: PLR0913 - the fields of every error, all optional and named
        self,
        message: str,
        *,
        engine: str | None = None,
        statement: str | None = None,
        line: int | None = None,
        column: int | None = None,
        cause: str | None = None,
        hint: str | None = None,
        details: str | None = None,
        link: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.engine = engine
        self.statement = statement
        self.line = line
        self.column = column
        self.cause = cause
        self.hint = hint
        self.details = details
        self.link = link
        self.shown_as: list[str] | None = None

    def _render_traceback_(self) -> list[str]:
        """Return the lines that IPython shows instead of a traceback, which would only name our own code."""
        return self.shown_as or [f"{type(self).__name__}: {self}"]

    def __str__(self) -> str:
        where = f" (line {self.line}, column {self.column})" if self.line else ""
        hint = f"\n{self.hint}" if self.hint else ""
        return f"{self.message}{where}{hint}"


class InterruptedQuery(KeyboardInterrupt):
    """The person interrupted a cell that waited for a query; the query was stopped."""

    def _render_traceback_(self) -> list[str]:
        return [f"Interrupted: {self}"]


class OptionError(StreamMagicError):
    """A magic was typed with options that do not exist or do not fit together."""


class SqlError(StreamMagicError):
    """The engine refused the statement: a parse, validation or planning error."""


class RefusedError(SqlError):
    """A check refused the statement before it was sent."""


class JobFailedError(StreamMagicError):
    """The engine accepted the statement and its job failed while running."""


class DuplicateJobError(StreamMagicError):
    """A job with this id was started before: it is there, or was."""


class ConnectionFailedError(StreamMagicError):
    """The engine could not be reached, or what answered is not the engine."""


class OperationTimeoutError(StreamMagicError):
    """The engine neither accepted nor refused a statement within the operation timeout."""


class SessionLostError(StreamMagicError):
    """The engine no longer knows the session that a query ran in; its rows stop here."""


class PartialResultError(StreamMagicError):
    """A whole table was asked for, and its oldest rows were dropped to stay within the memory budget."""


class LocalEngineError(StreamMagicError):
    """The embedded engine could not be installed, started, reached or stopped."""


class DeploymentBusyError(StreamMagicError):
    """Somebody else is changing the deployment at this moment; nothing was changed by this call."""


class LedgerError(StreamMagicError):
    """The ledger of deployments can't be opened, read or written, or refuses what was asked of it."""
