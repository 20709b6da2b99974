"""Publishing messages, and knowing how many of them Kafka has."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from streammagic.errors import ConnectionFailedError, OptionError, StreamMagicError
from streammagic.topics.client import ANSWER_SECONDS, Journal, client_settings, failure, library, unreachable
from streammagic.topics.messages import messages

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from confluent_kafka import KafkaError, KafkaException, Producer

    from streammagic.topics.broker import Broker
    from streammagic.topics.messages import Messages

SILENCE_SECONDS = 30.0
"""Seconds without a single delivery after which the brokers are taken for dead."""

_POLL_SECONDS = 0.1
_POLL_EVERY = 1_000

_SETTINGS = {
    "linger.ms": 20,  # more messages in one request: many times the rate, unnoticed by a person
    "enable.idempotence": True,  # a repeated request makes no second message, and none overtakes another
    "message.timeout.ms": int(SILENCE_SECONDS * 1000),
    "queue.buffering.max.kbytes": 262_144,
}


def send(  # noqa: PLR0913 - half of them are optional
    broker: Broker,
    topic: str,
    rows: Any,
    key: str | Sequence[str] | None = None,
    headers: Mapping[str, str] | None = None,
    *,
    create: bool = False,
) -> int:
    """Publish rows (see `messages.messages`) and return how many there were, when Kafka has them all.

    ``key`` names the column or columns that make the messages' key; ``headers`` go with every message.
    With ``create`` a topic that does not exist is made, of one partition.

    Raises `OptionError` for rows or a key that can't be sent, `ConnectionFailedError` within about 5 s
    where there is no broker, and `StreamMagicError` for what it refuses. Each says how many messages Kafka
    had taken by then: those stay.
    """
    library()
    made = messages(rows, (key,) if isinstance(key, str) else tuple(key or ()))
    sending = _Sending(broker, topic, headers)  # first, for its producer's id takes half a second to be had
    if create and topic not in broker.names():
        broker.create(topic)
    elif not create:
        broker.check(topic)
    return sending.run(made)


class _Sending:
    """One call of ``send``."""

    def __init__(self, broker: Broker, topic: str, headers: Mapping[str, str] | None) -> None:
        from confluent_kafka import Producer

        self._topic = topic
        self._bootstrap = broker.bootstrap
        self._journal = Journal()
        self._headers: list[tuple[str, str | bytes | None]] = [
            (name, value.encode()) for name, value in (headers or {}).items()
        ]
        shared = client_settings(broker.bootstrap, broker.properties, self._journal)
        self._producer: Producer = Producer({**_SETTINGS, **shared})
        self._delivered = 0
        self._failed: KafkaError | None = None
        self._deadline = 0.0

    def run(self, made: Messages) -> int:
        """Publish all messages. On any failure what is still queued is dropped, not sent later."""
        self._deadline = time.monotonic() + SILENCE_SECONDS
        try:
            for number, (key, value) in enumerate(made, 1):
                self._produce(number, key, value)
                if number % _POLL_EVERY == 0:
                    self._poll(0)
            while len(self._producer):
                self._poll(_POLL_SECONDS)
        except StreamMagicError as error:
            self._settle()
            raise self._told(error) from None
        except BaseException:
            self._producer.purge()
            raise
        return self._delivered

    def _produce(self, number: int, key: bytes | None, value: bytes) -> None:
        from confluent_kafka import KafkaException

        while True:
            try:
                self._producer.produce(
                    self._topic, value, key, headers=self._headers, on_delivery=self._on_delivery
                )
            except BufferError:  # the queue is full: it empties while we poll
                self._poll(_POLL_SECONDS)
            except KafkaException as error:
                raise self._failure(error, f"message {number} of {len(value):,} bytes") from None
            else:
                return

    def _failure(self, error: KafkaError | KafkaException, which: str) -> StreamMagicError:
        found: Any = error if hasattr(error, "name") else error.args[0]
        if found.name() == "MSG_SIZE_TOO_LARGE":
            return OptionError(
                f"{self._topic} did not take {which}: that is too large.",
                hint="The topic's max.message.bytes sets the limit, and message.max.bytes in "
                "StreamMagic.kafka_properties.",
            )
        return failure(error, f"{self._topic} did not take {which}", self._bootstrap, self._journal)

    def _on_delivery(self, error: KafkaError | None, _: Any) -> None:
        if error is None:
            self._delivered += 1
            self._deadline = time.monotonic() + SILENCE_SECONDS
        else:
            self._failed = self._failed or error

    def _poll(self, seconds: float) -> None:
        """Let deliveries be told. Raises ours for one that failed, or when none came for too long."""
        self._producer.poll(seconds)
        if self._failed is not None:
            raise self._failure(self._failed, "a message")
        if time.monotonic() > self._deadline:
            raise unreachable(self._bootstrap, self._journal.reason)

    def _settle(self) -> None:
        """Drop what was not sent, and wait a moment for the answers to what was: the count shall be true."""
        self._producer.purge(in_flight=False)
        self._producer.flush(ANSWER_SECONDS)
        self._producer.purge()

    def _told(self, error: StreamMagicError) -> StreamMagicError:
        """Return the error with what became of the messages before it."""
        kept = f"{self._delivered:,} message{'' if self._delivered == 1 else 's'} had been sent, and stay."
        if self._delivered or isinstance(error, ConnectionFailedError):
            error.message = f"{error.message} {kept}"
            error.args = (error.message,)
        return error
