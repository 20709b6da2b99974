"""A real cluster of the tests' own: its home, its ports, its end."""

import os
import socket
import time

import psutil
import pytest

from streammagic import local
from streammagic.local import loopback, state


def free_ports():
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        return {"rest_port": one.getsockname()[1], "gateway_port": other.getsockname()[1]}


def eventually(condition, seconds, what):
    """Poll a condition until it holds, and return its value."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.05)
    pytest.fail(f"not within {seconds} s: {what}")


class Sql:
    """The little of the gateway's protocol that these tests need."""

    def __init__(self, cluster):
        self.endpoint = f"{cluster.gateway}/v3"
        self.rest = cluster.rest
        self.session = self.post("/sessions", {})["sessionHandle"]

    def post(self, path, body):
        status, answer = loopback.ask("POST", self.endpoint + path, body, timeout=60)
        assert status == 200, answer
        return answer

    def submit(self, sql, **config):
        path = f"/sessions/{self.session}"
        body = {"statement": sql, "executionConfig": config}
        operation = self.post(f"{path}/statements", body)["operationHandle"]
        return f"{self.endpoint}{path}/operations/{operation}/result"

    def rows(self, sql, **config):
        results, token, rows = self.submit(sql, **config), 0, []
        while True:
            status, page = loopback.ask("GET", f"{results}/{token}?rowFormat=JSON", timeout=60)
            assert status == 200, page
            if page["resultType"] == "NOT_READY":
                time.sleep(0.02)
                continue
            rows += [row["fields"] for row in page["results"]["data"]]
            if page["resultType"] == "EOS":
                return rows
            token += 1

    def close(self):
        loopback.ask("DELETE", f"{self.endpoint}/sessions/{self.session}", timeout=20)

    def job_state(self, job):
        return (loopback.ask("GET", f"{self.rest}/jobs/{job}/status")[1] or {}).get("status")

    def endless(self, job):
        """Start a query that never ends, under this job id, and wait until it runs."""
        self.rows(
            "CREATE TEMPORARY TABLE IF NOT EXISTS endless (id INT) "
            "WITH ('connector' = 'datagen', 'rows-per-second' = '5')"
        )
        self.submit("SELECT * FROM endless", **{"$internal.pipeline.job-id": job})
        eventually(lambda: self.job_state(job) == "RUNNING", 20, "the query runs")


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home of the test's own; whatever runs there is ended afterwards."""
    monkeypatch.setenv("STREAMMAGIC_HOME", str(tmp_path / "a home"))
    yield tmp_path / "a home"
    local.stop()
    assert state.survivors(None) == []


@pytest.fixture(scope="module")
def module_home(tmp_path_factory):
    path = tmp_path_factory.mktemp("local") / "a home"  # as macOS' data directory has a space
    before = os.environ.get("STREAMMAGIC_HOME")
    os.environ["STREAMMAGIC_HOME"] = str(path)
    yield path
    local.stop()
    assert state.survivors(None) == []
    if before is None:
        del os.environ["STREAMMAGIC_HOME"]
    else:
        os.environ["STREAMMAGIC_HOME"] = before


@pytest.fixture(scope="module")
def ports():
    return free_ports()


@pytest.fixture
def cluster(module_home, ports):  # noqa: ARG001 - it sets the home
    """The module's cluster as it is now: joined, or started where a test has stopped it."""
    return local.start(**ports)


@pytest.fixture
def sql(cluster):
    client = Sql(cluster)
    yield client
    client.close()


def resident_mb():
    """Memory of the four processes, MB by role."""
    found = local.status()
    return {role: psutil.Process(pid).memory_info().rss / 1e6 for role, pid in found.pids.items()}
