"""Deployments that write to a real Kafka: their sinks, their topics, every row exactly once."""

import contextlib
import json

import pytest
from books import entry
from waiting import eventually

from streammagic.errors import JobFailedError, OptionError, SqlError
from streammagic.topics.broker import Broker
from streammagic.topics.reading import peek

pytestmark = [pytest.mark.flink, pytest.mark.kafka]

NUMBERS = (
    "CREATE TABLE IF NOT EXISTS numbers (n BIGINT NOT NULL) WITH ('connector' = 'datagen', "
    "'rows-per-second' = '400', 'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '2000')"
)


@pytest.fixture
def broker(kafka):
    return Broker(kafka)


@pytest.fixture
def deploy(shell, broker):
    """``deploy(name, sql, options)``; what was deployed is deleted afterwards, with its topics."""
    names = []
    shell.flink(NUMBERS)

    def deploy(name, sql, options="--settle 0.2"):
        names.append(name)
        before = len(shell.shown)
        shell.run_cell(f"%%stream deploy {name} {options}\n{sql}")
        return "\n".join(shell.shown[before:])

    yield deploy
    for name in dict.fromkeys(names):
        with contextlib.suppress(OptionError):
            shell.run_cell(f"%stream delete {name} --topics")
    assert not {name for name in broker.names() if not name.startswith("__")}


def values(broker, topic):
    """Return the committed values of a topic that exists."""
    records = peek(broker, topic, start="earliest", limit=100_000) if topic in broker.names() else []
    return [None if record.value is None else json.loads(record.value) for record in records]


def test_an_appending_query_writes_json_that_a_later_cell_reads(deploy, shell, broker):
    shown = deploy("evens", "SELECT n, 'row ' || CAST(n AS STRING) AS word FROM numbers WHERE MOD(n, 2) = 0")
    assert "'connector' = 'kafka'" in shown
    eventually(lambda: {"n": 2, "word": "row 2"} in values(broker, "evens"), 20, "the first row is there")
    assert shell.rows("SELECT n FROM evens WHERE n < 7", "--limit 3") == [(2,), (4,), (6,)]


def test_an_updating_query_with_a_key_writes_the_newest_row_of_each(deploy, shell):
    shown = deploy("by_digit", "SELECT MOD(n, 10) AS d, COUNT(*) AS c FROM numbers GROUP BY MOD(n, 10)")
    assert "PRIMARY KEY (`d`) NOT ENFORCED" in shown
    assert shell.rows("SELECT d, c FROM by_digit WHERE c = 200", "--limit 10") == [
        (d, 200) for d in range(10)
    ]


def test_an_updating_query_without_a_key_writes_its_changes(deploy, shell):
    assert "'format' = 'debezium-json'" in deploy("total", "SELECT COUNT(*) AS c FROM numbers")
    assert shell.rows("SELECT c FROM total WHERE c >= 2000", "--limit 1") == [(2000,)]


def test_a_key_that_may_be_null_is_refused_with_two_ways_on(deploy):
    sql = "SELECT NULLIF(MOD(n, 3), 0) AS k, COUNT(*) AS c FROM numbers GROUP BY NULLIF(MOD(n, 3), 0)"
    with pytest.raises(SqlError, match="key column k can be NULL") as caught:
        deploy("nulls", sql)
    assert "WHERE k IS NOT NULL" in caught.value.hint
    assert "COALESCE(k" in caught.value.hint
    filtered = "SELECT k, COUNT(*) AS c FROM (SELECT NULLIF(MOD(n, 3), 0) AS k FROM numbers) WHERE k IS NOT NULL GROUP BY k"
    assert "PRIMARY KEY" in deploy("nulls", filtered)


def test_options_of_the_table_are_the_person_s_to_set(deploy, broker):
    shown = deploy(
        "named",
        "SELECT n FROM numbers",
        "--settle 0.2 --with topic=elsewhere json.encode.decimal-as-plain-number=true",
    )
    assert "'topic' = 'elsewhere'" in shown
    eventually(lambda: values(broker, "elsewhere"), 20, "it writes to that topic")


def test_a_failed_deploy_takes_its_topic_away(deploy, broker, shell):
    with pytest.raises(JobFailedError):
        deploy("broken", "SELECT CAST('x' || CAST(n AS STRING) AS INT) AS n FROM numbers", "--settle 3")
    assert "broken" not in broker.names()
    with pytest.raises(SqlError):
        shell.flink("DESCRIBE broken")


def test_a_sink_that_refuses_a_row_fails_the_deploy_with_its_reason(deploy, shell):
    shell.flink("CREATE TABLE strict (n BIGINT NOT NULL) WITH ('connector' = 'blackhole')")
    with pytest.raises(JobFailedError) as caught:
        deploy("refused", "INSERT INTO strict SELECT NULLIF(n, 5) FROM numbers", "--settle 3")
    assert "NOT NULL" in caught.value.cause


