"""Handing over a batch: its alerts and dead letters, and the offsets that say it is done.

Exactly once: everything in one Kafka transaction. The offsets go in with the group metadata of the time when the batch was taken,
so that a worker whose partitions were taken away cannot commit them (KIP-447).

At least once: records first, then the offsets. A crash in between makes the batch come again; an alert's id tells copies.

A batch that was given back must be read again: `return_to_committed` puts the consumer back, which librdkafka does not do.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Producer, TopicPartition

from stream.errors import BrokerUnavailable, Fenced, NotAuthorized
from stream.logs import log
from stream.wire import Outgoing

OPERATION_SECONDS = 15.0  # of one call to the broker; longer than a leader election takes
ATTEMPTS = 5  # of a call that the broker says is worth another one, until it is told; and all that a tool makes
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.1, 5.0  # before another attempt: some are refused at once
SEEK_ATTEMPTS = 50  # of 100 ms each: a partition just assigned refuses seeks until its first fetch


@dataclass(frozen=True, slots=True)
class Span:
    """The offsets of one batch in one partition: the first, and the one after the last."""

    topic: str
    partition: int
    first: int
    end: int


GroupMetadata = Any
"""What `Consumer.consumer_group_metadata` gives: who one is in the group, in which generation."""

Deliver = Callable[[Sequence[Outgoing], Sequence[Span], GroupMetadata], bool]
"""Hands over a batch; False if it was given back and is to be read again. Raises Fenced if this worker must end."""


Beat = Callable[[], None]
"""Called before each wait for the broker: whoever waits is alive."""


def exactly_once(producer: Producer, beat: Beat) -> Deliver:
    """Deliver in transactions of `producer`, which has been through init_transactions."""

    def deliver(outgoing: Sequence[Outgoing], spans: Sequence[Span], group: GroupMetadata) -> bool:
        try:
            producer.begin_transaction()
            _produce(producer, outgoing)
            offsets = [TopicPartition(span.topic, span.partition, span.end) for span in spans]
            _until_answered(lambda: producer.send_offsets_to_transaction(offsets, group, OPERATION_SECONDS), beat, "told its offsets")
            _until_answered(lambda: producer.commit_transaction(OPERATION_SECONDS), beat, "committed")
            return True
        except KafkaException as error:
            _give_up_if_fatal(error)
            _tell(error)
            _abort(producer, beat)
            return False

    return deliver


def at_least_once(producer: Producer, beat: Beat) -> Deliver:
    """Deliver records and wait for the broker's word on each; `commit` is to follow."""

    def deliver(outgoing: Sequence[Outgoing], _spans: Sequence[Span], _group: GroupMetadata) -> bool:
        try:
            send(producer, outgoing, beat)
            return True
        except KafkaException as error:
            _give_up_if_fatal(error)
            _tell(error)
            producer.purge()
            return False

    return deliver


def commit(consumer: Consumer, spans: Sequence[Span]) -> None:
    """Have a batch's offsets committed, for at least once. Raises KafkaException.

    By the thread that consumes, and no other: the client lets one thread at a time call a consumer, and who waits within a rebalance for
    another one's commit waits without end. The commit is not waited for: with the coordinator away that could take for ever, too. What is
    lost of it comes again, as it would after a crash; `Consumer.close` waits for what is under way.
    """
    consumer.commit(offsets=[TopicPartition(span.topic, span.partition, span.end) for span in spans], asynchronous=True)


def transaction(producer: Producer, outgoing: Iterable[Outgoing]) -> None:
    """Send records in a transaction of their own: all of them are there, or none. Raises BrokerUnavailable, Fenced."""
    try:
        producer.begin_transaction()
        _produce(producer, outgoing)
        _again(lambda: producer.commit_transaction(OPERATION_SECONDS))
    except KafkaException as error:
        _give_up_if_fatal(error)
        try:
            _again(lambda: producer.abort_transaction(OPERATION_SECONDS))
        except KafkaException as second:
            raise Fenced(f"the transaction can neither be committed nor aborted: {second.args[0].name()}") from None
        raise BrokerUnavailable(f"records were not taken, none of them is there: {error.args[0].name()}") from None


def send(producer: Producer, outgoing: Iterable[Outgoing], beat: Beat = lambda: None) -> None:
    """Send records without a transaction, and wait for the broker's word on each. Raises KafkaException."""
    report = _Report()
    _produce(producer, outgoing, report)
    beat()
    if producer.flush(OPERATION_SECONDS) or report.failures:
        raise KafkaException(report.failures[0] if report.failures else KafkaError(KafkaError._MSG_TIMED_OUT))


