"""`training.thresholds`: no more benign messages are flagged than allowed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.languages import SCRIPTS
from training.thresholds import REVIEW, choose, threshold_at

LATIN, HAN = SCRIPTS.index("latin"), SCRIPTS.index("han")


@given(st.lists(st.sampled_from([0.0, 0.1, 0.5, 0.50001, 0.9, 0.999]), min_size=1, max_size=60), st.floats(0, 0.5))
def test_at_most_the_rate_reaches_the_threshold_and_no_lower_score_would_do(scores: list[float], rate: float) -> None:
    """Equal scores are all above or all below."""
    array = np.array(scores)
    threshold = threshold_at(array, rate)
    assert (array >= threshold).mean() <= rate + 1e-9
    below = array[array < threshold]
    assert (array >= below.max()).mean() > rate


def test_weights_count_as_messages() -> None:
    scores = np.array([0.9, 0.8, 0.1])
    assert threshold_at(scores, 0.5, np.array([1.0, 1.0, 2.0])) == pytest.approx(0.1, abs=1e-9)
    assert threshold_at(scores, 0.4, np.array([1.0, 1.0, 2.0])) == pytest.approx(0.8, abs=1e-9)


def test_the_threshold_is_a_probability() -> None:
    assert threshold_at(np.ones(5), 0.0) == 1.0
    assert threshold_at(np.zeros(0), 0.01) == 0.5


def test_many_messages_decide_for_their_script_and_few_stay_near_all() -> None:
    random = np.random.default_rng(0)
    scores = np.concatenate([random.uniform(0, 0.5, 20_000), random.uniform(0, 1, 30)])
    script = np.repeat([LATIN, HAN], [20_000, 30])
    ones = np.ones(len(scores))
    limits = choose(scores, script, ones, ones, 0.01)
    assert limits.flag["latin"] == pytest.approx(0.495, abs=0.01)
    assert limits.flag["default"] < limits.flag["han"] < 0.8
    assert "thai" not in limits.flag


def test_review_begins_below_flag_at_a_multiple_of_its_rate() -> None:
    scores = np.linspace(0, 1, 2000)
    limits = choose(scores, np.full(2000, LATIN), np.ones(2000), np.ones(2000), 0.01)
    assert limits.review_false_positive_rate == pytest.approx(REVIEW * 0.01)
    assert all(limits.review[name] < limits.flag[name] for name in limits.flag)
    assert (scores >= limits.review["latin"]).mean() == pytest.approx(0.04, abs=0.001)
