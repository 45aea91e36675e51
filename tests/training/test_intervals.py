"""`training.intervals`: 95 % intervals as the literature has them."""

import numpy as np
import pytest

from training import intervals


def flags(yes: int, of: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    return np.arange(of) < yes


@pytest.mark.parametrize(
    ("yes", "of", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_intervals_of_newcombes_examples(yes: int, of: int, low: float, high: float) -> None:
    """Newcombe (1998), Statistics in Medicine 17, table I."""
    assert intervals.wilson(flags(yes, of)) == pytest.approx((low, high), abs=1e-4)


def test_of_nothing_there_is_no_interval() -> None:
    assert intervals.wilson(flags(0, 0)) is None
    assert intervals.area(np.array([0.5]), np.zeros(0)) is None
    assert intervals.change(flags(0, 0), flags(0, 0)) is None


def test_the_area_counts_pairs_and_ties_as_half() -> None:
    told = intervals.area(np.array([0.9, 0.5]), np.array([0.5, 0.1, 0.7]))
    assert told
    assert told[0] == pytest.approx((3 + 0.5 + 1) / 6)


def test_the_interval_of_the_area_is_delongs() -> None:
    """Against the plain sums over all pairs of the paper."""
    random = np.random.default_rng(3)
    positive, negative = random.normal(1, 1, 40), random.normal(0, 1, 60)
    pairs = (positive[:, None] > negative) + 0.5 * (positive[:, None] == negative)
    error = 1.959964 * np.sqrt(pairs.mean(axis=1).var(ddof=1) / 40 + pairs.mean(axis=0).var(ddof=1) / 60)
    told = intervals.area(positive, negative)
    assert told
    assert told[0] == pytest.approx(pairs.mean())
    assert told[1] == pytest.approx((pairs.mean() - error, pairs.mean() + error))


def test_nine_in_ten_intervals_or_more_hold_the_truth() -> None:
    random = np.random.default_rng(5)
    held = [low <= 0.05 <= high for _ in range(400) for low, high in [intervals.wilson(random.random(200) < 0.05) or (1.0, 0.0)]]
    assert 0.9 < np.mean(held) <= 1


def test_a_change_is_of_pairs_and_none_is_no_interval_of_width() -> None:
    same = flags(5, 10)
    assert intervals.change(same, same) == (0.0, 0.0)
    low, high = intervals.change(flags(8, 10), flags(5, 10)) or (0.0, 0.0)
    assert low < -0.3 < high
    assert intervals.change(flags(10, 10), flags(0, 10)) == (-1.0, -1.0)
