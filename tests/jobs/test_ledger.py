"""What is written down is read back, with who did it, when and from where."""

import dataclasses
import getpass
import re
import socket
import time

import pytest

from streammagic.engines.jobs import Bundle, hashed_id
from streammagic.errors import LedgerError
from streammagic.jobs import ledger_rows, ledger_values
from streammagic.jobs.ledger import Ledger, Savepoint

HOST = socket.gethostname()


def started(ledger, bundle, name="orders", place="local"):
    """A deployment with one run."""
    version = ledger.add_version(place, name, bundle, "a.ipynb")
    return ledger.begin_run(place, name, version.number, 1, hashed_id(name, version.number, 1, place))


def events(ledger, **of):
    return [(event.what, event.detail) for event in ledger.history(**of)]


def test_a_version_is_read_back_whole(ledger, bundle):
    began = time.time()
    version = ledger.add_version("local", "orders", bundle, "a.ipynb")
    found = ledger.deployment("local", "orders")
    assert found.versions == (version,)
    assert found.current.bundle == bundle
    assert (version.number, version.sha, version.notebook) == (1, bundle.sha, "a.ipynb")
    assert began <= version.created <= time.time()
    assert version.who == f"{getpass.getuser()}@{HOST}"
    assert (found.place, found.name, found.engine, found.deleted) == ("local", "orders", "flink", None)
    assert (found.runs, found.run, found.savepoint) == ((), None, None)


def test_a_later_kernel_reads_the_same(ledger, bundle, home):
    run = started(ledger, bundle)
    ledger.add_savepoint(run.job_id, "file:/s", "stop")
    before = ledger.deployment("local", "orders")
    ledger.close()
    again = Ledger.open(home / "ledger.sqlite3")
    assert again.deployment("local", "orders") == before
    again.close()


def test_what_is_not_known_is_none(ledger):
    assert ledger.deployment("local", "orders") is None
    assert ledger.by_job("f" * 32) is None
    assert ledger.deployments() == []
    assert ledger.history() == []


def test_values_are_frozen(ledger, bundle):
    run = started(ledger, bundle)
    found = ledger.deployment("local", "orders")
    for value in (run, found, found.current, ledger.history()[0]):
        assert not hasattr(value, "__dict__")
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, dataclasses.fields(value)[0].name, "other")


def test_a_job_id_is_always_the_same_and_of_one_run_only():
    assert hashed_id("orders", 1, 1) == "3a3c5a5fcbe9557e9c63f55b15e272c0"  # it must never change
    assert hashed_id("orders", 1, 1, "local") == hashed_id("orders", 1, 1)
    places = ("local", "http://a:8081", "http://b:8081")
    runs = [(n, v, a, p) for n in ("a", "a1", "b") for v in (1, 11) for a in (1, 11) for p in places]
    ids = {hashed_id(*run) for run in runs}
    assert len(ids) == len(runs)
    assert all(re.fullmatch("[0-9a-f]{32}", found) for found in ids)


def test_a_run_is_there_before_it_is_submitted(ledger, bundle):
    run = started(ledger, bundle)
    assert (run.job_id, run.state, run.ended) == (hashed_id("orders", 1, 1), "submitting", None)
    assert ledger.deployment("local", "orders").run == run
    assert ledger.by_job(run.job_id).name == "orders"


def test_a_run_may_go_on_from_a_savepoint(ledger, bundle):
    ledger.add_version("local", "orders", bundle, "")
    assert (
        ledger.begin_run("local", "orders", 1, 1, hashed_id("orders", 1, 1), "file:/s").restored == "file:/s"
    )
    assert ledger.deployment("local", "orders").run.restored == "file:/s"


