"""The hot loop: one thread takes batches and judges them; a second one explains what was raised and delivers it, a batch behind.

What it promises:
- Delivery: exactly once by default (`delivery`); every record is judged, or becomes a dead letter, and its offset is
  committed in the same transaction as what came of it. A reader must read committed records.
- Order: alerts of one batch stand in its order; between partitions, and so between an operator's messages, there is none.
- Back-pressure: at most one batch is judged ahead of the one being delivered; librdkafka holds a bounded number of records. After a
  batch was given back the next one is half as large: an alert topic may be too slow for a whole one.
- Faults: a record that cannot be read or judged never stops a partition; a broker that is away is waited for; a worker that
  was replaced (fenced) ends with an error.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import cast

import numpy as np
from confluent_kafka import Consumer, KafkaError, Producer, TopicPartition

from models.artifact import Model
from stream import access, clients, delivery
from stream.answer import Answer, answer
from stream.batch import Judged, Taken, taken
from stream.clients import Record
from stream.delivery import Deliver, Span
from stream.errors import BrokerUnavailable, Internal, NotAuthenticated, NotAuthorized, ScamSieveError, TopicError
from stream.judge import Disclosure, Judgement, joined, judge
from stream.lag import Lag
from stream.logs import log
from stream.metrics import STAGES, Batch, Metrics
from stream.policy import Policy
from stream.settings import Settings
from stream.shadow import Shadow
from stream.wire import Decoded, Decoder, Event, Limits

LONGEST_BACK_OFF_SECONDS = 30.0
WAITED_FOR = (BrokerUnavailable, NotAuthenticated, NotAuthorized, TopicError)  # what others may set right meanwhile
GROWTH = 100  # deliveries until a batch may be as large again as the settings allow, after one was given back
BEAT_SECONDS = 1.0  # between two signs of life while a delivery computes
RETURN_SECONDS = 1.0  # between two attempts to go back to what is committed
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.05, 2.0  # before a batch that was given back is tried again


@dataclass(slots=True)
class State:
    """What the pages show of a scorer; written by its thread, but for `turned`."""

    turned: float
    """time.monotonic() of the last turn of the loop, or of the last sign of life while it delivers or judges one by one."""
    joined: bool = False
    """A member of the group; with zero partitions too."""
    partitions: tuple[int, ...] = ()
    trouble: str = ""
    """What it waits for, before it has joined or before it can go on."""
    judged: int = 0
    raised: int = 0
    dead: int = 0


@dataclass(frozen=True, slots=True)
class Delivered:
    """What came of a batch that was handed over: delivered or given back, with what answer, and when (since the epoch)."""

    done: bool
    answer: Answer
    seconds: Mapping[str, float]
    """By stage."""
    at: float


class Scorer:
    """A scorer's parts and state. `run` is its thread; `stop`, `use` and `serve` may be called from any other."""

    def __init__(
        self, settings: Settings, model: Model, policy: Policy, disclosure: Disclosure, metrics: Metrics, shadow: Shadow | None = None
    ) -> None:
        self.settings, self.model, self.policy, self.disclosure, self.metrics = settings, model, policy, disclosure, metrics
        self.shadow = shadow
        self.state = State(turned=time.monotonic())
        self._decoder = Decoder(Event, Limits(settings.max_record_bytes, settings.max_text_bytes))
        self._lag = Lag(metrics)
        self._under_way: tuple[Judged, Future[Delivered]] | None = None
        self._commit: Callable[[Sequence[Span]], None] | None = None  # what a delivery at least once leaves to this thread
        self._most = settings.batch_size  # records of the next batch
        self._given_back = 0  # batches in a row
        self._rebalances = 0
        self._astray = False  # ahead of what is committed, with nothing under way: it must go back
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Finish the batch at hand, then leave the group."""
        self._stopping.set()

    def use(self, policy: Policy) -> None:
        """Judge by another policy from the next batch on."""
        self.metrics.follow(policy)
        self.policy = policy

    def serve(self, model: Model) -> None:
        """Judge by another model from the next batch on; the one at hand keeps its own to the end."""
        self.metrics.serve(model)
        self.model = model

    def run(self) -> None:
        """Judge until stopped. Raises Fenced if another instance took over."""
        connected = self._connect()
        if connected is None:
            return
        consumer, producer = connected
        try:
            once = self.settings.delivery == "exactly_once"
            deliver = (delivery.exactly_once if once else delivery.at_least_once)(producer, self._beat)
            self._commit = None if once else partial(delivery.commit, consumer)
            consumer.subscribe([self.settings.message_topic], self._assigned, self._revoked, self._lost)
            with ThreadPoolExecutor(1, thread_name_prefix="delivery") as hand:
                self._judge_all(consumer, lambda batch: hand.submit(self._deliver, deliver, batch))
        finally:
            self.state.joined = False
            consumer.close()
            log.info("stopped", judged=self.state.judged, alerts=self.state.raised, dead_letters=self.state.dead)

    def _beat(self) -> None:
        """Show that the thread is alive."""
        self.state.turned = time.monotonic()

    def _judge_all(self, consumer: Consumer, hand_over: Callable[[Judged], Future[Delivered]]) -> None:
        """While one batch is delivered, the next one is judged; it is handed over when the first is done."""
        while not self._stopping.is_set():
            self._beat()
            if self._astray and not self._return(consumer):
                continue
            taken = self._take(consumer)
            judged = self._process(taken) if taken else None
            self._settle()
            if judged and not self._astray:
                self._under_way = judged, hand_over(judged)
            self._lag.look(consumer)
        self._settle()

    def _take(self, consumer: Consumer) -> Taken | None:
        """The next batch; None after a while without records."""
        before = self._rebalances
        found = cast(list[Record], consumer.consume(self._most, self.settings.batch_wait_seconds))
        records = [record for record in found if (error := record.error()) is None or self._heed(record, error)]
        if not records:
            return None
        if self._rebalances != before:
            # Some were read before their partition changed hands, perhaps to another worker and back: all are read again.
            self._settle()
            self._astray = True
            return None
        return taken(records, consumer.consumer_group_metadata())

    def _settle(self) -> None:
        """Wait for the batch under way, and count it. If it was given back, it is read again, and what was read behind it too."""
        if self._under_way is None:
            return
        (judged, future), self._under_way = self._under_way, None
        # A delivery that computes is alive, but not for ever; one that waits for the broker shows by itself that it is.
        patience = time.monotonic() + min(self.settings.poll_interval_seconds, self.settings.stall_seconds)
        while not wait([future], BEAT_SECONDS).done and time.monotonic() < patience:
            self._beat()
        delivered = future.result()
        self.metrics.transactions.labels("committed" if delivered.done else "aborted").inc()
        most, records = self.settings.batch_size, len(judged.taken.records)
        self._given_back = 0 if delivered.done else self._given_back + 1
        if delivered.done:
            if self._commit:
                self._commit(judged.taken.spans)
            self._count(judged, delivered)
            self._most = min(self._most + max(most // GROWTH, 1), most)
        else:
            log.warning("batch given back", records=records)
            self._astray = True
            # Perhaps the alert topic is too slow to take so much before the transaction's time is over: not as much again at once.
            self._most = max(records // 2, 1)

    def _return(self, consumer: Consumer) -> bool:
        """Go back to what is committed; False, after a while, if the broker is away: nothing is read until it is done."""
        if self._given_back:  # what refuses it may take a while: ever more patiently
            self._stopping.wait(min(FIRST_PAUSE_SECONDS * 2.0 ** min(self._given_back, 10), LONGEST_PAUSE_SECONDS))
        try:
            access.check(self.settings, self.policy)  # a right may be what is missing: to write what came of a batch, or to read on
            delivery.return_to_committed(consumer)
            self._astray, self.state.trouble = False, ""
        except WAITED_FOR as error:
            self.state.trouble = str(error)
            log.warning("waiting", code=error.code, why=str(error))
            self._stopping.wait(RETURN_SECONDS)
        return not self._astray

    def _process(self, taken: Taken) -> Judged:
        """The first half of a batch's way: bytes -> messages -> judgement. The second one is `_deliver`."""
        clock = [time.perf_counter()]
        decoded = self._decoder.decode_all(taken.values())
        ignored, self._decoder.ignored = self._decoder.ignored, {}
        clock.append(time.perf_counter())
        model, policy = self.model, self.policy  # one of each for the whole batch
        decoded, judgement = self._judge(decoded, model, policy)
        clock.append(time.perf_counter())
        return Judged(taken, decoded, judgement, policy, ignored, dict(zip(STAGES, np.diff(clock).tolist(), strict=False)))

    def _judge(self, decoded: Decoded[Event], model: Model, policy: Policy) -> tuple[Decoded[Event], Judgement]:
        """Judge the batch; if that raises, find the messages that do it one by one: they become dead letters."""
        try:
            return decoded, judge(model, policy, decoded.messages)
        except Exception as error:  # noqa: BLE001 whatever it is, it must not stop the partition
            log.error("judging a batch raised", exception=type(error).__name__, messages=len(decoded.messages))
        alone, numbers, dead = [], [], dict(decoded.dead)
        for message, number in zip(decoded.messages, decoded.numbers, strict=True):
            self._beat()
            try:
                alone.append(judge(model, policy, [message]))
                numbers.append(number)
            except Exception as error:  # noqa: BLE001
                dead[number] = Internal(f"judging it raised {type(error).__name__}")
        # Not judged together once more: what raised may lie in no single message.
        judgement = joined(model, alone)
        return Decoded(cast(list[Event], judgement.messages), numbers, dead), judgement

    def _deliver(self, deliver: Deliver, judged: Judged) -> Delivered:
        """The second half: judgement -> alerts and dead letters -> one delivery. Runs in the second thread."""
        clock = [time.perf_counter()]
        answered = answer(judged, self.settings, self.disclosure, datetime.now(UTC))
        clock.append(time.perf_counter())
        done = deliver(answered.outgoing, judged.taken.spans, judged.taken.group)
        clock.append(time.perf_counter())
        delivered = Delivered(done, answered, dict(zip(STAGES[2:], np.diff(clock).tolist(), strict=True)), time.time())
        if done and self.shadow:
            self.shadow.look(judged)
        return delivered

    def _count(self, judged: Judged, delivered: Delivered) -> None:
        """Tell the metrics and the pages of a delivered batch."""
        messages, raised = judged.decoded.messages, delivered.answer.alerts
        codes = [error.code for error in delivered.answer.dead.values()]
        scores = judged.judgement.scores.probabilities[:, 0]
        waited = delivered.at - judged.taken.timestamps
        routes = [origin.route if (origin := messages[number].origin) else None for number in delivered.answer.numbers]
        seconds, model = {**judged.seconds, **delivered.seconds}, judged.judgement.model
        self.metrics.count(Batch(messages, raised, routes, codes, scores, waited, seconds, model, judged.ignored))
        self._lag.judged(judged.taken.spans, judged.taken.newest)
        self.state.judged += len(messages)
        self.state.raised += len(raised)
        self.state.dead += len(codes)

    def _connect(self) -> tuple[Consumer, Producer] | None:
        """Wait for the broker, the topics and the rights, ever more patiently; None if stopped meanwhile."""
        wait = 1.0
        while not self._stopping.is_set():
            self._beat()
            try:
                access.check(self.settings, self.policy)
                self._beat()
                producer = clients.producer(self.settings)  # made after the question: passwords may have changed since the last try
                access.start(producer, self.settings)
                self.state.trouble = ""
                log.info("reading", topic=self.settings.message_topic, group=self.settings.group, model=self.model.version)
                return clients.consumer(self.settings), producer
            except WAITED_FOR as error:
                self.state.trouble = str(error)
                log.warning("waiting", code=error.code, why=str(error), again_in_seconds=wait)
            self._stopping.wait(wait)
            wait = min(wait * 2, LONGEST_BACK_OFF_SECONDS, self.settings.stall_seconds / 3)
        return None

    def _heed(self, record: Record, error: KafkaError) -> bool:
        """What the consumer has to say that is no record: the end of a partition, or trouble. Always False."""
        if error.code() == KafkaError._PARTITION_EOF:
            self._lag.drained(record.partition(), record.offset())
        elif error.fatal():
            raise ScamSieveError(f"the consumer cannot go on: {error.name()}")
        else:
            log.warning("broker trouble", code=error.name(), why=str(access.plain(error, self.settings)))
            # librdkafka tells of a refusal once, and not of its end: `_return` asks until the right is there again.
            self._astray |= error.code() in access.REFUSED
        return False

    def _assigned(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        self._rebalances += 1
        self.metrics.rebalances.inc()
        self.state.partitions = tuple(sorted(place.partition for place in partitions))
        self.state.joined = True
        log.info("partitions assigned", partitions=self.state.partitions)

    def _revoked(self, _: Consumer, partitions: list[TopicPartition]) -> None:
        # Called from consume(): the batch under way is finished, or given back, before others get the partitions.
        self._rebalances += 1
        self._settle()
        self._lag.forget(partitions)
        self.state.partitions = ()

    def _lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        log.warning("partitions lost", partitions=sorted(place.partition for place in partitions))
        self.state.joined = False
        self._revoked(consumer, partitions)
