"""`scamsieve feed`: any labelled JSON lines -> messages of the stream.

What a message of the stream must have and the file lacks gets a fixed neutral value; what cannot be read is left out and
counted. Labels and where a text comes from (`label`, `category`, `kind`, `source...`) are never sent: only a message's own
fields are.
"""

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
from kafka import KafkaAdminClient, KafkaProducer
from kafka.errors import KafkaError

from models.message import Channel, Message
from stream.connect import connection, plain_errors
from stream.errors import BrokerUnavailable, RecordError, SettingsError, TopicError
from stream.lines import blocks, reader
from stream.settings import Settings
from stream.wire import Decoder, Event, Limits

NEUTRAL_OPERATOR = "unknown"
NEUTRAL_CHANNEL: Channel = "sms"
REQUIRED = ("id", "operator", "channel", "sender", "recipient", "sent_at")  # beside the text
ENDINGS = (".jsonl", ".jsonl.gz")
HEADING = b'{"about"'  # of a first line that says where a file's messages come from
STEADY_SECONDS = 0.002  # shorter waits than this are not worth a sleep

Item = TypeVar("Item")


class Labelled(Message, frozen=True, gc=False, kw_only=True):
    """A line of a labelled file: a message, and the language as such files name it."""

    lang: Annotated[str, msgspec.Meta(max_length=35)] | None = None


@dataclass(slots=True)
class Tally:
    """What came of a file's lines."""

    read: int = 0
    bytes: int = 0
    """Of the lines read, unpacked."""
    neutral: Counter[str] = field(default_factory=Counter)
    """How often a required field got its neutral value, by name."""
    unreadable: Counter[str] = field(default_factory=Counter)
    """How often a field could not be read and was left out, by name."""
    refused: Counter[str] = field(default_factory=Counter)
    """Lines that are no message, by error code."""


def files(paths: Iterable[Path]) -> list[Path]:
    """The files that are meant: a folder stands for all in it that end in .jsonl or .jsonl.gz, by name. Raises SettingsError."""
    found: list[Path] = []
    for path in paths:
        within = sorted(file for file in path.rglob("*") if file.name.endswith(ENDINGS)) if path.is_dir() else [path]
        if not within:
            raise SettingsError(f"{path} holds no {' or '.join(ENDINGS)} file")
        found += within
    return found


def events(paths: Iterable[Path], tally: Tally) -> Iterator[Event]:
    """The messages of files, one file after the other. Raises OSError, ScamSieveError."""
    for path in paths:
        yield from _events(path, tally)


def _events(path: Path, tally: Tally) -> Iterator[Event]:
    decoder = Decoder(Labelled, Limits())
    stem = path.name.removesuffix(".gz").removesuffix(".jsonl")
    before = tally.read
    with path.open("rb") as file:
        for lines in blocks(reader(file), decoder.limits.record):
            for line in lines:
                tally.read += 1
                tally.bytes += len(line) + 1
                if tally.read - before == 1 and line.startswith(HEADING):
                    continue
                try:
                    yield event(decoder.decode(line), f"{stem}-{tally.read - before}", tally)
                except RecordError as error:
                    tally.refused[error.code] += 1
            tally.unreadable.update(decoder.ignored)
            decoder.ignored.clear()


def event(row: Labelled, identity: str, tally: Tally) -> Event:
    """A line as a message of the stream; `identity` is its id if it has none."""
    tally.neutral.update(name for name in REQUIRED if not getattr(row, name))
    return Event(
        text=row.text,
        id=row.id or identity,
        operator=row.operator or NEUTRAL_OPERATOR,
        channel=row.channel or NEUTRAL_CHANNEL,
        sender=row.sender,
        recipient=row.recipient,
        sent_at=row.sent_at,
        sender_type=row.sender_type,
        origin=row.origin,
        conversation=row.conversation,
        language=row.language or row.lang,
    )


def paced(items: Iterable[Item], rate: float) -> Iterator[Item]:
    """The items, evenly so many a second; as fast as they come if the rate is 0."""
    begin = time.monotonic()
    for number, item in enumerate(items):
        wait = begin + number / rate - time.monotonic() if rate else 0.0
        if wait > STEADY_SECONDS:
            time.sleep(wait)
        yield item


def write(messages: Iterable[Event], path: Path) -> int:
    """Write what would be sent, one JSON a line; returns how many. Raises OSError."""
    encode = msgspec.json.Encoder().encode
    sent = 0
    with path.open("wb") as file:
        for message in messages:
            file.write(encode(message) + b"\n")
            sent += 1
    return sent


def send(messages: Iterable[Event], settings: Settings, linger_seconds: float = 0.02) -> int:
    """Send messages, keyed by sender, and wait until the broker has them all; returns how many.

    Raises BrokerUnavailable, TopicError.
    """
    encode = msgspec.json.Encoder().encode
    with plain_errors(settings):
        _check_topic(settings)
        failures: list[KafkaError] = []
        sent = 0
        with closing(producer(settings, linger_seconds)) as client:
            for message in messages:
                client.send(settings.message_topic, encode(message), message.sender.encode() or None).add_errback(failures.append)
                sent += 1
                if failures:
                    break
            client.flush()
    if failures:
        raise BrokerUnavailable(f"{len(failures)} messages were not taken by {settings.brokers}; the first: {failures[0]}")
    return sent


def producer(settings: Settings, linger_seconds: float = 0.02) -> KafkaProducer:
    """A producer for command-line tools: waits for all replicas, retries, sends no copies."""
    return KafkaProducer(linger_ms=int(linger_seconds * 1000), batch_size=262_144, max_block_ms=15_000, **connection(settings))


def _check_topic(settings: Settings) -> None:
    """Raise TopicError if the message topic is missing: the producer would only wait for it."""
    with closing(KafkaAdminClient(**connection(settings))) as admin:
        if settings.message_topic not in admin.list_topics():
            raise TopicError(f"topic {settings.message_topic} is missing at {settings.brokers}: run `scamsieve topics create`")
