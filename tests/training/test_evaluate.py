"""`training.evaluate`: the table says what was flagged, by set and by language."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.training.rows import row
from training import evaluate
from training.data import Row
from training.evaluate import ALL, NOT_GIVEN, Figures, Scored

ROWS = [
    *[row(f"s{i}", "scam", "en", "one") for i in range(2)],
    *[row(f"b{i}", "benign", "en", "two") for i in range(4)],
    row("p", "promo", "en", "two"),
    row("t", "scam", "th", "three"),
]
SCORES = np.array([0.9, 0.4, 0.8, 0.3, 0.2, 0.1, 0.95, 0.7])


def scored(scores: np.ndarray[tuple[int], np.dtype[np.float64]] = SCORES, rows: list[Row] = ROWS) -> Scored:
    return Scored(rows, scores, scores >= 0.75, scores >= 0.35)


def lines(rate: float = 0.25) -> dict[tuple[str, str], Figures]:
    return {(line.language, line.source): line for line in evaluate.table(scored(), rate)}


def test_lines_are_sets_then_languages_then_all() -> None:
    assert list(lines()) == [("en", "one"), ("en", "two"), ("th", "three"), ("en", ALL), ("th", ALL), (ALL, ALL)]


def test_shares_are_of_each_label() -> None:
    english = lines()["en", ALL]
    assert (english.scam, english.promo, english.benign) == (2, 1, 4)
    assert (english.recall, english.review_recall, english.false_positives, english.promo_flagged) == (0.5, 1.0, 0.25, 1.0)


def test_a_share_of_nothing_is_none() -> None:
    one = lines()["en", "one"]
    assert (one.false_positives, one.promo_flagged, one.auc, one.auc_benign) == (None, None, None, None)


def test_areas_are_against_all_else_and_against_benign() -> None:
    english = lines()["en", ALL]
    assert english.auc == pytest.approx(7 / 10)  # of 2 x 5 pairs
    assert english.auc_benign == pytest.approx(7 / 8)


def test_recall_in_language_takes_the_benign_of_all_its_sets() -> None:
    """One of four benign may be above: the threshold lies just over the second one, 0.3."""
    assert lines(0.25)["en", "one"].recall_in_language == 1.0
    assert lines(0.0)["en", "one"].recall_in_language == 0.5


def test_a_language_without_benign_messages_has_no_threshold_of_its_own() -> None:
    found = lines()
    assert found["th", "three"].recall_in_language is None
    assert found[ALL, ALL].recall_in_language == 1.0  # of the English ones


def test_every_figure_has_its_interval_and_a_share_of_nothing_has_none() -> None:
    english = lines()["en", ALL]
    assert all(low <= getattr(english, name) <= high for name, (low, high) in english.intervals.items() if name)  # type: ignore[misc]
    assert lines()["en", "one"].intervals["false_positives"] is None


def test_recall_is_told_at_several_rates() -> None:
    """With four benign messages none may lie above at any of these rates."""
    assert lines()["en", ALL].recall_at == {"0.001": 0.5, "0.005": 0.5, "0.01": 0.5}
    assert lines()["th", ALL].recall_at == {"0.001": None, "0.005": None, "0.01": None}


def test_the_breakdown_is_by_channel_then_by_category_of_scams() -> None:
    rows = [row("a", "scam", category="bank", channel="chat"), row("b", "benign", channel="sms"), row("c", "scam"), row("d", "promo")]
    told = evaluate.breakdown(scored(SCORES[:4], rows), 0.25)
    assert [(line.channel, line.category, line.scam, line.benign) for line in told] == [
        ("chat", ALL, 1, 0),
        (NOT_GIVEN, ALL, 1, 0),
        ("sms", ALL, 0, 1),
        (ALL, "bank", 1, 0),
        (ALL, NOT_GIVEN, 1, 0),
    ]


def test_comparison_counts_what_only_one_model_finds() -> None:
    rows = [row(f"s{i}", "scam") for i in range(10)] + [row(f"b{i}") for i in range(10)]
    good = np.array([0.9] * 9 + [0.1] + [0.2] * 10)
    poor = np.array([0.9] * 2 + [0.1] * 7 + [0.9] + [0.2] * 10)
    english, total = evaluate.compare(scored(good, rows), scored(poor, rows), 0.0)
    assert (english.recall, english.recall_against) == (0.9, 0.3)
    assert (english.only_this, english.only_against) == (7, 1)
    assert english.p_value == pytest.approx(2 * 9 / 2**8)  # McNemar, exact: 1 of 8 or fewer, both sides
    assert total.language == ALL


def test_comparison_of_a_model_with_itself_finds_nothing() -> None:
    same = evaluate.compare(scored(), scored(), 0.25)
    assert all(line.p_value == 1.0 and line.only_this == line.only_against == 0 for line in same)


def test_without_scams_and_benign_in_one_language_there_is_nothing_to_compare() -> None:
    rows = [row("s", "scam", "en"), row("b", "benign", "th")]
    assert evaluate.compare(scored(SCORES[:2], rows), scored(SCORES[:2], rows), 0.1) == []


@given(st.lists(st.tuples(st.sampled_from([0.1, 0.3, 0.5, 0.9, 1.0]), st.booleans(), st.sampled_from([0.5, 1.0])), max_size=12))
def test_fewest_errors_is_as_good_as_trying_every_cut(drawn: list[tuple[float, bool, float]]) -> None:
    scores, weights = np.array([row[0] for row in drawn]), np.array([row[2] for row in drawn])
    positive = np.array([row[1] for row in drawn], np.bool_)

    def errors(cut: float) -> float:
        return float(weights[(scores >= cut) != positive].sum())

    found = evaluate.fewest_errors(scores, positive, weights)
    assert errors(found) == pytest.approx(min(errors(cut) for cut in (0.0, 0.2, 0.4, 0.6, 0.95, 1.5)))
