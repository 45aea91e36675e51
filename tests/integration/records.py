"""Topics for one test, raw records into them, and all that is in them out again."""

import time
import uuid
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Literal, cast

from confluent_kafka import Consumer, KafkaException, Message, Producer, TopicPartition
from kafka import KafkaAdminClient

PARTITIONS = 4
CALL_SECONDS = 20.0
BY_KEY = -1  # librdkafka's RD_KAFKA_PARTITION_UA: its partitioner decides

# On the embedded broker every join lasts half the session's time-out: 23 s with librdkafka's 45 s, 3 s with these 6 s. No other
# setting matters. Apache Kafka takes no session shorter than 6 s, and joins in 0.2 s with any.
QUICK_JOIN = {"session.timeout.ms": 6000, "heartbeat.interval.ms": 500}


@dataclass(frozen=True, slots=True)
class Topics:
    """The names of one test's topics."""

    messages: str
    alerts: str
    dead_letters: str


@dataclass(frozen=True, slots=True)
class Raw:
    """A record as it lies in a topic; on the way in, no partition lets the key decide."""

    value: bytes | None
    key: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()
    partition: int | None = None
    offset: int | None = None


def create_topics(bootstrap: str, partitions: int = PARTITIONS) -> Topics:
    """Topics that no other test uses, each of so many partitions, ready to be written to."""
    own = uuid.uuid4().hex[:12]
    topics = Topics(f"{own}.messages", f"{own}.alerts", f"{own}.dead-letters")
    layout = {"num_partitions": partitions, "replication_factor": 1}
    wanted = dict.fromkeys((topics.messages, topics.alerts, topics.dead_letters), layout)
    with closing(KafkaAdminClient(bootstrap_servers=bootstrap)) as admin:
        admin.create_topics(wanted, wait_for_metadata=True)
    return topics


def produce(bootstrap: str, topic: str, records: Iterable[Raw | bytes | None]) -> None:
    """Write records, and wait until the broker has them all. Raises KafkaException if it refuses one."""
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 5})
    refused: list[KafkaException] = []

    def told(error: object, _: Message) -> None:
        if error is not None:
            refused.append(KafkaException(error))

    for record in records:
        raw = record if isinstance(record, Raw) else Raw(record)
        partition = BY_KEY if raw.partition is None else raw.partition
        while True:
            try:
                producer.produce(topic, raw.value, raw.key, partition, headers=list(raw.headers), on_delivery=told)
                break
            except BufferError:
                producer.poll(0.1)
    unsent = producer.flush(CALL_SECONDS)
    if refused:
        raise refused[0]
    assert not unsent, f"{unsent} records could not be written to {topic} within {CALL_SECONDS:g} s"


def read(
    bootstrap: str,
    topic: str,
    at_least: int = 0,
    *,
    idle: float = 1.5,
    limit: float = 60.0,
    isolation: Literal["read_committed", "read_uncommitted"] = "read_committed",
) -> list[Raw]:
    """All records of a topic: waits for `at_least` so many, and then until none has come for `idle` seconds, so that a surplus is seen.

    It asks for no high watermark: on the embedded broker they may be wrong. What has come within `limit` seconds is given in any
    case. Records are in order within a partition; partitions are not in order.
    """
    found: list[Raw] = []
    with closing(Consumer(_reader(bootstrap, isolation))) as consumer:
        partitions = consumer.list_topics(topic, timeout=CALL_SECONDS).topics[topic].partitions
        consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
        begin = last = time.monotonic()
        while (now := time.monotonic()) < begin + limit and (len(found) < at_least or now < last + idle):
            messages = consumer.consume(10_000, timeout=0.1)
            if messages:
                found += _raws(messages)
                last = time.monotonic()
    return found


def _reader(bootstrap: str, isolation: str) -> dict[str, str | int | float | bool]:
    return {
        "bootstrap.servers": bootstrap,
        "group.id": "reader",  # librdkafka wants one; none is joined, none committed to
        "isolation.level": isolation,
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
        "fetch.wait.max.ms": 50,
    }


def _raws(messages: Sequence[Message]) -> list[Raw]:
    for message in messages:
        if message.error() is not None:
            raise KafkaException(message.error())
    return [Raw(m.value(), m.key(), _headers(m), m.partition(), m.offset()) for m in messages]


def _headers(message: Message) -> tuple[tuple[str, bytes], ...]:
    """Headers as they come; the stub also tells the forms that only a producer may give."""
    return tuple(cast("list[tuple[str, bytes]]", message.headers() or []))
