"""Deployments on an engine that has one job a name: replaced in place, paused, and dropped with their topics."""

import time

import pytest
from pausing_engine import PausingEngine

from streammagic.engines.jobs import Bundle, SinkRequest
from streammagic.errors import (
    ConnectionFailedError,
    DuplicateJobError,
    JobFailedError,
    OptionError,
    SqlError,
)
from streammagic.jobs.cleanup import Cleanup
from streammagic.jobs.deploy import Deploying, newest_state
from streammagic.jobs.launch import Office, await_end, reconcile
from streammagic.jobs.life import Life
from streammagic.jobs.listing import Lister
from streammagic.sql.flink import FlinkDialect
from streammagic.sql.statements import split

ONE, TWO, BAD = "SELECT 1 FROM s", "SELECT 2 FROM s", "SELECT broken FROM s"


@pytest.fixture
def engine():
    return PausingEngine(refuses={"SELECT nope FROM s"}, breaks={BAD})


@pytest.fixture
def office(ledger, engine):
    return Office(
        ledger=ledger,
        engine=engine,
        notebook="a.ipynb",
        owner="me@here",
        say=lambda _: None,
        make_topic=lambda *_: pytest.fail("the server makes its topics"),
        drop_topics=lambda names: pytest.fail(f"the server drops its topics: {names}"),
    )


@pytest.fixture
def deploy(office, engine):
    """``deploy(sql)`` does what the plan says, for a moment watched."""

    def deploy(sql, name="counts", state=None):
        deploying = Deploying(office)
        plan = deploying.plan(name, bundle_of(engine, sql))
        return deploying.apply(plan, state=state, settle=0.01)

    return deploy


def bundle_of(engine, sql):
    return engine.bundle(split(sql, FlinkDialect())[0], {}, SinkRequest())


def entry(office, name="counts"):
    return office.ledger.deployment(office.engine.place, name)


def states(office, name="counts"):
    return [run.state for run in entry(office, name).runs]


def plan(office, sql, name="counts"):
    return Deploying(office).plan(name, bundle_of(office.engine, sql))


def test_all_runs_of_a_deployment_have_one_id(deploy, office, engine):
    deploy(ONE)
    Life(office).stop("counts")
    Life(office).resume("counts", settle=0.01)
    deploy(TWO)
    assert {run.job_id for run in entry(office).runs} == {"COUNTS@server"}
    assert [(run.version, run.attempt, run.state) for run in entry(office).runs] == [
        (1, 1, "stopped"),
        (1, 2, "stopped"),
        (2, 1, "running"),
    ]
    query = "CSAS_COUNTS_1"
    assert engine.did == [
        f"CREATE {query}",
        f"PAUSE {query}",
        f"RESUME {query}",
        f"PAUSE {query}",
        f"REPLACE {query}",
    ]
    assert office.ledger.by_job("COUNTS@server").run.version == 2


def test_the_same_again_changes_nothing(deploy, engine):
    deploy(ONE)
    before = list(engine.did)
    assert deploy(ONE) is None
    assert engine.did == before


def test_the_plan_is_told_in_the_engines_words(deploy, office):
    deploy(ONE)
    lines = plan(office, TWO).lines()
    assert lines[:4] == [
        "counts: version 1 → 2",
        "  stops   version 1, which is paused",
        "  starts  version 2, in its place",
        "  state   fits",
    ]
    assert lines[5:] == [
        "--- deployed",
        "+++ in this cell",
        " CREATE STREAM COUNTS AS",
        f"-{ONE}",
        f"+{TWO}",
    ]
    Life(office).stop("counts")
    assert plan(office, ONE).lines()[1] == "  starts  it again, from where it was"
    assert plan(office, TWO).lines()[1] == "  starts  version 2, from where it was"