def test_the_same_run_is_refused_the_second_time(ledger, bundle):
    run = started(ledger, bundle)
    before = ledger.history()
    with pytest.raises(LedgerError, match="Attempt 1 of orders, version 1, was begun before") as refused:
        ledger.begin_run("local", "orders", 1, 1, hashed_id("orders", 1, 1))
    assert refused.value.hint
    assert ledger.deployment("local", "orders").runs == (run,)
    assert ledger.history() == before


def test_a_run_of_what_is_not_there_is_refused(ledger, bundle):
    with pytest.raises(LedgerError, match="no version 1 of orders"):
        ledger.begin_run("local", "orders", 1, 1, hashed_id("orders", 1, 1))
    started(ledger, bundle)
    with pytest.raises(LedgerError, match="no version 2 of orders"):
        ledger.begin_run("local", "orders", 2, 1, hashed_id("orders", 2, 1))
    ledger.mark_deleted("local", "orders")
    with pytest.raises(LedgerError, match="deleted"):
        ledger.begin_run("local", "orders", 1, 2, hashed_id("orders", 1, 2))


def test_attempts_are_counted_by_version(ledger, bundle):
    ledger.add_version("local", "orders", bundle, "")
    for attempt in (1, 2):
        assert ledger.deployment("local", "orders").next_attempt(1) == attempt
        ledger.begin_run("local", "orders", 1, attempt, hashed_id("orders", 1, attempt))
    ledger.add_version("local", "orders", bundle, "")
    found = ledger.deployment("local", "orders")
    assert (found.next_attempt(1), found.next_attempt(2)) == (3, 1)
    assert found.run.attempt == 2


def test_the_same_name_at_two_places_is_two_deployments(ledger, bundle):
    here, there = started(ledger, bundle), started(ledger, bundle, place="http://b:8081")
    assert here.job_id != there.job_id
    ledger.set_run(there.job_id, "running")
    ledger.add_savepoint(here.job_id, "file:/s", "manual")
    assert ledger.deployment("local", "orders").run.state == "submitting"
    assert ledger.by_job(there.job_id).run.state == "running"
    assert ledger.by_job(there.job_id).savepoints == ()
    assert [found.place for found in ledger.deployments()] == ["http://b:8081", "local"]
    assert [found.place for found in ledger.deployments("local")] == ["local"]


@pytest.mark.parametrize("state", sorted(ledger_values.ENDED))
def test_an_end_is_dated_once_and_taken_back_by_running(ledger, bundle, state):
    run = started(ledger, bundle)
    ledger.set_run(run.job_id, "running")
    assert ledger.by_job(run.job_id).run.ended is None
    ledger.set_run(run.job_id, state, "why")
    ended = ledger.by_job(run.job_id).run
    assert (ended.state, ended.reason) == (state, "why")
    assert ended.ended >= ended.started
    ledger.set_run(run.job_id, "failed", "after all")
    assert ledger.by_job(run.job_id).run.ended == ended.ended
    ledger.set_run(run.job_id, "running")
    now = ledger.by_job(run.job_id).run
    assert (now.state, now.reason, now.ended) == ("running", "", None)


def test_a_state_that_it_has_changes_nothing(ledger, bundle):
    run = started(ledger, bundle)
    ledger.set_run(run.job_id, "lost", "the cluster is gone")
    before, told = ledger.by_job(run.job_id), ledger.history()
    ledger.set_run(run.job_id, "lost")
    ledger.set_run("f" * 32, "failed", "nobody's")
    assert (ledger.by_job(run.job_id), ledger.history()) == (before, told)
    ledger.set_run(run.job_id, "lost", "another reason")
    assert ledger.by_job(run.job_id).run.reason == "another reason"


def test_a_state_that_is_none_is_a_mistake(ledger, bundle):
    run = started(ledger, bundle)
    with pytest.raises(ValueError, match="RUNNING"):
        ledger.set_run(run.job_id, "RUNNING")


