"""One list of what the ledger and the engines know."""

from dataclasses import dataclass, field

import pytest
from pausing_engine import PAUSING

from streammagic.engines.jobs import Figures, Job, Labels, Words, hashed_id
from streammagic.errors import ConnectionFailedError, JobFailedError
from streammagic.jobs.listing import Lister


@dataclass
class Cluster:
    """What the list asks of an engine."""

    place: str = "local"
    known: list[Job] = field(default_factory=list)
    labelled: dict[str, Labels] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    savepoints: dict[str, str] = field(default_factory=dict)
    down: bool = False
    words: Words = PAUSING

    def jobs(self):
        if self.down:
            raise ConnectionFailedError("Flink's JobManager can't be reached.")
        return self.known

    def labels(self, ids):
        self.asked += ids
        return {one: self.labelled[one] for one in ids if one in self.labelled}

    def restarts(self, ids):
        return {one: self.counts[one] for one in ids if one in self.counts}

    def figures(self, ids):
        return {one: Figures(restarts=4, rows_in=2.0, sinks=("elsewhere",)) for one in ids}

    def failure(self, one):
        return JobFailedError(f"For input string: {one[:1]}.")

    def last_savepoint(self, one):
        return self.savepoints.get(one)

    def run(self, one, state="RUNNING", tasks=None, **more):
        tasks = tasks or {"running": 2, "total": 2}
        self.known.append(Job(id=one, title="a title", state=state, started=100.0, tasks=tasks, **more))


@pytest.fixture
def cluster():
    return Cluster()


@pytest.fixture
def deployed(ledger, bundle):
    """``deployed(name)`` writes a deployment that runs, and returns its job's id."""

    def make(name, place="local", state="running"):
        version = ledger.add_version(place, name, bundle, "notebook.ipynb")
        run = ledger.begin_run(place, name, version.number, 1, hashed_id(name, version.number, 1, place))
        if state != "submitting":
            ledger.set_run(run.job_id, state)
        return run.job_id

    return make


def read(ledger, *clusters, everything=False, **options):
    engines = {f"conn{at}": cluster for at, cluster in enumerate(clusters)}
    return Lister(ledger, engines, **options).read(everything=everything)


def states(listing):
    return {entry.name: entry.state for entry in listing.entries}


def test_a_deployment_with_its_job(ledger, cluster, deployed):
    one = deployed("orders")
    cluster.run(one)
    cluster.counts[one] = 3
    (entry,) = read(ledger, cluster).entries
    assert (entry.name, entry.state, entry.version, entry.restarts) == ("orders", "running", 1, 3)
    assert (entry.connection, entry.job_id, entry.sink) == ("conn0", one, "orders_out")
    assert entry.started == 100.0
    assert entry.figures is None
    assert cluster.asked == []  # its labels are not needed


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("RUNNING", "running"),
        ("RESTARTING", "restarting"),
        ("FAILING", "failing"),
        ("CREATED", "starting"),
        ("FINISHED", "finished"),
    ],
)
def test_the_engines_word_counts(ledger, cluster, deployed, state, expected):
    cluster.run(deployed("orders"), state)
    assert states(read(ledger, cluster)) == {"orders": expected}


def test_a_job_is_starting_until_all_its_tasks_run(ledger, cluster, deployed):
    cluster.run(deployed("orders"), tasks={"running": 1, "scheduled": 1, "total": 2})
    (entry,) = read(ledger, cluster).entries
    assert (entry.state, entry.reason) == ("starting", "1 of 2 tasks run")


def test_what_the_cluster_no_longer_knows_is_lost(ledger, cluster, deployed):
    deployed("orders")
    assert states(read(ledger, cluster)) == {"orders": "lost"}
    assert ledger.deployment("local", "orders").run.state == "lost"


def test_what_was_stopped_from_elsewhere_is_found_with_its_savepoint(ledger, cluster, deployed):
    one = deployed("orders")
    cluster.run(one, "FINISHED")
    cluster.savepoints[one] = "file:/s/1"
    assert states(read(ledger, cluster)) == {"orders": "stopped"}
    assert ledger.deployment("local", "orders").savepoint.path == "file:/s/1"


def test_what_was_lost_may_run_again(ledger, cluster, deployed):
    cluster.run(deployed("orders", state="lost"))
    assert states(read(ledger, cluster)) == {"orders": "running"}
    assert ledger.deployment("local", "orders").run.state == "running"


