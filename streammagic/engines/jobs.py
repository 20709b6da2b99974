"""Jobs that outlive a cell: what a deployment consists of, and what an engine must do for it."""

from __future__ import annotations

import base64
import hashlib
import uuid
import zlib
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

import orjson

from streammagic.engines.base import plugins
from streammagic.sql.statements import CALCITE, evened, tokenize

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streammagic.errors import StreamMagicError
    from streammagic.sql.statements import Statement

_NAMESPACE = uuid.UUID("6b1f7f1c-4f0e-5c1a-9a52-0d6f3a2b7e11")
_LOCAL = "local"


def hashed_id(name: str, version: int, attempt: int, place: str = _LOCAL) -> str:
    """Return an id for a run's job, 32 hex digits: always the same for the same run, of no other run.

    The place counts, so that the same name may be deployed on two clusters.
    """
    run = f"{name}\0{version}\0{attempt}"
    return uuid.uuid5(_NAMESPACE, run if place == _LOCAL else f"{run}\0{place}").hex


@dataclass(frozen=True, slots=True, kw_only=True)
class SinkRequest:
    """The sink that a bare SELECT is to be given: a connector (None: chosen), and options of its table."""

    connector: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    exactly_once: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """Everything it takes to send a deployment again, on its own, in an empty session.

    Texts are as typed: variables and ``secret("…")`` in them are not expanded. ``definitions`` are
    the statements that have to run before, in order (``ADD JAR`` among them). ``statement`` is what the
    person deployed, and ``settings`` hold for it only.

    The rest is derived from that and no part of `sha`: ``table`` is the table that is written,
    ``table_ddl`` its definition where it was made for the person, ``insert`` what is sent instead of
    ``statement`` ("" beside a ``table_ddl``: that is all of it, as CREATE … AS SELECT is), ``topics`` those
    written and ``reads`` those read, ``makes`` the ones written that have to be made for it first (True: only
    the newest record of a key need be kept), ``made_topics`` those that were, or are made by the engine
    itself, ``groups`` the consumer groups it reads with.
    """

    engine: str
    statement: str
    definitions: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    sink: SinkRequest = field(default_factory=SinkRequest)
    table: str = ""
    table_ddl: str = ""
    insert: str = ""
    topics: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    makes: Mapping[str, bool] = field(default_factory=dict)
    made_topics: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()

    @property
    def sha(self) -> str:
        """12 hex digits that are equal for bundles that ask for the same, whatever their white space."""
        asked = [
            self.engine,
            *self._told(),
            self._evened(self.statement),
            *sorted(f"{key}={value}" for key, value in self.settings.items()),
            self.sink.connector or "",
            *sorted(f"{key}={value}" for key, value in self.sink.options.items()),
            str(self.sink.exactly_once),
        ]
        return hashlib.sha256("\0".join(asked).encode()).hexdigest()[:12]

    def _told(self) -> list[str]:
        """Return what the definitions say, in an order that is theirs: what was run twice counts once.

        What the order decides is in which database the statement stands: the last USE of each kind is last.
        """
        told = [self._evened(sql) for sql in self.definitions]
        uses = [text for text in told if text.startswith("USE ")]
        last = dict.fromkeys(reversed(uses[-2:]))
        return [*sorted(set(told) - set(uses)), *last]

    def _evened(self, sql: str) -> str:
        plugin = plugins().get(self.engine)
        lexer = CALCITE if plugin is None else plugin.dialect.lexer
        return evened(tokenize(sql, lexer), lexer)

    @property
    def sent(self) -> tuple[str, ...]:
        """What is sent after the definitions."""
        if not self.table_ddl:
            return (self.insert or self.statement,)
        return (self.table_ddl, self.insert) if self.insert else (self.table_ddl,)

    def to_json(self) -> bytes:
        """Return the bundle as JSON."""
        return orjson.dumps(asdict(self))

    @classmethod
    def from_json(cls, raw: bytes | str) -> Bundle:
        """Read what `to_json` wrote. Raises ValueError or TypeError for anything else."""
        values = orjson.loads(raw)
        values["sink"] = SinkRequest(**values["sink"])
        for name in ("definitions", "topics", "reads", "made_topics", "groups"):
            values[name] = tuple(values[name])
        return cls(**values)

    def packed(self) -> str:
        """Return the bundle as one short word, to ride along as a label."""
        return base64.b64encode(zlib.compress(self.to_json(), 9)).decode()

    @classmethod
    def unpacked(cls, word: str) -> Bundle | None:
        """Read what `packed` wrote; None for anything else."""
        try:
            return cls.from_json(zlib.decompress(base64.b64decode(word, validate=True)))
        except (ValueError, TypeError, KeyError, zlib.error):
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """What a deployed job says of itself.

    ``sha`` is "" and ``bundle`` None where the job can't tell (a bundle may be too long to ride along).
    """

    name: str
    version: int
    sha: str
    owner: str
    bundle: Bundle | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as the engine lists it.

    ``id`` is as `JobEngine.job_id` makes them, ``title`` the engine's name for the job, which for a deployed
    one is the deployment's. ``state`` is "RUNNING", "RESTARTING", "FINISHED", "CANCELED", "FAILED", "PAUSED",
    or another word of the engine's own in upper case. ``started`` and ``ended`` are seconds since the epoch,
    None where the engine does not say. ``tasks`` is the number of tasks by state in lower case; a job without
    any has none that runs (see `all_run`).
    """

    id: str
    title: str
    state: str
    started: float | None = None
    ended: float | None = None
    tasks: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        """Whether nothing follows, unless somebody has a paused one go on."""
        return self.is_paused or self.state in ("FINISHED", "CANCELED", "FAILED", "SUSPENDED")

    @property
    def is_paused(self) -> bool:
        """Whether it processes nothing, and keeps its state and its place on the engine."""
        return self.state == "PAUSED"

    @property
    def all_run(self) -> bool:
        """Whether every task runs (or has ended by itself)."""
        going = sum(count for state, count in self.tasks.items() if state in ("running", "finished"))
        return self.state == "RUNNING" and bool(going) and going == self.tasks.get("total", going)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a job is doing, each None where it can't be read.

    ``rows_in`` and ``rows_out`` are rows per second of the sources and sinks, ``lag`` rows waiting at the
    sources, ``backpressure`` the part of the time (0 to 1) that its worst vertex is held up,
    ``checkpointed`` seconds since the epoch.
    """

    restarts: int | None = None
    rows_in: float | None = None
    rows_out: float | None = None
    lag: int | None = None
    backpressure: float | None = None
    checkpointed: float | None = None
    checkpoints_failed: int | None = None
    sinks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing looked at by a diagnosis: what, how it stands, the evidence, what to do."""

    what: str
    verdict: Literal["healthy", "degraded", "failing", "not assessed"]
    evidence: str
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What becomes of the state when one bundle takes another's place.

    ``verdict``: "fits": the engine is expected to accept the state, and it means the same. "changed": it
    is expected to accept it, but keys, filters or aggregates differ, so that what was counted may not be
    what will be counted. "refused": operators differ, and the engine is expected to refuse the state.
    ``differences`` are sentences. ``new_sink``: what the sink itself keeps (it has committed everything when
    it was stopped with a savepoint) finds no place in the new job and is left behind; all else fits.
    """

    verdict: Literal["fits", "changed", "refused"]
    differences: tuple[str, ...] = ()
    new_sink: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore:
    """The state that a job goes on from: what was kept at ``path`` of job ``of``.

    A path is the engine's own word for it: where a savepoint or checkpoint lies, or the id of a query that
    was paused. With ``new_sink`` the sink's part of it may be left behind, and nothing else. ``same`` tells
    that what the engine took last under this name is the very query that is to go on, so that there is
    nothing to be replaced; it is filled in by `launch`.
    """

    path: str
    of: str = ""
    new_sink: bool = False
    same: bool = True


