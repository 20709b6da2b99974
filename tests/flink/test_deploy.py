"""Jobs that live on: deployed, found unchanged, replaced with their state, stopped, resumed, deleted."""

import contextlib
import json
import threading

import pytest
import requests
from books import entry
from waiting import eventually

from streammagic.errors import DeploymentBusyError, JobFailedError, OptionError, SqlError

SOURCE = (
    "CREATE TABLE IF NOT EXISTS clicks (n BIGINT, k INT NOT NULL, word STRING) WITH ('connector' = 'datagen', "
    "'rows-per-second' = '50', 'fields.k.min' = '0', 'fields.k.max' = '3')"
)
SINK = "CREATE TABLE IF NOT EXISTS nowhere (k INT, c BIGINT) WITH ('connector' = 'blackhole')"
COUNT = "INSERT INTO nowhere SELECT k, COUNT(*) FROM clicks GROUP BY k"


def forget_everything(cluster):
    """Lose the ledger, as if on another machine."""
    for file in cluster.home.glob("ledger.sqlite3*"):
        file.unlink()


@pytest.fixture
def tables(shell, cluster):
    """A shell with a source and a sink defined in cells of their own, and an empty ledger."""
    forget_everything(cluster)
    shell.flink(SOURCE)
    shell.flink(SINK)
    return shell


@pytest.fixture
def deploy(tables):
    """``deploy(name, sql, options)``; what was deployed is deleted afterwards."""
    names = []

    def deploy(name, sql, options="--settle 0.2"):
        names.append(name)
        tables.run_cell(
            f"%%stream deploy {name} {options}\n{sql}" if sql else f"%stream deploy {name} {options}"
        )
        return tables.shown[-1]

    yield deploy
    for name in dict.fromkeys(names):
        with contextlib.suppress(OptionError):
            tables.run_cell(f"%stream delete {name}")


def job_of(name):
    return entry(name).run.job_id


def test_a_deployment_runs_under_the_id_that_the_ledger_holds(deploy, cluster):
    assert deploy("counts", COUNT) == "counts: running (version 1)"
    assert cluster.jobs() == {job_of("counts"): "RUNNING"}
    config = requests.get(f"{cluster.rest}/jobs/{job_of('counts')}/config", timeout=20).json()
    labels = config["execution-config"]["user-config"]
    assert (labels["streammagic.name"], labels["streammagic.version"]) == ("counts", "1")


def test_it_outlives_the_session_it_came_from(deploy, shell, cluster):
    deploy("counts", COUNT)
    shell.extension_manager.unload_extension("streammagic")
    assert cluster.jobs() == {job_of("counts"): "RUNNING"}
    shell.extension_manager.load_extension("streammagic")


def test_deploying_the_same_again_changes_nothing(deploy, cluster):
    deploy("counts", COUNT)
    before = cluster.jobs()
    assert (
        deploy("counts", COUNT.replace(" FROM", "\n  from /* the same */"))
        == "counts: unchanged (version 1, running)"
    )
    assert cluster.jobs() == before


def test_another_query_is_planned_and_nothing_done(deploy, tables, cluster):
    deploy("counts", COUNT)
    before = cluster.jobs()
    with pytest.raises(OptionError, match="another query"):
        deploy("counts", COUNT.replace("FROM clicks", "FROM clicks WHERE n > 0"))
    plan = tables.shown[-1]
    assert "counts: version 1 → 2" in plan
    assert "fits, but its meaning changes" in plan
    assert "filters: none → (n > 0)" in plan
    assert "-INSERT INTO nowhere SELECT k, COUNT(*) FROM clicks GROUP BY k" in plan
    assert cluster.jobs() == before


def test_a_dry_run_shows_the_plan_and_raises_nothing(deploy, cluster):
    deploy("counts", COUNT)
    before = cluster.jobs()
    assert "version 1 → 2" in deploy("counts", COUNT.replace("COUNT(*)", "COUNT(*) * 2"), "--dry-run")
    assert cluster.jobs() == before


def test_a_change_of_meaning_needs_a_word_about_the_state(deploy):
    deploy("counts", COUNT)
    changed = COUNT.replace("FROM clicks", "FROM clicks WHERE n > 0")
    with pytest.raises(OptionError, match="would mean something else") as caught:
        deploy("counts", changed, "--replace")
    assert "--drop-state" in caught.value.hint
    assert deploy("counts", changed, "--replace --keep-state --settle 0.2") == "counts: running (version 2)"
    found = entry("counts")
    assert [run.state for run in found.runs if run.state != "failed"] == ["stopped", "running"]
    assert found.run.restored == found.savepoints[0].path


