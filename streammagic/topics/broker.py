"""Kafka's brokers, at an address: their topics and consumer groups, listed, created and deleted."""

from __future__ import annotations

import difflib
import time
from concurrent.futures import wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from streammagic.errors import OptionError, StreamMagicError
from streammagic.topics.client import (
    ANSWER_SECONDS,
    Journal,
    client_settings,
    failure,
    keep_secret,
    library,
)
from streammagic.topics.records import Group, Topic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from concurrent.futures import Future

    from confluent_kafka import TopicPartition

_DEFINITE_SECONDS = 1.5
"""Seconds for which a refused connection is tried again: a broker that is just starting refuses at first."""

_POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Broker:
    """Brokers reached at ``bootstrap`` (``host:port``, several with commas).

    ``properties`` are librdkafka's client settings, for security above all; the values of secret ones are
    masked wherever they would appear. Every method opens a connection of its own and closes it.

    All methods raise `ConnectionFailedError` within about 5 s where there is no broker, and
    `StreamMagicError` for what the broker refuses or where the library is not installed.
    """

    bootstrap: str
    properties: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        keep_secret(self.properties)

    def names(self) -> set[str]:
        """Return the names of all topics, internal ones too."""
        return set(_Admin(self).partitions())

    def check(self, topic: str) -> None:
        """Raise `OptionError`, with the name that was probably meant, if there is no such topic."""
        names = self.names()
        if topic not in names:
            raise _no_topic(topic, names)

    def topics(self, *, include_internal: bool = False) -> list[Topic]:
        """Return the topics, by name; those that Kafka keeps for itself only on demand."""
        admin = _Admin(self)
        from confluent_kafka import TopicCollection

        partitions = admin.partitions()
        if not partitions:
            return []
        described = admin.client.describe_topics(
            TopicCollection(sorted(partitions)), request_timeout=ANSWER_SECONDS
        )
        internal = {
            name: future.result().is_internal if admin.failed(future) is None else False
            for name, future in described.items()
        }
        shown = {name: ids for name, ids in partitions.items() if include_internal or not internal[name]}
        spans = admin.spans(shown, committed=False)
        return [
            Topic(name=name, partitions=len(ids), messages=_total(spans, name, ids), internal=internal[name])
            for name, ids in sorted(shown.items())
        ]

    def spans(self, topic: str) -> dict[int, tuple[int, int]]:
        """Return each partition's first offset and the one after its last record that is committed.

        Raises `OptionError` for a topic that does not exist, `StreamMagicError` where a partition has no
        leader.
        """
        admin = _Admin(self)
        partitions = admin.partitions()
        if topic not in partitions:
            raise _no_topic(topic, partitions)
        found = admin.spans({topic: partitions[topic]}, committed=True)
        missing = [number for number in partitions[topic] if (topic, number) not in found]
        if missing:
            raise StreamMagicError(f"Partition {missing[0]} of {topic} has no leader, so it can't be read.")
        return {number: span for (_, number), span in sorted(found.items())}

    def create(self, name: str, partitions: int = 1, config: Mapping[str, str] | None = None) -> None:
        """Create a topic, and return when it can be written to.

        It has ``partitions`` (1 or more) and as many replicas as the brokers give by default; ``config`` are
        its settings.

        Raises `OptionError` if there is one of that name.
        """
        admin = _Admin(self)
        admin.partitions()
        topic = admin.library.NewTopic(
            name, num_partitions=partitions, replication_factor=-1, config=dict(config or {})
        )
        error = admin.failed(admin.client.create_topics([topic], request_timeout=ANSWER_SECONDS)[name])
        if error is not None and error.args[0].name() == "TOPIC_ALREADY_EXISTS":
            raise OptionError(f"There is a topic {name} already.", hint=f"%stream peek {name} looks into it.")
        if error is not None:
            raise admin.failure(error, f"The topic {name} was not created")
        _eventually(lambda: len(admin.partitions(led=True).get(name, ())) == partitions)

    def delete(self, names: Iterable[str]) -> list[str]:
        """Delete topics and return those there were; return when they are gone."""
        admin = _Admin(self)
        wanted = sorted(set(names) & set(admin.partitions()))
        if wanted:
            futures = admin.client.delete_topics(wanted, request_timeout=ANSWER_SECONDS)
            admin.settle(futures, "The topic {} was not deleted", besides="UNKNOWN_TOPIC_OR_PART")
            _eventually(lambda: not set(wanted) & set(admin.partitions()))
        return wanted

    def groups(self) -> list[Group]:
        """Return the consumer groups, by name."""
        admin = _Admin(self)
        admin.partitions()
        listed = admin.answer(
            admin.client.list_consumer_groups(request_timeout=ANSWER_SECONDS), "The groups are not to be had"
        )
        names = sorted(group.group_id for group in listed.valid)
        if not names:
            return []
        described = admin.client.describe_consumer_groups(names, request_timeout=ANSWER_SECONDS)
        found = [future.result() for future in described.values() if admin.failed(future) is None]
        return [Group(name=g.group_id, state=g.state.name, members=len(g.members)) for g in found]

    def delete_groups(self, names: Iterable[str]) -> list[str]:
        """Delete consumer groups and return those there were. Raises for one that has members."""
        wanted = sorted(set(names) & {group.name for group in self.groups()})
        if wanted:
            admin = _Admin(self)
            futures = admin.client.delete_consumer_groups(wanted, request_timeout=ANSWER_SECONDS)
            admin.settle(futures, "The group {} was not deleted", besides="GROUP_ID_NOT_FOUND")
        return wanted


