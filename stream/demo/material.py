"""What the demo sends: messages in ten languages, of which it is known what they are, and records that are none."""

import gzip
import random
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import islice

import msgspec

from stream.feed import Labelled, Tally, event

SEED = 7  # of the order: the same in every run


class Known(Labelled, frozen=True, gc=False, kw_only=True):
    """A line of the demo's files: a message, and what it is."""

    label: str
    lang: str
    kind: str


@dataclass(frozen=True, slots=True)
class Sample:
    """A record to send. What is known of it: language and label of a message, or the code that a dead letter must get."""

    identity: str
    value: bytes | None
    key: bytes
    language: str = ""
    label: str = ""
    code: str = ""


def messages() -> list[Known]:
    """All messages of the demo, language by language."""
    decoder = msgspec.json.Decoder(Known)
    folder = files("stream.demo")
    names = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".jsonl"))
    return [decoder.decode(line) for name in names for line in folder.joinpath(name).read_bytes().split(b"\n") if line]


def samples(count: int = 0) -> list[Sample]:
    """So many messages (0: each once), mixed, with the malformed records among them.

    When there are more than the files hold, messages come again under other ids.
    """
    chance = random.Random(SEED)  # noqa: S311 an order, no secret
    rows = messages()
    chance.shuffle(rows)
    rounds = (sample(row, number) for number in range(-(-count // len(rows)) or 1) for row in rows)
    mixed = list(islice(rounds, count or len(rows)))
    for bad in malformed():
        mixed.insert(chance.randrange(len(mixed) + 1), bad)
    return mixed


def sample(row: Known, number: int) -> Sample:
    """A message to send; `number` tells how often it was sent before."""
    told = event(row, row.id, Tally())
    if number:
        told = msgspec.structs.replace(told, id=f"{row.id}-{number + 1}")
    return Sample(told.id, msgspec.json.encode(told), told.sender.encode(), row.lang, row.label)


def malformed() -> list[Sample]:
    """Records that are no messages, each with the code that its dead letter must carry."""
    good: dict[str, object] = {"id": "x", "operator": "o", "channel": "sms", "text": "hi", "sender": "", "recipient": "", "sent_at": 0}
    whole = msgspec.json.encode(good)

    def changed(**fields: object) -> bytes:
        return msgspec.json.encode(good | fields)

    def without(name: str) -> bytes:
        return msgspec.json.encode({known: value for known, value in good.items() if known != name})

    envelope = {"specversion": "1.0", "id": "1", "source": "/demo", "type": "message"}
    told: Sequence[tuple[str, bytes | None]] = (
        ("null_value", None),
        ("empty_value", b""),
        ("empty_value", b" \r\n\t"),
        ("not_json", b"You have won! Call now."),
        ("not_json", whole[:40]),
        ("not_json", whole + whole),
        ("not_json", whole.replace(b'"', b"'")),
        ("not_json", whole[:-1] + b",}"),
        ("not_json", whole[:-1] + "\u2028}".encode()),  # a line separator is no white space of JSON
        ("not_json", changed(text="a b").replace(b"a b", b"a\x01b")),
        ("not_json", changed(text="a b").replace(b"a b", b"\\ud83d")),  # half of an emoji
        ("not_json", b"\xef\xbb\xbf" + whole),
        ("not_json", b'{"id": NaN}'),
        ("not_json", b"id,text\n1,hello\n"),
        ("not_json", b"<message><text>hello</text></message>"),
        ("not_json", bytes(16)),
        ("not_utf8", changed(text="cafe").replace(b"cafe", "café".encode("latin-1"))),
        ("not_utf8", changed(text="ab").replace(b"ab", b"\xc0\xaf")),  # an overlong slash
        ("not_utf8", changed(text="ab").replace(b"ab", "สวัสดี".encode("cp874"))),
        ("not_utf8", whole.decode().encode("utf-16")),
        ("not_utf8", gzip.compress(whole)),
        ("too_deep", b"[" * 60_000),
        ("too_deep", b'{"text":' * 7_000),
        ("too_deep", whole[:-1] + b',"more":' + b"[" * 30_000 + b"]" * 30_000 + b"}"),
        ("wrong_shape", b"true"),
        ("wrong_shape", b"[" + whole + b"]"),
        ("wrong_shape", b'"only a text"'),
        ("wrong_shape", b"{}"),
        ("wrong_shape", changed(text=5)),
        ("wrong_shape", changed(text=None)),
        ("wrong_shape", changed(text={"body": "hi"})),
        ("wrong_shape", changed(id="")),
        ("wrong_shape", changed(id="x" * 300)),
        ("wrong_shape", changed(channel="fax")),
        ("wrong_shape", changed(sent_at="yesterday")),
        ("wrong_shape", changed(sent_at=-1)),
        ("wrong_shape", without("operator")),
        ("wrong_shape", without("recipient")),
        ("text_too_long", changed(text="win " * 5_000)),
        ("text_too_long", changed(text="奖" * 6_000)),
        ("record_too_long", changed(more="x" * 70_000)),
        ("bad_envelope", msgspec.json.encode({**envelope, "specversion": "0.3", "data": good})),
        ("bad_envelope", msgspec.json.encode({**envelope, "data_base64": "?"})),
    )
    return [Sample(f"malformed-{n:02}", value, f"malformed-{n:02}".encode(), code=code) for n, (code, value) in enumerate(told, 1)]
