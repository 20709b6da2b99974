"""The ledger's rows: how deployments are put together from them, and the steps that changes share.

Each function works inside the caller's transaction.
"""

from __future__ import annotations

import time
from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from streammagic.engines.jobs import Bundle
from streammagic.errors import LedgerError
from streammagic.jobs import ledger_claims as claims
from streammagic.jobs.ledger_values import Deployment, Run, Savepoint, Version, who
from streammagic.sql.secrets import mask

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from typing import Any

_LATER = 0.001  # seconds by which what comes after something is later, even where a clock was set back
_MOST_ATTEMPTS = 1000


class Owner(NamedTuple):
    """The newest run of a job, as one deployment has it.

    A job may be of two deployments: the same cluster under two addresses.
    """

    run: int
    deployment: int
    place: str
    name: str
    state: str
    reason: str
    version: int
    sha: str


def deployments(connection: sqlite3.Connection, where: str, values: tuple[Any, ...]) -> list[Deployment]:
    """Return the deployments that fit a condition, by name: four queries, however many there are."""
    found = connection.execute(
        "SELECT id, place, name, engine, created, deleted FROM deployments"  # noqa: S608 - our own conditions
        f" WHERE {where} ORDER BY name, place",
        values,
    ).fetchall()
    engines = {row[0]: row[3] for row in found}
    of = f"deployment IN (SELECT id FROM deployments WHERE {where})"  # noqa: S608 - likewise

    def rows(columns: str, table: str, order: str) -> list[tuple[Any, ...]]:
        sql = f"SELECT deployment, {columns} FROM {table} WHERE {of} ORDER BY {order}"  # noqa: S608 - likewise
        return connection.execute(sql, values).fetchall()

    versions: defaultdict[int, list[Version]] = defaultdict(list)
    for owner, number, sha, text, *rest in rows(
        "number, sha, bundle, created, who, notebook", "versions", "number"
    ):
        versions[owner].append(Version(number, sha, _bundle(text, engines[owner]), *rest))
    runs: defaultdict[int, list[Run]] = defaultdict(list)
    for owner, *row, accepted in rows(
        "job_id, version, attempt, state, started, ended, restored, reason, accepted",
        "runs",
        "started, rowid",
    ):
        run = [*row, None if accepted is None else bool(accepted)]
        runs[owner].append(Run(*run))
    saved: defaultdict[int, list[Savepoint]] = defaultdict(list)
    for owner, *row in rows("path, job_id, version, kind, created", "savepoints", "created, rowid"):
        saved[owner].append(Savepoint(*row))
    return [
        Deployment(
            place, name, engine, created, deleted, tuple(versions[key]), tuple(runs[key]), tuple(saved[key])
        )
        for key, place, name, engine, created, deleted in found
    ]


def _bundle(text: str | None, engine: str) -> Bundle:
    try:
        return Bundle(engine=engine, statement="") if text is None else Bundle.from_json(text)
    except (ValueError, TypeError, KeyError):  # of a newer streammagic: the rest of the ledger is still good
        return Bundle(engine=engine, statement="")


def packed(bundle: Bundle) -> str:
    """Return a bundle as it is stored. Raises `LedgerError` where it holds half a character."""
    try:
        return bundle.to_json().decode()
    except TypeError as error:
        raise LedgerError(
            "The SQL holds a character that can't be written down.",
            cause=str(error),
            hint="Is there half of an emoji in it, from a cut text? Type that character again.",
        ) from error


def storable(text: str) -> str:
    """Return a text without what can't be stored: file names may hold bytes that are no characters."""
    return text.encode("utf-8", "replace").decode()


def note(  # noqa: PLR0913, PLR0917 - an event, all of it
    connection: sqlite3.Connection, place: str, name: str, what: str, detail: str = "", notebook: str = ""
) -> None:
    """Write an event down, of the notebook that is given, else of the one that has the claim here."""
    notebook = storable(notebook) or claims.notebook_of(connection, place, name)
    connection.execute(
        "INSERT INTO events (at, place, name, what, detail, who, notebook) VALUES (?, ?, ?, ?, ?, ?, ?)",
        (time.time(), place, name, what, mask(storable(detail)), who(), notebook),
    )


def owners(connection: sqlite3.Connection, identity: str) -> list[Owner]:
    """Return the deployments that a job is a run of, each with the newest of its runs."""
    rows = connection.execute(
        "SELECT runs.rowid, deployments.id, place, name, state, reason, version, coalesce(sha, '')"
        " FROM runs JOIN deployments ON deployments.id = runs.deployment"
        " LEFT JOIN versions ON versions.deployment = runs.deployment AND number = version"
        " WHERE job_id = ? ORDER BY started DESC, runs.rowid DESC",
        (identity,),
    )
    newest: dict[int, Owner] = {}
    for owner in (Owner(*row) for row in rows):
        newest.setdefault(owner.deployment, owner)
    return list(newest.values())


