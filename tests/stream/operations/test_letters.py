"""Letters are told apart from marks and others; what is shown of them does a terminal no harm and no person either."""

from datetime import UTC, datetime
from typing import Any

import pytest
from confluent_kafka import Message as KafkaMessage
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from stream import clients
from stream.errors import NotJson, RecordError, WrongShape
from stream.operations import letters
from stream.operations.letters import Choice, Letter, Survey, described, dumped, escaped, marked, read, state, text
from stream.operations.reading import Bound
from stream.wire import RETRY_OF, Place, encode_dead_letter, encode_retried, encode_retry

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PERSONAL = "+66812345678"


def record(value: bytes | None, headers: Any, partition: int = 2, offset: int = 5, key: bytes | None = None) -> Any:
    return KafkaMessage("dead", partition, offset, key, value, headers, None, (1, 1_767_225_600_000), 0.0, 0)


def dead(error: RecordError, value: bytes = b"bad", headers: list[tuple[str, bytes]] | None = None) -> Any:
    out = encode_dead_letter("dead", Place("scam.messages", 7, 42, 1000), PERSONAL.encode(), value, headers, error, NOW)
    return record(out.value, out.headers, key=out.key)


def letter(**changes: Any) -> Letter:
    told = {"partition": 2, "offset": 5, "time": 1000, "code": "not_json", "topic": "scam.messages", "source": 7, "source_offset": 42}
    return Letter(**{**told, "size": 3, "cut": False, "retry_of": "", **changes})


def test_a_dead_letter_of_the_worker_is_read_back() -> None:
    one = dead(NotJson("no JSON"))
    assert read(one, text(clients.headers(one))) == letter(time=1_767_225_600_000)


def test_one_that_was_cut_tells_its_whole_size() -> None:
    one = dead(NotJson("no JSON"), b"x" * 2_000_000)
    found = read(one, text(clients.headers(one)))
    assert (found.size, found.cut) == (2_000_000, True)


def test_a_letter_that_failed_again_remembers_what_it_was() -> None:
    """The header stays through the worker; everything else of ours is made anew."""
    again = encode_retry(Place("dead", 2, 5, 0), dead(NotJson("no JSON"), headers=[("own", b"1")]).headers())
    assert again == [("own", b"1"), (RETRY_OF, b"dead/2/5")]
    one = dead(WrongShape("no"), headers=again)
    assert read(one, text(clients.headers(one))).retry_of == "dead/2/5"


def test_a_mark_counts_only_in_the_partition_of_its_letter() -> None:
    headers = encode_retried(Place("dead", 2, 4, 0), NOW)
    assert marked("dead", record(None, headers), text(headers)) == (2, 4)
    assert marked("dead", record(None, headers, partition=3), text(headers)) is None
    assert marked("other", record(None, headers), text(headers)) is None
    assert marked("dead", record(b"a message may claim it", headers), text(headers)) is None
    assert marked("dead", record(None, []), {}) is None


@pytest.mark.parametrize(
    ("choice", "taken"),
    [
        (Choice(), True),
        (Choice(codes=frozenset({"not_json", "internal"})), True),
        (Choice(codes=frozenset({"internal"})), False),
        (Choice(partitions=frozenset({7})), True),
        (Choice(partitions=frozenset({2})), False),
        (Choice(until=Bound(offset=5)), False),
        (Choice(until=Bound(time=1001)), True),
        (Choice(until=Bound(time=1000)), False),
    ],
)
def test_letters_are_chosen_by_code_source_and_time(choice: Choice, taken: bool) -> None:
    assert choice.takes(letter()) is taken


def test_what_became_of_a_letter() -> None:
    assert state(letter(), {(2, 5)}) == "sent again"
    assert state(letter(), {(2, 4)}) == "waiting"
    assert state(letter(cut=True), set()) == "cut"
    assert state(letter(retry_of="dead/2/1"), set()) == "failed again"


def test_counts_by_code_and_place() -> None:
    found = Survey([letter(), letter(offset=6, time=61_000), letter(offset=7, code="internal")], {(2, 6)})
    console = Console(width=160)
    with console.capture() as shown:
        console.print(letters.counts(found))
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in shown.get().split("\n") if line.startswith("│")]
    assert rows == [
        ["not_json", "scam.messages", "7", "2", "1", "1970-01-01 00:00:01", "1970-01-01 00:01:01"],
        ["internal", "scam.messages", "7", "1", "0", "1970-01-01 00:00:01", "1970-01-01 00:00:01"],
    ]


def test_what_the_sender_wrote_is_shown_only_as_a_whole() -> None:
    one = dead(NotJson("no JSON"), f"call {PERSONAL}".encode(), [("from", PERSONAL.encode())])
    careful, whole = dict(described(one, whole=False)), dict(described(one, whole=True))
    assert not any(PERSONAL in told for told in careful.values())
    assert careful["header scamsieve.code"] == "not_json"
    assert careful["header from"] == careful["key"] == f"{len(PERSONAL)} bytes"
    assert whole["header from"] == whole["key"] == PERSONAL
    assert len(careful["SHA-256"]) == 64


@given(st.binary(max_size=200))
def test_shown_bytes_do_a_terminal_no_harm(value: bytes) -> None:
    for shown in (escaped(value), dumped(value).replace("\n", "")):
        assert shown.isprintable() or all(char.isprintable() or char in "\u200c\u200d" for char in shown)


def test_bytes_are_shown_escaped_and_in_hex() -> None:
    assert escaped("สวัสดี \x1b[31m\n\u202e\\".encode() + b"\xff") == "สวัสดี \\u001b[31m\\u000a\\u202e\\\\xff"
    assert dumped(b"0123456789abcdef\x00\xff") == (
        "00000000  30 31 32 33 34 35 36 37 38 39 61 62 63 64 65 66  0123456789abcdef\n"
        "00000010  00 ff                                            .."
    )