def test_why_a_job_failed_is_written_down_once(ledger, cluster, deployed):
    one = deployed("orders")
    cluster.run(one, "FAILED", ended=200.0)
    (entry,) = read(ledger, cluster).entries
    assert (entry.state, entry.reason, entry.ended) == ("failed", f"For input string: {one[:1]}.", 200.0)
    cluster.failure = None  # it is not asked again
    (entry,) = read(ledger, cluster).entries
    assert entry.reason == f"For input string: {one[:1]}."


def test_nothing_is_written_while_somebody_is_at_it(ledger, cluster, deployed):
    cluster.run(deployed("orders"), "FINISHED")
    with ledger.claim("local", "orders", "stopped", ""):
        assert states(read(ledger, cluster)) == {"orders": "finished"}
        assert ledger.deployment("local", "orders").run.state == "running"


def test_a_deliberate_end_keeps_its_name(ledger, cluster, deployed):
    cluster.run(deployed("orders", state="stopped"), "FINISHED")
    assert states(read(ledger, cluster)) == {"orders": "stopped"}


def test_a_job_on_its_way_is_starting_and_not_lost(ledger, cluster, deployed):
    deployed("orders", state="submitting")
    assert states(read(ledger, cluster)) == {"orders": "starting"}


def test_a_start_that_nobody_finished_has_failed(ledger, cluster, deployed, monkeypatch):
    deployed("orders", state="submitting")
    monkeypatch.setattr("streammagic.jobs.listing.APPEARS_SECONDS", -1.0)
    assert states(read(ledger, cluster)) == {"orders": "failed"}


def test_a_cluster_out_of_reach_is_a_note(ledger, cluster, deployed):
    deployed("orders")
    cluster.down = True
    listing = read(ledger, cluster)
    assert states(listing) == {"orders": "not reached"}
    assert listing.notes == ("conn0: Flink's JobManager can't be reached.",)
    assert ledger.deployment("local", "orders").run.state == "running"


def test_without_a_cluster_its_jobs_are_lost(ledger, deployed):
    deployed("orders")
    deployed("far", place="http://flink:8081")
    assert states(read(ledger, down=["local"])) == {"far": "not reached", "orders": "lost"}


def test_a_labelled_job_is_listed_though_it_is_not_in_the_ledger(ledger, cluster, bundle):
    cluster.run("a" * 32)
    cluster.run("b" * 32)
    cluster.run("c" * 32, "FINISHED")
    cluster.labelled["a" * 32] = Labels(name="theirs", version=7, sha="x", owner="bob@host", bundle=bundle)
    (entry,) = read(ledger, cluster).entries
    assert (entry.name, entry.version, entry.owner, entry.sink) == ("theirs", 7, "bob@host", "orders_out")
    assert entry.deployment is None
    assert "c" * 32 not in cluster.asked


def test_everything_is_also_what_was_deleted_and_never_deployed(ledger, cluster, deployed):
    deployed("gone", state="cancelled")
    ledger.mark_deleted("local", "gone")
    cluster.run("b" * 32)
    assert states(read(ledger, cluster)) == {}
    assert states(read(ledger, cluster, everything=True)) == {"a title": "running", "gone": "deleted"}


def test_earlier_runs_of_a_deployment_are_not_listed_as_jobs(ledger, cluster, deployed):
    cluster.run(deployed("orders", state="stopped"), "FINISHED")
    run = ledger.begin_run("local", "orders", 1, 2, hashed_id("orders", 1, 2))
    ledger.set_run(run.job_id, "running")
    cluster.run(run.job_id)
    assert run.job_id == hashed_id("orders", 1, 2)
    assert states(read(ledger, cluster, everything=True)) == {"orders": "running"}


def test_one_cluster_under_two_names_is_asked_once(ledger, cluster, deployed):
    cluster.run(deployed("orders"))
    assert [entry.connection for entry in read(ledger, cluster, cluster).entries] == ["conn0"]


def test_only_one_connection(ledger, cluster, deployed):
    cluster.run(deployed("orders"))
    deployed("far", place="http://flink:8081")
    assert states(read(ledger, cluster, only=True)) == {"orders": "running"}


def test_figures_are_read_of_what_lives(ledger, cluster, deployed):
    cluster.run(deployed("orders"))
    deployed("gone", state="stopped")
    lister = Lister(ledger, {"conn": cluster})
    gone, orders = lister.with_figures(lister.read().entries)
    assert gone.figures is None
    assert (orders.figures.rows_in, orders.restarts) == (2.0, 4)


def test_names_are_sorted_as_people_do(ledger, cluster, deployed):
    for name in ("beta", "Alpha", "gamma"):
        deployed(name, state="stopped")
    assert list(states(read(ledger, cluster))) == ["Alpha", "beta", "gamma"]