@dataclass(frozen=True, slots=True)
class Stopped:
    """What came of a stop: the path of the state to go on from (None: nothing was kept), and a few words.

    ``shown`` is a path that the person is shown where they can use it.
    """

    path: str | None
    said: str
    shown: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Disowned:
    """What was taken away, a word or two each ("table orders"), and the topics that went with it."""

    things: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """How an engine's way with jobs and their state is told. Parts of sentences, without a full stop.

    Of a plan: ``stops`` follows "stops version 1, ", and ``from_stop``, ``from_last`` and ``without`` follow
    "starts version 2, ": from the state of that stop, from what was kept before, and with none. ``unfit``
    follows "the state of counts": the engine is expected to refuse it, or has said that it will.

    Of what is being done: ``stopping`` with the state and ``cancelling`` without.

    Of what came of it: ``cancelled``, where nothing was saved. ``nothing_kept`` follows the deployment's name
    where there is nothing to go on from. ``source`` is that which a stop leaves, as in "goes on from the
    savepoint". ``savepoint`` names the kind of state that `JobEngine.savepoint` takes and a delete
    removes, "" where there is no such thing. ``slow`` says what to look at where a job does not come to run.
    """

    stops: str
    from_stop: str
    from_last: str
    without: str
    unfit: str
    stopping: str
    cancelling: str
    cancelled: str
    nothing_kept: str
    source: str
    savepoint: str
    slow: str


