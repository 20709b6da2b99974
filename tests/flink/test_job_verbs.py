"""``%stream jobs`` and the verbs that look at one job, on the real Flink."""

import sys
import time

import pandas as pd
import pytest
from waiting import eventually

from streammagic.errors import OptionError
from streammagic.magics import jobs as verbs

pytestmark = pytest.mark.flink

CLICKS = (
    "CREATE TABLE clicks (n BIGINT, k INT NOT NULL, word STRING) WITH ('connector' = 'datagen', "
    "'rows-per-second' = '20', 'fields.k.min' = '0', 'fields.k.max' = '3')"
)
COUNT = "SELECT k, COUNT(*) AS c FROM clicks GROUP BY k"
BROKEN = "SELECT CAST(word AS INT) AS n FROM clicks"


@pytest.fixture
def stream(shell):
    """``stream(line)`` runs one line of ``%stream`` and returns its value; nothing is deployed at first."""
    shell.flink(CLICKS)

    def run(line, body=None):
        return shell.run_cell(f"%stream {line}" if body is None else f"%%stream {line}\n{body}").result

    def delete_all():
        for name in run("jobs")["name"]:
            run(f"delete {name}")

    delete_all()
    yield run
    run("watch --stop")
    delete_all()


@pytest.fixture
def orders(stream):
    stream("deploy orders --sink blackhole --settle 0.1", COUNT)
    return "orders"


@pytest.fixture
def broken(stream):
    stream("deploy broken --sink blackhole --settle 0", BROKEN)
    return "broken"


@pytest.fixture
def batch(monkeypatch):
    """Output as it must be in a notebook that is run by a machine."""

    def begin():
        monkeypatch.setenv("STREAMMAGIC_MODE", "batch")

    return begin


@pytest.mark.usefixtures("orders")
def test_the_list(stream, shell):
    frame = stream("jobs")
    assert isinstance(frame, pd.DataFrame)
    (row,) = frame.to_dict("records")
    assert (row["name"], row["engine"], row["status"], row["version"], row["sink"]) == (
        "orders",
        "flink",
        "running",
        1,
        "orders",
    )
    assert abs(row["started"].timestamp() - time.time()) < 60
    assert pd.isna(row["rows_in"])  # not read, and not made up
    assert "1 job: 1 running" in shell.shown[-1]
    assert "● running" in shell.shown[-1]


@pytest.mark.usefixtures("orders")
def test_details_are_read_on_demand(stream):
    def rows():
        frame = stream("jobs --details")
        return frame["rows_in"].notna().all() and frame.to_dict("records")

    (row,) = eventually(rows, 30, "figures are there")
    assert row["rows_in"] == pytest.approx(20, abs=8)
    assert row["restarts"] == 0
    assert row["backpressure"] < 0.5


@pytest.mark.usefixtures("orders")
def test_a_list_in_batch_is_the_same_each_time(stream, shell, batch):
    stream("deploy another --sink blackhole --settle 0.1", COUNT)
    batch()
    stream("jobs")
    before = shell.shown[-1]
    stream("jobs")
    assert shell.shown[-1] == before
    assert before.splitlines() == [
        "2 jobs: 2 running",
        " name    │ version │ engine │ status    │ restarts │ sink",
        "─────────┼─────────┼────────┼───────────┼──────────┼─────────",
        " another │       1 │ flink  │ ● running │        0 │ another",
        " orders  │       1 │ flink  │ ● running │        0 │ orders",
    ]


@pytest.mark.usefixtures("orders")
def test_a_stopped_deployment_stays_in_the_list_and_a_deleted_one_goes(stream):
    stream("stop orders --no-savepoint")
    assert stream("jobs")["status"].tolist() == ["cancelled"]
    stream("delete orders")
    assert stream("jobs").empty
    assert "deleted" in stream("jobs --all")["status"].tolist()


@pytest.mark.usefixtures("orders")
def test_all_lists_queries_of_cells_too(stream, shell):
    handle = shell.flink("SELECT k FROM clicks", "--bg")
    try:
        assert stream("jobs")["name"].tolist() == ["orders"]
        assert handle.job_id in stream("jobs --all")["job_id"].tolist()
    finally:
        handle.stop()


@pytest.mark.usefixtures("broken")
def test_a_job_that_fails_says_why_in_the_list(stream, shell):
    stream("deploy once --sink blackhole --settle 0 --set restart-strategy.type=none", BROKEN)

    def reason():
        frame = stream("jobs").set_index("name")
        return frame.loc["once", "status"] == "failed" and frame.loc["once", "reason"]

    assert "is no number" in eventually(reason, 30, "it fails")
    assert "once: '" in shell.shown[-1]


