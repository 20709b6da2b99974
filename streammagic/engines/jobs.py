"""Jobs that outlive a cell: what a deployment consists of, and what an engine must do for it."""

from __future__ import annotations

import base64
import hashlib
import zlib
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

import orjson

from streammagic.sql.statements import evened, tokenize

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streammagic.errors import StreamMagicError
    from streammagic.sql.statements import Statement


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
    ``statement``, ``topics`` those written and ``reads`` those read, ``makes`` the ones written that may be
    made for it (True: only the newest record of a key need be kept), ``made_topics`` those that were,
    ``groups`` the consumer groups it reads with.
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
            *_told(self.definitions),
            _evened(self.statement),
            *sorted(f"{key}={value}" for key, value in self.settings.items()),
            self.sink.connector or "",
            *sorted(f"{key}={value}" for key, value in self.sink.options.items()),
            str(self.sink.exactly_once),
        ]
        return hashlib.sha256("\0".join(asked).encode()).hexdigest()[:12]

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


def _told(definitions: Sequence[str]) -> list[str]:
    """Return what definitions say, in an order that is theirs: what was run twice counts once.

    What the order decides is in which database the statement stands, so the last USE of each kind is last.
    """
    told = [_evened(sql) for sql in definitions]
    uses = [text for text in told if text.startswith("USE ")]
    last = dict.fromkeys(reversed(uses[-2:]))
    return [*sorted(set(told) - set(uses)), *last]


def _evened(sql: str) -> str:
    return evened(tokenize(sql))


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """What a deployed job says of itself. ``bundle`` is None where it was too long to ride along."""

    name: str
    version: int
    sha: str
    owner: str
    bundle: Bundle | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as the engine lists it.

    ``title`` is the engine's name for it, ``state`` the engine's own word in upper case ("RUNNING",
    "RESTARTING", "FINISHED", "CANCELED", "FAILED", …), ``started`` and ``ended`` seconds since the epoch,
    ``tasks`` the number of tasks by state in lower case.
    """

    id: str
    title: str
    state: str
    started: float
    ended: float | None = None
    tasks: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_over(self) -> bool:
        """Whether nothing follows."""
        return self.state in ("FINISHED", "CANCELED", "FAILED", "SUSPENDED")

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
    """The state that a job goes on from: the path of a savepoint or checkpoint of job ``of``.

    With ``new_sink`` the sink's part of it may be left behind, and nothing else.
    """

    path: str
    of: str = ""
    new_sink: bool = False


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

    def submit(self, bundle: Bundle, job_id: str, labels: Labels, restore: Restore | None) -> None:
        """Send a designed bundle; its job has the id, and goes on from ``restore`` if that is given.

        Raises `JobFailedError`, with the job ended, where more than the sink's state was left behind.

        Sending the same id again is harmless: it raises `DuplicateJobError`. When the answer was lost, the
        job is looked for by its id.
        """

    def adopt(self, bundle: Bundle) -> None:
        """Make the table that was made for a bundle known to this connection's session."""

    def disown(self, bundle: Bundle) -> None:
        """Drop what `adopt` made known, and the table itself where a catalog keeps it."""

    def jobs(self) -> list[Job]:
        """Return all jobs that the cluster remembers, by one request."""

    def job(self, job_id: str) -> Job | None:
        """Return one job, None where the cluster does not know it."""

    def labels(self, job_ids: Sequence[str]) -> dict[str, Labels]:
        """Return the labels of those jobs that have some; each job is asked once, for ever."""

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

    def stop(self, job_id: str, *, drain: bool) -> str:
        """Stop a job with a savepoint and return the savepoint's path; the job has ended then."""

    def savepoint(self, job_id: str) -> str:
        """Take a savepoint of a running job and return its path."""

    def checkpoint(self, job_id: str) -> str | None:
        """Return the path of the newest checkpoint that can still be found, of a job that may be lost."""

    def cancel(self, job_id: str) -> None:
        """End a job without a savepoint; it has ended then. Harmless where it is over or unknown."""

    def discard(self, path: str) -> None:
        """Remove a savepoint, where it can be reached."""

    def keeps_state(self, job_id: str) -> bool:
        """Tell whether `sweep` would remove something."""

    def savepoints(self, job_ids: Sequence[str]) -> list[str]:
        """Return the savepoints of those jobs that can be found, whether anybody wrote them down or not."""

    def last_savepoint(self, job_id: str) -> str | None:
        """Return the path of the savepoint that a job was stopped with, if it was."""

    def sweep(self, job_id: str) -> None:
        """Remove what is kept of a job that is over: its checkpoints, where they can be reached."""
