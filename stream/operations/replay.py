"""`scamsieve replay`: a range of the message topic, judged again by a chosen model and policy.

To a file it writes what `scamsieve score` writes: a verdict a record, an error in the place of one that cannot be read. To a topic
it writes what a worker would have raised: alerts, with the ids that the first ones had, so that a second copy is known. It joins no
group and commits nothing; the workers do not notice it. A topic may get an alert twice if a replay is broken off and begun again.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec
import numpy as np
from confluent_kafka import KafkaException, Producer

from models.artifact import Model
from stream import admin, clients, delivery
from stream.answer import answer
from stream.batch import Judged, Taken, taken
from stream.errors import BrokerUnavailable, RecordError, SettingsError
from stream.judge import Disclosure, judge
from stream.policy import DECISIONS, Policy
from stream.score import Fault, answers
from stream.settings import Settings
from stream.wire import Decoder, Event, Limits, Verdict


class BadRecord(msgspec.Struct, frozen=True):
    """What stands in the place of the verdict of a record that cannot be read."""

    error: Fault
    partition: int
    offset: int


@dataclass(slots=True)
class Tally:
    """What came of the records."""

    decisions: Counter[str] = field(default_factory=Counter)
    dead: Counter[str] = field(default_factory=Counter)
    """Records that could not be read or judged, by error code."""
    alerts: int = 0
    """Written to a topic."""

    @property
    def judged(self) -> int:
        """How many have a decision."""
        return self.decisions.total()


@dataclass(frozen=True, slots=True)
class Judge:
    """Who judges: a model, a policy, and the limits of the settings."""

    model: Model
    policy: Policy
    settings: Settings

    def decoder(self) -> Decoder[Event]:
        """As the worker's."""
        return Decoder(Event, Limits(self.settings.max_record_bytes, self.settings.max_text_bytes))


def to_file(by: Judge, batches: Iterable[Taken], write: Callable[[bytes], object], tally: Tally) -> Iterator[int]:
    """Write one JSON a record; gives the number of records of each batch when it is done."""
    decoder, encode = by.decoder(), msgspec.json.Encoder().encode_lines
    for batch in batches:
        found = answers(by.model, by.policy, decoder.decode_all(batch.values()), by.settings.reasons)
        tally.decisions.update(verdict.decision for verdict in found if isinstance(verdict, Verdict))
        tally.dead.update(error.code for error in found if isinstance(error, RecordError))
        write(encode(_bad_record(batch, i, told) if isinstance(told, RecordError) else told for i, told in enumerate(found)))
        yield len(found)


def to_topic(by: Judge, batches: Iterable[Taken], producer: Producer, disclosure: Disclosure, tally: Tally) -> Iterator[int]:
    """Send the alerts of each batch, to the alert topic of the judge's settings, and wait until the broker has them.

    Gives the number of records of each batch when it is done. Raises BrokerUnavailable.
    """
    decoder = by.decoder()
    for batch in batches:
        for judged in _judged(by, decoder, batch, tally):
            found = answer(judged, by.settings, disclosure, datetime.now(UTC))
            raised = found.outgoing[: len(found.alerts)]  # behind them are dead letters: the worker wrote those already
            try:
                delivery.send(producer, raised)
            except KafkaException as error:
                raise BrokerUnavailable(f"alerts were not taken by {by.settings.brokers} ({error.args[0].name()})") from None
            tally.alerts += len(raised)
            tally.dead.update(error.code for error in found.dead.values())
            decided = np.bincount(judged.judgement.decisions.decisions, minlength=len(DECISIONS))
            tally.decisions.update({name: number for name, number in zip(DECISIONS, decided.tolist(), strict=True) if number})
        yield len(batch.records)


def check_target(settings: Settings, target: str, policy: Policy, live: bool) -> list[str]:
    """The topics that alerts to `target` go to. Raises SettingsError if one is a topic of the running system and must not be."""
    topics = clients.alert_topics(msgspec.structs.replace(settings, alert_topic=target), policy)
    for topic in topics:
        if topic in (settings.message_topic, settings.dead_letter_topic):
            raise SettingsError(f"{topic} is no topic for alerts: give one of its own")
        if not live and admin.alert_topics(settings).fullmatch(topic):
            raise SettingsError(f"{topic} is the live alert topic: its readers would get alerts again; add --live if that is wanted")
    return topics


def _judged(by: Judge, decoder: Decoder[Event], batch: Taken, tally: Tally) -> Iterator[Judged]:
    """The batch judged; if that raises, its records one by one, without those that raise."""
    try:
        decoded = decoder.decode_all(batch.values())
        judged = Judged(batch, decoded, judge(by.model, by.policy, decoded.messages), by.policy, {}, {})
    except Exception:  # noqa: BLE001 our own fault, and no reason to keep the others' alerts back
        if len(batch.records) == 1:
            tally.dead["internal"] += 1
            return
    else:
        yield judged
        return
    for record in batch.records:
        yield from _judged(by, decoder, taken([record], batch.group), tally)


def _bad_record(batch: Taken, number: int, error: RecordError) -> BadRecord:
    record = batch.records[number]
    return BadRecord(Fault(error.code, str(error)), record.partition(), record.offset())