@dataclass(slots=True)
class _Report:
    """What the broker refused."""

    failures: list[KafkaError] = field(default_factory=list)

    def __call__(self, error: KafkaError | None, _: object) -> None:
        if error is not None:
            self.failures.append(error)


def _tell(error: KafkaException) -> None:
    """Why a batch is given back: else its log line says that it is slow, and not what ails it."""
    log.warning("delivery failed", code=error.args[0].name(), why=error.args[0].str())


def _produce(producer: Producer, outgoing: Iterable[Outgoing], report: _Report | None = None) -> None:
    """Queue all records; where librdkafka's queue is full, wait for it to drain."""
    for record in outgoing:
        while True:
            try:
                producer.produce(record.topic, record.value, record.key, record.partition, report, headers=list(record.headers))
                break
            except BufferError:
                producer.poll(0.1)
    producer.poll(0)


def _again(call: Callable[[], None]) -> None:
    """Call, and a few times more if the broker says that it is worth it."""
    for attempt in range(ATTEMPTS):
        try:
            call()
            return
        except KafkaException as error:
            if not error.args[0].retriable() or attempt == ATTEMPTS - 1:
                raise
            _pause(attempt)


def _until_answered(call: Callable[[], None], beat: Beat, what: str) -> None:
    """Call, and again for as long as the broker says that it is worth it: the broker may be away.

    Never another call in its place: librdkafka takes up the one that ran out of time where it stood, and refuses all others until it is
    done (_CONFLICT). Who gave up a commit so and tried to abort would try for ever.
    """
    for attempt in count():
        beat()
        try:
            call()
            return
        except KafkaException as error:
            told: KafkaError = error.args[0]
            if not told.retriable():
                raise
            if attempt >= ATTEMPTS - 1:
                log.warning("waiting", code=BrokerUnavailable.code, why=f"a transaction cannot be {what} yet ({told.name()})")
            _pause(attempt)


def _pause(attempt: int) -> None:
    time.sleep(min(FIRST_PAUSE_SECONDS * 2.0 ** min(attempt, 10), LONGEST_PAUSE_SECONDS))


def _abort(producer: Producer, beat: Beat) -> None:
    """Abort, for as long as it takes where the broker is away. Raises Fenced if it can be neither committed nor aborted."""
    try:
        _until_answered(lambda: producer.abort_transaction(OPERATION_SECONDS), beat, "aborted")
    except KafkaException as error:
        raise Fenced(f"the transaction can neither be committed nor aborted: {error.args[0].name()}") from None


def _give_up_if_fatal(error: KafkaException) -> None:
    """A fenced producer is beyond recovery: another instance has its transactional id, or the broker ended its transaction."""
    told: KafkaError = error.args[0]
    if told.code() == KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
        raise NotAuthorized(f"the right to write with this worker's transactional id was taken away ({told.name()}); this worker ends")
    if told.fatal() or told.code() in (KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH):
        raise Fenced(
            f"{told.name()}: another worker uses this SCAMSIEVE_INSTANCE, or a transaction outlived its timeout; this worker ends"
        ) from None


def return_to_committed(consumer: Consumer) -> None:
    """Put the consumer back to what is committed in all its partitions; nothing may be under way. Raises BrokerUnavailable."""
    try:
        committed = consumer.committed(consumer.assignment(), OPERATION_SECONDS)
    except KafkaException as error:
        raise BrokerUnavailable(f"the committed offsets cannot be read ({error.args[0].name()})") from None
    for place in committed:
        if place.error is not None:  # its offset says nothing then
            raise BrokerUnavailable(f"the committed offset of partition {place.partition} cannot be read ({place.error.name()})")
        _seek(consumer, TopicPartition(place.topic, place.partition, place.offset if place.offset >= 0 else OFFSET_BEGINNING))


def _seek(consumer: Consumer, place: TopicPartition) -> None:
    for _ in range(SEEK_ATTEMPTS):
        try:
            consumer.seek(place)
            return
        except KafkaException as error:
            if error.args[0].code() not in (KafkaError._STATE, KafkaError._TIMED_OUT, KafkaError._OUTDATED):
                raise
            time.sleep(0.1)  # lets the assignment settle; a poll here could swallow a record of another partition
    raise BrokerUnavailable(f"partition {place.partition} of {place.topic} cannot be put back to offset {place.offset}")
