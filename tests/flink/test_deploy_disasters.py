"""What is killed while something is deployed: nothing is started twice, nothing is lost, nothing is written twice."""

import json
import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest
import requests
from books import entry
from gateways import proxy, serving
from real_shell import shell_with
from waiting import eventually

from streammagic import local
from streammagic.local import state
from streammagic.topics.broker import Broker
from streammagic.topics.reading import peek

pytestmark = [pytest.mark.flink, pytest.mark.kafka]

SOURCE = "CREATE TABLE src (k INT) WITH ('connector' = 'datagen', 'rows-per-second' = '5')"
SINK = "CREATE TABLE nowhere (k INT) WITH ('connector' = 'blackhole')"
INSERT = "INSERT INTO nowhere SELECT k FROM src"


@pytest.fixture(scope="module")
def home():
    """A cluster and a broker of this module's own, since their processes are killed."""
    path = Path(tempfile.mkdtemp(prefix="sm"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STREAMMAGIC_HOME", str(path))
        local.start(rest_port=18081, gateway_port=18083)
        local.start_kafka()
        yield path
        local.stop()
        assert state.survivors(None) == []
    shutil.rmtree(path)


@pytest.fixture
def deploying(home, tmp_path):
    """``deploying(gateway)`` gives a shell that reaches the cluster by that gateway."""
    stack = []

    def shell(gateway=None):
        found = local.status()
        environment = {
            "STREAMMAGIC_HOME": str(home),
            "STREAMMAGIC_FLINK_GATEWAY": gateway or found.gateway,
            "STREAMMAGIC_FLINK_REST": found.rest,
        }
        context = shell_with(environment, tmp_path)
        made = context.__enter__()
        stack.append(context)
        made.run_cell("%load_ext streammagic")
        return made

    yield shell
    for context in reversed(stack):
        context.__exit__(None, None, None)


def jobs():
    """Return the jobs that have not ended, by id, with their states."""
    answer = requests.get(f"{local.status().rest}/jobs/overview", timeout=20).json()
    return {
        job["jid"]: job["state"]
        for job in answer["jobs"]
        if job["state"] not in ("FINISHED", "CANCELED", "FAILED")
    }


def kill(role):
    """Kill a process of the cluster; return when the supervisor has put another in its place."""
    pid = local.status().pids[role]
    os.kill(pid, signal.SIGKILL)
    eventually(
        lambda: local.status().pids[role] != pid and local.status().state == "ready", 40, f"{role} is back"
    )


class Third:
    """A fault at the third statement of a deploy, which is the INSERT after its two definitions."""

    def __init__(self, fault):
        self.fault = fault
        self.seen = 0

    def __call__(self, method, path):
        if method == "POST" and path.endswith("/statements"):
            self.seen += 1
            if (
                self.seen == 5
            ):  # the definitions run in the cell's session first, and then in the deploy's own
                self.fault()


def drop():
    raise ConnectionResetError


def kill_and_drop():
    os.kill(local.status().pids["gateway"], signal.SIGKILL)
    raise ConnectionResetError


@pytest.mark.parametrize(
    ("fault", "when"), [(drop, "after"), (kill_and_drop, "before"), (kill_and_drop, "after")]
)
def test_a_lost_answer_starts_no_second_job_and_loses_none(deploying, fault, when):
    hook = Third(fault)
    with serving(proxy(local.status().gateway, **{when: hook})) as url:
        shell = deploying(url)
        shell.run_cell(f"%%stream deploy faulty --settle 0.2\n{SOURCE};\n{SINK};\n{INSERT}")
        assert hook.seen >= 3
        assert shell.shown[-1].startswith("faulty: running")
        assert jobs() == {entry("faulty").run.job_id: "RUNNING"}
        shell.run_cell("%stream delete faulty")
        shell.run_cell("%unload_ext streammagic")
    eventually(lambda: local.status().state == "ready", 40, "the gateway is back")
    assert jobs() == {}


def test_every_row_is_there_exactly_once_though_the_taskmanager_is_killed(deploying, home):  # noqa: ARG001
    shell = deploying()
    broker = Broker(local.kafka_bootstrap())
    shell.flink(
        "CREATE TABLE numbers (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '500', "
        "'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '4000')"
    )
    shell.run_cell(
        "%%stream deploy survivor --exactly-once --settle 0.2 --set 'execution.checkpointing.interval=400 ms'\n"
        "SELECT n FROM numbers"
    )
    eventually(lambda: peek(broker, "survivor", start="earliest", limit=1), 20, "something is committed")
    kill("taskmanager")
    job = entry("survivor").run.job_id
    rest = local.status().rest
    eventually(
        lambda: requests.get(f"{rest}/jobs/{job}/status", timeout=20).json()["status"] == "FINISHED",
        60,
        "all rows are written",
    )
    records = peek(broker, "survivor", start="earliest", limit=10_000)
    assert [json.loads(record.value)["n"] for record in records] == list(range(1, 4001))
    shell.run_cell("%stream delete survivor --topics")


def test_a_deployment_is_resumed_after_its_cluster_was_lost(deploying, home):  # noqa: ARG001
    shell = deploying()
    shell.flink(f"{SOURCE}; {SINK}")
    shell.run_cell(
        f"%%stream deploy lasting --settle 0.2 --set 'execution.checkpointing.interval=300 ms'\n{INSERT}"
    )
    job = entry("lasting").run.job_id
    checkpoints = local.status().rest + f"/jobs/{job}/checkpoints"
    eventually(
        lambda: requests.get(checkpoints, timeout=20).json()["counts"]["completed"],
        20,
        "there is a checkpoint",
    )
    shell.run_cell("%unload_ext streammagic")
    local.stop()
    local.start(rest_port=18081, gateway_port=18083)
    shell.run_cell("%load_ext streammagic")
    shell.run_cell("%stream local start")
    assert "lasting ended with its cluster: %stream deploy lasting --resume" in shell.shown[-1]
    shell.run_cell("%stream deploy lasting --resume --settle 0.2")
    assert shell.shown[-1] == "lasting: running (version 1, from its last state)"
    assert "chk-" in entry("lasting").run.restored
    shell.run_cell("%stream delete lasting")
    eventually(lambda: not jobs(), 10, "no job is left, the planner's warm-up included")


def test_a_notebook_finds_the_embedded_flink_again_at_other_addresses(home, tmp_path):
    with shell_with({"STREAMMAGIC_HOME": str(home)}, tmp_path) as shell:
        shell.run_cell("%load_ext streammagic")
        shell.flink("CREATE TABLE few (n INT) WITH ('connector' = 'datagen', 'number-of-rows' = '2')")
        local.stop()
        shell.run_cell("%stream jobs")
        assert local.status() is None  # to look is not to start
        local.start(rest_port=18091, gateway_port=18093)
        assert len(shell.rows("SELECT n FROM few")) == 2
        shell.run_cell("%stream jobs")
