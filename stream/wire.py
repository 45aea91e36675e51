"""Bytes <-> records: what comes in (a message) and what goes out (an alert, a dead letter), as JSON and CloudEvents 1.0.

A plain record or a CloudEvent in binary mode is decoded straight into its struct. Only what that refuses is looked at again,
slowly: a CloudEvent in structured mode is unwrapped; an optional field that cannot be read is left out and counted; all else
raises a RecordError, whose text never holds anything of the record.
"""

import base64
import hashlib
import re
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, Generic, Literal, TypeVar, cast, get_type_hints

import msgspec

from models.classifier import Category
from models.message import Channel, Message, Short, Timestamp
from stream.errors import (
    BadEnvelope,
    EmptyValue,
    NotJson,
    NotUtf8,
    NullValue,
    RecordError,
    RecordTooLong,
    TextTooLong,
    TooDeep,
    WrongShape,
)

Headers = Sequence[tuple[str, bytes | str | None]]
Decision = Literal["flag", "review", "pass"]

ALERT_TYPE = "org.scamsieve.alerts.v1.scam-detected"
DEAD_LETTER_TYPE = "org.scamsieve.dead-letters.v1.record-rejected"
RETRIED_TYPE = "org.scamsieve.dead-letters.v1.record-retried"
RETRY_OF = "scamsieve.retry-of"
"""Header of a record that was sent again: the dead letter it was, as topic/partition/offset. It stays if that fails once more."""
SOURCE = "/scamsieve"
DEAD_LETTER_BYTES = 900_000  # leaves room for headers below Kafka's default max.message.bytes of 1,048,588

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")  # what an attribute of CloudEvents must not hold; a gateway could make HTTP headers of it
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:scamsieve:alert")


class Event(Message, frozen=True, gc=False, kw_only=True):
    """A message as the stream wants it: a Message that says what it is, who sent it to whom, and when."""

    id: Annotated[Short, msgspec.Meta(min_length=1)]
    operator: Annotated[Short, msgspec.Meta(min_length=1)]
    channel: Channel
    sender: Short
    recipient: Short
    sent_at: Timestamp


class AlertReason(msgspec.Struct, frozen=True):
    """Why: a named signal or a piece of the text, with its share of the log-odds."""

    code: str
    detail: str
    weight: float


class Indicators(msgspec.Struct, frozen=True):
    """What others can look for."""

    urls: list[str]
    domains: list[str]
    phones: list[str]
    handles: list[str]


class ModelReference(msgspec.Struct, frozen=True):
    """The model that judged."""

    version: str
    sha256: str


class PolicyReference(msgspec.Struct, frozen=True):
    """The rule that decided, and the threshold that the score was held against."""

    rule: str
    threshold: float


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One message that was flagged or is to be reviewed."""

    id: str
    message_id: str
    operator: str
    score: Annotated[float, msgspec.Meta(ge=0, le=1)]
    decision: Literal["flag", "review"]
    category: Category
    reasons: list[AlertReason]
    indicators: Indicators
    text: str | None
    language: str
    model: ModelReference
    policy: PolicyReference
    sender: str
    recipient: str
    sent_at: Timestamp
    detected_at: datetime


class Verdict(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What `scamsieve score` says of one line."""

    id: str
    score: float
    label: str
    decision: str
    flagged: bool
    category: str | None
    language: str
    reasons: list[AlertReason]


@dataclass(frozen=True, slots=True)
class Limits:
    """Most bytes of a record and of a message's text."""

    record: int = 64 * 1024
    text: int = 16 * 1024


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record to be produced."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]] = field(default_factory=list)
    partition: int = -1
    """Below 0 the key decides."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record stands, and its timestamp in milliseconds."""

    topic: str
    partition: int
    offset: int
    timestamp: int


Kind = TypeVar("Kind", bound=Message)


@dataclass(frozen=True, slots=True)
class Decoded(Generic[Kind]):
    """The messages of a batch of values, the number of the value of each, and what is wrong with the values that are none."""

    messages: list[Kind]
    numbers: Sequence[int]
    dead: dict[int, RecordError]


