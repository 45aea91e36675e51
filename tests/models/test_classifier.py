import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.classifier import CHUNK_CHARACTERS, CHUNK_MESSAGES, ScamClassifier, chunks
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


def test_no_message_is_no_work() -> None:
    assert CLASSIFIER.score([]).probabilities.shape == (0, 3)


def test_chunks_cover_everything_in_order() -> None:
    many = [Message(text=f"{i}") for i in range(2 * CHUNK_MESSAGES + 1)]
    assert [message for chunk in chunks(many) for message in chunk] == many
    assert max(map(len, chunks(many))) == CHUNK_MESSAGES
    long = [Message(text="x" * CHUNK_CHARACTERS)] * 3
    assert [len(chunk) for chunk in chunks(long)] == [1, 1, 1]


def test_language_is_what_the_message_says_else_what_its_script_tells(classifier: ScamClassifier) -> None:
    batch = [Message(text="สวัสดี"), Message(text="hello"), Message(text="hello", language="ms")]
    assert classifier.languages(batch, classifier.score(batch).scripts) == ["th", "und", "ms"]