def test_a_version_that_fails_gives_way_to_the_one_before(deploy, cluster):
    deploy("counts", COUNT)
    with pytest.raises(JobFailedError) as caught:
        deploy(
            "counts",
            COUNT.replace("COUNT(*)", "SUM(CAST(word AS BIGINT))"),
            "--replace --drop-state --settle 1",
        )
    assert "Version 1 goes on from the savepoint" in caught.value.hint
    found = entry("counts")
    assert cluster.jobs() == {found.run.job_id: "RUNNING"}
    assert found.run.restored == found.savepoints[0].path
    assert deploy("counts", COUNT) == "counts: unchanged (version 3, running)"


def test_a_job_that_fails_while_it_is_watched_is_taken_back(deploy, cluster):
    with pytest.raises(JobFailedError) as caught:
        deploy("broken", "INSERT INTO nowhere SELECT CAST(word AS INT), 1 FROM clicks", "--settle 3")
    assert "For input string" in caught.value.cause
    assert entry("broken").run.state == "failed"
    assert cluster.jobs() == {}


def test_wrong_sql_is_marked_in_the_cell_and_leaves_nothing(deploy, cluster):
    with pytest.raises(SqlError) as caught:
        deploy("wrong", "-- a comment\nINSERT INTO nowhere\nSELECT k, nope FROM clicks")
    assert (caught.value.line, caught.value.column) == (4, 11)
    assert cluster.jobs() == {}
    assert entry("wrong").deleted


def test_stopped_with_a_savepoint_and_resumed_from_it(deploy, tables, cluster):
    deploy("counts", COUNT)
    tables.run_cell("%stream stop counts")
    assert tables.shown[-1].startswith("counts: stopped with a savepoint")
    assert cluster.jobs() == {}
    tables.run_cell("%stream deploy counts --resume --settle 0.2")
    assert tables.shown[-1] == "counts: running (version 1, from its last state)"
    job = job_of("counts")
    restored = requests.get(f"{cluster.rest}/jobs/{job}/checkpoints", timeout=20).json()["latest"]["restored"]
    assert restored["external_path"] == entry("counts").savepoint.path


def test_what_is_stopped_is_not_started_by_the_same_sql_without_a_word(deploy, tables, cluster):
    deploy("counts", COUNT)
    tables.run_cell("%stream stop counts --no-savepoint")
    with pytest.raises(OptionError, match="nothing was changed"):
        deploy("counts", COUNT)
    assert cluster.jobs() == {}


def test_a_savepoint_is_taken_of_what_goes_on(deploy, tables, cluster):
    deploy("counts", COUNT)
    tables.run_cell("%stream savepoint counts")
    assert tables.shown[-1].startswith("counts: saved, and goes on")
    assert cluster.jobs() == {job_of("counts"): "RUNNING"}
    assert [saved.kind for saved in entry("counts").savepoints] == ["manual"]


def test_delete_leaves_no_job_and_no_state(deploy, tables, cluster):
    deploy("counts", COUNT)
    job = job_of("counts")
    tables.run_cell("%stream savepoint counts")
    path = entry("counts").savepoint.path.removeprefix("file:")
    tables.run_cell("%stream delete counts")
    assert cluster.jobs() == {}
    assert not (cluster.home / "local" / "checkpoints" / job).exists()
    assert not cluster.home.joinpath(path).exists()
    tables.run_cell("%stream cleanup")
    assert tables.shown[-1] == "nothing is left over"


def test_a_deleted_name_may_be_used_again(deploy, tables):
    deploy("counts", COUNT)
    tables.run_cell("%stream delete counts")
    assert deploy("counts", COUNT) == "counts: running (version 1)"
    assert len(entry("counts").versions) == 2


@pytest.mark.parametrize(
    ("sql", "tasks"),
    [
        (
            "EXECUTE STATEMENT SET BEGIN\nINSERT INTO nowhere SELECT k, 1 FROM clicks;\n"  # noqa: ISC004
            "INSERT INTO nowhere SELECT k, 2 FROM clicks;\nEND",
            "statement set",
        ),
        ("CREATE TABLE made WITH ('connector' = 'blackhole') AS SELECT n, k FROM clicks", "table as"),
        ("SELECT k, n FROM clicks", "select"),
    ],
)
def test_every_kind_of_statement_is_deployed_stopped_and_resumed(deploy, tables, sql, tasks):
    options = "--sink blackhole --settle 0.2" if tasks == "select" else "--settle 0.2"
    deploy("kinds", sql, options)
    tables.run_cell("%stream stop kinds")
    tables.run_cell("%stream deploy kinds --resume --settle 0.2")
    assert tables.shown[-1] == "kinds: running (version 1, from its last state)"


