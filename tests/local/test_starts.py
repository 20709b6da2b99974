"""Starts that meet something: another start, a taken port, the remains of a crash, no network."""

import os
import signal
import socket
import subprocess
import sys
import uuid

import psutil
import pytest
from conftest import Sql, eventually, free_ports

from streammagic import local
from streammagic.errors import LocalEngineError
from streammagic.local import artifacts, state

pytestmark = pytest.mark.usefixtures("home")


@pytest.mark.flink
def test_two_at_once_get_one_cluster_and_a_crash_is_cleaned_up():
    ports = free_ports()
    code = (
        "import sys, json; from streammagic import local\n"
        f"cluster = local.start(**{ports})\n"
        "print(json.dumps(cluster.pids, sort_keys=True))"
    )
    with socket.create_server(("127.0.0.1", ports["rest_port"])):  # the usual port is taken
        both = [
            subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in "ab"
        ]
        first, second = (process.communicate(timeout=120)[0] for process in both)
    assert first == second != ""
    cluster = local.status()
    assert cluster.notes == ()
    assert cluster.rest != f"http://127.0.0.1:{ports['rest_port']}"
    assert cluster.gateway == f"http://127.0.0.1:{ports['gateway_port']}"

    deployed = Sql(cluster)
    deployed.rows("CREATE TABLE s (i INT) WITH ('connector' = 'datagen', 'rows-per-second' = '1')")
    deployed.rows("CREATE TABLE d (i INT) WITH ('connector' = 'blackhole')")
    labels = {"pipeline.name": "orders", "$internal.pipeline.job-id": uuid.uuid4().hex}
    deployed.rows("INSERT INTO d SELECT i FROM s", **labels)
    eventually(lambda: state.read().jobs == ("orders",), 15, "the deployed job is noted")

    orphans = [psutil.Process(pid) for role, pid in cluster.pids.items() if role != "supervisor"]
    os.kill(cluster.pids["supervisor"], signal.SIGKILL)
    eventually(lambda: local.status() is None, 5, "it is seen to be dead")
    assert all(orphan.is_running() for orphan in orphans)
    again = local.start(**ports)
    assert not any(orphan.is_running() for orphan in orphans)
    (note,) = again.notes
    assert "ended without being stopped; its 1 deployed jobs are lost (orders)" in note


@pytest.mark.flink
def test_it_ends_by_itself_when_idle():
    cluster = local.start(**free_ports(), idle_minutes=0.05)
    processes = [psutil.Process(pid) for pid in cluster.pids.values()]
    eventually(lambda: not any(process.is_running() for process in processes), 60, "all have ended")
    assert local.status() is None


@pytest.mark.flink
def test_a_start_that_fails_says_why_and_leaves_nothing(home):
    with pytest.raises(LocalEngineError) as caught:
        local.start(**free_ports(), taskmanager_mb=20)
    assert "The local Flink did not start: the taskmanager ended while starting" in str(caught.value)
    assert str(home / "local" / "log") in caught.value.hint
    assert "taskmanager." in caught.value.details
    eventually(lambda: state.survivors(None) == [], 5, "nothing is left")
    assert local.status() is None


def test_nothing_runs_in_a_new_home():
    assert local.status() is None
    assert local.stop() is False


def test_nothing_is_missing_here():
    assert local.missing() == []


def test_an_unknown_setting_is_refused_with_the_one_that_was_meant():
    with pytest.raises(LocalEngineError, match="Did you mean taskmanager_mb"):
        local.start(taskmanager_md=100)
    with pytest.raises(LocalEngineError, match="positive number"):
        local.start(slots=0)


def test_offline_with_nothing_cached_is_said_in_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("M2_REPO", str(tmp_path / "empty"))
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound, but nobody listens
        for name in ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{nobody.getsockname()[1]}")
        with pytest.raises(
            LocalEngineError, match=r"flink-sql-gateway-2\.3\.0\.jar could not be downloaded"
        ) as caught:
            local.start()
    assert "Start again when the network is there" in caught.value.hint
    assert caught.value.cause.startswith("ProxyError")
    assert not list((tmp_path / "empty").rglob("*.jar"))


def test_windows_is_refused_in_a_sentence(monkeypatch):
    with monkeypatch.context() as windows:
        windows.setattr(sys, "platform", "win32")
        for call in (local.start, local.stop):
            with pytest.raises(LocalEngineError, match="On Windows use WSL"):
                call()
        assert local.status() is None


def test_the_state_of_another_version_is_not_read():
    (state.directory() / "state.json").write_text('{"format": 0}')
    assert state.read() is None
    assert local.status() is None


def test_a_damaged_jar_is_replaced_by_a_verified_one(tmp_path, monkeypatch):
    monkeypatch.setenv("M2_REPO", str(tmp_path))
    good = b"the jar"
    jar = artifacts.Jar("g.h", "n", "1", artifacts.hashlib.sha256(good).hexdigest())
    (tmp_path / jar.path).parent.mkdir(parents=True)
    (tmp_path / jar.path).write_bytes(b"half a j")
    answers = iter([b"altered on the way", good])

    def download(_jar, scratch, _target, _progress):
        (scratch / "fresh.jar").write_bytes(next(answers))
        return scratch / "fresh.jar"

    monkeypatch.setattr(artifacts, "_download", download)
    monkeypatch.setattr(artifacts, "PINNED", (jar,))
    (path,) = artifacts.fetched_jars(lambda _: None)
    assert path.read_bytes() == good
    (tmp_path / jar.path).write_bytes(b"half a j")
    answers = iter([b"altered", b"altered"])
    with pytest.raises(LocalEngineError, match="not the file that was expected") as caught:
        artifacts.fetched_jars(lambda _: None)
    assert jar.sha256 in caught.value.details