def test_a_stop_pauses_and_says_so(deploy, office, engine):
    deploy(ONE)
    stopped = Life(office).stop("counts")
    assert (stopped.said, stopped.shown) == ("paused; its state stays on the server", "")
    assert engine.of("counts").state == "PAUSED"
    assert entry(office).savepoint.path == engine.of("counts").id
    assert Life(office).preview("counts") == "counts: version 1 would start, from where it was"
    run = Life(office).resume("counts", settle=0.01)
    assert run.restored == engine.of("counts").id
    assert engine.did[-1] == f"RESUME {engine.of('counts').id}"


def test_a_stop_without_state_forgets_it(deploy, office):
    deploy(ONE)
    stopped = Life(office).stop("counts", savepoint=False)
    assert (stopped.path, stopped.said) == (None, "terminated, what it had read is forgotten")
    with pytest.raises(OptionError, match="counts is not on the server any more"):
        Life(office).resume("counts", settle=0.01)
    assert Life(office).resume("counts", drop_state=True, settle=0.01).restored is None


def test_a_server_that_cannot_pause_leaves_nothing_to_go_on_from(deploy, office, engine):
    engine.pauses = False
    deploy(ONE)
    assert Life(office).stop("counts").said == "terminated"
    assert entry(office).savepoints == ()
    assert newest_state(office, entry(office)) is None
    assert "from the beginning" in plan(office, TWO).lines()[1]


def test_state_that_is_gone_is_not_offered(deploy, office, engine):
    deploy(ONE)
    Life(office).stop("counts")
    assert newest_state(office, entry(office)).path == "CSAS_COUNTS_1"
    engine.queries.clear()
    assert newest_state(office, entry(office)) is None


def test_state_that_was_taken_over_is_the_newer_versions(deploy, office):
    deploy(ONE)
    deploy(TWO)
    Life(office).stop("counts")
    assert [(saved.path, saved.version) for saved in entry(office).savepoints] == [("CSAS_COUNTS_1", 2)]


def test_a_replacement_that_is_refused_gives_way_to_the_very_same_query(deploy, office, engine):
    deploy(ONE)
    engine.asked.clear()
    with pytest.raises(SqlError) as caught:
        deploy("SELECT nope FROM s")
    assert "Version 1 goes on from where it was, as version 3; nothing is lost." in caught.value.hint
    assert engine.asked == ["submit other again=True", "submit same again=True"]
    assert engine.did == ["CREATE CSAS_COUNTS_1", "PAUSE CSAS_COUNTS_1", "RESUME CSAS_COUNTS_1"]
    assert states(office) == ["stopped", "failed", "running"]
    assert deploy(ONE) is None


def test_a_replacement_that_fails_is_replaced_by_the_version_before(deploy, office, engine):
    deploy(ONE)
    engine.asked.clear()
    with pytest.raises(JobFailedError, match="it broke") as caught:
        deploy(BAD)
    assert "goes on from where it was" in caught.value.hint
    assert engine.asked == ["submit other again=True", "submit other again=True"]
    assert engine.did[-1] == "REPLACE CSAS_COUNTS_1"
    assert engine.of("counts").sql == ONE
    assert states(office) == ["stopped", "failed", "running"]


def test_a_resume_after_a_failed_replacement_does_not_resume_what_failed(deploy, office, engine):
    deploy(ONE)
    Life(office).stop("counts")
    with pytest.raises(JobFailedError) as caught:
        deploy(BAD)
    assert "Version 1 is the newest again" in caught.value.hint
    assert (engine.of("counts").sql, engine.of("counts").state) == (BAD, "PAUSED")
    Life(office).resume("counts", settle=0.01)
    assert engine.did[-1] == "REPLACE CSAS_COUNTS_1"
    assert (engine.of("counts").sql, engine.of("counts").state) == (ONE, "RUNNING")


def test_without_state_what_was_there_is_dropped(deploy, office, engine):
    deploy(ONE)
    deploy(TWO, state="drop")
    assert engine.did[1:] == ["PAUSE CSAS_COUNTS_1", "DROP COUNTS", "CREATE CSAS_COUNTS_2"]
    assert entry(office).run.restored is None


