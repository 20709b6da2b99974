"""One real cluster for the module: shared, guarded, repaired, and gone after its stop."""

import os
import signal
import subprocess
import sys
import time
import uuid

import psutil
import pytest
from conftest import Sql, eventually, resident_mb

from streammagic import leases, local
from streammagic.local import jars, loopback, state

pytestmark = [pytest.mark.flink, pytest.mark.usefixtures("cluster")]

JOB_OF_A_KERNEL = """
import sys, time
from streammagic.leases import Lease
lease = Lease.open()
lease.hold("session", {endpoint!r}, {session!r})
lease.hold("job", {rest!r}, {job!r})
print("held", flush=True)
time.sleep(120)
"""


@pytest.fixture
def kernel(sql):
    """A process that holds a session and the job of an endless query in it, as a kernel would."""
    job = uuid.uuid4().hex
    code = JOB_OF_A_KERNEL.format(endpoint=sql.endpoint, session=sql.session, rest=sql.rest, job=job)
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout.readline() == "held\n"
        sql.endless(job)
        process.job = job
        yield process
        process.kill()


def test_it_is_ready_with_slots_and_a_clock_of_its_own(cluster, sql, module_home):
    assert cluster.state == "ready"
    assert cluster.flink_version.startswith("2.3.")
    assert set(cluster.pids) == {"supervisor", "jobmanager", "taskmanager", "gateway"}
    assert cluster.log_dir == str(module_home / "local" / "log")
    assert loopback.ask("GET", f"{cluster.rest}/overview")[1]["slots-total"] >= 64
    assert sql.rows("SELECT CAST(TO_TIMESTAMP_LTZ(0, 3) AS STRING)") == [["1970-01-01 00:00:00.000"]]
    assert (module_home / "local" / "state.json").stat().st_mode & 0o777 == 0o600


def test_everything_listens_on_loopback_only(cluster):
    for role, pid in cluster.pids.items():
        for connection in psutil.Process(pid).net_connections("inet"):
            if connection.status == psutil.CONN_LISTEN:
                assert connection.laddr.ip.removeprefix("::ffff:") == "127.0.0.1", role


def test_another_start_joins_it(cluster):
    began = time.monotonic()
    again = local.start()
    assert time.monotonic() - began < 0.5
    assert again == local.status() == cluster


def test_settings_for_a_running_cluster_count_later_and_say_so(cluster):
    again = local.start(taskmanager_mb=999)
    assert again.pids == cluster.pids
    assert "taskmanager_mb: counts from the next start on" in again.notes[-1]


def test_batch_operators_have_memory_in_a_slot_of_64(sql):
    sql.rows("SET 'execution.runtime-mode' = 'batch'")
    sql.rows(
        "CREATE TEMPORARY TABLE t (id BIGINT, x DOUBLE) "
        "WITH ('connector' = 'datagen', 'number-of-rows' = '20000', 'fields.id.min' = '1', "
        "'fields.id.max' = '5000', 'rows-per-second' = '1000000')"
    )
    ((groups,),) = sql.rows("SELECT COUNT(*) FROM (SELECT id, SUM(x) FROM t GROUP BY id)")
    assert 4000 < groups <= 5000
    assert sql.rows("SELECT COUNT(*) > 0 FROM t a JOIN t b ON a.id = b.id") == [[True]]
    assert len(sql.rows("SELECT * FROM t ORDER BY x LIMIT 3")) == 3


def test_a_page_of_large_rows_passes(sql):
    sql.rows("CREATE TEMPORARY TABLE n (id INT) WITH ('connector' = 'datagen', 'number-of-rows' = '40')")
    rows = sql.rows("SELECT REPEAT('x', 1000000) FROM n")
    assert [len(text) for (text,) in rows] == [1_000_000] * 40


def test_many_small_jobs_cost_no_memory(cluster):
    for n in range(60):
        client = Sql(cluster)
        assert client.rows(f"SELECT {n}, UPPER(x) FROM (VALUES ('a')) AS t(x)") == [[n, "A"]]
        client.close()
    assert sum(resident_mb().values()) < 1200, resident_mb()


def test_an_added_jar_brings_its_format(sql, tmp_path):
    (jar,) = jars.add("org.apache.flink:flink-sql-avro:2.3.0")
    assert jars.add("org.apache.flink:flink-csv:2.3.0") == []  # there already
    assert sql.rows(f"ADD JAR '{jar}'") == [["OK"]]
    sql.rows(
        "CREATE TABLE rows_in_avro (id INT) WITH ('connector' = 'filesystem', "
        f"'path' = 'file://{tmp_path}/rows', 'format' = 'avro')"
    )
    sql.rows("INSERT INTO rows_in_avro VALUES (1), (2)", **{"table.dml-sync": "true"})
    sql.rows("SET 'execution.runtime-mode' = 'batch'")
    assert sorted(sql.rows("SELECT * FROM rows_in_avro")) == [[1], [2]]


def test_a_killed_kernel_leaves_no_session_and_no_job(sql, kernel):
    kernel.kill()
    eventually(lambda: sql.job_state(kernel.job) == "CANCELED", 5, "the job is cancelled")
    session = f"{sql.endpoint}/sessions/{sql.session}"
    eventually(lambda: loopback.ask("POST", f"{session}/heartbeat", {})[0] != 200, 5, "its session is closed")
    eventually(lambda: leases.leases() == [], 15, "its lease is removed")


def test_a_lease_on_another_cluster_is_left_alone():
    code = (
        "from streammagic.leases import Lease; import os\n"
        "Lease.open().hold('job', 'http://flink.example:8081', 'theirs'); os._exit(1)"
    )
    subprocess.run([sys.executable, "-c", code], check=False)
    (record,) = (record for record in leases.leases() if "flink.example" in str(record.held))
    time.sleep(3)  # it would have been touched at one of the looks in this time
    assert record in leases.leases()
    record.path.unlink()


def test_a_killed_gateway_comes_back_and_its_queries_are_cancelled(cluster, sql, kernel):
    before = local.status()
    os.kill(before.pids["gateway"], signal.SIGKILL)
    eventually(lambda: sql.job_state(kernel.job) == "CANCELED", 5, "the query is cancelled")

    def repaired():
        now = local.status()
        return now if now.state == "ready" and now.pids["gateway"] != before.pids["gateway"] else None

    now = eventually(repaired, 30, "the gateway is back")
    assert now.gateway == cluster.gateway
    assert "the gateway died" in now.notes[-1]
    fresh = Sql(now)
    assert fresh.rows("SELECT 1") == [[1]]
    fresh.close()


@pytest.mark.parametrize("role", ["taskmanager", "jobmanager"])
def test_a_killed_jvm_is_restarted(role):
    before = local.status()
    os.kill(before.pids[role], signal.SIGKILL)
    now = eventually(lambda: local.status().pids[role] != before.pids[role] and local.status(), 10, "seen")
    assert local.start().state == "ready"  # waits for the repair
    client = Sql(now)
    assert client.rows("SELECT 1") == [[1]]
    client.close()
    assert f"the {role} died" in local.status().notes[-1]


def test_stop_leaves_no_process_and_no_state(module_home):
    processes = [psutil.Process(pid) for pid in local.status().pids.values()]
    assert local.stop() is True
    assert not any(process.is_running() for process in processes)
    assert local.status() is None
    assert state.survivors(None) == []
    assert not (module_home / "local" / "state.json").exists()
    assert local.stop() is False
