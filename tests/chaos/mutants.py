"""Workers that break the promise, each in one place: the ledger must find them out. `python -m tests.chaos.mutants NAME` runs one."""

import sys
import time
from collections.abc import Callable, Sequence

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from stream import cli, delivery
from stream.delivery import OPERATION_SECONDS, Beat, Deliver, GroupMetadata, Span
from stream.wire import Outgoing

GAP_SECONDS = 0.2  # between commit and records: a crash in it loses a batch


def commit_first(producer: Producer, beat: Beat) -> Deliver:
    """The offsets in one transaction, and then, in another, what came of the batch."""
    nothing: list[Outgoing] = []
    whole = _exactly_once(producer, beat)

    def deliver(outgoing: Sequence[Outgoing], spans: Sequence[Span], group: GroupMetadata) -> bool:
        if not whole(nothing, spans, group):
            return False
        time.sleep(GAP_SECONDS)
        try:
            producer.begin_transaction()
            for record in outgoing:
                producer.produce(record.topic, record.value, record.key, headers=list(record.headers))
            producer.commit_transaction(OPERATION_SECONDS)
        except KafkaException:
            producer.abort_transaction(OPERATION_SECONDS)
        return True

    return deliver


def stay_ahead(consumer: Consumer) -> None:
    """What was given back after an abort is not read again."""


def produce_outside(producer: Producer, beat: Beat) -> Deliver:
    """The records first, in a transaction of their own, then the offsets: a crash between them repeats a batch."""
    whole = _exactly_once(producer, beat)

    def deliver(outgoing: Sequence[Outgoing], spans: Sequence[Span], group: GroupMetadata) -> bool:
        nothing: list[TopicPartition] = []
        producer.begin_transaction()
        for record in outgoing:
            producer.produce(record.topic, record.value, record.key, headers=list(record.headers))
        producer.send_offsets_to_transaction(nothing, group, OPERATION_SECONDS)
        producer.commit_transaction(OPERATION_SECONDS)
        time.sleep(GAP_SECONDS)
        return whole([], spans, group)

    return deliver


_exactly_once = delivery.exactly_once


def _commits_before_it_produces() -> None:
    delivery.exactly_once = commit_first


def _forgets_to_go_back() -> None:
    delivery.return_to_committed = stay_ahead


def _produces_outside_the_transaction() -> None:
    delivery.exactly_once = produce_outside


MUTANTS: dict[str, Callable[[], None]] = {
    "commits-before-it-produces": _commits_before_it_produces,
    "forgets-to-go-back": _forgets_to_go_back,
    "produces-outside-the-transaction": _produces_outside_the_transaction,
}


def main() -> None:
    """Break the worker as named, then run it."""
    MUTANTS[sys.argv[1]]()
    sys.argv[1:] = ["worker"]
    cli.main()


if __name__ == "__main__":
    main()