def test_every_row_is_there_exactly_once_through_a_stop_and_a_resume(deploy, shell, broker, cluster):
    deploy(
        "copy",
        "SELECT n FROM numbers",
        "--exactly-once --settle 0.2 --set 'execution.checkpointing.interval=300 ms'",
    )
    eventually(lambda: values(broker, "copy"), 20, "the first transaction is committed")
    shell.run_cell("%stream stop copy")
    before = values(broker, "copy")
    assert 0 < len(before) < 2000
    assert "'properties.isolation.level' = 'read_committed'" in entry("copy").current.bundle.table_ddl
    shell.run_cell("%stream deploy copy --resume --settle 0")
    job = entry("copy").run.job_id
    eventually(lambda: cluster.job_state(job) == "FINISHED", 30, "all rows are written")
    assert [row["n"] for row in values(broker, "copy")] == list(range(1, 2001))


def test_a_change_of_the_output_goes_on_counting(deploy, shell):
    count = "SELECT MOD(n, 2) AS k, COUNT(*) AS c{} FROM numbers GROUP BY MOD(n, 2)"
    deploy("counts", count.format(""))
    plan = deploy("counts", count.format(", COUNT(*) * 2 AS twice"), "--dry-run")
    assert "the sink begins anew" in plan
    deploy("counts", count.format(", COUNT(*) * 2 AS twice"), "--replace --settle 0.2")
    assert shell.rows("SELECT k, c, twice FROM counts WHERE c = 1000", "--limit 2") == [
        (0, 1000, 2000),
        (1, 1000, 2000),
    ]


def test_delete_keeps_topics_unless_it_is_told(deploy, shell, broker):
    deploy("kept", "SELECT n FROM numbers")
    shell.run_cell("%stream delete kept")
    assert "topic kept is kept (--topics deletes it)" in shell.shown[-1]
    assert "kept" in broker.names()
    shell.run_cell("%stream cleanup")
    assert "found topic kept, which goes with --topics only" in shell.shown[-1]
    shell.run_cell("%stream cleanup --yes")
    assert "kept" in broker.names()
    shell.run_cell("%stream cleanup --yes --topics")
    assert "kept" not in broker.names()


def test_a_topic_that_another_deployment_uses_is_kept(deploy, shell, broker):
    deploy("first", "SELECT n FROM numbers")
    shell.flink("CREATE TABLE nowhere (n BIGINT) WITH ('connector' = 'blackhole')")
    deploy("second", "INSERT INTO nowhere SELECT n FROM `first`")
    shell.run_cell("%stream delete first --topics")
    assert "topic first is kept, for second" in shell.shown[-1]
    assert "first" in broker.names()
    shell.run_cell("%stream delete second\n%stream cleanup --yes --topics")
    assert "first" not in broker.names()


def test_a_topic_that_was_there_before_is_said_and_stays(deploy, shell, broker):
    broker.create("older")
    deploy("named", "SELECT n FROM numbers", "--settle 0.2 --with topic=older")
    assert "the topic older was there already" in shell.shown[-1]
    shell.run_cell("%stream delete named --topics")
    assert "topic older is kept: it was there before" in shell.shown[-1]
    broker.delete(["older"])


def test_a_table_is_known_after_a_restart_though_nothing_was_changed(deploy, shell):
    deploy("again", "SELECT n FROM numbers")
    shell.run_cell("%unload_ext streammagic\n%load_ext streammagic")
    shell.flink(NUMBERS)
    assert "unchanged" in deploy("again", "SELECT n FROM numbers")
    assert shell.rows("SELECT n FROM again WHERE n < 3", "--limit 2") == [(1,), (2,)]


def test_a_reserved_word_is_a_name_like_any_other(deploy, shell):
    assert "table: running" in deploy("table", "SELECT n FROM numbers")
    assert shell.rows("SELECT n FROM `table` WHERE n < 3", "--limit 2") == [(1,), (2,)]
    shell.run_cell("%stream delete table --topics")
    assert "table table" in shell.shown[-1]


def test_a_kafka_table_without_brokers_uses_the_embedded_ones_if_that_is_on(shell, kafka, broker):  # noqa: ARG001
    ddl = "CREATE TABLE {} (n INT) WITH ('connector' = 'kafka', 'topic' = 'auto', 'format' = 'json', 'scan.startup.mode' = 'earliest-offset')"
    shell.flink(ddl.format("off"))
    with pytest.raises(SqlError, match="bootstrap"):
        shell.flink("SELECT * FROM off")
    shell.run_cell("%config StreamMagic.auto_kafka = True")
    shell.flink(f"{ddl.format('auto')}; INSERT INTO auto VALUES (1)")
    assert shell.rows("SELECT * FROM auto", "--limit 1") == [(1,)]
    broker.delete(["auto"])
