"""What goes into the worker and what comes out of it, held against what is known."""

import re
import threading
import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from stream.admin import alert_topics
from stream.connect import plain_errors
from stream.demo.material import Sample
from stream.feed import paced, producer
from stream.settings import Settings
from stream.tail import read, records
from stream.wire import Alert, error_of


@dataclass(slots=True)
class Outcome:
    """What is known, what was sent and what came of it; each field is written by one thread only."""

    known: Mapping[str, Sample]
    """By identity: the id of a message, the key of a malformed record."""
    sent: dict[str, float] = field(default_factory=dict)
    """When, by the monotonic clock."""
    alerts: dict[str, Alert] = field(default_factory=dict)
    """By message id."""
    fresh: deque[Alert] = field(default_factory=deque)
    """Alerts not yet shown."""
    seconds: list[float] = field(default_factory=list)
    """From the sending of a message to the arrival of its alert."""
    dead: dict[str, str] = field(default_factory=dict)
    """Codes of dead letters by key."""
    strange: int = 0
    """Alerts and dead letters of what was not sent, and copies: there are none."""

    sent_by: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Messages sent, by language and label."""
    decided_by: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """Alerts, by language, label and decision."""

    def count(self, language: str = "", label: str = "") -> int:
        """How many messages were sent, of a language and of a label, where they are given."""
        return sum(n for key, n in list(self.sent_by.items()) if language in ("", key[0]) and label in ("", key[1]))

    def decided(self, decision: str, language: str = "", label: str = "") -> int:
        """How many of them got this decision."""
        items = list(self.decided_by.items())
        return sum(n for key, n in items if language in ("", key[0]) and label in ("", key[1]) and decision == key[2])

    @property
    def languages(self) -> list[str]:
        """Those of the messages."""
        return sorted({sample.language for sample in self.known.values() if sample.language})

    @property
    def malformed(self) -> list[Sample]:
        """What must become dead letters."""
        return [sample for sample in self.known.values() if sample.code]

    @property
    def rightly_dead(self) -> Counter[str]:
        """Malformed records that are dead letters with the right code, by code."""
        return Counter(sample.code for sample in self.malformed if self.dead.get(sample.identity) == sample.code)

    def quantile(self, share: float) -> float:
        """Seconds within which that share of the alerts came; 0 if there is none."""
        ordered = sorted(self.seconds)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else 0.0


def send(settings: Settings, samples: Sequence[Sample], rate: float, outcome: Outcome, stop: threading.Event) -> None:
    """Send the samples, evenly so many a second. Raises BrokerUnavailable."""
    with plain_errors(settings), closing(producer(settings, linger_seconds=0.005)) as client:
        for sample in paced(samples, rate):
            if stop.is_set():
                return
            outcome.sent[sample.identity] = time.monotonic()
            if not sample.code:
                outcome.sent_by[sample.language, sample.label] += 1
            client.send(settings.message_topic, sample.value, sample.key or None)
        client.flush()


def watch(settings: Settings, outcome: Outcome, stop: threading.Event) -> None:
    """Take in alerts and dead letters until stopped. Raises BrokerUnavailable, TopicError."""
    both = re.compile(f"{alert_topics(settings).pattern}|{re.escape(settings.dead_letter_topic)}")
    for record in records(settings, both, beginning=True, going=lambda: not stop.is_set()):
        identity = (record.key or b"").decode(errors="replace")
        if record.topic == settings.dead_letter_topic:
            outcome.strange += identity in outcome.dead or identity not in outcome.known
            outcome.dead[identity] = error_of(record.headers)
        else:
            _take(outcome, read(record.value))


def _take(outcome: Outcome, alert: Alert | None) -> None:
    if alert is None or alert.message_id not in outcome.known or alert.message_id in outcome.alerts:
        outcome.strange += 1
        return
    sample = outcome.known[alert.message_id]
    outcome.decided_by[sample.language, sample.label, alert.decision] += 1
    outcome.seconds.append(time.monotonic() - outcome.sent[alert.message_id])
    outcome.alerts[alert.message_id] = alert
    outcome.fresh.append(alert)
