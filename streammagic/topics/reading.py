"""Reading records that are there already: never waiting for new ones, leaving nothing on the broker.

Partitions are assigned, not subscribed to, and no offset is committed, so no consumer group comes to be
(the library does ask for a group's coordinator, at which a broker may create ``__consumer_offsets``).
A partition is read to the offset that was its end when reading began. Its end is known by librdkafka's
end-of-partition event, not by counting: transaction markers and compacted records take offsets too.
"""

from __future__ import annotations

import time
from collections import deque
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, Self

from streammagic.topics.client import Journal, client_settings, failure, unreachable
from streammagic.topics.records import Record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import TracebackType

    from confluent_kafka import Message

    from streammagic.topics.broker import Broker

Start = Literal["latest", "earliest"]
Spans = dict[int, tuple[int, int]]
"""By partition: the offset to start at, and the one to stop before."""

_SILENCE_SECONDS = 10.0
"""Seconds without an event after which the brokers are taken for dead. Aborted records make none."""

_POLL_SECONDS = 0.2
"""Seconds until an interrupt is noticed."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_SETTINGS = {
    "group.id": "streammagic-peek",  # the library insists on one; nothing joins it
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "enable.partition.eof": True,
    "isolation.level": "read_committed",
    "auto.offset.reset": "earliest",  # retention may take the first records between question and answer
    "fetch.wait.max.ms": 10,  # what is there is wanted, not what comes
    "fetch.message.max.bytes": 262_144,
    "queued.min.messages": 1_000,
    "fetch.queue.backoff.ms": 10,  # else a full queue costs a second
}


def peek(broker: Broker, topic: str, *, start: Start = "latest", limit: int = 10) -> list[Record]:
    """Return the last or first ``limit`` committed records of all partitions, oldest first.

    Which are last and first, of several partitions, is decided by their timestamps. Records of aborted
    transactions are left out, and so are those of transactions still open. Raises `OptionError` for a
    topic that does not exist and `ConnectionFailedError` where the brokers fall silent.
    """
    bounds = {number: span for number, span in broker.spans(topic).items() if span[0] < span[1]}
    if not bounds:
        return []
    with _Reader(broker, topic) as reader:
        found = _first(reader, bounds, limit) if start == "earliest" else _last(reader, bounds, limit)
    records = sorted(found, key=lambda r: (r.timestamp or _EPOCH, r.partition, r.offset))
    return records[:limit] if start == "earliest" else records[-limit:]


def count_committed(broker: Broker, topic: str) -> int:
    """Return how many records can be read from a topic now, by reading them all."""
    with _Reader(broker, topic) as reader:
        return sum(1 for _ in reader.read(broker.spans(topic)))


def _first(reader: _Reader, bounds: Spans, limit: int) -> list[Record]:
    return [_record(message) for message in reader.read(bounds, most=limit)]


def _last(reader: _Reader, bounds: Spans, limit: int) -> list[Record]:
    """Read the ends of the partitions; further back, in windows twice as wide, where too little was there."""
    kept: dict[int, deque[Message]] = {number: deque() for number in bounds}
    width = 2 * limit  # in a transaction of one record, the marker takes the second offset
    windows = {number: (max(low, high - width), high) for number, (low, high) in bounds.items()}
    while windows:
        found: dict[int, deque[Message]] = {number: deque(maxlen=limit) for number in windows}
        for message in reader.read(windows):
            found[_partition(message)].append(message)
        for number, messages in found.items():
            kept[number].extendleft(reversed(messages))
        width *= 2
        windows = {
            number: (max(bounds[number][0], first - width), first)
            for number, (first, _) in windows.items()
            if len(kept[number]) < limit and first > bounds[number][0]
        }
    return [_record(message) for messages in kept.values() for message in list(messages)[-limit:]]


class _Reader:
    """A consumer of one topic, as a context. Interrupting it is safe: it closes."""

    def __init__(self, broker: Broker, topic: str) -> None:
        from confluent_kafka import Consumer

        self._topic = topic
        self._bootstrap = broker.bootstrap
        self._journal = Journal()
        shared = client_settings(broker.bootstrap, broker.properties, self._journal)
        self._consumer = Consumer({**shared, **_SETTINGS})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._consumer.close()

    def read(self, spans: Mapping[int, tuple[int, int]], most: int | None = None) -> Iterator[Message]:
        """Yield the records between the offsets, at most ``most`` of each partition."""
        from confluent_kafka import KafkaError, TopicPartition

        left = {number: stop for number, (first, stop) in spans.items() if first < stop}
        counts = dict.fromkeys(left, 0)
        places = [TopicPartition(self._topic, number, spans[number][0]) for number in left]
        self._consumer.assign(places)
        self._consumer.resume(places)  # a pause outlives the assignment that it was made in
        while left:
            message = self._next()
            number, offset, error = _partition(message), message.offset(), message.error()
            if error is not None and error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - its name
                raise failure(error, f"{self._topic} can't be read", self._bootstrap, self._journal)
            if number not in left:
                continue  # fetched before its partition was paused
            done = error is not None or offset is None or offset >= left[number] - 1
            if error is None and offset is not None and offset < left[number]:
                counts[number] += 1
                done = done or counts[number] == most
                yield message
            if done:
                del left[number]
                self._consumer.pause([TopicPartition(self._topic, number)])

    def _next(self) -> Message:
        """Return the next record or event. Raises `ConnectionFailedError` after a long silence."""
        deadline = time.monotonic() + _SILENCE_SECONDS
        while time.monotonic() < deadline:
            message = self._consumer.poll(_POLL_SECONDS)
            if message is not None:
                return message
        raise unreachable(self._bootstrap, self._journal.reason)


def _partition(message: Message) -> int:
    number = message.partition()
    return -1 if number is None else number


def _record(message: Message) -> Record:
    kind, milliseconds = message.timestamp()
    raw: Any = message
    return Record(
        partition=_partition(message),
        offset=raw.offset(),
        timestamp=_EPOCH + timedelta(milliseconds=milliseconds) if kind else None,
        key=raw.key(),
        value=raw.value(),
        headers=tuple(raw.headers() or ()),
    )
