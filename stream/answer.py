"""What comes of a judged batch: alerts and dead letters, as records to be delivered with its offsets."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from models.explain import Explanation
from stream import clients, wire
from stream.batch import Judged
from stream.clients import Record
from stream.errors import Internal, RecordError
from stream.judge import Disclosure, Explained, alerts, explained
from stream.logs import log
from stream.settings import Settings
from stream.wire import Alert, Outgoing


@dataclass(frozen=True, slots=True)
class Answer:
    """The alerts of a batch, why which of its records are dead letters, and the records of both."""

    alerts: Sequence[Alert]
    dead: dict[int, RecordError]
    outgoing: Sequence[Outgoing]


def answer(judged: Judged, settings: Settings, disclosure: Disclosure, now: datetime) -> Answer:
    """Explain what was raised, and write the records."""
    dead = dict(judged.decoded.dead)
    told = _explained(judged, settings.reasons, dead)
    numbers = judged.decoded.numbers
    raised = list(alerts(judged.judgement, told, {i: judged.taken.place(numbers[i]) for i in told}, disclosure, now))
    return Answer(raised, dead, [*_alert_records(judged, told, raised, settings), *_dead_letters(judged, dead, settings, now)])


def _explained(judged: Judged, reasons: int, dead: dict[int, RecordError]) -> Explained:
    """Explain the batch; if that raises, one by one: what raises becomes a dead letter."""
    judgement = judged.judgement
    try:
        return explained(judgement, judgement.raised, reasons)
    except Exception as error:  # noqa: BLE001 whatever it is, it must not stop the partition
        log.error("explaining a batch raised", exception=type(error).__name__, messages=len(judgement.raised))
    told: dict[int, Explanation] = {}
    for i in judgement.raised:
        try:
            told |= explained(judgement, [i], reasons)
        except Exception as error:  # noqa: BLE001
            dead[judged.decoded.numbers[i]] = Internal(f"explaining it raised {type(error).__name__}")
    return told


def _alert_records(judged: Judged, told: Explained, raised: Sequence[Alert], settings: Settings) -> Iterable[Outgoing]:
    for i, alert in zip(told, raised, strict=True):
        topic = clients.alert_topic(settings, judged.policy.label(alert.operator))
        yield wire.encode_alert(alert, topic, _trace(judged.taken.records[judged.decoded.numbers[i]]))


def _dead_letters(judged: Judged, dead: dict[int, RecordError], settings: Settings, now: datetime) -> Iterable[Outgoing]:
    for i, error in dead.items():
        r = judged.taken.records[i]
        yield wire.encode_dead_letter(settings.dead_letter_topic, judged.taken.place(i), r.key(), r.value(), r.headers(), error, now)


def _trace(record: Record) -> bytes | None:
    """The W3C traceparent of a record."""
    return next((value for name, value in record.headers() or () if name == "traceparent" and isinstance(value, bytes)), None)
