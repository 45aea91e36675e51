import base64
import json
import uuid
from contextlib import suppress
from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.message import Message
from stream import errors, wire
from stream.examples import ALERT
from stream.wire import Decoder, Event, Limits, Place

GOOD = {
    "id": "m-1",
    "operator": "th-siam",
    "channel": "sms",
    "text": "hello",
    "sender": "+66812345678",
    "recipient": "+66812345679",
    "sent_at": "2026-03-14T19:42:10+07:00",
}
PLACE = Place("scam.messages", 3, 42, 1_767_297_600_000)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def decode(value: bytes | None) -> Event:
    return Decoder(Event, Limits()).decode(value)


def record(**changes: object) -> bytes:
    return json.dumps({**GOOD, **changes}, ensure_ascii=False).encode()


def test_a_plain_record_is_read_and_unknown_fields_are_ignored() -> None:
    message = decode(record(extra=[1, {"a": 2}], origin={"country": "TH", "more": 1}))
    assert message.text == "hello"
    assert message.origin is not None
    assert message.origin.country == "TH"


def test_line_separators_inside_a_text_belong_to_it() -> None:
    assert decode(record(text="a\u2028b\u0085c")).text == "a\u2028b\u0085c"


def test_a_structured_cloud_event_is_unwrapped() -> None:
    envelope = {"specversion": "1.0", "id": "1", "source": "/op", "type": "sms"}
    assert decode(json.dumps({**envelope, "data": GOOD}).encode()).id == "m-1"
    assert decode(json.dumps({**envelope, "data_base64": base64.b64encode(record()).decode()}).encode()).id == "m-1"


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (None, errors.NullValue),
        (b"", errors.EmptyValue),
        (b" \n", errors.EmptyValue),
        (b"{", errors.NotJson),
        (b"hello", errors.NotJson),
        (b"\xff\xfe", errors.NotUtf8),
        (record().replace(b"hello", b"\xc3\x28"), errors.NotUtf8),
        (b"[]", errors.WrongShape),
        (b"{}", errors.WrongShape),
        (record(text=7), errors.WrongShape),
        (record(id=""), errors.WrongShape),
        (record(channel="fax"), errors.WrongShape),
        (record(sent_at="yesterday"), errors.WrongShape),
        (record(sent_at="2026-01-01T00:00:00"), errors.WrongShape),
        (record(sent_at=10**400), errors.WrongShape),
        (record(sent_at=-1), errors.WrongShape),
        (record().replace(b'"2026-03-14T19:42:10+07:00"', b"NaN"), errors.NotJson),
        (record().replace(b'"2026-03-14T19:42:10+07:00"', b"1e999"), errors.NotJson),
        (record(id="x" * 257), errors.WrongShape),
        (record(id=7), errors.WrongShape),
        (record(text="x" * 20_000), errors.TextTooLong),
        (record(text="ก" * 6000), errors.TextTooLong),
        (record(text="x" * 70_000), errors.RecordTooLong),
        (b'{"a":' + b"[" * 30_000 + b"]" * 30_000 + b"}", errors.TooDeep),
        (b'{"specversion":"0.3","id":"1","source":"s","type":"t","data":{}}', errors.BadEnvelope),
        (b'{"specversion":"1.0","id":"1","source":"s","type":"t","data_base64":"%"}', errors.BadEnvelope),
        (b'{"specversion":"1.0","id":"1","source":"s","type":"t","data":"\xe2\x80\xa8"}', errors.WrongShape),
    ],
)
def test_what_cannot_be_read_has_its_error(value: bytes | None, error: type[errors.RecordError]) -> None:
    with pytest.raises(error) as caught:
        decode(value)
    assert caught.value.code in errors.RECORD_ERROR_CODES
    assert "hello" not in str(caught.value)


def test_an_optional_field_that_cannot_be_read_is_neutral_and_counted() -> None:
    decoder = Decoder(Event, Limits())
    message = decoder.decode(record(sender_type="robot", origin="TH", language=["th"]))
    assert (message.sender_type, message.origin, message.language) == (None, None, None)
    assert decoder.ignored == {"sender_type": 1, "origin": 1, "language": 1}


def test_score_needs_nothing_but_a_text() -> None:
    assert Decoder(Message, Limits()).decode(b'{"text":"hi","sent_at":"yesterday"}') == Message(text="hi")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message_or_a_record_error(value: bytes) -> None:
    with suppress(errors.RecordError):
        assert isinstance(decode(value), Event)


@given(st.recursive(st.one_of(st.none(), st.booleans(), st.integers(), st.text()), lambda s: st.lists(s) | st.dictionaries(st.text(), s)))
def test_any_json_in_any_field_is_a_message_or_a_record_error(value: object) -> None:
    for name in ("text", "sent_at", "origin", "channel", "data"):
        with suppress(errors.RecordError):
            decode(json.dumps({**GOOD, name: value}).encode())