def test_without_state_a_refused_version_gives_way_to_what_was_paused(deploy, engine):
    deploy(ONE)
    with pytest.raises(SqlError) as caught:
        deploy("SELECT nope FROM s", state="drop")
    assert "goes on from where it was" in caught.value.hint
    assert engine.did[-1] == "RESUME CSAS_COUNTS_1"


def test_without_state_a_failed_version_leaves_no_way_back_but_to_begin_anew(deploy, office, engine):
    deploy(ONE)
    with pytest.raises(JobFailedError) as caught:
        deploy(BAD, state="drop")
    assert "Version 1 began anew, as version 3; its state is gone." in caught.value.hint
    assert engine.of("counts").sql == ONE
    assert engine.did[-1] == "CREATE CSAS_COUNTS_3"
    assert entry(office).run.state == "running"


def test_what_the_server_refuses_to_keep_needs_a_word(deploy, engine):
    engine.unfit.add(TWO)
    deploy(ONE)
    with pytest.raises(OptionError) as caught:
        deploy(TWO)
    assert caught.value.message == "The state of counts can't be kept by the new query (another key)."
    deploy(TWO, state="drop")


def test_a_start_that_fails_leaves_nothing(deploy, office, engine):
    with pytest.raises(JobFailedError):
        deploy(BAD)
    assert (engine.queries, engine.topics) == ({}, set())
    assert states(office) == ["failed"]


def test_what_is_there_already_is_not_touched(deploy, office, engine):
    engine.make("counts", "SELECT theirs", "PAUSED")
    with pytest.raises(OptionError, match="already"):
        deploy(ONE)
    assert engine.asked == ["submit None again=False"]
    assert engine.did == []
    assert entry(office).deleted
    assert entry(office).run.accepted is False


def test_a_refused_start_never_takes_somebody_elses_query_for_its_own(deploy, office, engine):
    engine.make("counts", "SELECT theirs", "PAUSED")
    engine.submit = _raising(DuplicateJobError("It is there."))
    with pytest.raises(DuplicateJobError, match="It is there"):
        deploy(ONE)
    engine.of("counts").state = "RUNNING"
    assert entry(office).deleted
    found = reconcile(office, entry(office))
    assert found.run.state == "failed"
    listing = Lister(office.ledger, {"c": engine}).read(everything=True)
    assert {(e.name, e.state) for e in listing.entries} == {("counts", "deleted"), ("counts", "running")}


def test_a_refused_first_start_can_be_deleted_without_harm(office, engine, ledger):
    bundle = engine.design(bundle_of(engine, ONE), "counts")
    ledger.add_version("server", "counts", bundle, "")
    ledger.begin_run("server", "counts", 1, 1, "COUNTS@server")
    ledger.set_run("COUNTS@server", "failed", "it is there", refused=True)
    engine.make("counts", "SELECT theirs")
    engine.sources.add("COUNTS")
    engine.topics.add("COUNTS")
    Life(office).end("counts")
    deleted = Life(office).delete("counts", topics=True)
    assert (deleted.gone, deleted.topics, deleted.bundle.topics) == ((), (), ())
    assert engine.did == []
    assert engine.topics == {"COUNTS"}


def test_after_a_lost_answer_what_is_there_is_not_known_to_be_its_own(deploy, office, engine):
    submit = engine.submit
    engine.submit = _raising(ConnectionFailedError("gone"))
    with pytest.raises(ConnectionFailedError):
        deploy(ONE)
    assert entry(office).run.accepted is None
    engine.submit = submit
    engine.asked.clear()
    deploy(ONE)
    assert engine.asked[-1] == "submit None again=False"
    assert entry(office).was_accepted


def test_a_deleted_name_begins_without_rights(deploy, office, engine):
    deploy(ONE)
    Life(office).end("counts")
    Life(office).delete("counts")
    engine.asked.clear()
    deploy(ONE)
    assert engine.asked[-1] == "submit None again=False"