class JobEngine(Protocol):
    """What an engine does for deployments. Every method may raise `StreamMagicError`.

    Safe to use from several threads at once.
    """

    @property
    def magic(self) -> str:
        """The word after ``%%`` of the engine."""

    @property
    def place(self) -> str:
        """Where its jobs are: equal for connections to the same cluster."""

    @property
    def words(self) -> Words:
        """How it is told what this engine does."""

    @property
    def jobs_end(self) -> bool:
        """Whether a job can end by itself."""

    @property
    def start_setting(self) -> str:
        """The setting that tells where a query begins to read: "earliest" or "latest"; "" without one."""

    def bundle(self, statement: Statement, settings: Mapping[str, str], sink: SinkRequest) -> Bundle:
        """Gather what a statement needs of all that was defined on this connection."""

    def design(self, bundle: Bundle, name: str) -> Bundle:
        """Return the bundle with its derived part; one without a sink is given one.

        Nothing is left on the engine. Raises `SqlError` where a sink can't be derived, `OptionError` where
        what is asked for does not fit.
        """

    def check(self, bundle: Bundle) -> None:
        """Have a designed bundle planned by the engine. Raises `SqlError` where that fails."""

    def compare(self, old: Bundle, new: Bundle) -> Comparison:
        """Tell what becomes of the state of ``old``, both designed, when ``new`` goes on from it.

        Raises `SqlError` where ``new`` can't be planned.
        """

    def job_id(self, bundle: Bundle, name: str, version: int, attempt: int) -> str:
        """Return the id that a run's job has, chosen before it is sent; nothing is asked for it.

        All runs of a deployment may have the same, but no other deployment's may, at this place or another.
        """

    def submit(
        self, bundle: Bundle, job_id: str, labels: Labels, restore: Restore | None, *, again: bool
    ) -> None:
        """Send a designed bundle; its job has the id, and goes on from ``restore`` if that is given.

        ``again``: a start of this deployment was accepted since it was last deleted, so that what stands
        under its name is its own and may be replaced. Without it what is there must not be touched.

        Raises `SqlError` or `OptionError` only where nothing of it has begun, and what was there before is
        as it was: it can still go on. Raises `JobFailedError`, with the job ended, where more than the sink's
        state was left behind.

        Sending an id again that has run is harmless: it raises `DuplicateJobError`, unless the engine takes
        the same id for all runs. When the answer was lost, the job is looked for by its id.
        """

    def abandon(self, bundle: Bundle, job_id: str, restore: Restore | None) -> None:
        """Give up a start that was accepted and failed: its job has ended then, and what it made is gone.

        State that it was to go on from is still there afterwards.
        """

    def adopt(self, bundle: Bundle) -> None:
        """Make the table that was made for a bundle known to this connection's session."""

    def disown(self, bundle: Bundle, topics: Sequence[str] = ()) -> Disowned:
        """Drop what was made for a bundle, here and where the engine keeps it, a paused job included.

        Of ``topics``, which belong to what is dropped, the engine deletes those that it can.
        """

    def dependants(self, bundle: Bundle, but: Sequence[Bundle] = ()) -> list[str]:
        """Return what else reads or writes what was made for a bundle, so that it can't be taken away.

        By names that the person knows. What was made for the bundles of ``but`` does not count.
        """

    def jobs(self) -> list[Job]:
        """Return all jobs that the cluster remembers, by one request."""

    def job(self, job_id: str) -> Job | None:
        """Return one job, None where the cluster does not know it."""

    def labels(self, job_ids: Sequence[str]) -> dict[str, Labels]:
        """Return the labels of those jobs that have some.

        A job that has to be asked by itself is asked once, for ever.
        """

    def restarts(self, job_ids: Sequence[str]) -> dict[str, int]:
        """Return how often jobs were restarted, as far as that is known.

        Of the jobs that `jobs` has listed last; one is asked only where its tasks have changed since.
        """

    def figures(self, job_ids: Sequence[str]) -> dict[str, Figures]:
        """Return the figures of several jobs, asked for in parallel."""

    def failure(self, job_id: str) -> StreamMagicError | None:
        """Return what failed a job last, None where nothing did."""

    def diagnose(self, job_id: str) -> list[Finding]:
        """Look a job over; what can't be read is a finding "not assessed"."""

    def logs(self, job_id: str, lines: int) -> list[str]:
        """Return the last log lines about a job, oldest first, or one line that says where they are."""

    def plan(self, job_id: str) -> str:
        """Return the job's graph as text, one vertex a line."""

    def stop(self, job_id: str, *, drain: bool) -> Stopped:
        """End a job, or pause it, with its state kept where the engine can; it processes nothing then."""

    def savepoint(self, job_id: str) -> str:
        """Save the state of a running job and return its path. Raises `OptionError` where there is no way."""

    def checkpoint(self, job_id: str) -> str | None:
        """Return the path of the newest state that can still be found, of a job that may be lost."""

    def has_state(self, path: str) -> bool:
        """Tell whether the state at a path can still be there; True where only a start would tell."""

    def cancel(self, job_id: str) -> None:
        """End a job without a savepoint; it has ended then. Harmless where it is over or unknown."""

    def discard(self, path: str) -> None:
        """Remove a savepoint, where it can be reached."""

    def keeps_state(self, job_id: str) -> bool:
        """Tell whether `sweep` would remove something."""

    def savepoints(self, job_ids: Sequence[str]) -> list[str]:
        """Return the savepoints of those jobs that can be found, whether anybody wrote them down or not."""

    def last_savepoint(self, job_id: str) -> str | None:
        """Return the path of the state that a job was stopped or paused with, if it was."""

    def sweep(self, job_id: str) -> None:
        """Remove what is kept of a job that is over: its checkpoints, where they can be reached."""