def test_savepoints_are_kept_in_order_once_and_dropped(ledger, bundle):
    run = started(ledger, bundle)
    for path, kind in (("file:/b", "manual"), ("file:/a", "stop"), ("file:/b", "stop")):
        ledger.add_savepoint(run.job_id, path, kind)
    ledger.add_savepoint("f" * 32, "file:/c", "stop")
    found = ledger.by_job(run.job_id)
    assert [(saved.path, saved.kind) for saved in found.savepoints] == [
        ("file:/b", "manual"),
        ("file:/a", "stop"),
    ]
    newest = found.savepoint
    assert newest == Savepoint("file:/a", run.job_id, 1, "stop", newest.created)
    ledger.drop_savepoint("file:/a", run.job_id)
    ledger.drop_savepoint("file:/never", run.job_id)
    assert ledger.by_job(run.job_id).savepoint.path == "file:/b"


def test_a_clock_that_is_set_back_changes_no_order(ledger, bundle, monkeypatch):
    first = started(ledger, bundle)
    ledger.add_savepoint(first.job_id, "file:/1", "stop")
    early = time.time() - 3600
    monkeypatch.setattr(ledger_rows.time, "time", lambda: early)
    second = ledger.begin_run("local", "orders", 1, 2, hashed_id("orders", 1, 2))
    ledger.add_savepoint(first.job_id, "file:/2", "stop")
    found = ledger.deployment("local", "orders")
    assert found.runs == (first, second)
    assert found.savepoint.path == "file:/2"


def test_a_deleted_deployment_is_history_until_it_is_deployed_again(ledger, bundle):
    run = started(ledger, bundle)
    ledger.mark_deleted("local", "orders")
    ledger.mark_deleted("local", "orders")
    ledger.mark_deleted("local", "never there")
    assert ledger.deployments() == []
    (gone,) = ledger.deployments(deleted=True)
    assert gone == ledger.deployment("local", "orders") == ledger.by_job(run.job_id)
    assert gone.deleted >= gone.created
    assert [what for what, _ in events(ledger)].count("deleted") == 1
    again = ledger.add_version("local", "orders", bundle, "b.ipynb")
    back = ledger.deployment("local", "orders")
    assert (again.number, back.deleted, len(back.versions), back.runs) == (2, None, 2, (run,))
    assert back.created == again.created > gone.deleted


def test_versions_are_told_from_the_last_beginning(ledger, bundle):
    for _ in range(2):
        ledger.add_version("local", "orders", bundle, "")
    found = ledger.deployment("local", "orders")
    assert [found.ordinal(number) for number in (1, 2)] == [1, 2]
    ledger.mark_deleted("local", "orders")
    for _ in range(2):
        ledger.add_version("local", "orders", bundle, "")
    found = ledger.deployment("local", "orders")
    assert [found.ordinal(number) for number in (3, 4)] == [1, 2]


def test_deployments_are_listed_by_name_in_few_queries(ledger, bundle):
    for name in ("b", "c", "a"):
        started(ledger, bundle, name)
    ledger.mark_deleted("local", "c")
    asked = []
    ledger._file._connection.set_trace_callback(asked.append)
    assert [found.name for found in ledger.deployments()] == ["a", "b"]
    assert [found.name for found in ledger.deployments("local", deleted=True)] == ["a", "b", "c"]
    assert sum("SELECT id, place" in sql or "SELECT deployment," in sql for sql in asked) == 8