def test_a_deleted_names_old_runs_claim_no_new_query_of_somebody_elses(deploy, office, engine):
    deploy(ONE)
    Life(office).end("counts")
    Life(office).delete("counts")
    engine.make("counts", "SELECT theirs")
    engine.labels = lambda _: {}
    with pytest.raises(OptionError, match="There is a source COUNTS already"):
        deploy(ONE)
    assert engine.of("counts").state == "RUNNING"


def test_a_pause_from_elsewhere_is_found_with_its_state(deploy, office, engine, ledger):
    deploy(ONE)
    engine.of("counts").state = "PAUSED"
    (found,) = Lister(ledger, {"c": engine}).read().entries
    assert (found.state, found.saves) == ("stopped", False)
    assert entry(office).run.state == "stopped"
    assert entry(office).savepoint.path == "CSAS_COUNTS_1"
    engine.of("counts").state = "RUNNING"
    (found,) = Lister(ledger, {"c": engine}).read().entries
    assert (found.state, entry(office).run.state) == ("running", "running")


def test_a_job_whose_start_nobody_knows_is_as_old_as_its_run(deploy, ledger, engine):
    run = deploy(ONE)
    engine.make("theirs")
    counts, theirs = Lister(ledger, {"c": engine}).read().entries
    assert counts.started == run.started
    assert (theirs.name, theirs.engine, theirs.started, theirs.restarts) == ("theirs", "ksql", None, None)


def test_labels_are_asked_for_once_however_many_jobs_there_are(ledger, engine):
    for number in range(20):
        engine.make(f"q{number}")
    engine.make("resting", state="PAUSED")
    entries = Lister(ledger, {"c": engine}).read().entries
    assert engine.asked == ["labels"]
    assert len(entries) == 21
    assert [e.state for e in entries if e.name == "resting"] == ["stopped"]


def test_a_place_that_must_be_asked_for_and_is_not_reached_is_a_note(ledger, engine, deploy):
    deploy(ONE)

    class Away:
        @property
        def place(self):
            raise ConnectionFailedError("ksqlDB can't be reached.")

    listing = Lister(ledger, {"away": Away(), "c": engine}).read()
    assert listing.notes == ("away: ksqlDB can't be reached.",)
    assert [found.state for found in listing.entries] == ["running"]


def test_an_interrupted_resume_is_not_taken_for_one_by_what_is_still_paused(deploy, office, engine, ledger):
    deploy(ONE)
    Life(office).stop("counts")
    run = ledger.begin_run("server", "counts", 1, 2, "COUNTS@server")
    found = reconcile(office, entry(office))
    assert found.run.state == "submitting"
    engine.of("counts").state = "RUNNING"
    assert reconcile(office, entry(office)).run.state == "running"
    assert entry(office).runs[-1].attempt == run.attempt


def test_waiting_for_its_end_ends_with_a_pause(deploy, office, engine):
    run = deploy(ONE)
    engine.of("counts").state = "PAUSED"
    assert await_end(office, "counts", run).state == "stopped"


