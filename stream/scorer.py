"""The hot loop: one thread that takes a batch of records, judges it and hands over its alerts.

What it promises:
- Delivery: exactly once by default (`delivery`); every record is judged, or becomes a dead letter, and its offset is
  committed in the same transaction as what came of it. A reader must read committed records.
- Order: alerts of one batch stand in its order; between partitions, and so between an operator's messages, there is none.
- Back-pressure: the next batch is asked for when the last one is delivered; librdkafka holds a bounded number of records.
- Faults: a record that cannot be read or judged never stops a partition; a broker that is away is waited for; a worker that
  was replaced (fenced) ends with an error.
"""

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

import numpy as np
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition
from numpy.typing import NDArray

from models.artifact import Model
from stream import clients, delivery, wire
from stream.clients import Record
from stream.delivery import Deliver, Span
from stream.errors import BrokerUnavailable, Internal, RecordError, ScamSieveError, TopicError
from stream.judge import Disclosure, Judgement, alerts, judge
from stream.lag import Lag
from stream.logs import log
from stream.metrics import STAGES, Batch, Metrics
from stream.policy import Policy
from stream.settings import Settings
from stream.wire import Alert, Decoder, Event, Limits, Outgoing, Place

LONGEST_BACK_OFF_SECONDS = 30.0


@dataclass(slots=True)
class State:
    """What the pages show of a scorer; written by its thread only."""

    turned: float
    """time.monotonic() of the loop's last turn."""
    joined: bool = False
    """A member of the group; with zero partitions too."""
    partitions: tuple[int, ...] = ()
    trouble: str = ""
    """What it waits for, before it has joined."""
    judged: int = 0
    raised: int = 0
    dead: int = 0


@dataclass(frozen=True, slots=True)
class Decoded:
    """The messages of a batch, the number of the record of each, and the records that are none."""

    messages: list[Event]
    records: list[int]
    dead: dict[int, RecordError]