def test_definitions_in_the_cell_are_run_first_and_belong_to_it(deploy):
    sql = f"{SOURCE.replace('clicks', 'own')};\nINSERT INTO nowhere SELECT k, 1 FROM own"
    deploy("counts", sql)
    assert any("own" in text for text in entry("counts").current.bundle.definitions)


def test_a_select_is_given_a_table_that_a_later_cell_can_name(deploy, tables):
    shown = deploy("evens", "SELECT n, k FROM clicks WHERE k = 2", "--sink blackhole --settle 0.2")
    assert "CREATE TABLE `evens`" in shown
    tables.flink("DESCRIBE evens")
    assert [row[0] for row in tables.user_ns["last"]] == ["n", "k"]
    tables.run_cell("%stream delete evens")
    with pytest.raises(SqlError):
        tables.flink("DESCRIBE evens")


def test_a_handle_s_query_is_deployed(tables, deploy):
    tables.flink("SELECT k, n FROM clicks", "--limit 1")
    deploy("again", "", "--sql last --sink blackhole --settle 0.2")
    assert entry("again").current.bundle.statement == "SELECT k, n FROM clicks"


def test_two_jobs_in_a_cell_are_refused_before_anything_runs(deploy, cluster):
    with pytest.raises(OptionError, match="starts one too") as caught:
        deploy("two", f"CREATE TABLE half (k INT) WITH ('connector' = 'blackhole');\n{COUNT};\n{COUNT}")
    assert caught.value.line == 3
    assert cluster.jobs() == {}


def test_a_resume_can_be_tried_dry(deploy, tables, cluster):
    deploy("counts", COUNT)
    tables.run_cell("%stream stop counts")
    assert deploy("counts", "", "--resume --dry-run") == "counts: version 1 would start, from its last state"
    assert cluster.jobs() == {}


def test_the_same_cell_with_a_database_of_its_own_is_unchanged_on_every_run(deploy, tables):
    sql = (
        "CREATE DATABASE IF NOT EXISTS mine; USE mine; "
        f"{SOURCE}; {SINK}; SET 'table.dml-sync' = 'true';\n{COUNT}"
    )
    assert deploy("own", sql) == "own: running (version 1)"
    assert deploy("own", sql) == "own: unchanged (version 1, running)"
    tables.flink("RESET 'table.dml-sync'; USE default_database")


def test_a_table_made_anew_is_the_one_that_counts(deploy, tables):
    tables.flink("DROP TABLE nowhere; CREATE TABLE nowhere (k INT, c BIGINT) WITH ('connector' = 'print')")
    assert deploy("counts", COUNT) == "counts: running (version 1)"
    assert any("'print'" in sql for sql in entry("counts").current.bundle.definitions)


def test_a_secret_in_plain_text_is_refused(deploy):
    sql = (
        "CREATE TABLE s (x INT) WITH ('connector' = 'blackhole', 'password' = 'hunter22');\n"
        "INSERT INTO s SELECT k FROM clicks"
    )
    with pytest.raises(OptionError, match="secret"):
        deploy("leaky", sql)


def test_of_two_at_once_one_wins_and_the_other_is_told(tables, deploy, cluster):
    deploy("warm", COUNT)
    from streammagic.engines.jobs import SinkRequest
    from streammagic.jobs.deploy import Deploying
    from streammagic.magics.extension import _loaded
    from streammagic.sql.flink import FlinkDialect
    from streammagic.sql.statements import split

    desk = _loaded[id(tables)].notebook.desk
    jobs = desk.engine("flink").jobs
    bundle = jobs.bundle(split(COUNT, FlinkDialect())[0], {}, SinkRequest())
    outcomes = []

    def one():
        with desk.progress() as progress:
            office = desk.office(jobs, progress)
            try:
                plan = Deploying(office).plan("race", bundle)
                outcomes.append(Deploying(office).apply(plan, state=None, settle=0.2))
            except (DeploymentBusyError, OptionError) as error:
                outcomes.append(error)

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(isinstance(outcome, Exception) for outcome in outcomes) == [False, True] or None in outcomes
    assert len([run for run in entry("race").runs if run.state == "running"]) == 1
    assert len(cluster.jobs()) == 2
    tables.run_cell("%stream delete race")


