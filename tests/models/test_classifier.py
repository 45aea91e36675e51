import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.classifier import CATEGORIES, CHUNK_CHARACTERS, CHUNK_MESSAGES, ScamClassifier, chunks
from models.message import Message
from tests.conftest import random_classifier
from tests.models.strategies import messages

CLASSIFIER = random_classifier()
lists = st.lists(messages, min_size=1, max_size=6)


@given(lists)
def test_probabilities_are_probabilities_and_the_same_alone(batch: list[Message]) -> None:
    found = CLASSIFIER.score(batch).probabilities
    assert found.shape == (len(batch), 3)
    assert found.sum(axis=1) == pytest.approx(1)
    alone = np.concatenate([CLASSIFIER.score([message]).probabilities for message in batch])
    assert found == pytest.approx(alone, abs=1e-9)


@given(lists)
def test_reasons_and_base_add_up_to_the_margin(batch: list[Message]) -> None:
    probabilities = CLASSIFIER.score(batch).probabilities
    for explanation, scam, others in zip(CLASSIFIER.explain(batch), probabilities[:, 0], probabilities[:, 1:], strict=True):
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
    known = {round(one, 4) for one in (CLASSIFIER.explain([Message(text=t)])[0].base for t in ("abc", "zz top", "hello you", "win", "a b"))}
    if message.text.isascii() and message.text.isalpha():
        assert round(CLASSIFIER.explain([message])[0].base, 4) in known or len(known) < 2


def test_pieces_of_text_are_shown_as_written() -> None:
    text = "FREE  m0ney at Ｂａｎｋ"
    pieces = [reason for reason in CLASSIFIER.explain([Message(text=text)])[0].reasons if reason.code == "text"]
    assert all(text[piece.begin : piece.end].strip() == piece.detail for piece in pieces)
    assert "".join(sorted("".join(piece.detail.split()) for piece in pieces)) != ""


def test_no_message_is_no_work() -> None:
    assert CLASSIFIER.score([]).probabilities.shape == (0, 3)
    assert CLASSIFIER.explain([]) == []


def test_chunks_cover_everything_in_order() -> None:
    many = [Message(text=f"{i}") for i in range(2 * CHUNK_MESSAGES + 1)]
    assert [message for chunk in chunks(many) for message in chunk] == many
    assert max(map(len, chunks(many))) == CHUNK_MESSAGES
    long = [Message(text="x" * CHUNK_CHARACTERS)] * 3
    assert [len(chunk) for chunk in chunks(long)] == [1, 1, 1]


def test_language_is_what_the_message_says_else_what_its_script_tells(classifier: ScamClassifier) -> None:
    batch = [Message(text="สวัสดี"), Message(text="hello"), Message(text="hello", language="ms")]
    assert classifier.languages(batch, classifier.score(batch).scripts) == ["th", "und", "ms"]
