"""What a session holds outlives the session."""

import time

import pytest
import requests
from gateways import proxy, serving
from waiting import eventually

from streammagic import leases
from streammagic.errors import InterruptedQuery, SqlError, StreamMagicError

pytestmark = pytest.mark.flink

LOST = "the gateway had lost the session: opened anew, definitions and settings run again"
BATCH = "--set execution.runtime-mode=batch"


def sessions():
    """Return the sessions that this process holds, as the addresses that end them."""
    (mine,) = [record for record in leases.leases() if record.alive and record.held]
    return [f"{held.endpoint}/sessions/{held.id}" for held in mine.held if held.kind == "session"]


def lose_sessions():
    """Close them behind the engine's back."""
    for address in sessions():
        assert requests.delete(address, timeout=20).ok


def test_a_lost_session_is_opened_anew_with_all_that_was_defined(shell):
    shell.flink(
        "CREATE DATABASE shop; USE shop; CREATE TABLE t (x INT) WITH ('connector' = 'datagen', 'number-of-rows' = '2');"
        "CREATE TEMPORARY VIEW v AS SELECT COUNT(*) AS n FROM t; SET 'pipeline.name' = 'mine'"
    )
    lose_sessions()
    assert shell.rows("SELECT * FROM v") == [(2,)]
    assert LOST in shell.shown[-1]
    assert shell.rows("SHOW CURRENT DATABASE") == [("shop",)]
    assert LOST not in shell.shown[-1]
    settings = shell.flink("SET").df.set_index("key")["value"]
    assert settings["pipeline.name"] == "mine"


def test_a_dropped_table_does_not_come_back(shell):
    shell.flink("CREATE TEMPORARY VIEW a AS SELECT 1 AS x; CREATE TEMPORARY VIEW b AS SELECT 2 AS x")
    shell.flink("DROP TEMPORARY VIEW a")
    lose_sessions()
    assert shell.rows("SHOW VIEWS") == [("b",)]


def test_a_table_made_as_a_query_is_there_again_and_not_filled_again(shell, tmp_path):
    shell.flink(
        f"CREATE TABLE filled WITH ('connector' = 'filesystem', 'path' = '{tmp_path}/filled', 'format' = 'json') "
        "AS SELECT 1 AS x"
    )
    lose_sessions()
    assert shell.rows("SELECT * FROM filled", BATCH) == [(1,)]


def test_the_second_session_is_opened_anew_too(shell):
    shell.flink("CREATE TEMPORARY VIEW v AS SELECT 1 AS x")
    shell.flink("SELECT * FROM v", BATCH)
    lose_sessions()
    shell.flink("CREATE TEMPORARY VIEW w AS SELECT 2 AS x")
    assert shell.rows("SELECT * FROM v UNION ALL SELECT * FROM w", BATCH) == [(1,), (2,)]


def test_a_statement_that_failed_is_not_run_again(shell):
    with pytest.raises(SqlError):
        shell.flink("CREATE TEMPORARY VIEW bad AS SELECT * FROM nowhere")
    lose_sessions()
    shell.flink("SHOW TABLES")
    assert "could not run again" not in shell.shown[-1]


def test_a_running_query_says_that_its_session_is_lost(shell, cluster, endless):
    handle = shell.flink(f"SELECT * FROM {endless}", "--bg")
    handle.wait(rows=1)
    lose_sessions()
    with pytest.raises(StreamMagicError, match=r"session|operation"):
        handle.wait(seconds=10)
    assert handle.status == "failed"
    assert len(handle.frame(partial=True)) >= 1
    cluster.wait_until_idle()


def test_initial_sql_runs_in_every_new_session(shell):
    shell.run_cell(
        "%config StreamMagic.init_sql = \"CREATE VIEW i AS SELECT 5 AS x; SET 'pipeline.name' = 'init'\""
    )
    assert shell.rows("SELECT * FROM i") == [(5,)]
    assert shell.rows("SELECT * FROM i", BATCH) == [(5,)]
    lose_sessions()
    assert shell.rows("SELECT * FROM i") == [(5,)]


def test_no_session_is_held_after_the_extension_is_unloaded(shell):
    shell.flink("SELECT 1")
    (address,) = sessions()
    shell.run_cell("%unload_ext streammagic")
    assert not [record for record in leases.leases() if record.alive and record.held]
    assert requests.get(address, timeout=20).status_code != 200


class TestTheWire:
    """A gateway behind a proxy that loses or delays what it is told to."""

    def test_a_page_that_is_lost_on_its_way_is_asked_for_again(self, shell, cluster):
        seen = set()

        def drop_first(_method, path):
            if "/result/" in path and path not in seen:
                seen.add(path)
                raise ConnectionError

        with serving(proxy(cluster.gateway, after=drop_first)) as url:
            shell.run_cell(f"%config StreamMagic.flink_gateway = {url!r}")
            rows = shell.rows("SELECT * FROM (VALUES (1), (2), (3)) AS t(x)")
            shell.run_cell("%unload_ext streammagic")
        assert rows == [(1,), (2,), (3,)]
        assert len(seen) > 1

    def test_an_interrupt_while_the_statement_is_on_its_way_leaves_no_job(self, shell, cluster, interrupting):
        def slow_answer(method, path):
            if method == "POST" and path.endswith("/statements"):
                time.sleep(0.6)  # what makes it a slow wire

        with serving(proxy(cluster.gateway, after=slow_answer)) as url:
            shell.run_cell(f"%config StreamMagic.flink_gateway = {url!r}")
            shell.flink(
                "CREATE TABLE endless (n INT) WITH ('connector' = 'datagen', 'rows-per-second' = '10')"
            )
            with pytest.raises(InterruptedQuery, match="stopped"), interrupting(0.3):
                shell.run_cell("%%flink --wait\nSELECT * FROM endless")
            assert cluster.jobs() == {}
            shell.run_cell("%unload_ext streammagic")

    def test_an_answer_to_a_statement_that_is_lost_leaves_no_job(self, shell, cluster):
        lost = []

        def lose(method, path):
            if method == "POST" and path.endswith("/statements") and lost == ["armed"]:
                lost.append(path)
                raise ConnectionError

        with serving(proxy(cluster.gateway, after=lose)) as url:
            shell.run_cell(f"%config StreamMagic.flink_gateway = {url!r}")
            shell.flink(
                "CREATE TABLE endless (n INT) WITH ('connector' = 'datagen', 'rows-per-second' = '10')"
            )
            lost.append("armed")
            with pytest.raises(StreamMagicError):
                shell.run_cell("%%flink --wait\nSELECT * FROM endless")
            eventually(
                lambda: len(lost) > 1 and not cluster.jobs(), 10, "the job that nobody knows of is ended"
            )
            shell.run_cell("%unload_ext streammagic")
