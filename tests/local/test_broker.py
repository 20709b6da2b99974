"""The supervisor's broker with a Java of the test's own: what a real one can hardly be made to do."""

import json
import os
import signal
import socket
import time

import pytest
from conftest import eventually

from streammagic import leases
from streammagic.errors import LocalEngineError
from streammagic.local import artifacts, flink, kafka, kafka_config, state, visitors
from streammagic.local.broker import Broker
from streammagic.local.java import Java
from streammagic.local.settings import Settings

FORMATS_AND_SLEEPS = """#!/bin/sh
case "$*" in *StorageTool*) mkdir kafka/fresh;; *) exec sleep 60;; esac
"""


class Cluster:
    """A broker, what it says, and how it is asked."""

    def __init__(self, root, script=FORMATS_AND_SLEEPS):
        self.layout = kafka_config.Layout(root)
        self.layout.logs.mkdir(parents=True)
        java = Java(root / "java", "21.0.8")
        java.path.write_text(script)
        java.path.chmod(0o755)
        (root / "a.jar").touch()
        plan = flink.Recipe(java.path, (), Settings(), flink.Layout(root), ("-Dhome=x",))
        self.broker = Broker("mine", java, plan, self.publish)
        self.said = state.Kafka()
        self.member = None
        self.notes = []

    def publish(self, said, member, note=""):
        self.said, self.member = said, member
        self.notes += [note] if note else []

    def ask(self, identity="1", cluster="mine", *, stop=False):
        self.layout.folder.mkdir(exist_ok=True)
        jars = [] if stop else [str(self.layout.root / "a.jar")]
        request = {"id": identity, "cluster": cluster, "jars": jars}
        leases.write_atomically(self.layout.requests, json.dumps(request))
        self.broker.tick()

    def until(self, what):
        self.until_that(lambda: self.said.state == what)

    def until_that(self, holds):
        eventually(lambda: [self.broker.tick()] and holds(), 10, "the broker has come there")


@pytest.fixture
def made(tmp_path):
    """Makes a cluster's broker; whatever runs is ended afterwards."""
    clusters = []

    def make(*arguments):
        clusters.append(Cluster(tmp_path, *arguments))
        return clusters[-1]

    yield make
    for cluster in clusters:
        cluster.broker.end()


@pytest.fixture
def answering(monkeypatch):
    monkeypatch.setattr(kafka, "is_ready", lambda _port: True)


@pytest.mark.usefixtures("answering")
def test_it_is_formatted_started_and_stopped(made, tmp_path):
    cluster = made()
    cluster.ask()
    assert (cluster.said.state, cluster.said.bootstrap) == (state.STARTING, "")
    assert (tmp_path / "kafka" / "data").is_dir()
    cluster.until(state.READY)
    port = cluster.broker.port
    assert cluster.said == state.Kafka(state.READY, f"127.0.0.1:{port}", "1")
    assert leases.is_same_process(cluster.member.pid, cluster.member.created)
    cluster.ask("2", stop=True)
    assert cluster.said == state.Kafka(request="2")
    assert cluster.member is None


@pytest.mark.usefixtures("answering")
def test_one_that_dies_again_and_again_is_given_up(made):
    cluster = made()
    cluster.ask()
    for n in range(4):
        cluster.until(state.READY)
        assert len(cluster.notes) == n
        os.kill(cluster.member.pid, signal.SIGKILL)
        cluster.until_that(lambda seen=n: len(cluster.notes) > seen)
    assert cluster.said.state == state.FAILED
    assert cluster.said.bootstrap == ""
    assert cluster.said.reason.startswith("it died again and again")
    assert cluster.notes[-1] == "the kafka broker was given up: it died again and again."
    cluster.ask("2")
    cluster.until(state.READY)


def test_one_that_ends_while_starting_is_given_up_at_once(made):
    cluster = made('#!/bin/sh\ncase "$*" in *StorageTool*) mkdir kafka/fresh;; *) echo no; exit 3;; esac\n')
    cluster.ask()
    cluster.until(state.FAILED)
    assert cluster.said.reason == "it ended while starting.\nkafka.out:\nno"


def test_data_that_can_not_be_formatted_is_said(made, tmp_path):
    cluster = made("#!/bin/sh\necho the disk is full; exit 1\n")
    cluster.ask()
    assert cluster.said.state == state.FAILED
    assert cluster.said.reason == "its data directory could not be formatted.\nthe disk is full\n"
    assert not (tmp_path / "kafka" / "data").exists()


def test_the_request_of_an_earlier_cluster_is_not_heeded(made):
    cluster = made()
    cluster.ask(cluster="an earlier one")
    assert cluster.said == state.Kafka()
    assert cluster.member is None


def test_the_same_port_is_taken_again(tmp_path):
    layout = kafka_config.Layout(tmp_path)
    layout.folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as other:
        wanted = other.getsockname()[1]
        first = kafka_config.Ports.choose(wanted, layout)
        assert wanted not in {first.client, first.controller}
        layout.last_port.write_text(f"{wanted} {first.client}")
    assert kafka_config.Ports.choose(wanted, layout).client == first.client
    with socket.create_server(("127.0.0.1", first.client)):
        assert kafka_config.Ports.choose(wanted, layout).client == wanted
    assert kafka_config.Ports.choose(0, layout).client != first.client  # another setting


def test_only_strangers_are_visitors():
    here = os.getpid()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not visitors.has_visitors(here, port, [])
        with socket.create_connection(("127.0.0.1", port)), server.accept()[0]:
            assert visitors.has_visitors(here, port, [])
            assert not visitors.has_visitors(here, port, [here])
    assert not visitors.has_visitors(2**22 + 1, port, [])


def test_a_port_where_something_else_listens_is_no_broker():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        began = time.monotonic()
        assert kafka.is_ready(port) is False  # it never answers
        assert time.monotonic() - began < 3
    assert kafka.is_ready(port) is False


def test_offline_with_nothing_cached_is_said_in_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("M2_REPO", str(tmp_path / "empty"))

    def refuse(*_):
        raise ConnectionRefusedError("nobody there")

    monkeypatch.setattr(artifacts, "resolve", refuse)
    told = []
    with pytest.raises(LocalEngineError, match=r"\.jar could not be downloaded") as caught:
        kafka.jars(told.append)
    assert caught.value.engine == "Kafka"
    assert told == ["downloading Kafka 4.4.0, 44.6 MB"]
    assert not list((tmp_path / "empty").rglob("*.jar"))