class Decoder(Generic[Kind]):
    """Decodes records of one kind: `Event` for the stream, `Message` where only a text is needed."""

    def __init__(self, kind: type[Kind], limits: Limits) -> None:
        self.kind = kind
        self.limits = limits
        self.ignored: dict[str, int] = {}
        """How often an optional field could not be read, by its name."""
        self._fast = msgspec.json.Decoder(kind).decode
        self._types = get_type_hints(kind, include_extras=True)
        self._required = {known.name for known in msgspec.structs.fields(kind) if known.required}

    def decode_all(self, values: Sequence[bytes | None]) -> Decoded[Kind]:
        """The messages of a batch. Nearly all of them are read by one loop in C, which stops at what is unusual."""
        found: list[Kind | None] = []
        dead: dict[int, RecordError] = {}

        def read_alone(number: int, read: Callable[[bytes | None], Kind]) -> Kind | None:
            try:
                return read(values[number])
            except RecordError as error:
                # A copy: with its frames the garbage collector would go through all that led to it, for each of a flood.
                dead[number] = type(error)(*error.args)
                return None

        rest = iter(values)
        while len(found) < len(values):
            try:
                found.extend(map(self._fast, rest))  # type: ignore[arg-type]  # None raises
            except (ValueError, RecursionError, TypeError):  # what was read before it is in `found`
                found.append(read_alone(len(found), self._decode_unusual))
        short = min(self.limits.record, self.limits.text)
        for number, value in enumerate(values):
            if value is not None and len(value) > short and number not in dead:
                found[number] = read_alone(number, self.decode)
        if not dead:
            return Decoded(cast(list[Kind], found), range(len(found)), dead)
        numbers = [number for number in range(len(found)) if number not in dead]
        return Decoded([cast(Kind, found[number]) for number in numbers], numbers, dead)

    def decode(self, value: bytes | None) -> Kind:
        """The message of a record's value. Raises RecordError."""
        try:
            message = self._fast(self._bounded(value))
        except (ValueError, RecursionError):  # msgspec's errors are ValueErrors
            return self._decode_unusual(value)
        return self._with_bounded_text(message)

    def _decode_unusual(self, value: bytes | None) -> Kind:
        """As `decode`, of what the fast way has refused."""
        return self._with_bounded_text(self._decode_slowly(self._bounded(value)))

    def _bounded(self, value: bytes | None) -> bytes:
        if value is None:
            raise NullValue("the record has no value")
        if len(value) > self.limits.record:
            raise RecordTooLong(f"{len(value)} bytes, allowed {self.limits.record}")
        return value

    def _with_bounded_text(self, message: Kind) -> Kind:
        text = message.text
        if len(text) * 4 > self.limits.text and len(text.encode()) > self.limits.text:
            raise TextTooLong(f"{len(text.encode())} bytes of text, allowed {self.limits.text}")
        return message

    def _decode_slowly(self, value: bytes) -> Kind:
        """Unwrap a structured CloudEvent; leave out optional fields that cannot be read; else say what is wrong."""
        fields = _read_json(value)
        if isinstance(fields, dict) and "specversion" in fields and ("data" in fields or "data_base64" in fields):
            fields = _unwrap(fields)
        if not isinstance(fields, dict):
            raise WrongShape("not a JSON object")
        read: dict[str, Any] = {}
        for name, kind in self._types.items():
            if name in fields:
                try:
                    read[name] = msgspec.convert(fields[name], kind)
                except (msgspec.ValidationError, RecursionError):
                    if name in self._required:
                        raise WrongShape(f"required field {name!r} cannot be read") from None
                    self.ignored[name] = self.ignored.get(name, 0) + 1
            elif name in self._required:
                raise WrongShape(f"required field {name!r} is missing")
        return self.kind(**read)


def _read_json(value: bytes) -> Any:
    """Any JSON value, or the RecordError that says why not."""
    if not value.strip():
        raise EmptyValue("the record's value is empty")
    try:
        value.decode("utf-8")
        return msgspec.json.decode(value)
    except UnicodeDecodeError as error:
        raise NotUtf8(f"no UTF-8 from byte {error.start} on") from None
    except RecursionError:
        raise TooDeep("nested too deeply") from None
    except msgspec.DecodeError:
        raise NotJson("no JSON") from None


def _unwrap(envelope: dict[str, Any]) -> Any:
    """The data of a CloudEvent in structured mode. Raises RecordError."""
    if envelope["specversion"] != "1.0" or not all(isinstance(envelope.get(name), str) for name in ("id", "source", "type")):
        raise BadEnvelope("a CloudEvent needs specversion 1.0, id, source and type")
    if "data" in envelope:
        return envelope["data"]
    try:
        return _read_json(base64.b64decode(envelope["data_base64"], validate=True))
    except (ValueError, TypeError):
        raise BadEnvelope("data_base64 is no base64") from None


def alert_id(place: Place, message_id: str) -> str:
    """The same for every copy of an alert of one record: UUIDv5 of where the record stands and of the message's id.

    As `uuid.uuid5`, in a third of its time, which was half of what encoding a dead letter took.
    """
    name = f"{place.topic}\0{place.partition}\0{place.offset}\0{place.timestamp}\0{message_id}"
    digest = bytearray(hashlib.sha1(NAMESPACE.bytes + name.encode(), usedforsecurity=False).digest()[:16])
    digest[6], digest[8] = digest[6] & 0x0F | 0x50, digest[8] & 0x3F | 0x80  # version and variant (RFC 9562)
    told = digest.hex()
    return f"{told[:8]}-{told[8:12]}-{told[12:16]}-{told[16:20]}-{told[20:]}"


