"""`scamsieve score`: JSON lines of messages -> one JSON verdict a line, in the same order.

Works block by block: what one read returns is judged and written before the next read. So a slow pipe gets its answers at once,
a fast one gives large batches, and memory stays the same however long the input is. A line that is no message gets an error
in its place.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from models.artifact import Model
from models.message import Message
from stream.errors import Internal, RecordError
from stream.judge import explained, judge, verdicts
from stream.lines import Read, blocks
from stream.policy import Policy
from stream.wire import Decoder, Limits, Verdict


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
        answers = _answers(model, policy, decoder, lines, tally.lines + 1, reasons)
        write(encode(answers))
        tally.lines += len(lines)
        tally.bad += sum(isinstance(answer, BadLine) for answer in answers)
    return tally


def _answers(
    model: Model, policy: Policy, decoder: Decoder[Message], lines: list[bytes], first: int, reasons: int
) -> list[Verdict | BadLine]:
    """The answers to consecutive lines, of which the first has the number `first`."""
    decoded = decoder.decode_all(lines)
    messages, numbers = decoded.messages, [first + number for number in decoded.numbers]
    for message, number in zip(messages, numbers, strict=True):
        if not message.id:
            msgspec.structs.force_setattr(message, "id", str(number))  # a changed copy would take several times as long
    answers = _judged(model, policy, messages, numbers, reasons)
    for number in sorted(decoded.dead):  # in rising order: what stands before each is complete already
        answers.insert(number, _bad_line(decoded.dead[number], first + number))
    return answers


def _judged(model: Model, policy: Policy, messages: list[Message], numbers: list[int], reasons: int) -> list[Verdict | BadLine]:
    """The verdicts of messages; if judging them raises, they are judged one by one, and what raises is a bad line."""
    try:
        judgement = judge(model, policy, messages)
        return list(verdicts(judgement, explained(judgement, judgement.raised, reasons)))
    except Exception as error:  # noqa: BLE001 our own fault, and no reason to keep the others' verdicts back
        if len(messages) == 1:
            return [_bad_line(Internal(f"judging it raised {type(error).__name__}"), numbers[0])]
    alone = (_judged(model, policy, [message], [number], reasons) for message, number in zip(messages, numbers, strict=True))
    return [answer for answers in alone for answer in answers]


def _bad_line(error: RecordError, number: int) -> BadLine:
    return BadLine(Fault(error.code, str(error)), number)
