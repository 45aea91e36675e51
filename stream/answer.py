"""What comes of a judged batch: alerts and dead letters, as records to be delivered with its offsets."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from stream import clients, wire
from stream.batch import Judged
from stream.clients import Record
from stream.errors import Internal, RecordError
from stream.judge import Disclosure, alerts, explained
from stream.logs import log
from stream.settings import Settings
from stream.wire import Alert, Outgoing

_TRACE = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class Answer:
    """The alerts of a batch, why which of its records are dead letters, and the records of both."""

    alerts: Sequence[Alert]
    numbers: Sequence[int]
    """Of the alerts' messages in the batch."""
    dead: dict[int, RecordError]
    outgoing: Sequence[Outgoing]


def answer(judged: Judged, settings: Settings, disclosure: Disclosure, now: datetime) -> Answer:
    """Explain what was raised, and write the records. What cannot be explained or written becomes a dead letter."""
    dead = dict(judged.decoded.dead)

    def write(numbers: Sequence[int]) -> list[tuple[int, Alert, Outgoing]]:
        return list(_alerts(judged, numbers, settings, disclosure, now))

    raised = judged.judgement.raised
    try:
        written = write(raised)
    except Exception as error:  # noqa: BLE001 whatever it is, it must not stop the partition
        log.error("explaining a batch raised", exception=type(error).__name__, messages=len(raised))
        written = []
        for number in raised:
            try:
                written += write([number])
            except Exception as alone:  # noqa: BLE001
                dead[judged.decoded.numbers[number]] = Internal(f"explaining it raised {type(alone).__name__}")
    letters = _dead_letters(judged, dead, settings, now)
    records = [*(record for *_, record in written), *letters]
    return Answer([alert for _, alert, _ in written], [number for number, *_ in written], dead, records)


def _alerts(
    judged: Judged, numbers: Sequence[int], settings: Settings, disclosure: Disclosure, now: datetime
) -> Iterable[tuple[int, Alert, Outgoing]]:
    """The alerts of some messages of a batch, each with the message's number and its record."""
    told = explained(judged.judgement, numbers, settings.reasons)
    of = {number: judged.decoded.numbers[number] for number in numbers}
    places = {number: judged.taken.place(record) for number, record in of.items()}
    for number, alert in zip(numbers, alerts(judged.judgement, told, places, disclosure, now), strict=True):
        topic = clients.alert_topic(settings, judged.policy.label(alert.operator))
        yield number, alert, wire.encode_alert(alert, topic, _trace(judged.taken.records[of[number]]))


def _dead_letters(judged: Judged, dead: dict[int, RecordError], settings: Settings, now: datetime) -> Iterable[Outgoing]:
    for i, error in dead.items():
        r = judged.taken.records[i]
        yield wire.encode_dead_letter(settings.dead_letter_topic, judged.taken.place(i), r.key(), r.value(), clients.headers(r), error, now)


def _trace(record: Record) -> bytes | None:
    """The W3C traceparent of a record; None if it has none, or something else under that name: headers are the sender's."""
    found = (value for name, value in clients.headers(record) if name == "traceparent" and isinstance(value, bytes))
    return next(filter(_TRACE.fullmatch, found), None)
