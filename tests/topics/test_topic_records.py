"""Reading what is in a real topic, and publishing to it."""

import datetime as dt
import threading
import uuid
from contextlib import contextmanager

import pandas as pd
import pytest
from confluent_kafka import Producer
from waiting import eventually

from streammagic.errors import ConnectionFailedError, OptionError
from streammagic.topics import Broker, count_committed, peek, send, sending

pytestmark = pytest.mark.kafka


@contextmanager
def producer(broker, **more):
    made = Producer({"bootstrap.servers": broker.bootstrap, "log_level": 0, **more})
    yield made
    assert made.flush(20) == 0


@contextmanager
def transactions(broker):
    with producer(broker, **{"transactional.id": uuid.uuid4().hex}) as made:
        made.init_transactions(20)
        yield made


def publish(broker, topic, *values, abort=False):
    with transactions(broker) as made:
        made.begin_transaction()
        for value in values:
            made.produce(topic, value)
        made.flush(20)  # what is aborted in the queue never comes to lie in the topic
        (made.abort_transaction if abort else made.commit_transaction)(20)


def values(broker, topic, **more):
    return [record.value.decode() for record in peek(broker, topic, **more)]


def numbers(*bounds):
    return [str(number) for number in range(*bounds)]


def test_the_last_and_the_first_records(broker, topic):
    send(broker, topic, numbers(50))
    assert values(broker, topic) == numbers(40, 50)
    assert values(broker, topic, limit=3) == numbers(47, 50)
    assert values(broker, topic, start="earliest", limit=3) == numbers(3)
    assert values(broker, topic, limit=1000) == numbers(50)
    assert values(broker, topic, start="earliest", limit=1000) == numbers(50)


def test_of_several_partitions_the_records_timestamps_decide(broker):
    name = f"t{uuid.uuid4().hex[:8]}"
    broker.create(name, 4)
    with producer(broker) as made:
        for number in range(40):
            made.produce(name, str(number), partition=number * 7 % 4, timestamp=1_700_000_000_000 + number)
    assert values(broker, name, limit=7) == numbers(33, 40)
    assert values(broker, name, start="earliest", limit=7) == numbers(7)
    broker.delete([name])


def test_an_empty_topic_has_no_records(broker, topic):
    assert peek(broker, topic) == []
    assert count_committed(broker, topic) == 0


def test_a_topic_that_is_not_there_is_said(broker, topic):
    with pytest.raises(OptionError, match="There is no topic"):
        peek(broker, f"{topic}x")


def test_all_that_a_record_has(broker, topic):
    with producer(broker) as made:
        made.produce(topic, None, b"\xff", headers=[("h", b"1"), ("h", None)], timestamp=1_700_000_000_123)
    (record,) = peek(broker, topic)
    assert (record.partition, record.offset, record.key, record.value) == (0, 0, b"\xff", None)
    assert record.headers == (("h", b"1"), ("h", None))
    assert record.timestamp == dt.datetime(2023, 11, 14, 22, 13, 20, 123_000, tzinfo=dt.UTC)


def test_aborted_records_are_not_seen_and_markers_are_no_records(broker, topic):
    for number in range(3):
        publish(broker, topic, f"good {number}")
        publish(broker, topic, *[f"bad {number}"] * 60, abort=True)
    assert values(broker, topic) == ["good 0", "good 1", "good 2"]
    assert values(broker, topic, limit=1) == ["good 2"]
    assert values(broker, topic, start="earliest", limit=2) == ["good 0", "good 1"]
    assert count_committed(broker, topic) == 3
    (listed,) = [one for one in broker.topics() if one.name == topic]
    assert listed.messages == 3 + 3 * 60 + 6  # an upper bound, as documented


def test_a_topic_with_nothing_but_aborted_records_is_empty(broker, topic):
    publish(broker, topic, *["bad"] * 100, abort=True)
    assert values(broker, topic) == []
    assert values(broker, topic, start="earliest") == []


def test_what_is_not_committed_yet_is_not_seen_and_not_waited_for(broker, topic):
    publish(broker, topic, "before")
    with transactions(broker) as made:
        made.begin_transaction()
        made.produce(topic, "open")
        made.flush(20)
        send(broker, topic, ["behind it"])
        assert values(broker, topic) == ["before"]
        made.commit_transaction(20)
    assert values(broker, topic) == ["before", "open", "behind it"]


