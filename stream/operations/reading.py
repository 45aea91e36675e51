"""A range of a topic, read from outside: no group is joined, nothing is ever committed.

A range begins and ends at a place that is told as a time, an offset, or nothing: as far as there is. "As far as there is" means the
end that the topic had when reading began, so that reading a live topic comes to an end. A time stands for the first record
of that time or later, as Kafka defines it.
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar, cast

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from stream.batch import Taken, taken
from stream.clients import Record
from stream.errors import BrokerUnavailable, ScamSieveError, SettingsError, TopicError

CALL_SECONDS = 10.0  # of one question to the broker
WAIT_SECONDS = 0.2  # for a batch to fill
IDLE_SECONDS = 60.0  # longer than a leader election: after that much silence of all partitions the broker counts as away
LEADERLESS = (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE)
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Bound:
    """A place of each partition: of an offset, of a time in milliseconds since the epoch, or neither."""

    offset: int | None = None
    time: int | None = None


@dataclass(frozen=True, slots=True)
class Range:
    """The records of one partition from `begin` on, up to where the bound says."""

    partition: int
    begin: int
    high: int
    """The end of the partition when reading began."""
    until: Bound
    begun: int
    """When reading began, in milliseconds since the epoch."""
    gone: int = 0
    """Offsets that were asked for and that retention has taken."""

    @property
    def expected(self) -> int:
        """About how many offsets it spans; a time's is not known beforehand."""
        end = self.high if self.until.offset is None else min(self.until.offset, self.high)
        return max(end - self.begin, 0)

    def ends_at(self, offset: int, timestamp: float) -> bool:
        """Whether a record (its time in milliseconds) is the first that is no longer within."""
        if self.until.offset is not None and offset >= self.until.offset:
            return True
        if self.until.time is not None and timestamp >= self.until.time:
            return True
        # Beyond the known end only what is older than the question: the embedded broker tells an end that is too low.
        return offset >= self.high and timestamp >= self.begun


def bound(told: str, at: datetime) -> Bound:
    """The place that an option tells: an offset, a time with its zone, an age (90m, 2h, 3d), or nothing. Raises SettingsError."""
    if not told:
        return Bound()
    if re.fullmatch(r"[0-9]{1,18}", told):
        return Bound(offset=int(told))
    if age := re.fullmatch(r"([0-9]{1,5})([smhd])", told):
        return Bound(time=_milliseconds(at - timedelta(**{UNITS[age[2]]: int(age[1])})))
    try:
        moment = datetime.fromisoformat(told)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise SettingsError(
            f"{told!r} is no offset, no age such as 90m, 2h or 3d, and no time with its zone such as 2026-03-14T19:00:00+07:00"
        )
    return Bound(time=_milliseconds(moment))


def now() -> datetime:
    """The time in UTC."""
    return datetime.now(UTC)


def check(consumer: Consumer, topics: Iterable[str]) -> None:
    """Raise TopicError if one of these topics is missing, BrokerUnavailable if no broker answers."""
    try:
        known = consumer.list_topics(timeout=CALL_SECONDS).topics
    except KafkaException as error:
        raise BrokerUnavailable(
            f"no broker answers ({error.args[0].name()}): look at --brokers, SCAMSIEVE_BROKERS and the network"
        ) from None
    if missing := [topic for topic in topics if topic not in known]:
        raise TopicError(f"topic {', '.join(missing)} is missing: make it first, with as many partitions as you like")


def ranges(consumer: Consumer, topic: str, partitions: Sequence[int], since: Bound, until: Bound) -> list[Range]:
    """Where to read in each partition; no partitions stands for all. Raises BrokerUnavailable, TopicError."""
    begun = _milliseconds(now())
    try:
        known = consumer.list_topics(topic, timeout=CALL_SECONDS).topics[topic].partitions
        if not known:
            raise TopicError(f"topic {topic} is missing: `scamsieve topics check` shows which there are")
        if absent := set(partitions) - known.keys():
            raise TopicError(f"topic {topic} has {len(known)} partitions, counted from 0, and no {min(absent)}")
        numbers = partitions or sorted(known)
        marks, begins = _patiently(lambda: _marks(consumer, topic, numbers, since))
    except KafkaException as error:
        raise BrokerUnavailable(
            f"no broker answers ({error.args[0].name()}): look at --brokers, SCAMSIEVE_BROKERS and the network"
        ) from None
    gone = {number: max(low - begins[number], 0) if since.offset else 0 for number, (low, _) in marks.items()}
    return [Range(number, max(begins[number], low), high, until, begun, gone[number]) for number, (low, high) in marks.items()]


