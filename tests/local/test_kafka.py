"""The real Kafka beside the real Flink: shared, kept, repaired, and gone after its stop."""

import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from conftest import eventually

from streammagic import cli, local
from streammagic.errors import LocalEngineError
from streammagic.local import state

pytestmark = [pytest.mark.flink, pytest.mark.kafka, pytest.mark.usefixtures("cluster")]

QUIET = {"log_level": 0, "error_cb": lambda _: None}  # a broker that is killed is meant to be


@pytest.fixture
def kafka(cluster):  # noqa: ARG001 - it starts the cluster
    """The module's broker as it is now: joined, or started where a test has stopped it."""
    return local.start_kafka()


def produce(bootstrap, topic, values):
    producer = Producer({"bootstrap.servers": bootstrap, "queue.buffering.max.messages": 1_000_000} | QUIET)
    for value in values:
        producer.produce(topic, value)
        producer.poll(0)
    assert producer.flush(30) == 0


def consume(bootstrap, topic, count):
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "tests"} | QUIET)
    consumer.assign([TopicPartition(topic, 0, 0)])
    found = []
    deadline = time.monotonic() + 30
    while len(found) < count and time.monotonic() < deadline:
        found += [message.value() for message in consumer.consume(10_000, 1) if not message.error()]
    consumer.close()
    return found


@pytest.fixture
def without_kafka(cluster):
    """The cluster's processes without those of a broker: none runs."""
    local.stop_kafka()
    return {role: pid for role, pid in cluster.pids.items() if role != "kafka"}


def test_none_runs_where_none_was_asked_for(without_kafka):
    assert local.status().pids == without_kafka
    assert local.status().kafka is None
    assert local.stop_kafka() is False
    with pytest.raises(LocalEngineError, match="Kafka does not run") as caught:
        local.kafka_bootstrap()
    assert "%stream local start kafka" in caught.value.hint


@pytest.mark.usefixtures("without_kafka")
def test_two_that_ask_at_once_get_one_broker():
    code = "from streammagic import local; print(local.start_kafka(), local.status().pids['kafka'])"
    both = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in "ab"]
    first, second = (process.communicate(timeout=120)[0] for process in both)
    assert first == second != ""
    assert first.split() == [local.kafka_bootstrap(), str(local.status().pids["kafka"])]


def test_another_start_joins_it(kafka):
    before = local.status()
    began = time.monotonic()
    assert local.start_kafka() == kafka == before.kafka
    assert time.monotonic() - began < 0.5
    assert local.status().pids == before.pids
    assert set(before.pids) == {"supervisor", "jobmanager", "taskmanager", "gateway", "kafka"}


def test_it_listens_on_loopback_only(kafka):
    listening = [
        connection.laddr
        for connection in psutil.Process(local.status().pids["kafka"]).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert {address.ip.removeprefix("::ffff:") for address in listening} == {"127.0.0.1"}
    assert int(kafka.partition(":")[2]) in {address.port for address in listening}


def test_messages_come_back_and_memory_stays_small(kafka):
    produce(kafka, "many", (b"x" * 100 for _ in range(200_000)))
    assert len(consume(kafka, "many", 200_000)) == 200_000
    assert psutil.Process(local.status().pids["kafka"]).memory_info().rss < 350e6


def test_flink_writes_and_reads_a_topic(kafka, sql):
    sql.rows(
        "CREATE TABLE orders (id INT, item STRING) WITH ('connector' = 'kafka', 'topic' = 'orders', "
        f"'properties.bootstrap.servers' = '{kafka}', 'format' = 'json', "
        "'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset')"
    )
    sql.rows("INSERT INTO orders VALUES (1, 'tea'), (2, 'milk')", **{"table.dml-sync": "true"})
    assert sql.rows("SELECT * FROM orders") == [[1, "tea"], [2, "milk"]]
    first, _ = consume(kafka, "orders", 2)
    assert json.loads(first) == {"id": 1, "item": "tea"}


def test_a_killed_broker_comes_back_with_its_topics(kafka):
    produce(kafka, "kept", [b"1", b"2"])
    before = local.status().pids
    os.kill(before["kafka"], signal.SIGKILL)
    eventually(lambda: local.status().pids["kafka"] != before["kafka"], 10, "it is seen and restarted")
    assert local.start_kafka() == kafka  # waits for the repair
    assert sorted(consume(kafka, "kept", 2)) == [b"1", b"2"]
    now = local.status()
    assert now.state == "ready"
    assert "the kafka broker died" in now.notes[-1]
    assert now.pids == before | {"kafka": now.pids["kafka"]}  # Flink was not touched


def test_stop_leaves_no_process_and_keeps_the_topics(kafka):
    produce(kafka, "stopped", [b"3"])
    before = local.status().pids
    process = psutil.Process(before.pop("kafka"))
    assert local.stop_kafka() is True
    assert not process.is_running()
    assert local.status().kafka is None
    assert local.status().pids == before
    assert not [left for left in state.survivors(None) if "kafka.Kafka" in left.cmdline()]
    assert local.start_kafka() == kafka  # the same port
    assert consume(kafka, "stopped", 1) == [b"3"]


def test_a_broker_that_can_not_start_says_why_and_flink_goes_on(kafka, module_home, sql):
    local.stop_kafka()
    properties = module_home / "local" / "kafka" / "data" / "meta.properties"
    kept = properties.read_text()
    properties.write_text("version=1\nnode.id=7\n")
    with pytest.raises(LocalEngineError, match="Kafka could not be started") as caught:
        local.start_kafka()
    assert "cluster.id" in caught.value.details
    assert "kafka.log" in caught.value.hint
    assert "the kafka broker was given up" in local.status().notes[-1]
    assert local.status().state == "ready"
    assert sql.rows("SELECT 1") == [[1]]
    properties.write_text(kept)
    assert local.start_kafka() == kafka


def test_the_command_line_tells_of_it(kafka, capsys):
    assert cli.main(["local", "start", "kafka", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["kafka"] == kafka
    assert cli.main(["local", "status"]) == 0
    assert f"kafka {kafka}" in capsys.readouterr().out


@pytest.mark.usefixtures("without_kafka")
def test_the_command_line_ends_it(capsys):
    assert cli.main(["local", "stop", "kafka"]) == 0
    assert capsys.readouterr().out == "nothing was running\n"


def test_it_ends_with_the_cluster_and_does_not_start_with_the_next(ports):
    local.start_kafka()
    process = psutil.Process(local.status().pids["kafka"])
    assert local.stop() is True
    assert not process.is_running()
    assert state.survivors(None) == []
    assert local.start(**ports).kafka is None