def test_a_lost_ledger_is_rebuilt_from_the_cluster(deploy, tables, cluster):
    deploy("counts", COUNT)
    job = entry("counts").run.job_id
    tables.extension_manager.unload_extension("streammagic")
    forget_everything(cluster)
    tables.extension_manager.load_extension("streammagic")
    tables.run_cell("%stream attach")
    assert tables.shown[-1] == "counts: attached (version 1, running)"
    found = entry("counts")
    assert found.run.job_id == job
    assert found.current.bundle.statement == COUNT
    tables.flink(SOURCE)
    tables.flink(SINK)
    assert deploy("counts", COUNT) == "counts: unchanged (version 1, running)"


def test_a_name_that_somebody_else_runs_is_not_started_twice(deploy, tables, cluster):
    deploy("counts", COUNT)
    tables.extension_manager.unload_extension("streammagic")
    forget_everything(cluster)
    tables.extension_manager.load_extension("streammagic")
    tables.flink(SOURCE)
    tables.flink(SINK)
    with pytest.raises(DeploymentBusyError) as caught:
        deploy("counts", COUNT)
    assert "attach" in caught.value.hint
    assert len(cluster.jobs()) == 1
    tables.run_cell("%stream attach counts")


def test_an_unknown_name_says_what_is_near(deploy, tables):
    deploy("counts", COUNT)
    with pytest.raises(OptionError) as caught:
        tables.run_cell("%stream stop count")
    assert caught.value.hint == "Did you mean counts?"


def test_a_stop_from_elsewhere_is_found_with_its_savepoint(deploy, tables, cluster):
    deploy("counts", COUNT)
    job = job_of("counts")
    requests.post(f"{cluster.rest}/jobs/{job}/stop", data=json.dumps({"drain": False}), timeout=20)
    eventually(lambda: cluster.job_state(job) == "FINISHED", 20, "the job has stopped")
    tables.run_cell("%stream deploy counts --resume --settle 0.2")
    assert tables.shown[-1] == "counts: running (version 1, from its last state)"


COUNTING = (
    "CREATE TABLE seq (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '50', "
    "'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '100000')"
)
FAILS_LATER = (
    "INSERT INTO nowhere SELECT CAST(n AS INT), "
    "CASE WHEN n = 60 THEN CAST('x' || CAST(n AS STRING) AS BIGINT) ELSE n END FROM seq"
)
MENDED = "INSERT INTO nowhere SELECT CAST(n AS INT), n FROM seq"
OFTEN = "--settle 0.2 --set 'execution.checkpointing.interval=200 ms'"


def test_what_failed_after_it_ran_keeps_its_state(deploy, tables, cluster):
    tables.flink(COUNTING)
    deploy("later", FAILS_LATER, f"{OFTEN} restart-strategy.type=none")
    eventually(lambda: cluster.job_state(job_of("later")) == "FAILED", 20, "it has failed")
    with pytest.raises(OptionError, match="another query"):
        deploy("later", MENDED, OFTEN)
    assert deploy("later", MENDED, f"{OFTEN} --replace --keep-state") == "later: running (version 2)"
    assert "chk-" in entry("later").run.restored


def test_what_is_restarting_is_replaced_from_its_last_checkpoint_or_without(deploy, tables, cluster):
    tables.flink(COUNTING)
    deploy("later", FAILS_LATER, OFTEN)
    eventually(lambda: cluster.jobs().get(job_of("later")) == "RESTARTING", 20, "it restarts")
    assert deploy("later", MENDED, f"{OFTEN} --replace --drop-state") == "later: running (version 2)"
    assert entry("later").run.restored is None
    assert list(cluster.jobs()) == [job_of("later")]


def test_a_lost_ledger_starts_no_second_job_of_any_version(deploy, tables, cluster):
    deploy("counts", COUNT)
    deploy("counts", COUNT + " HAVING COUNT(*) > 0", "--replace --drop-state --settle 0.2")
    tables.extension_manager.unload_extension("streammagic")
    forget_everything(cluster)
    tables.extension_manager.load_extension("streammagic")
    tables.flink(SOURCE)
    tables.flink(SINK)
    with pytest.raises(DeploymentBusyError):
        deploy("counts", COUNT)
    assert len(cluster.jobs()) == 1
    tables.run_cell("%stream attach counts")


def test_a_submission_that_is_interrupted_leaves_one_job_at_most(deploy, cluster, interrupting):
    for number in range(8):
        with contextlib.suppress(KeyboardInterrupt), interrupting(0.05 + number * 0.02):
            deploy("hasty", COUNT, "--settle 0.3")
        with contextlib.suppress(DeploymentBusyError):
            assert deploy("hasty", COUNT).startswith("hasty: ")
        assert len(cluster.jobs()) == 1
        assert list(cluster.jobs()) == [job_of("hasty")]
        deploy("hasty", "", "--resume --dry-run")