class _Admin:
    """One connection for administration, and what it says of itself."""

    def __init__(self, broker: Broker) -> None:
        self.library = library()
        from confluent_kafka import KafkaException

        self._bootstrap = broker.bootstrap
        self._journal = Journal()
        try:
            settings = client_settings(broker.bootstrap, broker.properties, self._journal)
            self.client = self.library.AdminClient(settings)
        except KafkaException as error:
            raise self.failure(error, f"There is no way to Kafka at {broker.bootstrap}") from None

    def partitions(self, *, led: bool = False) -> dict[str, list[int]]:
        """Return the numbers of each topic's partitions; with ``led``, of those that have a leader."""
        found = self._metadata()
        return {
            name: sorted(number for number, part in topic.partitions.items() if not led or part.leader >= 0)
            for name, topic in found.topics.items()
        }

    def _metadata(self) -> Any:
        from confluent_kafka import KafkaException

        for seconds in (_DEFINITE_SECONDS, ANSWER_SECONDS - _DEFINITE_SECONDS):
            try:
                return self.client.list_topics(timeout=seconds)
            except KafkaException as error:
                failed = error
            self.client.poll(0)  # what is wrong is told to the journal now
            if self._journal.reason:
                break
        raise self.failure(failed, "Kafka gave no answer") from None

    def spans(
        self, topics: Mapping[str, Sequence[int]], *, committed: bool
    ) -> dict[tuple[str, int], tuple[int, int]]:
        """Return the first and the next offset of each partition that has a leader, in two requests a broker.

        ``committed``: the next offset is the last stable one, up to which no transaction is open.
        """
        from confluent_kafka import IsolationLevel, KafkaException
        from confluent_kafka import TopicPartition as Place

        level = IsolationLevel.READ_COMMITTED if committed else IsolationLevel.READ_UNCOMMITTED
        specs = self.library.OffsetSpec
        places = [Place(name, number) for name, numbers in topics.items() for number in numbers]

        def ask(spec: Any) -> dict[TopicPartition, Future[Any]]:
            wanted = dict.fromkeys(places, spec)
            found: dict[TopicPartition, Future[Any]] = self.client.list_offsets(
                wanted, isolation_level=level, request_timeout=ANSWER_SECONDS
            )
            return found

        if not places:
            return {}
        try:
            first, after = ask(specs.earliest()), ask(specs.latest())
        except KafkaException as error:
            raise self.failure(error, "The offsets are not to be had") from None
        return {
            (place.topic, place.partition): (first[place].result().offset, after[place].result().offset)
            for place in places
            if self.failed(first[place]) is None and self.failed(after[place]) is None
        }

    def answer(self, future: Future[Any], what: str) -> Any:
        """Return a future's result, or raise ours for its error."""
        error = self.failed(future)
        if error is not None:
            raise self.failure(error, what) from None
        return future.result()

    def settle(self, futures: Mapping[str, Future[Any]], what: str, *, besides: str) -> None:
        """Wait for all, then raise ours for the first error that has not the name ``besides``."""
        for name, future in futures.items():
            error = self.failed(future)
            if error is not None and error.args[0].name() != besides:
                raise self.failure(error, what.format(name)) from None

    def failed(self, future: Future[Any]) -> Any:
        """Wait for a future and return its KafkaException, None if it has a result."""
        from confluent_kafka import KafkaError, KafkaException

        done, _ = wait([future], timeout=2 * ANSWER_SECONDS)
        return future.exception() if done else KafkaException(KafkaError(KafkaError.REQUEST_TIMED_OUT))

    def failure(self, error: Any, what: str) -> StreamMagicError:
        return failure(error, what, self._bootstrap, self._journal)


def _total(
    spans: Mapping[tuple[str, int], tuple[int, int]], name: str, partitions: Sequence[int]
) -> int | None:
    found = [spans.get((name, number)) for number in partitions]
    return None if None in found else sum(after - first for first, after in filter(None, found))


def _no_topic(topic: str, names: Iterable[str]) -> OptionError:
    near = difflib.get_close_matches(topic, list(names), n=1)
    meant = f"Did you mean {near[0]}? " if near else ""
    return OptionError(f"There is no topic {topic}.", hint=f"{meant}%stream topics lists them.")


def _eventually(condition: Callable[[], bool]) -> None:
    """Wait until the brokers agree on a change that they have accepted; not for ever: it is accepted."""
    deadline = time.monotonic() + ANSWER_SECONDS
    while not condition() and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
