"""The dead-letter topic as it is read: letters, and the marks of those that were sent again.

A mark stands behind its letter in the same partition, so whoever reads a partition to its end knows what was sent again. Nothing
here keeps a letter's bytes: they are personal data, and may be many.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from confluent_kafka import Consumer
from rich.table import Table
from rich.text import Text

from stream import clients
from stream.clients import Record
from stream.errors import ScamSieveError
from stream.operations import reading
from stream.operations.reading import Bound, Range
from stream.tail import plain
from stream.wire import RETRY_OF, Headers

BATCH = 500  # records: each may have 900,000 bytes
JOINERS = "\u200c\u200d"  # parts of letters in many scripts
ROW = 16  # bytes of a line of a hex dump
OURS = ("ce_", "__streams.errors.", "scamsieve.")


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter without its bytes."""

    partition: int
    offset: int
    time: int
    """Of the letter's record, in milliseconds since the epoch."""
    code: str
    topic: str
    """Where the record stood that could not be read: its topic and partition, its offset."""
    source: int
    source_offset: int
    size: int
    """Bytes of the whole value."""
    cut: bool
    retry_of: str
    """The letter that it was before, if it was sent again and failed again."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which letters are meant: of these codes, from these partitions of the message topic (none: all), written before this."""

    codes: frozenset[str] = frozenset()
    partitions: frozenset[int] = frozenset()
    until: Bound = field(default_factory=Bound)

    def takes(self, letter: Letter) -> bool:
        """Whether a letter is meant."""
        return (
            (not self.codes or letter.code in self.codes)
            and (not self.partitions or letter.source in self.partitions)
            and (self.until.offset is None or letter.offset < self.until.offset)
            and (self.until.time is None or letter.time < self.until.time)
        )


@dataclass(slots=True)
class Survey:
    """What was found on the dead-letter topic."""

    letters: list[Letter] = field(default_factory=list)
    """Those that are meant, in the order of each partition."""
    retried: set[tuple[int, int]] = field(default_factory=set)
    """Partition and offset of each letter that has a mark."""
    foreign: int = 0
    """Records that are neither."""


def survey(consumer: Consumer, topic: str, within: Sequence[Range], choice: Choice) -> Survey:
    """Look at all letters and marks of the ranges. These must reach to the end, or marks are missed."""
    found = Survey()
    for batch in reading.batches(consumer, topic, within, BATCH, {}):
        for record in batch.records:
            headers = text(clients.headers(record))
            if "scamsieve.code" in headers:
                letter = read(record, headers)
                if choice.takes(letter):
                    found.letters.append(letter)
            elif mark := marked(topic, record, headers):
                found.retried.add(mark)
            else:
                found.foreign += 1
    return found


def read(record: Record, headers: dict[str, str]) -> Letter:
    """The letter of a record with a code."""
    return Letter(
        partition=record.partition(),
        offset=record.offset(),
        time=record.timestamp()[1],
        code=headers["scamsieve.code"],
        topic=headers.get("__streams.errors.topic", ""),
        source=_number(headers.get("__streams.errors.partition")),
        source_offset=_number(headers.get("__streams.errors.offset")),
        size=_number(headers.get("scamsieve.length", str(len(record.value() or b"")))),
        cut="scamsieve.length" in headers,
        retry_of=headers.get(RETRY_OF, ""),
    )


def marked(topic: str, record: Record, headers: dict[str, str]) -> tuple[int, int] | None:
    """Partition and offset of the letter that a mark is about; None if the record is no mark."""
    place = re.fullmatch(rf"{re.escape(topic)}/{record.partition()}/([0-9]+)", headers.get(RETRY_OF, ""))
    return (record.partition(), int(place[1])) if place and record.value() is None else None


def text(headers: Headers) -> dict[str, str]:
    """Headers as text; the last one of a name counts."""
    return {name: (told.decode("utf-8", "replace") if isinstance(told, bytes) else told or "") for name, told in headers}


