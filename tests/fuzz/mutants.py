"""Records that are nearly good, out of good ones: bytes and JSON changed at random, the same for the same seed."""

import json
import random
from collections.abc import Callable, Iterator
from typing import Any

from stream.demo import material

HOSTILE: tuple[Any, ...] = (
    None,
    True,
    "",
    " ",
    -1,
    2**63,
    10**400,
    1e308,
    [],
    {},
    [[]],
    "\u0000",
    "\ud800",
    "\u202e\u2066\ufeff",
    "x" * 20_000,
    "e\u0301" * 3000,
    "a" + "\u0301" * 4000,
    "\ufdfa" * 2000,
    "1." * 6000,
    "a.b" * 4000,
    "http://" * 2000,
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    "\r\nX-Evil: 1",
    "%n%s%x",
    "${jndi:ldap://x}",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:60+14:00",
    "nan",
)


def records(count: int, seed: int) -> Iterator[bytes | None]:
    """So many records; some one in eight are left as they are."""
    chance = random.Random(seed)
    good = [sample.value for sample in material.samples() if sample.label]
    for _ in range(count):
        value: bytes | None = chance.choice(good)
        for _ in range(chance.choice((0, 1, 1, 1, 1, 2, 2, 4))):
            if value is not None:
                value = chance.choice(MUTATIONS)(value, chance)
        yield value


def _flipped(value: bytes, chance: random.Random) -> bytes:
    found = bytearray(value)
    for _ in range(chance.randint(1, 4)):
        if found:
            found[chance.randrange(len(found))] = chance.randrange(256)
    return bytes(found)


def _cut(value: bytes, chance: random.Random) -> bytes:
    return value[: chance.randint(0, len(value))]


def _repeated(value: bytes, chance: random.Random) -> bytes:
    """A piece of it, many times."""
    begin = chance.randint(0, len(value))
    piece = value[begin : begin + chance.randint(1, 12)]
    return value[:begin] + piece * chance.choice((2, 50, 2000)) + value[begin:]


def _inserted(value: bytes, chance: random.Random) -> bytes:
    place = chance.randint(0, len(value))
    return (
        value[:place]
        + chance.choice((b"\x00", b"\xff", b"\xed\xa0\x80", b"\\ud800", b"{", b'"', b"[" * 3000, b"\xe2\x80\xa8"))
        + value[place:]
    )


def _changed(value: bytes, chance: random.Random) -> bytes:
    """Another value in a field, of whatever type."""
    return _with_fields(value, lambda fields: fields.update({chance.choice(list(fields) or ["id"]): chance.choice(HOSTILE)}))


def _spoken(value: bytes, chance: random.Random) -> bytes:
    """A text with something hostile in it."""

    def change(fields: dict[str, Any]) -> None:
        text = str(fields.get("text", ""))
        place = chance.randint(0, len(text))
        fields["text"] = text[:place] + str(chance.choice(HOSTILE)) + text[place:]

    return _with_fields(value, change)


def _dropped(value: bytes, chance: random.Random) -> bytes:
    return _with_fields(value, lambda fields: fields.pop(chance.choice(list(fields) or [""]), None))


def _wrapped(value: bytes, chance: random.Random) -> bytes:
    head = chance.choice((b'{"specversion":"1.0","id":"1","source":"s","type":"t","data":', b'{"specversion":"0.3","data":', b'{"a":'))
    return head + value + b"}"


def _with_fields(value: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    try:
        fields = json.loads(value)
    except (ValueError, RecursionError):
        return value
    if not isinstance(fields, dict):
        return value
    change(fields)
    return json.dumps(fields, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _nothing(_value: bytes, chance: random.Random) -> bytes | None:
    return chance.choice((None, b"", b" ", b"null", b"[]", b"{}"))


MUTATIONS: tuple[Callable[[bytes, random.Random], bytes | None], ...] = (
    _flipped,
    _cut,
    _repeated,
    _inserted,
    _changed,
    *[_spoken] * 6,  # what is still a message goes further
    _dropped,
    _wrapped,
    _nothing,
)
