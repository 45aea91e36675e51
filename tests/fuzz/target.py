"""What is fuzzed: all that a worker does with one record, from its bytes to the bytes of its alert or dead letter.

`judged` raises AssertionError where a promise does not hold, or whatever the code raises; for any bytes it must do neither.
"""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache

import msgspec
import numpy as np

from models.artifact import Model
from models.explain import Explanation, explain
from models.message import Message
from stream import privacy, wire
from stream.judge import Disclosure, Judgement, alerts, judge, verdicts
from stream.model import open_model
from stream.policy import Policy
from stream.wire import Decoder, Event, Limits, Place

KEY = b"0123456789abcdef"
PLACE = Place("scam.messages", 0, 0, 1_767_297_600_000)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
LONGEST_ERROR = 300  # characters
TOLERANCE = 1e-4
RECORD = (
    b'{"id":"m-1","operator":"o","channel":"sms","sender":"+66812345678","recipient":"+66812345679","sent_at":1767297600000,"text":"%s"}'
)
COMPANION = Message(text="Your parcel is held, pay http://a-b.top/x now. เงินด่วน 081-234-5678")


@cache
def model() -> Model:
    """The newest released one."""
    return open_model("")


DECODER = Decoder(Event, Limits())


def any_record(data: bytes) -> None:
    """The bytes are a record's value: it is judged, or it is a dead letter."""
    found = DECODER.decode_all([data])
    for message in found.messages:
        judged(message)
    for error in found.dead.values():
        assert len(str(error)) <= LONGEST_ERROR
        letter = wire.encode_dead_letter("dead", PLACE, None, data, [("a", data[:50])], error, NOW)
        assert letter.value == data[: wire.DEAD_LETTER_BYTES]
        assert wire.error_of(letter.headers) == error.code


ENCODINGS = ("utf-8", "utf-16-le", "utf-32-le", "latin-1")


def any_text(data: bytes) -> None:
    """The bytes are a text, one way or another, half surrogates and all; what is none is no test."""
    try:
        text = data[1:].decode(ENCODINGS[data[0] % 4], "surrogatepass" if data[0] & 4 else "replace")
    except UnicodeDecodeError:
        return
    judged(Message(text=text))


def any_field(data: bytes) -> None:
    """The bytes are put into a sound record, in the place of its text."""
    any_record(RECORD.replace(b"%s", data))


def any_envelope(data: bytes) -> None:
    """The bytes are what a CloudEvent carries."""
    any_record(b'{"specversion":"1.0","id":"1","source":"/s","type":"t","data":' + data + b"}")


WAYS: tuple[Callable[[bytes], None], ...] = (any_record, any_text, any_field, any_envelope)


def any_bytes(data: bytes) -> None:
    """One input of the fuzzer: its first byte says what the others are."""
    if len(data) > 1:
        WAYS[data[0] % len(WAYS)](data[1:])


def judged(message: Message) -> None:
    """A message is scored, decided, explained and told of; each number is one."""
    known, policy = model(), Policy()
    judgement = judge(known, policy, [message])
    probabilities = judgement.scores.probabilities
    assert np.isfinite(probabilities).all()
    assert np.allclose(probabilities.sum(axis=1), 1, atol=TOLERANCE)
    if len(message.text) % 4 == 0:  # dear, and much the same for all
        together = judge(known, policy, [COMPANION, message]).scores.probabilities
        assert np.allclose(together[1], probabilities[0], atol=TOLERANCE), "a message is judged by its company"
    (told,) = explain(known.classifier, [message])
    parts = told.base + told.against + sum(reason.weight for reason in told.reasons)
    assert math.isclose(parts, told.margin, abs_tol=max(1.0, abs(told.margin)) * TOLERANCE)
    shown = privacy.mask(message.text, message.sender, message.recipient)
    assert len(shown) == len(message.text)
    if isinstance(message, Event):
        _alert(judgement, told)
    else:
        (verdict,) = verdicts(judgement, {0: told})
        assert math.isfinite(verdict.score)


def _alert(judgement: Judgement, told: Explanation) -> None:
    """An alert of the message can be written, and read again as it was."""
    (alert,) = alerts(judgement, {0: told}, {0: PLACE}, Disclosure(KEY), NOW)
    record = wire.encode_alert(alert, "alerts", None)
    read = msgspec.json.decode(record.value or b"", type=wire.Alert)
    assert (read.id, read.text, read.reasons) == (alert.id, alert.text, alert.reasons)
    assert alert.recipient == privacy.pseudonym(judgement.messages[0].recipient, KEY)
