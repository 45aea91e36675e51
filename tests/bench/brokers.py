"""The broker that all contenders share, its topics, and what can be seen of a contender from outside: offsets and alerts."""

import time
from collections.abc import Iterable
from contextlib import AbstractContextManager

from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # its stub does not name it

from stream.broker import embedded_broker
from tests.integration.kafka import apache_kafka

PARTITIONS = 12
BROKERS = ("kafka", "embedded")


def broker(name: str) -> AbstractContextManager[str]:
    """A broker of its own for the run, by name; gives its address."""
    return apache_kafka() if name == "kafka" else embedded_broker()


def create(brokers: str, *topics: tuple[str, int]) -> None:
    """Make topics, each with so many partitions, and wait until they have leaders."""
    admin = AdminClient({"bootstrap.servers": brokers, "log_level": 2})
    for future in admin.create_topics([NewTopic(name, partitions, 1) for name, partitions in topics]).values():
        future.result()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        known = admin.list_topics(timeout=5).topics
        if all(name in known and len(known[name].partitions) == partitions for name, partitions in topics):
            return
        time.sleep(0.05)
    raise TimeoutError(f"the broker did not make {', '.join(name for name, _ in topics)}")


def delete(brokers: str, *topics: str) -> None:
    """Forget topics; a broker that will not is left alone."""
    for future in AdminClient({"bootstrap.servers": brokers, "log_level": 2}).delete_topics(list(topics)).values():
        future.exception()


def send(brokers: str, topic: str, records: Iterable[bytes]) -> None:
    """Put records into a topic, spread over its partitions, and wait until they are there."""
    producer = Producer(
        {"bootstrap.servers": brokers, "linger.ms": 50, "compression.type": "lz4", "queue.buffering.max.messages": 2_000_000}
    )
    for i, record in enumerate(records):
        while True:
            try:
                producer.produce(topic, record, partition=i % PARTITIONS)
                break
            except BufferError:
                producer.poll(0.1)
        if i % 1000 == 0:
            producer.poll(0)
    producer.flush()


def read_through(brokers: str, topic: str) -> int:
    """Read a topic once, so that nobody meets a cold broker; returns how many records it holds."""
    consumer = Consumer(
        {"bootstrap.servers": brokers, "group.id": f"{topic}-first", "enable.auto.commit": False, "enable.partition.eof": True}
    )
    consumer.assign([TopicPartition(topic, partition, 0) for partition in range(PARTITIONS)])
    found = ends = 0
    while ends < PARTITIONS:
        records = consumer.consume(10_000, 5.0)
        ended = sum(record.error() is not None for record in records)
        found, ends = found + len(records) - ended, ends + ended
    consumer.close()
    return found


class Committed:
    """The committed offsets of a group, looked at by a consumer that never joins it."""

    def __init__(self, brokers: str, group: str, topic: str) -> None:
        # read_uncommitted: else the question would wait for the end of a transaction under way.
        self._observer = Consumer({"bootstrap.servers": brokers, "group.id": group, "isolation.level": "read_uncommitted"})
        self._places = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]

    def messages(self) -> int:
        """How many messages are done; the topic holds nothing but messages, from offset 0 on."""
        return sum(max(place.offset, 0) for place in self._observer.committed(self._places, timeout=10))

    def close(self) -> None:
        """Let the observer go."""
        self._observer.close()


def alert_reader(brokers: str, topic: str) -> Consumer:
    """A consumer of committed alerts, from the first on; the alert topic has one partition."""
    consumer = Consumer(
        {
            "bootstrap.servers": brokers,
            "group.id": f"{topic}-reader",
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 10,
        }
    )
    consumer.assign([TopicPartition(topic, 0, 0)])
    return consumer


def alerts(brokers: str, topic: str, quiet: float = 1.5, seconds: float = 30.0) -> int:
    """How many committed records an alert topic holds, once no more come; some commit before they have sent their alerts."""
    consumer = alert_reader(brokers, topic)
    found, heard = 0, time.monotonic()
    deadline = heard + seconds
    try:
        while (now := time.monotonic()) < deadline and now - heard < quiet:
            if came := sum(record.error() is None for record in consumer.consume(10_000, 0.1)):
                found, heard = found + came, now
        return found
    finally:
        consumer.close()
