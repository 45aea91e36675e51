"""How the scorer's Kafka clients are configured, and why."""

import re
from typing import Any, Protocol

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer

from stream.errors import BrokerUnavailable, TopicError
from stream.logs import log
from stream.settings import Settings

CONNECT_SECONDS = 5.0


class Record(Protocol):
    """What a consumed record offers; confluent-kafka's own stub allows None where only a failed one has it."""

    def topic(self) -> str: ...  # noqa: D102
    def partition(self) -> int: ...  # noqa: D102
    def offset(self) -> int: ...  # noqa: D102
    def timestamp(self) -> tuple[int, int]: ...  # noqa: D102
    def key(self) -> bytes | None: ...  # noqa: D102
    def value(self) -> bytes | None: ...  # noqa: D102
    def headers(self) -> list[tuple[str, bytes | str | None]] | None: ...  # noqa: D102
    def error(self) -> KafkaError | None: ...  # noqa: D102


def headers(record: Record) -> list[tuple[str, bytes | str | None]]:
    """The headers of a record; none if they cannot be read (a name that is no UTF-8 makes the client raise SystemError)."""
    try:
        return record.headers() or []
    except Exception:  # noqa: BLE001
        return []


def _shared(settings: Settings) -> dict[str, Any]:
    return {
        "bootstrap.servers": settings.brokers,
        "client.id": f"scamsieve-{settings.instance}",
        # A broker that is away is told once, by our own line; librdkafka would say it every second.
        "log_level": 2,
        **settings.kafka_properties,
    }


def consumer(settings: Settings) -> Consumer:
    """The scorer's consumer: reads committed records only, commits nothing by itself."""
    return Consumer(
        {
            "group.id": settings.group,
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "earliest",
            "enable.partition.eof": True,  # tells an empty rest of transaction markers from a lag
            "session.timeout.ms": int(settings.session_timeout_seconds * 1000),
            "heartbeat.interval.ms": max(int(settings.session_timeout_seconds * 100), 500),
            "max.poll.interval.ms": int(max(settings.poll_interval_seconds, settings.session_timeout_seconds) * 1000),
            "queued.min.messages": max(2 * settings.batch_size, 20_000),
            "queued.max.messages.kbytes": 32_768,  # bounds the memory of a worker far behind
            "fetch.wait.max.ms": 20,
            "fetch.queue.backoff.ms": 10,
            "fetch.max.bytes": 16_777_216,
            "max.partition.fetch.bytes": 1_048_576,
            **_shared(settings),
        }
    )


def outsider(settings: Settings) -> Consumer:
    """A fast reader that joins no group and commits nothing: it is told what to read. librdkafka wants a group's name all the same."""
    return Consumer(
        {
            "group.id": settings.group,
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "earliest",  # where retention has taken what was to be read
            "enable.partition.eof": True,
            "queued.min.messages": max(2 * settings.batch_size, 20_000),
            "queued.max.messages.kbytes": 32_768,
            "fetch.queue.backoff.ms": 10,
            **_shared(settings),
        }
    )


def producer(settings: Settings) -> Producer:
    """The producer of alerts and dead letters: idempotent; transactional if deliveries are to be exactly once."""
    transactional = {
        "transactional.id": f"{settings.group}-{settings.instance}",
        "transaction.timeout.ms": int(settings.transaction_timeout_seconds * 1000),
    }
    return Producer(
        {
            "enable.idempotence": True,
            "acks": "all",
            "linger.ms": 1,  # the commit flushes; waiting longer only delays it
            "compression.type": "gzip",  # every client reads it without a further library; alerts are few
            **(transactional if settings.delivery == "exactly_once" else {"delivery.timeout.ms": 15_000}),
            **_shared(settings),
        }
    )


def check(client: Consumer, settings: Settings) -> None:
    """Raise BrokerUnavailable if no broker answers, TopicError if a topic is missing."""
    try:
        topics = client.list_topics(timeout=CONNECT_SECONDS).topics
    except KafkaException as error:
        raise BrokerUnavailable(f"no broker answers at {settings.brokers} ({error.args[0].name()})") from None
    wanted = [settings.message_topic, settings.dead_letter_topic]
    if "{operator}" not in settings.alert_topic:
        wanted.append(settings.alert_topic)
    missing = [topic for topic in wanted if topic not in topics or not topics[topic].partitions]
    if missing:
        raise TopicError(f"topic {', '.join(missing)} is missing at {settings.brokers}: run `scamsieve topics create`")


def alert_topic(settings: Settings, label: str) -> str:
    """The topic of an operator's alerts; `label` is its name as the policy knows it."""
    return settings.alert_topic.replace("{operator}", re.sub(r"[^A-Za-z0-9._-]", "-", label))


def start(producer: Producer, settings: Settings) -> None:
    """Begin transactions, where there are any. Raises BrokerUnavailable."""
    if settings.delivery == "exactly_once":
        try:
            producer.init_transactions(CONNECT_SECONDS * 3)
        except KafkaException as error:
            raise BrokerUnavailable(f"no transaction coordinator answers at {settings.brokers} ({error.args[0].name()})") from None
        log.info("transactions ready", transactional_id=f"{settings.group}-{settings.instance}")
