"""INSERT: literal rows are waited for, what has no end goes on until it is stopped."""

import pytest
from waiting import eventually

pytestmark = pytest.mark.flink

BATCH = "--set execution.runtime-mode=batch"
GOES_ON = "it ends with this notebook; %stream deploy NAME makes a job that lives on"


@pytest.fixture
def stored(shell, tmp_path):
    """A table on disk: ``stored (n BIGINT, k INT)``."""
    shell.flink(
        "CREATE TABLE stored (n BIGINT, k INT) WITH "
        f"('connector' = 'filesystem', 'path' = '{tmp_path}/stored', 'format' = 'json')"
    )
    return "stored"


@pytest.fixture
def blackhole(shell):
    shell.flink("CREATE TABLE blackhole (n BIGINT, k INT) WITH ('connector' = 'blackhole')")
    return "blackhole"


def test_inserted_values_are_there_in_the_next_cell(shell, stored):
    handle = shell.flink(f"INSERT INTO {stored} VALUES (1, 10), (2, CAST(NULL AS INT))")
    assert handle.status == "finished"
    assert shell.shown[-1] == "INSERT INTO stored: finished"
    assert shell.rows(f"SELECT * FROM {stored}", BATCH) == [(1, 10), (2, None)]


def test_inserted_values_are_there_in_the_next_statement(shell, stored):
    rows = shell.rows(f"INSERT INTO {stored} VALUES (1, 10); SELECT k FROM {stored}", BATCH)
    assert rows == [(10,)]


def test_inserted_values_are_waited_for_even_in_the_background(shell, stored):
    assert shell.flink(f"INSERT INTO {stored} VALUES (1, 10)", "--bg").status == "finished"


def test_an_endless_insert_goes_on_and_says_so(shell, cluster, endless, blackhole):
    handle = shell.flink(f"INSERT INTO {blackhole} SELECT * FROM {endless}", "--bg")
    assert handle.status == "running"
    assert handle.line == f"INSERT INTO blackhole: running · {GOES_ON}"
    eventually(lambda: cluster.job_state(handle.job_id) == "RUNNING", 10, "the job runs")
    handle.stop()
    assert handle.status == "stopped"
    assert cluster.job_state(handle.job_id) == "CANCELED"


def test_a_live_cell_leaves_an_endless_insert_running(shell, cluster, endless, blackhole):
    shell.run_cell("%config StreamMagic.mode = 'live'\n%config StreamMagic.patience = 0.2")
    handle = shell.flink(f"INSERT INTO {blackhole} SELECT * FROM {endless}")
    assert handle.status == "running"
    assert shell.shown[-1].startswith(f"INSERT INTO blackhole: running · {GOES_ON}")
    handle.stop()
    eventually(lambda: shell.shown[-1].startswith("INSERT INTO blackhole: stopped"), 5, "the output says so")
    assert cluster.job_state(handle.job_id) == "CANCELED"


def test_unloading_stops_an_endless_insert(shell, cluster, endless, blackhole):
    handle = shell.flink(f"INSERT INTO {blackhole} SELECT * FROM {endless}", "--bg")
    shell.run_cell("%unload_ext streammagic")
    assert handle.status == "stopped"
    assert cluster.job_state(handle.job_id) == "CANCELED"


def test_a_bounded_insert_is_followed_to_its_end(shell, cluster, stored):
    handle = shell.flink(
        "CREATE TEMPORARY TABLE seven (n BIGINT, k INT) WITH ('connector' = 'datagen', 'number-of-rows' = '7');"
        f"INSERT INTO {stored} SELECT * FROM seven"
    )
    assert cluster.job_state(handle.job_id) == "FINISHED"
    assert shell.rows(f"SELECT COUNT(*) FROM {stored}", BATCH) == [(7,)]
