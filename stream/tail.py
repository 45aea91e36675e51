"""`scamsieve alerts`: the alert topics as they grow, readable. Committed alerts only."""

import re
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC
from typing import Any

import msgspec
from kafka import KafkaConsumer, TopicPartition
from rich.text import Text

from stream.admin import alert_topics
from stream.connect import connection, plain_errors
from stream.errors import TopicError
from stream.settings import Settings
from stream.wire import Alert

POLL_MILLISECONDS = 200
COLOURS = {"flag": "bold white on red", "review": "black on yellow"}
MARKED = "bold red underline"
LEAST_MARKED = 2  # characters of a piece that is worth a mark

_JOINERS = "\u200c\u200d"  # parts of letters in Khmer, Burmese ...


def alerts(settings: Settings, beginning: bool) -> Iterator[bytes]:
    """The alerts, encoded, as they come."""
    return (record.value for record in records(settings, alert_topics(settings), beginning) if record.value)


def records(settings: Settings, topics: re.Pattern[str], beginning: bool, going: Callable[[], bool] = lambda: True) -> Iterator[Any]:
    """Committed records of all topics that fit, as they come, while `going`. Raises BrokerUnavailable, TopicError."""
    with plain_errors(settings), closing(_consumer(settings)) as consumer:
        fitting = [topic for topic in consumer.topics() if topics.fullmatch(topic)]
        places = [TopicPartition(topic, number) for topic in fitting for number in consumer.partitions_for_topic(topic) or ()]
        if not places:
            raise TopicError(f"no topic {topics.pattern} at {settings.brokers}: run `scamsieve topics create`")
        consumer.assign(places)
        (consumer.seek_to_beginning if beginning else consumer.seek_to_end)(*places)
        while going():
            for found in consumer.poll(POLL_MILLISECONDS).values():
                yield from found


def _consumer(settings: Settings) -> KafkaConsumer:
    return KafkaConsumer(
        group_id=None, enable_auto_commit=False, isolation_level="read_committed", fetch_max_wait_ms=50, **connection(settings)
    )


def read(value: bytes) -> Alert | None:
    """The alert of a record; None if it is none."""
    try:
        return msgspec.json.decode(value, type=Alert)
    except msgspec.DecodeError:
        return None


def card(alert: Alert) -> Text:
    """An alert for people: what, where and how sure; the text with the suspicious parts marked; the reasons."""
    shown = Text.assemble(
        (f"{alert.detected_at.astimezone(UTC):%H:%M:%S} ", "dim"),
        (f" {alert.decision} ", COLOURS[alert.decision]),
        f" {alert.score:.3f} ",
        (alert.category, "bold"),
        (f" · {plain(alert.language)} · {plain(alert.operator)} · from {plain(alert.sender) or 'nobody'}", "dim"),
        "\n  ",
        marked(alert),
    )
    told = ((plain(reason.detail), reason) for reason in alert.reasons)
    reasons = [f"“{detail}” +{reason.weight:.1f}" if reason.code == "text" else f"{detail} +{reason.weight:.1f}" for detail, reason in told]
    if reasons:
        shown.append("\n  because: " + "; ".join(reasons), "dim")
    return shown


def marked(alert: Alert) -> Text:
    """The text of an alert with the pieces marked that its reasons name."""
    shown = Text(plain(alert.text or "(the text is not shown)"))
    for reason in alert.reasons:
        piece = plain(reason.detail).strip()
        if reason.code == "text" and len(piece) >= LEAST_MARKED:
            begin = shown.plain.find(piece)
            if begin >= 0:
                shown.stylize(MARKED, begin, begin + len(piece))
    return shown


def plain(text: str) -> str:
    """A text that can do a terminal no harm: on one line, without control characters and without what turns its direction."""
    return "".join(char if _harmless(char) else " " if char.isspace() else "" for char in text)


def _harmless(char: str) -> bool:
    return char in _JOINERS or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
