"""`scamsieve dead-letters retry`: the original records back to the message topic.

A letter's record, and a mark on the dead-letter topic that it was sent, are written in one Kafka transaction. Whoever retries next
reads the marks first, so a letter is sent again once, however often this is broken off and begun again. Of two that run
at once the first is fenced: both have the same transactional id, and the marks are read after the other has been shut out.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from confluent_kafka import Consumer, Producer

from stream import clients, delivery
from stream.batch import Taken
from stream.errors import Fenced
from stream.operations import reading
from stream.operations.letters import BATCH, Letter, Survey, state
from stream.operations.reading import Bound, Range
from stream.settings import Settings
from stream.wire import Outgoing, encode_retried, encode_retry

INSTANCE = "dead-letters"  # of the transactional id: the same for all who retry


@dataclass(frozen=True, slots=True)
class Plan:
    """Which letters are to be sent again, and why others are not."""

    letters: Sequence[Letter]
    left: Counter[str]


def plan(found: Survey, topic: str, again: bool) -> Plan:
    """Choose: never one that was sent already, was cut or came from another topic; one that failed again only if told so."""
    chosen, left = [], Counter[str]()
    for letter in found.letters:
        now = state(letter, found.retried)
        if letter.topic != topic:
            now = "from another topic"
        if now == "waiting" or (again and now == "failed again"):
            chosen.append(letter)
        else:
            left[now] += 1
    return Plan(chosen, left)


def send(consumer: Consumer, producer: Producer, settings: Settings, letters: Sequence[Letter]) -> Iterator[int]:
    """Send the records of these letters again, batch by batch; gives how many after each. Raises BrokerUnavailable, Fenced."""
    wanted = {(letter.partition, letter.offset) for letter in letters}
    for batch in reading.batches(consumer, settings.dead_letter_topic, _ranges(letters), BATCH, {}):
        numbers = [i for i, record in enumerate(batch.records) if (record.partition(), record.offset()) in wanted]
        if numbers:
            try:
                delivery.transaction(producer, list(_outgoing(settings, batch, numbers)))
            except Fenced:
                raise Fenced("another retry has begun and goes on with what is left; this one ends") from None
            yield len(numbers)


def _outgoing(settings: Settings, batch: Taken, numbers: Iterable[int]) -> Iterator[Outgoing]:
    """For each letter its record, and the mark behind the letter."""
    at = datetime.now(UTC)
    for i in numbers:
        record, place = batch.records[i], batch.place(i)
        headers = encode_retry(place, clients.headers(record))
        yield Outgoing(settings.message_topic, record.key(), record.value(), headers)
        yield Outgoing(settings.dead_letter_topic, None, None, encode_retried(place, at), record.partition())


def _ranges(letters: Sequence[Letter]) -> list[Range]:
    """From the first to the last of the letters in each partition."""
    offsets: dict[int, list[int]] = {}
    for letter in letters:
        offsets.setdefault(letter.partition, []).append(letter.offset)
    return [Range(partition, min(of), max(of) + 1, Bound(offset=max(of) + 1), 0) for partition, of in offsets.items()]
