"""`training.thresholds`: no more benign messages are flagged than allowed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit

from models.thresholds import Thresholds
from training.fit import Floats
from training.thresholds import NEW_SOURCES, REVIEW, WRITTEN, Benign, choose, tail, threshold_at


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


def test_without_scores_there_is_a_threshold() -> None:
    assert threshold_at(np.zeros(0), 0.01) == 0.5


def scores_of(count: int, spread: float, begin: float = -4.0) -> Floats:
    """Scores of benign messages whose log-odds have an exponential tail."""
    return np.asarray(expit(begin + np.random.default_rng(0).exponential(spread, count)))


def chosen(scores: Floats, languages: list[str], rate: float, found: bool = True) -> Thresholds:
    ones = np.ones(len(scores))
    return choose(Benign(scores, languages, np.full(len(scores), found), ones, ones), rate)


def test_the_rate_is_kept_on_new_sources_too() -> None:
    """On the sources that were learned from it is lower: so much rarer are false alarms there; less so on the project's corpus."""
    scores = scores_of(100_000, 0.8)
    limits = chosen(scores, ["en"] * len(scores), 0.01)
    assert (scores >= limits.flag["en"]).mean() == pytest.approx(0.01 / NEW_SOURCES, rel=0.1)
    assert (scores >= limits.review["en"]).mean() == pytest.approx(REVIEW * 0.01 / NEW_SOURCES, rel=0.1)
    own = chosen(scores, ["en"] * len(scores), 0.01, found=False)
    assert (scores >= own.flag["en"]).mean() == pytest.approx(0.01 / WRITTEN, rel=0.1)


def test_few_messages_place_a_threshold_that_none_of_them_reaches() -> None:
    limits = chosen(scores_of(400, 0.8), ["en"] * 400, 0.001)
    assert limits.flag["en"] == pytest.approx(expit(-4 + 0.8 * np.log(NEW_SOURCES / 0.001)), abs=0.1)


def test_many_messages_decide_for_their_language_and_few_stay_near_all() -> None:
    scores = np.concatenate([scores_of(20_000, 0.5), scores_of(30, 2.0)])
    limits = chosen(scores, ["en"] * 20_000 + ["zh"] * 30, 0.01)
    alone = logit(chosen(scores_of(30, 2.0), ["zh"] * 30, 0.01).flag["zh"])
    drawn, all_of_them = logit(limits.flag["zh"]), logit(limits.flag["default"])
    assert limits.flag["en"] == pytest.approx(limits.flag["default"], abs=0.02)
    assert all_of_them < drawn < all_of_them + (alone - all_of_them) / 5
    assert "th" not in limits.flag


def test_review_begins_below_flag() -> None:
    limits = chosen(scores_of(2000, 1.0), ["en"] * 2000, 0.01)
    assert limits.review_false_positive_rate == pytest.approx(REVIEW * 0.01)
    assert all(limits.review[name] < limits.flag[name] for name in limits.flag)


def test_the_tail_begins_at_its_quantile_and_tells_its_mean_excess() -> None:
    whole = tail(np.log(np.arange(1.0, 1001.0)), np.arange(1000) < 500, np.ones(1000))
    assert whole.begin == pytest.approx(np.log(950), abs=0.01)
    assert whole.excess == pytest.approx(np.mean(np.log(np.arange(951, 1001) / 950)), abs=0.002)
    assert whole.allowance == pytest.approx(np.sqrt(NEW_SOURCES * WRITTEN))
    assert tail(np.zeros(5), np.ones(5, np.bool_), np.ones(5)).excess == 0