def test_history_tells_all_that_was_done_newest_last(ledger, bundle):
    with ledger.claim("local", "orders", "deployed", "a.ipynb"):
        run = started(ledger, bundle)
        ledger.set_run(run.job_id, "running")
    with ledger.claim("local", "orders", "stopped", "b.ipynb"):
        ledger.add_savepoint(run.job_id, "file:/s", "stop")
        ledger.set_run(run.job_id, "stopped")
    ledger.record("local", "other", "noted", "by hand", "c.ipynb")
    ledger.mark_deleted("local", "orders")
    assert [(event.what, event.notebook) for event in ledger.history("local", "orders")] == [
        ("deployed", "a.ipynb"),
        ("submitting", "a.ipynb"),
        ("running", "a.ipynb"),
        ("savepoint", "b.ipynb"),
        ("stopped", "b.ipynb"),
        ("deleted", ""),
    ]
    assert [event.name for event in ledger.history()] == ["orders"] * 5 + ["other", "orders"]
    assert events(ledger, name="other") == [("noted", "by hand")]
    assert events(ledger, limit=2) == [("noted", "by hand"), ("deleted", "")]
    assert events(ledger, place="elsewhere") == events(ledger, limit=-1) == []
    assert {event.who for event in ledger.history()} == {f"{getpass.getuser()}@{HOST}"}
    times = [event.at for event in ledger.history()]
    assert times == sorted(times)


def test_a_user_without_a_name_is_a_number(monkeypatch):
    def nameless():
        raise KeyError("uid not found")

    monkeypatch.setattr(getpass, "getuser", nameless)
    assert re.fullmatch(rf"\d+@{re.escape(HOST)}", ledger_values.who())


def test_secrets_are_masked_in_what_is_told_but_not_in_what_is_sent_again(ledger):
    url = "jdbc:x://me:hidden@host/db"
    run = started(ledger, Bundle(engine="flink", statement=f"SELECT '{url}'"))
    ledger.set_run(run.job_id, "failed", f"can't reach {url}")
    ledger.add_savepoint(run.job_id, "s3://key:hidden@host/s", "manual")
    ledger.record("local", "orders", "noted", "'password' = 'hidden'")
    found = ledger.deployment("local", "orders")
    assert "hidden" in found.current.bundle.statement
    assert found.savepoint.path == "s3://key:hidden@host/s"
    assert found.run.reason == "can't reach jdbc:x://me:******@host/db"
    assert not any("hidden" in event.detail for event in ledger.history())


def test_bytes_that_are_no_characters(ledger, bundle):
    file_name = b"\xff.ipynb".decode("utf-8", "surrogateescape")
    with ledger.claim("local", "orders", "deployed", file_name):
        version = ledger.add_version("local", "orders", bundle, file_name)
        run = ledger.begin_run("local", "orders", 1, 1, hashed_id("orders", 1, 1))
        ledger.set_run(run.job_id, "failed", "half \ud83c")
    assert version.notebook == "?.ipynb"
    assert ledger.by_job(run.job_id).run.reason == "half ?"
    with pytest.raises(LedgerError, match="can't be written down"):
        ledger.add_version("local", "orders", dataclasses.replace(bundle, statement="'\ud83c'"), "")


def test_a_bundle_that_a_newer_streammagic_wrote_does_not_hide_the_rest(ledger, bundle):
    started(ledger, bundle)
    with ledger._file.transaction("IMMEDIATE") as connection:
        connection.execute("""UPDATE versions SET bundle = '{"engine": "flink", "novelty": 1}'""")
    found = ledger.deployment("local", "orders")
    assert found.current.bundle == Bundle(engine="flink", statement="")
    assert found.current.sha == bundle.sha


