"""The ledger: every deployment of this person, in a file that outlives kernels and clusters.

A cluster forgets; it can't give back the SQL of a job, nor tell who stopped it. So all of that is written
down here, before it is done. Many processes use the file at once, each with several threads.
"""

from __future__ import annotations

import sqlite3
import time
import uuid
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from streammagic import leases
from streammagic.engines.jobs import Bundle
from streammagic.errors import LedgerError
from streammagic.jobs import ledger_claims as claims
from streammagic.jobs import ledger_rows as rows
from streammagic.jobs.ledger_schema import LedgerFile
from streammagic.jobs.ledger_secrets import literal_secrets
from streammagic.jobs.ledger_values import (
    ENDED,
    STATES,
    Deployment,
    Event,
    Run,
    Savepoint,
    Version,
    who,
)
from streammagic.sql.secrets import mask

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

__all__ = [
    "Deployment",
    "Event",
    "Ledger",
    "Run",
    "Savepoint",
    "Version",
    "literal_secrets",
    "who",
]


class Ledger:
    """The books; get them with `Ledger.open()`. Safe to use from several threads.

    Every method may raise `LedgerError`: the file can't be read or written (a full disk, a read-only
    directory, another process that holds it for 20 s). What a method wrote is on disk when it returns.
    """

    def __init__(self, file: LedgerFile) -> None:
        self._file = file

    @classmethod
    def open(cls, path: Path | None = None) -> Ledger:
        """Open the ledger, by default ``<home>/ledger.sqlite3``; it is made where it is missing.

        A damaged file is set aside, which `notes` say. Raises `LedgerError` where it can't be opened, or
        was written by a newer streammagic.
        """
        try:
            file = LedgerFile(path or leases.home() / "ledger.sqlite3")
        except OSError as error:
            raise LedgerError(
                f"The ledger of deployments has no place to be: {error.filename} ({error.strerror}).",
                cause=str(error),
                hint="Set STREAMMAGIC_HOME to a directory that can be written.",
            ) from error
        file.open()
        return cls(file)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the person should know: sentences about a file that was set aside."""
        return self._file.notes

    def close(self) -> None:
        """Let go of the file. Any later call opens it again."""
        self._file.close()

    def deployment(self, place: str, name: str) -> Deployment | None:
        """Return a deployment, also a deleted one; None where that name was never deployed there."""
        found = self._deployments("place = ? AND name = ?", (place, name))
        return found[0] if found else None

    def deployments(self, place: str | None = None, *, deleted: bool = False) -> list[Deployment]:
        """Return all deployments (at one place) by name; those that were deleted only if asked for."""
        where = "(deleted IS NULL OR ?)" + ("" if place is None else " AND place = ?")
        return self._deployments(where, (deleted,) if place is None else (deleted, place))

    def by_job(self, job_id: str) -> Deployment | None:
        """Return the deployment that a job is a run of, None for a job that isn't known.

        The newest of its runs counts.
        """
        owner = "id = (SELECT deployment FROM runs WHERE job_id = ? ORDER BY rowid DESC LIMIT 1)"
        found = self._deployments(owner, (job_id,))
        return found[0] if found else None

    @contextmanager
    def claim(self, place: str, name: str, what: str, notebook: str) -> Iterator[None]:
        """Be the only one to change a deployment, which need not exist yet.

        ``what`` is the participle of what is done to it ("deployed"). A claim of a process that died counts
        no more. Raises `DeploymentBusyError` at once where somebody else holds it, another thread of this
        process included.
        """
        token = uuid.uuid4().hex
        try:
            with self._file.transaction("IMMEDIATE") as connection:
                died = claims.take(connection, token, place, name, what, rows.storable(notebook))
                if died:
                    rows.note(connection, place, name, "taken over", died)
            yield
        except BaseException:
            with suppress(LedgerError):  # what went wrong first is what counts
                self._release(token)
            raise
        else:
            self._release(token)
        finally:
            claims.forget(token)

    def _release(self, token: str) -> None:
        try:
            with self._file.transaction("IMMEDIATE") as connection:
                claims.release(connection, token)
        except KeyboardInterrupt:
            with self._file.transaction("IMMEDIATE") as connection:
                claims.release(connection, token)
            raise

    def add_version(self, place: str, name: str, bundle: Bundle, notebook: str) -> Version:
        """Write down what is about to be deployed, as the next version. A deleted deployment is back then."""
        text, sha = rows.packed(bundle), bundle.sha
        with self._file.transaction("IMMEDIATE") as connection:
            now = time.time()
            deployment = rows.revived(connection, place, name, bundle.engine, now)
            number = rows.newest_version(connection, deployment) + 1
            version = Version(number, sha, bundle, now, who(), rows.storable(notebook))
            rows.insert_version(connection, deployment, version, text)
            rows.note(connection, place, name, "deployed", f"version {number} ({sha})", notebook)
        return version

    def begin_run(  # noqa: PLR0913, PLR0917 - a run, all of it
        self, place: str, name: str, version: int, attempt: int, job_id: str, restored: str | None = None
    ) -> Run:
        """Write down a run that is about to be submitted, under the id that its job must get.

        Raises `LedgerError` for one that was begun before, and for a version that isn't there.
        """
        with self._file.transaction("IMMEDIATE") as connection:
            deployment = rows.with_version(connection, place, name, version)
            started = rows.next_time(connection, deployment, "started", "runs")
            run = Run(job_id, version, attempt, "submitting", started, None, restored, "")
            try:
                rows.insert_run(connection, deployment, run)
            except sqlite3.IntegrityError:
                raise LedgerError(
                    f"Attempt {attempt} of {name}, version {version}, was begun before.",
                    hint="Run the cell again: the next attempt has a number of its own.",
                ) from None
            rows.note(
                connection, place, name, "submitting", f"version {version}, attempt {attempt}, job {job_id}"
            )
        return run

    def set_run(self, job_id: str, state: str, reason: str = "", *, refused: bool = False) -> None:
        """Write down what became of the newest run of a job; nothing happens for an id that isn't known.

        ``state`` is one of the states of a `Run` (ValueError otherwise). The last one to say so is right: a
        run that was taken for lost may run again. A state that it has already changes nothing. A run that
        runs was accepted; ``refused``: it was not, and nothing of it was begun.
        """
        if state not in STATES:
            raise ValueError(state)
        reason = mask(rows.storable(reason))
        with self._file.transaction("IMMEDIATE") as connection:
            for owner in rows.owners(connection, job_id):
                known = owner.state == state and reason in ("", owner.reason)
                if known and not refused:
                    continue
                accepted = True if state == "running" else False if refused else None
                connection.execute(
                    "UPDATE runs SET state = ?, reason = ?, ended = iif(?, coalesce(ended, ?), NULL),"
                    " accepted = coalesce(?, accepted) WHERE rowid = ?",
                    (state, reason, state in ENDED, time.time(), accepted, owner.run),
                )
                if not known:
                    rows.note(connection, owner.place, owner.name, state, reason)

    def add_savepoint(self, job_id: str, path: str, kind: str) -> None:
        """Write down state that the newest run of a job left; nothing happens for an id that isn't known.

        Nor for a known path, unless it was another version's: then it is this one's from now on.
        """
        with self._file.transaction("IMMEDIATE") as connection:
            for owner in rows.owners(connection, job_id):
                created = rows.next_time(connection, owner.deployment, "created", "savepoints")
                added = connection.execute(
                    "INSERT INTO savepoints (deployment, path, job_id, version, kind, created)"
                    " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (path, deployment) DO UPDATE SET"
                    " job_id = excluded.job_id, version = excluded.version, kind = excluded.kind,"
                    " created = excluded.created WHERE version != excluded.version",
                    (owner.deployment, path, job_id, owner.version, kind, created),
                )
                if added.rowcount:
                    rows.note(connection, owner.place, owner.name, "savepoint", path)

    def drop_savepoint(self, path: str, job_id: str) -> None:
        """Take out a savepoint of a job that is no more."""
        with self._file.transaction("IMMEDIATE") as connection:
            connection.execute("DELETE FROM savepoints WHERE path = ? AND job_id = ?", (path, job_id))

    def mark_deleted(self, place: str, name: str) -> None:
        """Write down that a deployment was deleted; all that is known of it is kept."""
        with self._file.transaction("IMMEDIATE") as connection:
            connection.execute(
                "UPDATE runs SET accepted = 0 WHERE accepted = 1 AND deployment ="
                " (SELECT id FROM deployments WHERE place = ? AND name = ? AND deleted IS NULL)",
                (place, name),
            )
            marked = connection.execute(
                "UPDATE deployments SET deleted = ? WHERE place = ? AND name = ? AND deleted IS NULL",
                (time.time(), place, name),
            )
            if marked.rowcount:
                rows.note(connection, place, name, "deleted")

    def adopt(  # noqa: PLR0913, PLR0917 - all that a job says of itself
        self,
        place: str,
        name: str,
        engine: str,
        version: int,
        sha: str,
        bundle: Bundle | None,
        job_id: str,
        started: float | None,
        id_of: Callable[[int, int], str],
    ) -> Deployment:
        """Write down a job that was found running; doing so again changes nothing.

        The version keeps its number, unless another bundle has it here, or the job is newer than all known
        ones of newer versions: then it gets the next number, so that the newest version is what runs. The
        attempt is that whose id it has; ``id_of`` makes the id of a version's attempt. ``sha`` is "" and
        ``started`` None where the job does not say: a job that is known is what was written down of it then,
        and one that is not has started now.
        """
        text = None if bundle is None else rows.packed(bundle)
        with self._file.transaction("IMMEDIATE") as connection:
            changes = connection.total_changes
            deployment = rows.revived(connection, place, name, engine, started or time.time())
            known = next((o for o in rows.owners(connection, job_id) if o.deployment == deployment), None)
            is_known = known is not None and sha in ("", known.sha)
            now = rows.next_time(connection, deployment, "started", "runs")
            if started is None:
                started = now
            elif known is not None and not is_known:  # it has an id of before, and is what runs now
                started = max(started, now)
            if known is None or not is_known:
                number = rows.number_of(connection, deployment, version, sha, started)
                attempt = rows.attempt_of(connection, deployment, number, job_id, id_of)
                run = Run(job_id, number, attempt, "running", started, None, None, "", accepted=True)
                rows.insert_run(connection, deployment, run)
            else:
                number = known.version
                rows.set_running(connection, known.run)
            found = Version(number, sha, bundle or Bundle(engine=engine, statement=""), started, who(), "")
            rows.insert_version(connection, deployment, found, text)
            if connection.total_changes != changes:
                rows.note(connection, place, name, "attached", f"version {number}, job {job_id}")
        return self._deployments("place = ? AND name = ?", (place, name))[0]

    def record(self, place: str, name: str, what: str, detail: str = "", notebook: str = "") -> None:
        """Write down that something happened. Secrets in ``detail`` are masked."""
        with self._file.transaction("IMMEDIATE") as connection:
            rows.note(connection, place, name, what, detail, notebook)

    def history(self, place: str | None = None, name: str | None = None, limit: int = 100) -> list[Event]:
        """Return the newest ``limit`` events (of a place, of a name), newest last."""
        asked = {"place": place, "name": name}
        given = {key: value for key, value in asked.items() if value is not None}
        where = " AND ".join(["1", *(f"{key} = :{key}" for key in given)])
        with self._file.transaction("DEFERRED") as connection:
            events = connection.execute(
                f"SELECT at, place, name, what, detail, who, notebook FROM events WHERE {where}"  # noqa: S608
                " ORDER BY id DESC LIMIT :limit",
                {**given, "limit": max(limit, 0)},
            ).fetchall()
        return [Event(*event) for event in reversed(events)]

    def _deployments(self, where: str, values: tuple[Any, ...]) -> list[Deployment]:
        with self._file.transaction("DEFERRED") as connection:
            return rows.deployments(connection, where, values)