def test_what_comes_while_it_reads_is_left_for_the_next_time(broker, topic):
    stop = threading.Event()

    def go_on():
        with producer(broker) as made:
            while not stop.is_set():
                made.produce(topic, "x" * 100)
                made.poll(0)
                stop.wait(0.002)

    send(broker, topic, numbers(5))
    thread = threading.Thread(target=go_on)
    thread.start()
    try:
        for _ in range(5):
            (_, end) = broker.spans(topic)[0]
            assert len(peek(broker, topic, start="earliest", limit=1_000_000)) >= end
            assert len(peek(broker, topic, limit=3)) == 3
    finally:
        stop.set()
        thread.join()


def test_compaction_leaves_gaps_and_takes_no_patience(broker):
    name = f"t{uuid.uuid4().hex[:8]}"
    eager = {"segment.ms": "100", "max.compaction.lag.ms": "1", "min.cleanable.dirty.ratio": "0.001"}
    broker.create(name, 1, {"cleanup.policy": "compact", **eager})
    with producer(broker) as made:

        def is_compacted():
            made.produce(name, "newest", "newest key")  # a segment is closed when the next record comes
            made.flush()
            return count_committed(broker, name) < 100

        for number in range(300):
            made.produce(name, str(number), str(number % 5))
        made.flush()
        eventually(is_compacted, 90, "the topic is compacted")
    last = [record for record in peek(broker, name, limit=1000) if record.key != b"newest key"]
    assert [record.value.decode() for record in last] == numbers(295, 300)
    assert values(broker, name, start="earliest", limit=2) == ["295", "296"]
    broker.delete([name])


def test_reading_leaves_no_consumer_group(broker, topic):
    before = broker.groups()
    send(broker, topic, ["a"])
    peek(broker, topic)
    count_committed(broker, topic)
    assert broker.groups() == before


def test_rows_are_sent_with_their_keys_and_headers(broker, topic):
    frame = pd.DataFrame({"id": [1, 2], "name": ["é", None]})
    assert send(broker, topic, frame, key="id", headers={"from": "me"}) == 2
    assert [(record.key, record.value, record.headers) for record in peek(broker, topic)] == [
        (b"1", '{"id":1,"name":"é"}'.encode(), (("from", b"me"),)),
        (b"2", b'{"id":2,"name":null}', (("from", b"me"),)),
    ]


def test_more_is_sent_than_the_queue_holds(kafka, topic):
    small = Broker(kafka, {"queue.buffering.max.messages": "1000"})
    assert send(small, topic, ["x"] * 30_000) == 30_000
    assert count_committed(small, topic) == 30_000


def test_nothing_is_sent_to_a_topic_that_is_not_there(broker):
    with pytest.raises(OptionError, match="There is no topic never-was"):
        send(broker, "never-was", ["x"])
    assert "never-was" not in broker.names()


def test_a_row_that_cant_be_sent_is_told_with_what_was_sent_before(broker, topic):
    class Late:
        def tolist(self):
            eventually(lambda: count_committed(broker, topic), 20, "Kafka has the first messages")
            return object()

    with pytest.raises(OptionError, match="Row 5001: A value of type object") as caught:
        send(broker, topic, [*({"a": number} for number in range(5_000)), {"a": Late()}])
    kept = count_committed(broker, topic)
    assert f" {kept:,} messages had been sent, and stay." in caught.value.message


def test_a_first_row_that_cant_be_sent_leaves_nothing(broker, topic):
    with pytest.raises(OptionError, match=r"^Row 1: A value of type object can't be written as JSON\.\n"):
        send(broker, topic, [{"a": object()}])
    assert count_committed(broker, topic) == 0


def test_a_message_that_is_too_large_is_told(broker, topic):
    with pytest.raises(OptionError, match=r"did not take message 2 of 2,000,000 bytes: that is too large"):
        send(broker, topic, ["x", "y" * 2_000_000])


def test_a_message_that_the_topic_does_not_take_is_told(broker):
    name = f"t{uuid.uuid4().hex[:8]}"
    broker.create(name, 1, {"max.message.bytes": "500"})
    with pytest.raises(OptionError, match="did not take a message: that is too large"):
        send(broker, name, ["x" * 1_000])
    assert count_committed(broker, name) == 0
    broker.delete([name])


def test_what_is_never_answered_is_given_up(silent, monkeypatch, capfd):
    monkeypatch.setattr(sending, "SILENCE_SECONDS", 1.0)
    monkeypatch.setattr(Broker, "check", lambda *_: None)
    with pytest.raises(ConnectionFailedError, match=r"0 messages had been sent, and stay\."):
        send(Broker(silent), "any", ["x"])
    assert capfd.readouterr() == ("", "")