class TestOneIdForAllRuns:
    """What an engine's jobs are known by may be the same for each start."""

    @pytest.fixture
    def runs(self, ledger, bundle):
        """Two versions with two runs each; the last one is being submitted."""
        for number, statement in enumerate(("SELECT 1", "SELECT 2"), 1):
            ledger.add_version("server", "q", dataclasses.replace(bundle, statement=statement), "")
            for attempt in (1, 2):
                if (number, attempt) != (1, 1):
                    ledger.set_run("Q", "stopped")
                ledger.begin_run("server", "q", number, attempt, "Q")
        return lambda: ledger.deployment("server", "q").runs

    def test_they_are_runs_of_their_own(self, ledger, runs):
        assert [(run.version, run.attempt, run.state) for run in runs()] == [
            (1, 1, "stopped"),
            (1, 2, "stopped"),
            (2, 1, "stopped"),
            (2, 2, "submitting"),
        ]
        with pytest.raises(LedgerError, match="begun before"):
            ledger.begin_run("server", "q", 2, 2, "Q")

    def test_what_becomes_of_it_is_that_of_the_newest(self, ledger, runs):
        before = runs()
        ledger.set_run("Q", "running")
        ledger.set_run("Q", "failed", "why")
        assert runs()[:3] == before[:3]
        assert (runs()[3].state, runs()[3].reason, runs()[3].accepted) == ("failed", "why", True)
        assert ledger.by_job("Q").run == runs()[3]

    def test_state_is_that_of_the_newest_and_moves_with_it(self, ledger, runs, bundle):
        ledger.add_savepoint("Q", "CSAS_Q_1", "stop")
        ledger.add_version("server", "q", bundle, "")
        ledger.begin_run("server", "q", 3, 1, "Q")
        for _ in range(2):
            ledger.add_savepoint("Q", "CSAS_Q_1", "stop")
        found = ledger.deployment("server", "q")
        assert [(saved.path, saved.version) for saved in found.savepoints] == [("CSAS_Q_1", 3)]
        told = [event for event in ledger.history(name="q") if event.what == "savepoint"]
        assert len(told) == 2
        assert len(runs()) == 5

    def test_the_same_path_elsewhere_is_another_state(self, ledger, runs, bundle):
        assert runs()
        ledger.add_savepoint("Q", "CSAS_Q_1", "stop")
        ledger.add_version("other server", "q", bundle, "")
        ledger.begin_run("other server", "q", 1, 1, "Q at another")
        ledger.add_savepoint("Q at another", "CSAS_Q_1", "stop")
        ledger.drop_savepoint("CSAS_Q_1", "Q")
        assert ledger.deployment("server", "q").savepoints == ()
        assert len(ledger.deployment("other server", "q").savepoints) == 1

    def adopted(self, ledger, sha, started=None, version=1):
        return ledger.adopt("server", "q", "flink", version, sha, None, "Q", started, lambda *_: "Q")

    def test_the_newest_is_found_again(self, ledger, runs):
        ledger.set_run("Q", "running")
        before = ledger.deployment("server", "q")
        assert self.adopted(ledger, "") == before
        assert self.adopted(ledger, before.current.sha) == before
        ledger.set_run("Q", "lost")
        assert self.adopted(ledger, "").run.state == "running"
        assert len(runs()) == 4

    @pytest.mark.parametrize("started", [None, 1000.0])
    def test_a_query_that_somebody_put_in_its_place_is_the_newest(self, ledger, runs, started):
        ledger.set_run("Q", "running")
        found = self.adopted(ledger, "another", started)
        assert (found.current.number, found.current.sha) == (3, "another")
        assert (found.run.version, found.run.attempt, found.run.state) == (3, 1, "running")
        assert self.adopted(ledger, "another", started) == found
        assert len(runs()) == 5

    def test_into_empty_books_without_a_time(self, ledger):
        began = time.time()
        found = self.adopted(ledger, "abc", version=7)
        assert (found.run.version, found.run.attempt, found.run.accepted) == (7, 1, True)
        assert began <= found.created <= found.run.started <= time.time() + 0.1


