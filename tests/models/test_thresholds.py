"""`models.thresholds`: each message is held against the thresholds of the languages it may be in."""

import numpy as np
import pytest

from models.classifier import ScamClassifier, Scores
from models.languages import SCRIPTS
from models.message import Message
from models.thresholds import PLAUSIBLE, Thresholds, _strictest, limits, spoken

KNOWN = Thresholds({"default": 0.9, "th": 0.8, "id": 0.6}, {"default": 0.5, "th": 0.4, "id": 0.3}, 0.005, 0.02)


def scored(*of: tuple[str, float]) -> Scores:
    """Scores of messages: their scripts and probabilities of scam."""
    return Scores(np.array([[p, 0, 1 - p] for _, p in of]), np.array([SCRIPTS.index(script) for script, _ in of]), {})


def test_where_the_script_tells_the_language_its_thresholds_hold(classifier: ScamClassifier) -> None:
    found = limits(KNOWN, classifier, [Message(text="")] * 2, scored(("thai", 0.99), ("khmer", 0.99)))
    assert found.tolist() == [[0.8, 0.4], [0.9, 0.5]]


def test_in_latin_script_the_language_is_asked_for_near_a_threshold(classifier: ScamClassifier) -> None:
    """A message that lies below all thresholds passes whatever it is written in."""
    messages = [Message(text=text) for text in ("Selamat pagi", "Good morning", "Good morning")]
    found = limits(KNOWN, classifier, messages, scored(("latin", 0.99), ("latin", 0.99), ("latin", 0.1)))
    told = spoken(classifier, messages[:2])
    assert found[:2].tolist() == _strictest(KNOWN.of(classifier.language.names), told).tolist()
    assert found[2, 1] > 0.1


def test_an_uncertain_language_takes_the_strictest_of_the_plausible_ones() -> None:
    table = KNOWN.of(["en", "id", "vi"])
    sure, torn, lost = [0.98, 0.01, 0.01], [0.8, PLAUSIBLE, 0.05], [0.1, 0.1, 0.1]
    assert _strictest(table, np.array([sure, torn, lost])).tolist() == [[0.9, 0.5], [0.6, 0.3], [0.6, 0.3]]


def test_no_message_needs_no_thresholds(classifier: ScamClassifier) -> None:
    assert limits(KNOWN, classifier, [], Scores(np.zeros((0, 3)), np.zeros(0, np.intp), {})).shape == (0, 2)


@pytest.mark.parametrize("text", ["", "\0", "a" * 5000])
def test_it_is_total(classifier: ScamClassifier, text: str) -> None:
    found = limits(KNOWN, classifier, [Message(text=text)], scored(("latin", 1.0)))
    assert np.isfinite(found).all()