class Scorer:
    """A scorer's parts and state. `run` is its thread; `stop` and `use` may be called from any other."""

    def __init__(self, settings: Settings, model: Model, policy: Policy, disclosure: Disclosure, metrics: Metrics) -> None:
        self.settings, self.model, self.policy, self.disclosure, self.metrics = settings, model, policy, disclosure, metrics
        self.state = State(turned=time.monotonic())
        self._decoder = Decoder(Event, Limits(settings.max_record_bytes, settings.max_text_bytes))
        self._lag = Lag(metrics)
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Finish the batch at hand, then leave the group."""
        self._stopping.set()

    def use(self, policy: Policy) -> None:
        """Judge by another policy from the next batch on."""
        self.metrics.follow(policy)
        self.policy = policy

    def run(self) -> None:
        """Judge until stopped. Raises Fenced if another instance took over."""
        consumer, producer = clients.consumer(self.settings), clients.producer(self.settings)
        try:
            if self._connect(consumer, producer):
                how = delivery.exactly_once if self.settings.delivery == "exactly_once" else delivery.at_least_once
                consumer.subscribe([self.settings.message_topic], self._assigned, self._revoked, self._lost)
                self._judge_all(consumer, how(consumer, producer, self._beat))
        finally:
            self.state.joined = False
            consumer.close()
            log.info("stopped", judged=self.state.judged, alerts=self.state.raised, dead_letters=self.state.dead)

    def _beat(self) -> None:
        """Show that the thread is alive."""
        self.state.turned = time.monotonic()

    def _judge_all(self, consumer: Consumer, deliver: Deliver) -> None:
        while not self._stopping.is_set():
            self._beat()
            records = self._take(consumer)
            if records:
                self._process(records, deliver)
            self._lag.look(consumer)

    def _take(self, consumer: Consumer) -> list[Record]:
        """The next batch; empty after a while without records."""
        taken = cast(list[Record], consumer.consume(self.settings.batch_size, self.settings.batch_wait_seconds))
        return [record for record in taken if (error := record.error()) is None or self._heed(record, error)]

    def _process(self, records: Sequence[Record], deliver: Deliver) -> None:
        """The way of a batch: bytes -> messages -> judgement -> alerts and dead letters -> one delivery."""
        clock = [time.perf_counter()]
        decoded = self._decode(records)
        clock.append(time.perf_counter())
        decoded, judgement = self._judge(decoded)
        clock.append(time.perf_counter())
        now = datetime.now(UTC)
        raised = self._alerts(records, decoded, judgement, now)
        outgoing = [*(record for _, record in raised), *self._dead_letters(records, decoded.dead, now)]
        clock.append(time.perf_counter())
        delivered = deliver(outgoing, spans(records))
        clock.append(time.perf_counter())
        self.metrics.transactions.labels("committed" if delivered else "aborted").inc()
        if delivered:
            self._count(records, decoded, judgement, [alert for alert, _ in raised], np.diff(clock))
        else:
            log.warning("batch given back", records=len(records))

    def _decode(self, records: Sequence[Record]) -> Decoded:
        """Read every record; what cannot be read is remembered with its error."""
        messages: list[Event] = []
        numbers: list[int] = []
        dead: dict[int, RecordError] = {}
        decode = self._decoder.decode
        for i, record in enumerate(records):
            try:
                messages.append(decode(record.value()))
                numbers.append(i)
            except RecordError as error:
                dead[i] = error
        return Decoded(messages, numbers, dead)

    def _judge(self, decoded: Decoded) -> tuple[Decoded, Judgement]:
        """Judge the batch; if that raises, find the messages that do it one by one: they become dead letters."""
        try:
            return decoded, judge(self.model, self.policy, decoded.messages)
        except Exception as error:  # noqa: BLE001 whatever it is, it must not stop the partition
            log.error("judging a batch raised", exception=type(error).__name__, messages=len(decoded.messages))
        good = Decoded([], [], dict(decoded.dead))
        for message, number in zip(decoded.messages, decoded.records, strict=True):
            try:
                judge(self.model, self.policy, [message])
                good.messages.append(message)
                good.records.append(number)
            except Exception as error:  # noqa: BLE001
                good.dead[number] = Internal(f"judging it raised {type(error).__name__}")
        return good, judge(self.model, self.policy, good.messages)

    def _alerts(self, records: Sequence[Record], decoded: Decoded, judgement: Judgement, now: datetime) -> list[tuple[Alert, Outgoing]]:
        """The alerts of a judged batch, each with its record."""
        taken = {i: records[decoded.records[i]] for i in judgement.explained}
        places = {i: _place(record) for i, record in taken.items()}
        found = alerts(self.model, judgement, decoded.messages, places, self.disclosure, now)
        return [
            (alert, wire.encode_alert(alert, clients.alert_topic(self.settings, self.policy.label(alert.operator)), _trace(record)))
            for alert, record in zip(found, taken.values(), strict=True)
        ]

    def _dead_letters(self, records: Sequence[Record], dead: Mapping[int, RecordError], now: datetime) -> list[Outgoing]:
        """The records of the dead letters."""
        topic = self.settings.dead_letter_topic
        letters = []
        for i, error in dead.items():
            r = records[i]
            letters.append(wire.encode_dead_letter(topic, _place(r), r.key(), r.value(), r.headers(), error, now))
        return letters

    def _count(
        self, records: Sequence[Record], decoded: Decoded, judgement: Judgement, raised: list[Alert], seconds: NDArray[np.float64]
    ) -> None:
        """Tell the metrics and the pages of a delivered batch."""
        waited = time.time() - np.array([record.timestamp()[1] for record in records]) / 1000
        ignored, self._decoder.ignored = self._decoder.ignored, {}
        codes = [error.code for error in decoded.dead.values()]
        stages = dict(zip(STAGES, seconds.tolist(), strict=True))
        scores = judgement.scores.probabilities[:, 0]
        self.metrics.count(Batch(decoded.messages, raised, codes, scores, waited, stages, ignored))
        self._lag.judged(records)
        self.state.judged += len(decoded.messages)
        self.state.raised += len(raised)
        self.state.dead += len(codes)

    def _connect(self, consumer: Consumer, producer: Producer) -> bool:
        """Wait for the broker and the topics, ever more patiently; False if stopped meanwhile."""
        wait = 1.0
        while not self._stopping.is_set():
            self._beat()
            try:
                clients.check(consumer, self.settings)
                self._beat()
                clients.start(producer, self.settings)
                self.state.trouble = ""
                log.info("reading", topic=self.settings.message_topic, group=self.settings.group, model=self.model.version)
                return True
            except (BrokerUnavailable, TopicError) as error:
                self.state.trouble = str(error)
                log.warning("waiting", code=error.code, why=str(error), again_in_seconds=wait)
            self._stopping.wait(wait)
            wait = min(wait * 2, LONGEST_BACK_OFF_SECONDS, self.settings.stall_seconds / 3)
        return False

    def _heed(self, record: Record, error: KafkaError) -> bool:
        """What the consumer has to say that is no record: the end of a partition, or trouble. Always False."""
        if error.code() == KafkaError._PARTITION_EOF:
            self._lag.drained(record.partition())
        elif error.fatal():
            raise ScamSieveError(f"the consumer cannot go on: {error.name()}")
        else:
            log.warning("broker trouble", code=error.name())
        return False

    def _assigned(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        self.state.partitions = tuple(sorted(place.partition for place in partitions))
        self.state.joined = True
        log.info("partitions assigned", partitions=self.state.partitions)

    def _revoked(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        # Called from consume(), that is between batches: nothing of these partitions is under way.
        self._lag.forget(partitions)
        self.state.partitions = ()

    def _lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        log.warning("partitions lost", partitions=sorted(place.partition for place in partitions))
        self.state.joined = False
        self._revoked(consumer, partitions)


def spans(records: Sequence[Record]) -> list[Span]:
    """The offsets that a batch takes up in each partition of it."""
    last = {record.partition(): record.offset() for record in records}
    first = {record.partition(): record.offset() for record in reversed(records)}
    topic = records[0].topic()
    return [Span(topic, partition, first[partition], offset + 1) for partition, offset in last.items()]


def _place(record: Record) -> Place:
    return Place(record.topic(), record.partition(), record.offset(), record.timestamp()[1])


def _trace(record: Record) -> bytes | None:
    """The W3C traceparent of a record."""
    return next((value for name, value in record.headers() or () if name == "traceparent" and isinstance(value, bytes)), None)
