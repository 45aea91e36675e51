"""A message, its alert, and a dead letter, as examples for the documents of `schemas`: made by the code that the worker runs."""

from datetime import UTC, datetime, timedelta, timezone

from models.message import Origin
from stream.errors import WrongShape
from stream.settings import Settings
from stream.wire import (
    Alert,
    AlertReason,
    Event,
    Indicators,
    ModelReference,
    Outgoing,
    Place,
    PolicyReference,
    alert_id,
    encode_alert,
    encode_dead_letter,
    encode_retried,
)

TOPICS = Settings()
"""The settings' defaults: the names of topics and group."""

_SENT = datetime(2026, 3, 14, 19, 42, 10, tzinfo=timezone(timedelta(hours=7)))
_PLACE = Place(TOPICS.message_topic, 3, 4711, 1_773_492_131_000)

MESSAGE = Event(
    id="7f3c9a52",
    operator="th-siam",
    channel="sms",
    text="Your parcel is held at customs. Pay 38 baht today: thaipost-fee.top/p8",
    sender="+85512345678",
    recipient="+66812345678",
    sent_at=_SENT,
    sender_type="msisdn",
    origin=Origin(country="KH", network="456-01", route="international"),
    language="en",
)
ALERT = Alert(
    id=alert_id(_PLACE, MESSAGE.id),
    message_id=MESSAGE.id,
    operator=MESSAGE.operator,
    score=0.9871,
    decision="flag",
    category="parcel",
    reasons=[
        AlertReason("text", "parcel is held at customs", 2.1437),
        AlertReason("link_cheap_domain", "a domain under an ending that costs next to nothing and is much abused", 0.8122),
    ],
    indicators=Indicators(urls=["thaipost-fee.top/p8"], domains=["thaipost-fee.top"], phones=[], handles=[]),
    text=MESSAGE.text,
    language="en",
    model=ModelReference("0.1.0", "9f" * 32),
    policy=PolicyReference("model", 0.8341),
    sender=MESSAGE.sender,
    recipient="p_5e1d0c6a9b2f4873a1c0d9e8f7061524",
    sent_at=_SENT,
    detected_at=datetime(2026, 3, 14, 12, 42, 11, 480_000, tzinfo=UTC),
)


def alert_record() -> Outgoing:
    """The record of the example, as the worker would write it."""
    return encode_alert(ALERT, TOPICS.alert_topic)


def dead_letter_record() -> Outgoing:
    """The record of a message without its required fields."""
    error = WrongShape("required field 'id' is missing")
    value = b'{"text": "hello"}'
    return encode_dead_letter(TOPICS.dead_letter_topic, _PLACE, b"+85512345678", value, None, error, ALERT.detected_at)


def retried_headers() -> list[tuple[str, bytes]]:
    """The headers of the mark that a dead letter was sent again."""
    return encode_retried(Place(TOPICS.dead_letter_topic, 1, 17, _PLACE.timestamp), ALERT.detected_at)
