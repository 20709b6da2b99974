"""Topics and groups of a real broker, and brokers that are not there."""

import sys
import time
import uuid

import pytest
from confluent_kafka import Consumer, Producer

from streammagic.errors import ConnectionFailedError, OptionError, StreamMagicError
from streammagic.topics import Broker, send

DEAD = "127.0.0.1:1"


@pytest.mark.kafka
def test_topics_are_listed_with_their_messages(broker, topic):
    send(broker, topic, ["a", "b", "c"])
    found = {one.name: one for one in broker.topics()}
    assert (found[topic].partitions, found[topic].messages, found[topic].internal) == (1, 3, False)
    assert not any(one.internal for one in found.values())
    assert [one.name for one in broker.topics()] == sorted(found)


@pytest.mark.kafka
def test_kafkas_own_topics_are_listed_on_demand(broker, topic):
    with producing(broker, **{"transactional.id": uuid.uuid4().hex}) as producer:
        producer.init_transactions()
    own = [one for one in broker.topics(include_internal=True) if one.internal]
    assert "__transaction_state" in [one.name for one in own]
    assert topic in broker.names()


@pytest.mark.kafka
def test_a_topic_is_created_as_wanted_and_deleted_once(broker):
    name = f"t{uuid.uuid4().hex[:8]}"
    broker.create(name, 3, {"cleanup.policy": "compact"})
    assert [one.partitions for one in broker.topics() if one.name == name] == [3]
    with pytest.raises(OptionError, match=r"a topic .* already"):
        broker.create(name)
    assert broker.delete([name, "never-was"]) == [name]
    assert name not in broker.names()
    assert broker.delete([name]) == []


@pytest.mark.kafka
def test_what_the_broker_refuses_is_said(broker):
    with pytest.raises(StreamMagicError, match=r"The topic bad/name was not created: .*name"):
        broker.create("bad/name")
    with pytest.raises(StreamMagicError, match=r"was not created: .*nonsense"):
        broker.create("fine", config={"nonsense": "1"})


@pytest.mark.kafka
def test_a_name_that_is_nearly_right_is_answered_with_the_right_one(broker, topic):
    with pytest.raises(OptionError, match=f"There is no topic {topic}x") as caught:
        broker.check(f"{topic}x")
    assert f"Did you mean {topic}?" in caught.value.hint


@pytest.mark.kafka
def test_groups_are_listed_with_their_members_and_deleted_when_they_have_none(broker, topic):
    name = f"g{uuid.uuid4().hex[:8]}"
    send(broker, topic, ["a"])
    settings = {"bootstrap.servers": broker.bootstrap, "group.id": name, "auto.offset.reset": "earliest"}
    consumer = Consumer({**settings, "log_level": 0})
    consumer.subscribe([topic])
    assert consumer.poll(20).value() == b"a"
    assert {group.name: (group.state, group.members) for group in broker.groups()}[name] == ("STABLE", 1)
    with pytest.raises(StreamMagicError, match=f"The group {name} was not deleted"):
        broker.delete_groups([name])
    consumer.commit(asynchronous=False)
    consumer.close()
    assert {group.name: (group.state, group.members) for group in broker.groups()}[name] == ("EMPTY", 0)
    assert broker.delete_groups([name, "never-was"]) == [name]
    assert name not in [group.name for group in broker.groups()]


class producing:  # noqa: N801 - reads as a verb
    def __init__(self, broker, **more):
        self._producer = Producer({"bootstrap.servers": broker.bootstrap, "log_level": 0, **more})

    def __enter__(self):
        return self._producer

    def __exit__(self, *_):
        self._producer.flush(10)


CALLS = {
    "topics": lambda broker: broker.topics(),
    "create": lambda broker: broker.create("x"),
    "delete": lambda broker: broker.delete(["x"]),
    "groups": lambda broker: broker.groups(),
    "spans": lambda broker: broker.spans("x"),
    "send": lambda broker: send(broker, "x", ["y"]),
}


@pytest.mark.parametrize("call", CALLS)
def test_brokers_that_are_not_there_are_said_soon_and_nothing_is_printed(call, capfd):
    began = time.monotonic()
    with pytest.raises(ConnectionFailedError, match=f"Kafka at {DEAD} can't be reached") as caught:
        CALLS[call](Broker(DEAD))
    assert time.monotonic() - began < 4
    assert "Connection refused" in caught.value.cause
    assert "STREAMMAGIC_KAFKA_BOOTSTRAP" in caught.value.hint
    assert capfd.readouterr() == ("", "")


def test_a_server_that_says_nothing_is_given_up_after_five_seconds(silent, capfd):
    began = time.monotonic()
    with pytest.raises(ConnectionFailedError, match="can't be reached"):
        Broker(silent).topics()
    assert 4 < time.monotonic() - began < 7
    assert capfd.readouterr() == ("", "")


def test_a_name_that_nobody_knows_is_the_cause():
    with pytest.raises(ConnectionFailedError) as caught:
        Broker("nowhere.invalid:9092").topics()
    assert "resolve" in caught.value.cause


@pytest.mark.parametrize(
    ("properties", "cause"),
    [
        ({"nonsense": "1"}, 'No such configuration property: "nonsense"'),
        ({"security.protocol": "nonsense"}, 'Invalid value "nonsense"'),
    ],
)
def test_a_setting_that_is_wrong_is_said(properties, cause):
    with pytest.raises(OptionError, match="a Kafka setting is wrong") as caught:
        Broker(DEAD, properties).topics()
    assert cause in caught.value.cause


def test_a_password_is_in_no_error_and_in_no_repr():
    properties = {"sasl.password": "hidden word", "security.protocol": "hidden word"}
    with pytest.raises(OptionError) as caught:
        Broker(DEAD, properties).topics()
    assert "hidden" not in f"{caught.value} {caught.value.cause}"
    assert "hidden" not in repr(Broker(DEAD, properties))


@pytest.mark.kafka
@pytest.mark.parametrize(
    "properties",
    [
        {
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanism": "PLAIN",
            "sasl.username": "me",
            "sasl.password": "hidden word",
        },
        {"security.protocol": "SSL"},
    ],
)
def test_a_broker_that_speaks_otherwise_is_said_soon(kafka, properties, capfd):
    began = time.monotonic()
    with pytest.raises(ConnectionFailedError) as caught:
        Broker(kafka, properties).topics()
    assert time.monotonic() - began < 4
    assert "SASL" in caught.value.cause or "SSL" in caught.value.cause
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("call", ["topics", "send"])
def test_without_the_library_it_is_said_how_to_install_it(monkeypatch, call):
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    with pytest.raises(StreamMagicError, match="not installed") as caught:
        CALLS[call](Broker(DEAD))
    assert caught.value.hint == "pip install 'streammagic[kafka]'"
