"""What the agents role asks the cluster: how the alert topics are laid out, and how far the scorers' group is behind.

A scorer exports its own lag, but its figures vanish with it; so the agents export the group's, from outside.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import NewTopic  # type: ignore[attr-defined]  # its stub does not name it

from stream import access, clients
from stream.errors import TopicError
from stream.logs import log
from stream.metrics import AgentMetrics
from stream.settings import Settings

LOOK_SECONDS = 15.0  # between two looks: what Prometheus asks for at best
CALL_SECONDS = 2.0  # of one question; a stopping worker waits that long
READ_SECONDS = 3.0  # for the oldest unread records of all partitions


def outsider(settings: Settings) -> Consumer:
    """A consumer that never joins a group: it may ask for the offsets of `settings.group`, and reads where it is told to."""
    return Consumer(
        {
            "group.id": settings.group,
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "queued.min.messages": 1,  # one record a partition is all that is wanted
            "queued.max.messages.kbytes": 1024,
            **clients.shared(settings, "lag"),
        }
    )


def layout(settings: Settings, topics: Sequence[str], changelog: str) -> tuple[int, int]:
    """Partitions and replicas of the alert topics; makes the changelog of the agents' table, if it is not there.

    Faust wants all of them to have equally many partitions. Raises BrokerUnavailable, NotAuthenticated, NotAuthorized, TopicError.
    """
    with access.asking(settings) as client:
        alerts = access.need_topics(client, settings, dict.fromkeys(topics, (access.READ,)))
        access.need_group(client, settings, f"{settings.group}-agents")
        access.need_topics(client, settings, {settings.message_topic: (access.READ,)})  # this and the next are for the lag
        access.need_group(client, settings, settings.group, access.DESCRIBE)
        counts = {topic: found.partitions for topic, found in alerts.items()}
        number = counts[topics[0]]
        if set(counts.values()) != {number}:
            raise TopicError(f"the alert topics must have equally many partitions: {counts}")
        replicas = alerts[topics[0]].replicas
        table = access.topic(client, settings, changelog)
        if table is None:
            compacted = {"cleanup.policy": "compact"}
            access.make_topic(client, settings, NewTopic(changelog, number, replicas, config=compacted))
        elif table.partitions != number:
            raise TopicError(
                f"topic {changelog} has {table.partitions} partitions, {topics[0]} has {number}: "
                f"delete {changelog}, the agents make it anew (the counts of the last hour are lost)"
            )
        else:
            access.need_topics(
                client, settings, {changelog: (access.READ, access.WRITE, access.CREATE)}
            )  # Faust asks to make it all the same
    return number, replicas


class GroupLag:
    """Looks at the group of the scorers now and then. `run` is its thread; `stop` may be called from any other."""

    def __init__(self, settings: Settings, metrics: AgentMetrics) -> None:
        self._settings, self._metrics = settings, metrics
        self._stopping = threading.Event()
        self._away = False

    def stop(self) -> None:
        """End after the look at hand."""
        self._stopping.set()

    def run(self) -> None:
        """Look until stopped; a broker that is away is told once."""
        consumer = outsider(self._settings)
        while not self._stopping.is_set():
            try:
                look(consumer, self._settings.message_topic, self._metrics)
                self._away = False
            except KafkaException as error:
                if not self._away:
                    why = access.plain(error.args[0], self._settings)
                    log.warning("the group's lag cannot be read", group=self._settings.group, code=why.code, why=str(why))
                self._away = True
            self._stopping.wait(LOOK_SECONDS)
        consumer.close()


@dataclass(frozen=True, slots=True)
class Behind:
    """How far a group is behind in one partition: records, and seconds since the oldest of them was written."""

    messages: int
    seconds: float


def look(consumer: Consumer, topic: str, metrics: AgentMetrics) -> None:
    """Export lag and age of the consumer's group by partition. Raises KafkaException."""
    for partition, found in behind(consumer, topic).items():
        metrics.lag.labels(str(partition)).set(found.messages)
        metrics.oldest.labels(str(partition)).set(found.seconds)


def behind(consumer: Consumer, topic: str, seconds: float = CALL_SECONDS) -> dict[int, Behind]:
    """Lag and age of the consumer's group by partition; none for a topic that is missing. Raises KafkaException.

    Each question may take so many seconds.
    """
    partitions = consumer.list_topics(topic, timeout=seconds).topics[topic].partitions
    committed = consumer.committed([TopicPartition(topic, number) for number in partitions], timeout=seconds)
    lags: dict[int, int] = {}
    unread: list[TopicPartition] = []
    for place in committed:
        low, high = consumer.get_watermark_offsets(place, timeout=seconds)
        begin = max(place.offset, low)  # nothing committed is a negative offset; what retention deleted is no lag
        lags[place.partition] = max(high - begin, 0)
        if high > begin:
            unread.append(TopicPartition(topic, place.partition, begin))
    ages = oldest(consumer, unread, max(seconds, READ_SECONDS))
    found: dict[int, Behind] = {}
    for partition, number in lags.items():
        age = ages.get(partition)  # none: there is no record, what is left are transaction markers
        found[partition] = Behind(0 if age is None else number, age or 0.0)
    return found


def oldest(consumer: Consumer, places: Sequence[TopicPartition], seconds: float = READ_SECONDS) -> dict[int, float | None]:
    """Seconds since the first committed record at or after each place, by partition; None where there is none.

    A partition that does not answer in so many seconds raises KafkaException: better an old figure than a wrong one.
    """
    ages: dict[int, float | None] = {}
    if not places:
        return ages
    consumer.assign(list(places))
    deadline = time.monotonic() + seconds
    try:
        while len(ages) < len(places):
            if time.monotonic() > deadline:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
            record = consumer.poll(0.2)
            if record is None:
                continue
            error, partition = record.error(), record.partition()
            if partition is None or (error is not None and error.code() != KafkaError._PARTITION_EOF):
                continue  # told again when a call raises
            ages.setdefault(partition, None if error else max(time.time() - record.timestamp()[1] / 1000, 0.0))
    finally:
        consumer.unassign()
    return ages