def counts(found: Survey) -> Table:
    """How many letters by code and by where they came from, how many of them were sent again, when the first and last were written."""
    groups: dict[tuple[str, str, int], list[Letter]] = {}
    for letter in found.letters:
        groups.setdefault((letter.code, letter.topic, letter.source), []).append(letter)
    again = Counter((one.code, one.topic, one.source) for one in found.letters if (one.partition, one.offset) in found.retried)
    shown = Table("code", "from topic", "partition", "letters", "sent again", "first", "last")
    for key, letters in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0])):
        times = [letter.time for letter in letters]
        row = (len(letters), again[key], moment(min(times)), moment(max(times)))
        shown.add_row(*(Text(plain(str(cell))) for cell in (*key, *row)))
    return shown


def each(found: Survey) -> Table:
    """One row a letter."""
    shown = Table("letter", "written", "code", "from", "bytes", "state")
    for letter in found.letters:
        source = f"{letter.topic} {letter.source}:{letter.source_offset}"
        place = f"{letter.partition}:{letter.offset}"
        row = (place, moment(letter.time), letter.code, source, f"{letter.size:,}", state(letter, found.retried))
        shown.add_row(*(Text(plain(cell)) for cell in row))
    return shown


def state(letter: Letter, retried: set[tuple[int, int]]) -> str:
    """What became of a letter, in a word or two."""
    if (letter.partition, letter.offset) in retried:
        return "sent again"
    return "cut" if letter.cut else "failed again" if letter.retry_of else "waiting"


def one(consumer: Consumer, topic: str, partition: int, offset: int) -> Record:
    """The record at a place. Raises ScamSieveError if there is none."""
    within = reading.ranges(consumer, topic, [partition], Bound(offset=offset), Bound(offset=offset + 1))
    for batch in reading.batches(consumer, topic, within, 1, {}):
        for record in batch.records:
            if record.offset() == offset:
                return record
    raise ScamSieveError(f"no record at {partition}:{offset} of {topic}: `scamsieve dead-letters list --each` shows which there are")


def described(record: Record, whole: bool) -> Iterable[tuple[str, str]]:
    """A letter in names and values. What its sender wrote (key, own headers) is shown only as a whole; the value never."""
    headers, value = text(clients.headers(record)), record.value() or b""
    yield "letter", f"{record.partition()}:{record.offset()}, written {moment(record.timestamp()[1])}"
    yield "bytes", f"{len(value):,} of {int(headers['scamsieve.length']):,}" if "scamsieve.length" in headers else f"{len(value):,}"
    yield "SHA-256", headers.get("scamsieve.sha256") or hashlib.sha256(value).hexdigest()
    yield "key", escaped(record.key() or b"") if whole else f"{len(record.key() or b'')} bytes"
    for name, told in headers.items():
        shown = whole or name.startswith(OURS)
        yield f"header {plain(name)}", escaped(told.encode()) if shown else f"{len(told.encode())} bytes"


def escaped(value: bytes) -> str:
    """Bytes as text that can do a terminal no harm: what is no UTF-8, or no harmless character, is shown by its number."""
    return "".join(char if _harmless(char) else _number_of(char) for char in value.decode("utf-8", "backslashreplace"))


def _harmless(char: str) -> bool:
    """A character that is seen as what it is: also a joiner between letters, but no space of another kind and nothing unassigned."""
    return char == " " or (plain(char) == char and not char.isspace() and (char.isprintable() or char in JOINERS))


def dumped(value: bytes) -> str:
    """Bytes in hexadecimal, 16 a line, with the place of the first and what of them is printable ASCII."""
    lines = []
    for begin in range(0, len(value), ROW):
        row = value[begin : begin + ROW]
        lines.append(f"{begin:08x}  {row.hex(' '):<{ROW * 3 - 1}}  {''.join(chr(b) if 32 <= b < 127 else '.' for b in row)}")
    return "\n".join(lines)


def moment(milliseconds: int) -> str:
    """A time for people, in UTC."""
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M:%S}"


def _number_of(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"


def _number(told: str | None) -> int:
    return int(told) if told and told.isdecimal() else -1