def _marks(consumer: Consumer, topic: str, numbers: Sequence[int], since: Bound) -> tuple[dict[int, tuple[int, int]], dict[int, int]]:
    """By partition: its first offset and its end; where `since` lies. Raises KafkaException."""
    marks = {number: consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=CALL_SECONDS) for number in numbers}
    begins = dict.fromkeys(numbers, since.offset or 0)
    if since.time is not None:
        asked = [TopicPartition(topic, number, since.time) for number in numbers]
        for found in consumer.offsets_for_times(asked, timeout=CALL_SECONDS):
            begins[found.partition] = found.offset if found.offset >= 0 else marks[found.partition][1]
    return marks, begins


def _patiently(ask: Callable[[], Answer]) -> Answer:
    """Ask, and again while a partition is without its leader: it was just made, or is moving. Raises KafkaException."""
    deadline = time.monotonic() + CALL_SECONDS
    while True:
        try:
            return ask()
        except KafkaException as error:
            if error.args[0].code() not in LEADERLESS or time.monotonic() > deadline:
                raise
        time.sleep(WAIT_SECONDS)


def batches(consumer: Consumer, topic: str, within: Sequence[Range], size: int, reached: dict[int, int]) -> Iterator[Taken]:
    """Committed records of the ranges, in batches of at most `size`; in order within a partition.

    `reached` is kept up to date: the offset to go on with, by partition; all before it is done. Raises BrokerUnavailable after
    IDLE_SECONDS without a word, ScamSieveError if the broker refuses.
    """
    reading = {one.partition: one for one in within}
    reached.update({one.partition: one.begin for one in within})
    # From an offset beyond the end a consumer would start anew at the beginning.
    consumer.assign([TopicPartition(topic, one.partition, min(one.begin, one.high)) for one in within])
    heard = time.monotonic()
    while reading:
        found = cast(list[Record], consumer.consume(size, WAIT_SECONDS))
        records = [record for record in found if record.error() is None and record.partition() in reading]
        ended = {record.partition() for record in found if (error := record.error()) is not None and _heed(error)}
        if records or ended:
            heard = time.monotonic()
        elif time.monotonic() - heard > IDLE_SECONDS:
            raise BrokerUnavailable(f"nothing came from {topic} for {IDLE_SECONDS:g} s")
        kept, beyond = _within(records, reading)
        if kept:
            batch = taken(kept, None)
            yield batch
            reached.update({span.partition: span.end for span in batch.spans})
        if beyond:
            consumer.pause([TopicPartition(topic, partition) for partition in beyond])
        for partition in beyond | ended:
            reading.pop(partition, None)


def _within(records: list[Record], reading: Mapping[int, Range]) -> tuple[list[Record], set[int]]:
    """The records that are within their ranges, and the partitions that have met the end of theirs."""
    if not records:
        return [], set()
    looked = taken(records, None)  # whole arrays; one by one only where a range may end in this batch
    newest = float(looked.timestamps.max()) * 1000
    if all(
        span.first >= reading[span.partition].begin and not reading[span.partition].ends_at(span.end - 1, newest) for span in looked.spans
    ):
        return records, set()
    kept: list[Record] = []
    beyond: set[int] = set()
    for record in records:
        partition = record.partition()
        if partition in beyond or reading[partition].ends_at(record.offset(), record.timestamp()[1]):
            beyond.add(partition)
        elif record.offset() >= reading[partition].begin:
            kept.append(record)
    return kept, beyond


def _heed(error: KafkaError) -> bool:
    """Whether this says that a partition has no more; trouble that may pass is waited for. Raises ScamSieveError for what does not."""
    if error.code() == KafkaError._PARTITION_EOF:
        return True
    if error.fatal() or (error.code() > 0 and not error.retriable()):  # below 0 are librdkafka's own: it tries again by itself
        raise ScamSieveError(f"the broker refuses to be read: {error.name()}")
    return False


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
