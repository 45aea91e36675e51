import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.classifier import CATEGORIES
from models.explain import explain
from models.message import Message
from tests.conftest import random_classifier
from tests.models.strategies import messages

CLASSIFIER = random_classifier()
lists = st.lists(messages, min_size=1, max_size=6)


@given(lists)
def test_reasons_and_base_add_up_to_the_margin(batch: list[Message]) -> None:
    probabilities = CLASSIFIER.score(batch).probabilities
    for explanation, scam, others in zip(explain(CLASSIFIER, batch), probabilities[:, 0], probabilities[:, 1:], strict=True):
        assert explanation.base + explanation.against + sum(reason.weight for reason in explanation.reasons) == pytest.approx(
            explanation.margin, abs=1e-4
        )
        assert explanation.margin == pytest.approx(np.log(scam) - np.log(others.max()), abs=1e-4)
        assert explanation.against <= 1e-9
        assert all(reason.weight > 0 for reason in explanation.reasons)
        assert explanation.category in CATEGORIES
        assert list(explanation.reasons) == sorted(explanation.reasons, key=lambda reason: -reason.weight)


@given(messages)
def test_the_base_does_not_depend_on_the_words(message: Message) -> None:
    """What is left beside the reasons is the intercept alone: nothing of the message is hidden in it."""
    known = {
        round(one, 4) for one in (explain(CLASSIFIER, [Message(text=t)])[0].base for t in ("abc", "zz top", "hello you", "win", "a b"))
    }
    if message.text.isascii() and message.text.isalpha():
        assert round(explain(CLASSIFIER, [message])[0].base, 4) in known or len(known) < 2


def test_pieces_of_text_are_shown_as_written() -> None:
    text = "FREE  m0ney at Ｂａｎｋ"
    pieces = [reason for reason in explain(CLASSIFIER, [Message(text=text)])[0].reasons if reason.code == "text"]
    assert all(text[piece.begin : piece.end].strip() == piece.detail for piece in pieces)
    assert "".join(sorted("".join(piece.detail.split()) for piece in pieces)) != ""


def test_pieces_are_places_in_the_text_as_it_is_read() -> None:
    """Also where invisible characters were taken out and ligatures written out before."""
    found = explain(CLASSIFIER, [Message(text="ﬁne\u200b money  now\u0301 𝓬𝓪𝓼𝓱")])[0]
    pieces = [reason for reason in found.reasons if reason.code == "text"]
    assert pieces
    assert all(found.text[piece.begin : piece.end].strip() == piece.detail for piece in pieces)


@given(lists, st.integers(0, 3))
def test_the_largest_reasons_are_kept(batch: list[Message], most: int) -> None:
    for some, every in zip(explain(CLASSIFIER, batch, most), explain(CLASSIFIER, batch), strict=True):
        assert some.reasons == every.reasons[:most]
        assert some.against == every.against


def test_links_are_told_as_written_or_as_meant() -> None:
    first, second = explain(CLASSIFIER, [Message(text="go to https://A.com/XyZ"), Message(text="see ｂｉｔ．ｌｙ/x and a.com")])
    assert first.links == (("https://A.com/XyZ", "a.com"),)
    assert second.links == (("bit.ly/x", "bit.ly"), ("a.com", "a.com"))


def test_no_message_is_no_work() -> None:
    assert explain(CLASSIFIER, []) == []