def revived(connection: sqlite3.Connection, place: str, name: str, engine: str, created: float) -> int:
    """Return the id of a deployment that is there from now on, whether it is new, known or was deleted.

    It counts as created at that time, unless it was there already.
    """
    connection.execute(
        "INSERT INTO deployments (place, name, engine, created) VALUES (?, ?, ?, ?) ON CONFLICT (place, name)"
        " DO UPDATE SET deleted = NULL, engine = excluded.engine,"
        " created = iif(deleted IS NULL, created, excluded.created)"
        " WHERE deleted IS NOT NULL OR engine != excluded.engine",
        (place, name, engine, created),
    )
    found = connection.execute("SELECT id FROM deployments WHERE place = ? AND name = ?", (place, name))
    return int(found.fetchone()[0])


def with_version(connection: sqlite3.Connection, place: str, name: str, version: int) -> int:
    """Return the id of a deployment that is there and has a version. Raises `LedgerError` for another."""
    found = connection.execute(
        "SELECT id FROM deployments JOIN versions ON deployment = id"
        " WHERE place = ? AND name = ? AND deleted IS NULL AND number = ?",
        (place, name, version),
    ).fetchone()
    if found is None:
        raise LedgerError(
            f"There is no version {version} of {name} in the ledger, or it is deleted.",
            hint="%stream jobs lists what is deployed.",
        )
    return int(found[0])


def newest_version(connection: sqlite3.Connection, deployment: int) -> int:
    """Return the number of a deployment's newest version, 0 where there is none."""
    sql = "SELECT coalesce(max(number), 0) FROM versions WHERE deployment = ?"
    return int(connection.execute(sql, (deployment,)).fetchone()[0])


def insert_version(
    connection: sqlite3.Connection, deployment: int, version: Version, text: str | None
) -> None:
    """Store a version with its packed bundle, None for one that isn't known; one that is there stays."""
    connection.execute(
        "INSERT OR IGNORE INTO versions (deployment, number, sha, bundle, created, who, notebook)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (deployment, version.number, version.sha, text, version.created, version.who, version.notebook),
    )
    if text is not None:  # it may have been stored when its bundle wasn't known
        connection.execute(
            "UPDATE versions SET bundle = ?"
            " WHERE deployment = ? AND number = ? AND sha = ? AND bundle IS NULL",
            (text, deployment, version.number, version.sha),
        )


def insert_run(connection: sqlite3.Connection, deployment: int, run: Run) -> None:
    """Store a run. Raises `sqlite3.IntegrityError` for one that is there."""
    connection.execute(
        "INSERT INTO runs"
        " (deployment, job_id, version, attempt, state, started, ended, restored, reason, accepted)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            deployment,
            run.job_id,
            run.version,
            run.attempt,
            run.state,
            run.started,
            run.ended,
            run.restored,
            run.reason,
            run.accepted,
        ),
    )


def set_running(connection: sqlite3.Connection, run: int) -> None:
    """Note that a run goes on, whatever it was taken for."""
    connection.execute(
        "UPDATE runs SET state = 'running', reason = '', ended = NULL, accepted = 1"
        " WHERE rowid = ? AND (state != 'running' OR accepted IS NOT 1)",
        (run,),
    )


def next_time(connection: sqlite3.Connection, deployment: int, column: str, table: str) -> float:
    """Return now, or a moment after the newest one stored: a clock that was set back changes no order."""
    sql = f"SELECT max({column}) FROM {table} WHERE deployment = ?"  # noqa: S608 - our own names
    newest = connection.execute(sql, (deployment,)).fetchone()[0]
    return max(time.time(), (newest or 0.0) + _LATER)


def number_of(connection: sqlite3.Connection, deployment: int, version: int, sha: str, started: float) -> int:
    """Return the number that the version of a job gets here, which was found under another ledger's.

    That is its own, unless another bundle has it, or the job is newer than all that are known and its
    version is not: then it is the next, so that the newest version is what runs.
    """
    newest_run, newest = connection.execute(
        "SELECT (SELECT max(started) FROM runs WHERE deployment = :id),"
        " (SELECT coalesce(max(number), 0) FROM versions WHERE deployment = :id)",
        {"id": deployment},
    ).fetchone()
    taken = connection.execute(
        "SELECT 1 FROM versions WHERE deployment = ? AND number = ? AND sha != ?", (deployment, version, sha)
    ).fetchone()
    is_newest = newest_run is None or started >= newest_run
    return newest + 1 if is_newest and (taken or version < newest) else version


def attempt_of(
    connection: sqlite3.Connection,
    deployment: int,
    number: int,
    identity: str,
    id_of: Callable[[int, int], str],
) -> int:
    """Return the attempt that a job's id stands for, else the next one that is free.

    ``id_of`` makes the id of a version's attempt.
    """
    rows = connection.execute(
        "SELECT attempt FROM runs WHERE deployment = ? AND version = ?", (deployment, number)
    )
    taken = {row[0] for row in rows}
    free = set(range(1, _MOST_ATTEMPTS)) - taken
    made = (attempt for attempt in sorted(free) if id_of(number, attempt) == identity)
    return next(made, max(taken, default=0) + 1)