def test_an_alerts_id_is_the_same_for_copies_and_another_for_other_records() -> None:
    one = wire.alert_id(PLACE, "m-1")
    assert one == str(uuid.uuid5(wire.NAMESPACE, f"{PLACE.topic}\0{PLACE.partition}\0{PLACE.offset}\0{PLACE.timestamp}\0m-1"))
    assert one == wire.alert_id(Place("scam.messages", 3, 42, 1_767_297_600_000), "m-1")
    assert len({one, wire.alert_id(PLACE, "m-2"), wire.alert_id(Place("scam.messages", 3, 43, 1_767_297_600_000), "m-1")}) == 3


def test_a_dead_letter_keeps_bytes_key_and_headers_and_says_why() -> None:
    letter = wire.encode_dead_letter("dlq", PLACE, b"k", b"{", [("trace", b"1"), ("ce_id", b"x")], errors.NotJson("no JSON"), NOW)
    headers = dict(letter.headers)
    assert (letter.value, letter.key, headers["trace"]) == (b"{", b"k", b"1")
    assert headers["__streams.errors.exception"] == b"stream.errors.NotJson"
    assert headers["__streams.errors.message"] == b"no JSON"
    assert (headers["__streams.errors.topic"], headers["__streams.errors.partition"], headers["__streams.errors.offset"]) == (
        b"scam.messages",
        b"3",
        b"42",
    )
    assert wire.error_of(letter.headers) == "not_json"
    assert headers["ce_id"] != b"x"
    assert len(letter.headers) == len(headers)


def test_a_dead_letter_too_big_for_the_topic_is_cut_and_says_so() -> None:
    value = b"x" * 2_000_000
    letter = wire.encode_dead_letter("dlq", PLACE, None, value, None, errors.RecordTooLong("long"), NOW)
    headers = dict(letter.headers)
    assert letter.value == value[: wire.DEAD_LETTER_BYTES]
    assert headers["scamsieve.length"] == b"2000000"
    assert len(headers["scamsieve.sha256"]) == 64


def test_a_null_stays_null_in_a_dead_letter() -> None:
    assert wire.encode_dead_letter("dlq", PLACE, b"k", None, None, errors.NullValue("null"), NOW).value is None


def test_a_verdict_has_the_agreed_fields() -> None:
    fields = [field.name for field in msgspec.structs.fields(wire.Verdict)]
    assert fields == ["id", "score", "label", "decision", "flagged", "category", "language", "reasons"]


VALUES = st.one_of(
    st.just(record()),
    st.binary(max_size=20),
    st.sampled_from([None, b"", b"[]", b"{}", record(text="x" * 20_000), record(text="x" * 70_000), record(text="ก" * 5000)]),
    st.sampled_from([record(origin=5), b'{"specversion":"1.0","id":"1","source":"s","type":"t","data":' + record(id="wrapped") + b"}"]),
)


@given(st.lists(VALUES, max_size=12))
def test_a_batch_is_read_as_each_value_alone(values: list[bytes | None]) -> None:
    decoder, alone = Decoder(Event, Limits()), Decoder(Event, Limits())
    found = decoder.decode_all(values)
    expected: list[Event] = []
    dead: dict[int, type[errors.RecordError]] = {}
    for number, value in enumerate(values):
        try:
            expected.append(alone.decode(value))
        except errors.RecordError as error:
            dead[number] = type(error)
    assert found.messages == expected
    assert {number: type(error) for number, error in found.dead.items()} == dead
    assert list(found.numbers) == [number for number in range(len(values)) if number not in dead]
    assert decoder.ignored == alone.ignored


@pytest.mark.parametrize("hostile", ["a\r\nX-Evil: 1", "a\x00b", "\x1b[31m", "\x85", "\x7f"])
def test_a_header_made_of_a_messages_id_holds_no_control_character(hostile: str) -> None:
    """CloudEvents forbids them; a gateway that makes HTTP headers of Kafka's would else write what a sender likes."""
    alert = msgspec.structs.replace(ALERT, message_id=hostile, operator=hostile)
    for name, value in wire.encode_alert(alert, "alerts").headers:
        assert not any(ord(char) < 32 or 126 < ord(char) < 160 for char in name + value.decode())
    letter = wire.encode_dead_letter("dlq", PLACE, None, b"", [], errors.NotJson(), NOW)
    assert all(value.decode().isprintable() for _, value in letter.headers)


def test_a_dead_letters_own_headers_cannot_be_forged() -> None:
    forged = [("scamsieve.code", b"internal"), ("__streams.errors.topic", b"other"), ("ce_type", b"forged"), ("ce_source", b"forged")]
    letter = wire.encode_dead_letter("dlq", PLACE, None, b"", forged, errors.NotJson("no JSON"), NOW)
    names = [name for name, _ in letter.headers]
    assert len(names) == len(set(names))
    assert wire.error_of(letter.headers) == "not_json"
    assert b"forged" not in dict(letter.headers).values()


def test_why_a_record_is_none_holds_nothing_of_how_that_was_found_out() -> None:
    """Tracebacks would keep every frame alive for as long as the batch, and the garbage collector would go through them."""
    dead = Decoder(Event, Limits()).decode_all([b"{", b'{"id": 5}', None]).dead
    assert [error.code for error in dead.values()] == ["not_json", "wrong_shape", "null_value"]
    assert all(error.__traceback__ is None and error.__context__ is None for error in dead.values())