class TestAccepted:
    """Whether an engine took a run decides what may be replaced."""

    def test_it_is_known_once_it_ran(self, ledger, bundle):
        run = started(ledger, bundle)
        assert run.accepted is None
        assert not ledger.by_job(run.job_id).was_accepted
        ledger.set_run(run.job_id, "running")
        ledger.set_run(run.job_id, "failed", "later")
        assert ledger.by_job(run.job_id).was_accepted

    def test_a_refusal_is_known_too(self, ledger, bundle):
        run = started(ledger, bundle)
        ledger.set_run(run.job_id, "failed", "wrong SQL")
        assert not ledger.by_job(run.job_id).is_refused
        told = ledger.history()
        ledger.set_run(run.job_id, "failed", "wrong SQL", refused=True)
        assert ledger.by_job(run.job_id).is_refused
        assert ledger.history() == told

    def test_it_ends_with_the_deployment(self, ledger, bundle):
        run = started(ledger, bundle)
        ledger.set_run(run.job_id, "running")
        ledger.mark_deleted("local", "orders")
        assert ledger.by_job(run.job_id).run.accepted is False
        ledger.add_version("local", "orders", bundle, "")
        found = ledger.deployment("local", "orders")
        assert (found.was_accepted, found.is_refused) == (False, False)

    def test_what_stands_there_is_what_was_not_refused_last(self, ledger, bundle):
        for number, statement in enumerate(("SELECT 1", "SELECT 2", "SELECT 1", "SELECT 3"), 1):
            ledger.add_version("local", "orders", dataclasses.replace(bundle, statement=statement), "")
            assert ledger.deployment("local", "orders").stands_there(number) is (number != 2)
            run = ledger.begin_run("local", "orders", number, 1, hashed_id("orders", number, 1))
            if number == 2:
                ledger.set_run(run.job_id, "failed", "no", refused=True)
            else:
                ledger.set_run(run.job_id, "running")
            if number == 3:
                break
        ledger.add_version("local", "orders", dataclasses.replace(bundle, statement="SELECT 2"), "")
        found = ledger.deployment("local", "orders")
        assert [found.stands_there(number) for number in (1, 2, 3, 4)] == [True, False, True, False]
        ledger.begin_run("local", "orders", 4, 1, "e" * 32)  # nobody knows what became of it
        found = ledger.deployment("local", "orders")
        assert [found.stands_there(number) for number in (1, 2, 3, 4)] == [False, True, False, True]


