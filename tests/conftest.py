"""What the tests on the real Flink share: one cluster for all of them, and a shell that talks to it."""

import os
import shutil
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
from real_shell import shell_with
from waiting import eventually

from streammagic import local
from streammagic.local import state

# A process that a shell starts in the background ignores this signal, and so would all that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)


@dataclass(frozen=True)
class RealFlink:
    """The cluster that the tests share, and the environment of a process that uses it."""

    home: Path
    started: local.Cluster

    @property
    def gateway(self):
        return self.started.gateway

    @property
    def rest(self):
        return self.started.rest

    @property
    def environment(self):
        return {
            "STREAMMAGIC_HOME": str(self.home),
            "STREAMMAGIC_FLINK_GATEWAY": self.gateway,
            "STREAMMAGIC_FLINK_REST": self.rest,
        }

    def jobs(self):
        """Return the jobs that have not ended, by id, with their states."""
        answer = requests.get(f"{self.rest}/jobs/overview", timeout=20).json()
        ended = {"FINISHED", "CANCELED", "FAILED"}
        return {job["jid"]: job["state"] for job in answer["jobs"] if job["state"] not in ended}

    def wait_until_idle(self, seconds=10):
        eventually(lambda: not self.jobs(), seconds, "no job is left on the cluster")

    def taskmanager(self):
        """Return the pid of the TaskManager as it is now; the supervisor replaces one that died."""
        return local.status().pids["taskmanager"]

    def job_state(self, job_id):
        return requests.get(f"{self.rest}/jobs/{job_id}/status", timeout=20).json().get("status")


@pytest.fixture(scope="session")
def cluster():
    """The real Flink, started once; none of its processes is left afterwards.

    With $STREAMMAGIC_TEST_HOME set it is that home's cluster, and it is left running: for those who run a
    test again and again.
    """
    kept = os.environ.get("STREAMMAGIC_TEST_HOME")
    # A short path: it stands in messages and in socket names.
    home = Path(kept or tempfile.mkdtemp(prefix="sm"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STREAMMAGIC_HOME", str(home))
        started = local.start()
        yield RealFlink(home, started)
        if not kept:
            found = local.status()
            local.stop()
            assert state.survivors(None) == []
            shutil.rmtree(home)
            pids = {role: pid for role, pid in found.pids.items() if role != "kafka"}
            assert pids == started.pids  # no test has brought a JVM down


@pytest.fixture(scope="session")
def kafka(cluster):  # noqa: ARG001 - it runs beside the cluster
    """The address of the real Kafka, started once."""
    return local.start_kafka()


@pytest.fixture
def bare_shell(cluster, tmp_path):
    """A shell pointed at the cluster; the extension is not loaded. Nothing of it is left afterwards."""
    with shell_with(cluster.environment, tmp_path) as shell:
        yield shell
    cluster.wait_until_idle()
    assert os.environ["STREAMMAGIC_HOME"] == str(cluster.home)


@pytest.fixture
def shell(bare_shell):
    """A shell with the extension loaded, pointed at the cluster."""
    bare_shell.extension_manager.load_extension("streammagic")
    return bare_shell


@pytest.fixture
def endless(shell):
    """A table that never ends: ``endless (n BIGINT, k INT)``, 50 rows a second."""
    shell.flink(
        "CREATE TEMPORARY TABLE endless (n BIGINT, k INT) WITH ('connector' = 'datagen', "
        "'rows-per-second' = '50', 'fields.k.min' = '0', 'fields.k.max' = '3')"
    )
    return "endless"