@pytest.mark.usefixtures("orders")
def test_show(stream, shell):
    stream("show orders")
    page = shell.shown[-2]
    assert page.startswith("orders is running, version 1, writes orders\n")
    assert "CREATE TABLE clicks" in page
    assert "INSERT INTO `orders`\nSELECT k, COUNT(*)" in page
    assert "→ GroupAggregate" in page
    assert "Savepoints\n\nnone" in page
    assert shell.shown[-1].startswith("orders: figures")


@pytest.mark.usefixtures("orders")
def test_show_of_what_is_stopped_lists_its_savepoint(stream, shell):
    stream("stop orders")
    stream("show orders")
    assert "orders is stopped" in shell.shown[-1]
    assert "savepoint-" in shell.shown[-1]


@pytest.mark.usefixtures("orders")
def test_show_in_batch_has_neither_times_nor_paths(stream, shell, batch, cluster):
    stream("savepoint orders")
    batch()
    stream("show orders")
    before = shell.shown[-1]
    assert "ago" not in before
    assert str(cluster.home) not in before
    stream("show orders")
    assert shell.shown[-1] == before


@pytest.mark.usefixtures("orders", "broken")
def test_diagnose(stream, shell):

    def failing():
        found = stream("diagnose broken").set_index("what").to_dict("index")
        return found if found["failures"]["verdict"] == "failing" else None

    assert "is no number" in eventually(failing, 30, "it fails")["failures"]["evidence"]
    assert "broken is failing" in shell.shown[-1]
    assert stream("diagnose orders").set_index("what").loc["state", "verdict"] == "healthy"


@pytest.mark.usefixtures("broken")
def test_logs(stream, shell):
    def lines():
        stream("logs broken --lines 80")
        return "NumberFormatException" in shell.shown[-1]

    eventually(lines, 30, "the failure is in the log")
    assert shell.shown[-1].startswith("broken: last log lines")


@pytest.mark.usefixtures("orders")
def test_metrics(stream, shell, monkeypatch):
    monkeypatch.setattr(verbs, "_APART", 0.05)
    frame = stream("metrics orders")
    assert len(frame) == 4
    assert frame.index.tz is not None
    assert shell.shown[-1].startswith("orders: figures")
    assert len(stream("metrics orders")) == 5  # the ones before are kept


@pytest.mark.usefixtures("orders")
@pytest.mark.parametrize("verb", ["show", "diagnose", "logs", "metrics", "watch"])
def test_an_unknown_name_is_refused_with_one_that_is_near(stream, verb):
    with pytest.raises(OptionError) as raised:
        stream(f"{verb} order")
    assert raised.value.hint == "Did you mean orders?"


@pytest.mark.usefixtures("orders")
def test_a_job_without_a_name_is_found_by_its_id(stream, shell):
    handle = shell.flink("SELECT k FROM clicks", "--bg")
    try:
        frame = stream(f"diagnose {handle.job_id}")
        assert "state" in frame["what"].tolist()
    finally:
        handle.stop()


@pytest.mark.usefixtures("broken")
def test_watching_tells_of_restarts_and_calls_the_command(stream, shell, capfd, tmp_path):
    out = tmp_path / "out"
    script = tmp_path / "hook.py"
    script.write_text(
        "import os, sys\n"
        "with open(sys.argv[1], 'a') as file: file.write(os.environ['STREAMMAGIC_JOB'] + '\\n')\n"
    )
    stream(f"watch broken --every 0.2 --on-failure '{sys.executable} {script} {out}'")
    assert shell.shown[-1].startswith("watching broken, every 0.2 s")
    eventually(out.exists, 40, "the command is called")
    assert out.read_text().startswith("broken\n")
    told = capfd.readouterr().err
    assert "broken restarted: " in told
    stream("watch --stop")
    assert shell.shown[-1] == "nothing is watched any more"


def test_watching_needs_names(stream):
    with pytest.raises(OptionError, match="Which deployments"):
        stream("watch")


@pytest.mark.usefixtures("orders")
def test_following_in_a_terminal_ends_with_an_interrupt(stream, shell, interrupting, capfd):
    with interrupting(1.5):
        frame = stream("jobs --watch")
    assert frame["status"].tolist() == ["running"]
    assert "1 job: 1 running (interrupt to end)" in capfd.readouterr().err
    assert "● running" in shell.shown[-1]


def test_no_cluster_is_started_to_list_jobs(bare_shell, monkeypatch, tmp_path):
    for name in ("STREAMMAGIC_FLINK_GATEWAY", "STREAMMAGIC_FLINK_REST"):
        monkeypatch.delenv(name)
    with monkeypatch.context() as patch:
        patch.setenv("STREAMMAGIC_HOME", str(tmp_path))
        bare_shell.extension_manager.load_extension("streammagic")
        assert bare_shell.run_cell("%stream jobs").result.empty
        bare_shell.extension_manager.unload_extension("streammagic")
        assert not (tmp_path / "local" / "state.json").exists()