_encoder = msgspec.json.Encoder()


def encode_alert(alert: Alert, topic: str, trace: bytes | None = None) -> Outgoing:
    """The record of an alert: keyed by operator, CloudEvents 1.0 binary mode; `trace` is a W3C traceparent to pass on."""
    headers = [
        ("ce_id", alert.id.encode()),
        *_event_headers(ALERT_TYPE, alert.detected_at, alert.message_id),
        ("content-type", b"application/json"),
    ]
    if trace:
        headers.append(("traceparent", trace))
    return Outgoing(topic, alert.operator.encode(), _encoder.encode(alert), headers)


def encode_dead_letter(
    topic: str, place: Place, key: bytes | None, value: bytes | None, headers: Headers | None, error: RecordError, now: datetime
) -> Outgoing:
    """The record of a dead letter: the original bytes, its own headers, and headers that say why (KIP-1034).

    A value of more than DEAD_LETTER_BYTES is cut; its full length and SHA-256 stand in headers.
    """
    kept = own_headers(headers)
    whole = value or b""
    size = len(whole) + len(key or b"") + sum(len(name) + len(told) for name, told in kept)
    added: list[tuple[str, bytes]] = []
    if size > DEAD_LETTER_BYTES:
        added = [("scamsieve.length", b"%d" % len(whole)), ("scamsieve.sha256", hashlib.sha256(whole).hexdigest().encode())]
        key, kept, value = None, [], whole[:DEAD_LETTER_BYTES]
    added += [("__streams.errors.partition", b"%d" % place.partition), ("__streams.errors.offset", b"%d" % place.offset)]
    identity = ("ce_id", alert_id(place, "").encode())
    return Outgoing(topic, key, value, [*kept, *added, identity, *_why(_name(error), error.code, str(error), place.topic, now)])


@lru_cache(maxsize=256)
def _why(name: str, code: str, message: str, topic: str, now: datetime) -> tuple[tuple[str, bytes], ...]:
    """The headers of a dead letter that are those of many: a flood of them is of one kind."""
    return (
        ("__streams.errors.exception", name.encode()),
        ("__streams.errors.message", message.encode()),
        ("__streams.errors.stacktrace", b""),
        ("__streams.errors.topic", topic.encode()),
        ("scamsieve.code", code.encode()),
        *_event_headers(DEAD_LETTER_TYPE, now, code),
    )


def _name(error: RecordError) -> str:
    """The full name of an error's class."""
    return f"{type(error).__module__}.{type(error).__name__}"


def own_headers(headers: Headers | None) -> list[tuple[str, bytes]]:
    """The headers of a record that are its sender's own; and RETRY_OF."""
    ours = ("ce_", "__streams.errors.", "scamsieve.")
    return [(name, _bytes(told)) for name, told in headers or () if name == RETRY_OF or not name.startswith(ours)]


def encode_retry(place: Place, headers: Headers | None) -> list[tuple[str, bytes]]:
    """The headers of a dead letter's record when it is sent again; `place` is the letter's."""
    kept = [(name, told) for name, told in own_headers(headers) if name != RETRY_OF]
    return [*kept, (RETRY_OF, retry_of(place).encode())]


def encode_retried(place: Place, now: datetime) -> list[tuple[str, bytes]]:
    """The headers of the mark that a dead letter was sent again: a record without a value, behind it in its own partition."""
    identity = ("ce_id", alert_id(place, "").encode())
    return [(RETRY_OF, retry_of(place).encode()), identity, *_event_headers(RETRIED_TYPE, now, retry_of(place))]


def retry_of(place: Place) -> str:
    """A place in words, as RETRY_OF tells it."""
    return f"{place.topic}/{place.partition}/{place.offset}"


def error_of(headers: Headers | None) -> str:
    """The error code that a dead letter's headers carry; the empty string if none."""
    return next((_bytes(told).decode() for name, told in headers or () if name == "scamsieve.code"), "")


def _event_headers(kind: str, time: datetime, subject: str) -> Iterable[tuple[str, bytes]]:
    """CloudEvents attributes as Kafka headers, but for the id."""
    return (
        ("ce_specversion", b"1.0"),
        ("ce_source", SOURCE.encode()),
        ("ce_type", kind.encode()),
        ("ce_time", time.astimezone(UTC).isoformat().encode()),
        ("ce_subject", _CONTROL.sub("\ufffd", subject).encode()),
    )


def _bytes(told: bytes | str | None) -> bytes:
    return told.encode() if isinstance(told, str) else told or b""
