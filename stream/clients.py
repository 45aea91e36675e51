"""How the scorer's Kafka clients are configured, and why."""

import re
from typing import Any, Protocol

from confluent_kafka import Consumer, KafkaError, Producer

from stream.logs import log
from stream.policy import OTHER_OPERATOR, Policy
from stream.security import librdkafka, security
from stream.settings import Settings


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


def shared(settings: Settings, use: str = "") -> dict[str, Any]:
    """What all clients of librdkafka are made with; `use` tells them apart in the broker's log. Raises SettingsError."""
    return {
        "bootstrap.servers": settings.brokers,
        "client.id": "-".join(filter(None, ("scamsieve", settings.instance, use))),
        # A broker that is away is told once, by our own line; librdkafka would say it every second.
        "log_level": 2,
        **settings.kafka_properties,
        **librdkafka(security(settings)),
    }


def consumer(settings: Settings) -> Consumer:
    """The scorer's consumer: reads committed records only, commits nothing by itself."""
    return Consumer(
        {
            "group.id": settings.group,
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "on_commit": _uncommitted,
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
            **shared(settings),
        }
    )


def _uncommitted(error: KafkaError | None, _places: object) -> None:
    """Told of each commit that nobody waits for (at least once): what it was for comes again if this worker ends before the next one."""
    if error is not None:
        log.warning("offsets not committed", code=error.name())


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
            **shared(settings),
        }
    )


def producer(settings: Settings) -> Producer:
    """The producer of alerts and dead letters: idempotent; transactional if deliveries are to be exactly once."""
    transactional = {
        "transactional.id": transactional_id(settings),
        "transaction.timeout.ms": int(settings.transaction_timeout_seconds * 1000),
    }
    return Producer(
        {
            "enable.idempotence": True,
            "acks": "all",
            "linger.ms": 1,  # the commit flushes; waiting longer only delays it
            "compression.type": "gzip",  # every client reads it without a further library
            "compression.level": 1,  # alerts and dead letters are much alike: the other levels hardly make them smaller
            **(transactional if settings.delivery == "exactly_once" else {"delivery.timeout.ms": 15_000}),
            **shared(settings),
        }
    )


def alert_topic(settings: Settings, label: str) -> str:
    """The topic of an operator's alerts; `label` is its name as the policy knows it."""
    return settings.alert_topic.replace("{operator}", re.sub(r"[^A-Za-z0-9._-]", "-", label))


def alert_topics(settings: Settings, policy: Policy) -> list[str]:
    """The topics that alerts go to under this policy."""
    return sorted({alert_topic(settings, operator) for operator in (*policy.operators, OTHER_OPERATOR)})


def transactional_id(settings: Settings) -> str:
    """Unique to the instance; the group's name before it lets one right cover all workers."""
    return f"{settings.group}-{settings.instance}"