class TestDelete:
    """What was made is dropped, and its topic in the same statement."""

    def test_with_its_topic(self, deploy, office, engine):
        deploy(ONE)
        Life(office).end("counts")
        deleted = Life(office).delete("counts", topics=True)
        assert deleted.gone == ("its job", "stream COUNTS")
        assert deleted.topics == ("COUNTS",)
        assert engine.topics == set()

    def test_a_paused_one_goes_too_and_its_state_is_no_savepoint(self, deploy, office, engine):
        deploy(ONE)
        Life(office).stop("counts")
        Life(office).end("counts")
        deleted = Life(office).delete("counts")
        assert (deleted.gone, deleted.topics) == (("stream COUNTS",), ())
        assert (engine.queries, engine.topics) == ({}, {"COUNTS"})
        assert entry(office).savepoints == ()

    def test_a_topic_that_another_deployment_reads_stays(self, deploy, office, engine, ledger):
        deploy(ONE)
        reader = Bundle(engine="ksql", statement="SELECT", table="READER", reads=("COUNTS",))
        ledger.add_version("server", "reader", reader, "")
        Life(office).end("counts")
        assert Life(office).delete("counts", topics=True).topics == ()
        assert engine.topics == {"COUNTS"}

    def test_but_not_for_one_that_is_deleted_along(self, deploy, office, ledger):
        deploy(ONE)
        reader = Bundle(engine="ksql", statement="SELECT", table="READER", reads=("COUNTS",))
        ledger.add_version("server", "reader", reader, "")
        Life(office).end("counts")
        deleted = Life(office).delete("counts", topics=True, but=["counts", "reader"])
        assert deleted.topics == ("COUNTS",)

    def test_what_is_used_is_refused_before_anything_is_ended(self, deploy, office, engine):
        deploy(ONE)
        for name in ("a", "b", "c"):
            engine.make(name)
        before = list(engine.did)
        engine.used_by["COUNTS"] = {"A", "B", "C"}
        with pytest.raises(OptionError) as caught:
            Life(office).end("counts")
        assert caught.value.message == "counts can't be deleted: A, B and C use it."
        assert caught.value.hint
        engine.used_by["COUNTS"] = {"A"}
        with pytest.raises(OptionError, match="counts can't be deleted: A uses it"):
            Life(office).end("counts")
        assert engine.did == before
        assert states(office) == ["running"]

    def test_what_uses_it_may_be_deleted_along(self, deploy, office, engine):
        deploy(ONE)
        deploy(TWO, "reader")
        engine.used_by["COUNTS"] = {"READER"}
        life = Life(office)
        with pytest.raises(OptionError, match="READER uses it"):
            life.check_free("counts")
        life.end("counts", ["counts", "reader"])
        life.end("reader", ["counts", "reader"])
        assert states(office) == states(office, "reader") == ["cancelled"]


class TestAttach:
    """Queries that this ledger does not know yet."""

    def test_a_running_and_a_paused_one(self, office, engine):
        engine.make("counts")
        engine.make("resting", state="PAUSED")
        attached = {found.name: found.run for found in Life(office).attach()}
        assert {name: run.state for name, run in attached.items()} == {
            "counts": "running",
            "resting": "stopped",
        }
        assert attached["counts"].started == pytest.approx(time.time(), abs=5)
        assert entry(office, "resting").savepoint.path == engine.of("resting").id
        Life(office).attach()
        assert states(office) == ["running"]

    def test_what_was_attached_may_be_replaced(self, deploy, office, engine):
        engine.make("counts", ONE)
        Life(office).attach("counts")
        deploy(TWO)
        assert engine.asked[-1] == "submit other again=True"
        assert engine.of("counts").sql == TWO

    def test_what_is_known_stays_as_it_is(self, deploy, office):
        deploy(ONE)
        before = entry(office)
        (found,) = Life(office).attach("counts")
        assert found == before


class TestCleanup:
    """One id for old runs and new ones must not make what is wanted look left over."""

    def test_old_runs_do_not_make_a_stopped_one_go(self, deploy, office):
        deploy(ONE)
        deploy(TWO)
        Life(office).stop("counts")
        found = Cleanup(office, None).find()
        assert found.lines(steady=False) == []

    def test_somebodys_new_query_under_a_deleted_name_is_no_orphan(self, deploy, office, engine):
        deploy(ONE)
        Life(office).end("counts")
        Life(office).delete("counts")
        engine.make("counts", "SELECT theirs")
        cleanup = Cleanup(office, None)
        found = cleanup.find()
        assert found.jobs == []
        assert "COUNTS" in engine.queries


def _raising(error):
    def raising(*_, **__):
        raise error

    return raising
