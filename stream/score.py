"""`scamsieve score`: JSON lines of messages -> one JSON verdict a line, in the same order.

Works block by block: what one read returns is judged and written before the next read. So a slow pipe gets its answers at once,
a fast one gives large batches, and memory stays the same however long the input is. A line that is no message gets an error
in its place.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec

from models.artifact import Model
from models.message import Message
from stream.errors import Internal, RecordError
from stream.judge import explained, judge, verdicts
from stream.lines import Read, blocks
from stream.policy import Policy
from stream.wire import Decoded, Decoder, Kind, Limits, Verdict


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with a line; `code` is one of the codes of dead letters."""

    code: str
    detail: str


class BadLine(msgspec.Struct, frozen=True):
    """What stands in the place of the verdict of a line that is no message."""

    error: Fault
    line: int


@dataclass(slots=True)
class Tally:
    """What came of the lines."""

    lines: int = 0
    bad: int = 0
    ignored: dict[str, int] = field(default_factory=dict)
    """Optional fields that could not be read, by name."""


def score(model: Model, policy: Policy, read: Read, write: Callable[[bytes], object], reasons: int = 5) -> Tally:
    """Judge all that `read` gives; the answers to a block are written in one piece."""
    decoder = Decoder(Message, Limits())
    tally = Tally(ignored=decoder.ignored)
    encode = msgspec.json.Encoder().encode_lines
    for lines in blocks(read, decoder.limits.record):
        first = tally.lines + 1
        found: list[Verdict | RecordError | BadLine] = [*answers(model, policy, _numbered(decoder.decode_all(lines), first), reasons)]
        bad = {i: _bad_line(answer, first + i) for i, answer in enumerate(found) if isinstance(answer, RecordError)}
        for i, line in bad.items():
            found[i] = line
        write(encode(found))
        tally.lines += len(lines)
        tally.bad += len(bad)
    return tally


def answers(model: Model, policy: Policy, decoded: Decoded[Kind], reasons: int) -> list[Verdict | RecordError]:
    """The answer to each of the values that were decoded, in their order: its verdict, or why there is none."""
    found = _judged(model, policy, decoded.messages, reasons)
    for number in sorted(decoded.dead):  # in rising order: what stands before each is complete already
        found.insert(number, decoded.dead[number])
    return found


def _numbered(decoded: Decoded[Message], first: int) -> Decoded[Message]:
    """The messages of consecutive lines, of which the first has the number `first`; those without an id get their line's number."""
    for message, number in zip(decoded.messages, decoded.numbers, strict=True):
        if not message.id:
            msgspec.structs.force_setattr(message, "id", str(first + number))  # a changed copy would take several times as long
    return decoded


def _judged(model: Model, policy: Policy, messages: Sequence[Message], reasons: int) -> list[Verdict | RecordError]:
    """The verdicts of messages; if judging them raises, they are judged one by one, and what raises has none."""
    try:
        judgement = judge(model, policy, messages)
        return list(verdicts(judgement, explained(judgement, judgement.raised, reasons)))
    except Exception as error:  # noqa: BLE001 our own fault, and no reason to keep the others' verdicts back
        if len(messages) == 1:
            return [Internal(f"judging it raised {type(error).__name__}")]
    return [answer for message in messages for answer in _judged(model, policy, [message], reasons)]


def _bad_line(error: RecordError, number: int) -> BadLine:
    return BadLine(Fault(error.code, str(error)), number)
