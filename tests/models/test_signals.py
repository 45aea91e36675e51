from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.catalogue import CATALOGUE
from models.message import Message, Origin
from models.signals import measure
from models.text import canonicalise
from tests.models import strategies

METADATA = [i for i, signal in enumerate(CATALOGUE) if signal.group in ("sender", "origin", "time")]


def table(*messages: Message) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return measure(messages, canonicalise([message.text for message in messages]))


def found(message: Message) -> set[str]:
    return {signal.name for signal, value in zip(CATALOGUE, table(message)[0], strict=True) if value > 0}


@given(st.lists(strategies.messages, min_size=1, max_size=5))
def test_every_signal_is_finite_within_bounds_pure_and_the_same_alone(messages: list[Message]) -> None:
    values = table(*messages)
    assert np.isfinite(values).all()
    assert ((values >= 0) & (values <= 1)).all()
    assert np.array_equal(values, table(*messages))
    assert np.array_equal(values, np.concatenate([table(message) for message in messages]))


@given(strategies.texts)
def test_missing_metadata_is_neutral(text: str) -> None:
    assert not table(Message(text=text))[0, METADATA].any()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("see https://a.com/x and b.com", {"link", "links_many", "link_path"}),
        ("bit.ly/x", {"link_shortener"}),
        ("dbs-token.top", {"link_lookalike", "link_cheap_domain"}),
        ("you owe RM 350.00 today", {"amount"}),
        ("Rp500.000 cair", {"amount", "amount_large"}),
        ("โอน 50,000 บาท", {"amount"}),
        ("中奖88万元", {"amount"}),
        ("call 081-234-5678", {"phone"}),
        ("code 482913", {"code", "code_without_link"}),
        ("50% off", {"percent"}),
        ("l0an", {"undone_leet"}),
        ("pаypаl аccount", {"undone_lookalike"}),
        ("𝗙𝗿𝗲𝗲", {"undone_styled"}),
        ("[Bank] hello", {"bracketed_name"}),
    ],
)
def test_signals_of_the_text(text: str, names: set[str]) -> None:
    assert names <= found(Message(text=text))


def test_a_phone_number_of_another_country_is_told_from_the_recipients() -> None:
    assert "phone_foreign" in found(Message(text="call +855 12 345 678", recipient="+66812345678"))
    assert "phone_foreign" not in found(Message(text="call +66 81 234 5678", recipient="+66812345678"))


def test_signals_of_sender_and_origin() -> None:
    message = Message(
        text="hello",
        sender="+85512345678",
        recipient="+66812345678",
        channel="chat",
        origin=Origin(country="KH", route="international"),
    )
    assert {"sender_msisdn", "sender_foreign", "origin_foreign", "route_international", "channel_chat"} <= found(message)
    assert "sender_domestic" in found(Message(text="hello", sender="+66812345670", recipient="+66812345678"))


@pytest.mark.parametrize(
    ("sent_at", "night"),
    [
        (datetime(2026, 1, 1, 3, tzinfo=timezone(timedelta(hours=7))), True),
        (datetime(2026, 1, 1, 20, tzinfo=UTC), True),  # 3 o'clock in Bangkok
        (datetime(2026, 1, 1, 3, tzinfo=UTC), False),
        (1_767_297_600_000, True),  # 20:00 UTC
    ],
)
def test_the_hour_is_the_recipients(sent_at: datetime | int, night: bool) -> None:
    names = found(Message(text="hello", recipient="+66812345678", sent_at=sent_at))
    assert ("hour_night" in names) == night
    assert ("hour_office" in names) != night


def test_an_unknown_time_zone_is_neutral() -> None:
    assert not {"hour_night", "hour_office"} & found(Message(text="hello", recipient="+12025550100", sent_at=1_767_297_600_000))