class TestAdopt:
    """Jobs found on a cluster, each with the version it says it is of."""

    def adopt(self, ledger, bundle, *, version=1, attempt=1, started=1000.0, **other):
        place = other.pop("place", "local")
        identity = other.pop("job_id", None) or hashed_id("orders", version, attempt, place)
        return ledger.adopt(
            place,
            "orders",
            "flink",
            version,
            other.pop("sha", "abc"),
            bundle,
            identity,
            started,
            lambda version, attempt: hashed_id("orders", version, attempt, place),
        )

    def test_into_empty_books(self, ledger, bundle):
        found = self.adopt(ledger, bundle, version=3, attempt=2, sha=bundle.sha)
        assert found == ledger.deployment("local", "orders")
        assert (found.current.number, found.current.sha, found.current.bundle) == (3, bundle.sha, bundle)
        assert (found.run.version, found.run.attempt, found.run.state) == (3, 2, "running")
        assert (found.run.started, found.run.job_id) == (1000.0, hashed_id("orders", 3, 2))
        assert found.next_attempt(3) == 3
        assert found.created == found.current.created == 1000.0
        assert ledger.add_version("local", "orders", bundle, "").number == 4
        found = ledger.deployment("local", "orders")
        assert [found.ordinal(number) for number in (3, 4)] == [1, 2]

    def test_again_changes_nothing(self, ledger, bundle):
        found, told = self.adopt(ledger, bundle), ledger.history()
        assert self.adopt(ledger, bundle) == found
        assert ledger.history() == told
        assert [event.what for event in told] == ["attached"]

    def test_what_was_deployed_from_here_changes_nothing(self, ledger, bundle):
        run = started(ledger, bundle)
        ledger.set_run(run.job_id, "running")
        before, told = ledger.deployment("local", "orders"), ledger.history()
        assert self.adopt(ledger, bundle, sha=bundle.sha, started=run.started + 1) == before
        assert ledger.history() == told

    def test_what_was_taken_for_lost_runs_again(self, ledger, bundle):
        run = started(ledger, bundle)
        ledger.set_run(run.job_id, "lost", "no cluster")
        ledger.mark_deleted("local", "orders")
        found = self.adopt(ledger, bundle, sha=bundle.sha)
        assert (found.deleted, found.run.state, found.run.ended, found.run.reason) == (
            None,
            "running",
            None,
            "",
        )

    def test_a_bundle_comes_later(self, ledger, bundle):
        found = self.adopt(ledger, None, sha=bundle.sha)
        assert found.current.bundle == Bundle(engine="flink", statement="")
        assert found.current.sha == bundle.sha
        found = self.adopt(ledger, bundle, sha=bundle.sha)
        assert (found.current.bundle, len(found.versions), len(found.runs)) == (bundle, 1, 1)
        assert self.adopt(ledger, None, sha=bundle.sha).current.bundle == bundle

    def test_an_older_orphan_stays_behind_what_runs(self, ledger, bundle):
        self.adopt(ledger, bundle, version=2, started=2000.0, sha="two")
        found = self.adopt(ledger, bundle, version=1, started=1000.0, sha="one")
        assert [version.number for version in found.versions] == [1, 2]
        assert (found.current.sha, found.run.version) == ("two", 2)
        found = self.adopt(ledger, bundle, version=2, attempt=2, started=500.0, sha="a third")
        assert (found.current.sha, found.run.version, len(found.runs)) == ("two", 2, 3)

    def test_another_bundle_under_a_known_number_gets_the_next(self, ledger, bundle):
        started(ledger, bundle)
        other = dataclasses.replace(bundle, statement="SELECT 2")
        found = self.adopt(
            ledger, other, version=1, attempt=7, sha=other.sha, started=time.time() + 9, job_id="e" * 32
        )
        assert [version.sha for version in found.versions] == [bundle.sha, other.sha]
        assert (found.run.job_id, found.run.version, found.run.attempt) == ("e" * 32, 2, 1)
        assert self.adopt(ledger, other, version=1, sha=other.sha, job_id="e" * 32) == found

    def test_an_old_version_that_runs_becomes_the_newest(self, ledger, bundle):
        for statement in ("SELECT 1", "SELECT 2"):
            version = ledger.add_version(
                "local", "orders", dataclasses.replace(bundle, statement=statement), ""
            )
        run = ledger.begin_run("local", "orders", version.number, 1, hashed_id("orders", version.number, 1))
        first = ledger.deployment("local", "orders").versions[0]
        found = self.adopt(ledger, first.bundle, sha=first.sha, started=run.started + 9)
        assert (found.current.number, found.current.sha, found.run.version) == (3, first.sha, 3)

    def test_after_the_books_were_lost_the_next_attempts_are_free(self, ledger, bundle):
        self.adopt(ledger, bundle, attempt=3)
        attempt = ledger.deployment("local", "orders").next_attempt(1)
        assert attempt == 4
        assert ledger.begin_run(
            "local", "orders", 1, attempt, hashed_id("orders", 1, attempt)
        ).job_id == hashed_id("orders", 1, 4)

    def test_one_cluster_under_two_addresses(self, ledger, bundle):
        run = started(ledger, bundle, place="http://a:8081")
        found = self.adopt(ledger, bundle, sha=bundle.sha, place="http://b:8081", job_id=run.job_id)
        assert (found.place, found.run.job_id) == ("http://b:8081", run.job_id)
        assert ledger.by_job(run.job_id).place == "http://b:8081"
        ledger.set_run(run.job_id, "stopped")
        ledger.add_savepoint(run.job_id, "file:/s", "stop")
        for place in ("http://a:8081", "http://b:8081"):
            found = ledger.deployment(place, "orders")
            assert (found.run.state, found.savepoint.path) == ("stopped", "file:/s")
        ledger.drop_savepoint("file:/s", run.job_id)
        assert not any(found.savepoints for found in ledger.deployments())
