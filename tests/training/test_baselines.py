"""`training.baselines`: usual classifiers, with thresholds placed on messages that they did not learn from."""

import pytest

from tests.training.rows import silent
from training.baselines import BASELINES, baselines
from training.data import Row
from training.evaluate import labelled
from training.robustness import Judge


@pytest.fixture(scope="module")
def judges(corpus_slice: list[Row]) -> dict[str, Judge]:
    return baselines(corpus_slice, 0.05, silent)


def test_all_are_there(judges: dict[str, Judge]) -> None:
    assert list(judges) == list(BASELINES)


@pytest.mark.parametrize("name", BASELINES)
def test_scores_lie_between_0_and_1_and_have_learned_something(name: str, judges: dict[str, Judge], corpus_slice: list[Row]) -> None:
    told = judges[name](corpus_slice)
    scam = labelled(corpus_slice, "scam")
    assert 0 <= told.scores.min() <= told.scores.max() <= 1
    assert told.scores[scam].mean() > told.scores[~scam].mean()
    assert (told.reviewed | ~told.flagged).all()


def test_no_messages_are_no_trouble(judges: dict[str, Judge]) -> None:
    assert all(len(judge([]).scores) == 0 for judge in judges.values())
