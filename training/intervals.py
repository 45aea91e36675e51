"""95 % intervals: of shares, of areas under the curve, and of what a paired change does to a share."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from training.fit import Floats

Interval = tuple[float, float]
_Z = 1.959964  # both tails together hold 5 %


def wilson(flags: NDArray[np.bool_]) -> Interval | None:
    """Of the share of True (Wilson's score interval, 1927); honest for small numbers and shares near 0. None of nothing."""
    if not len(flags):
        return None
    size, share = len(flags), float(flags.mean())
    middle, half = share + _Z**2 / (2 * size), _Z * np.sqrt(share * (1 - share) / size + _Z**2 / (4 * size**2))
    return _bounded((middle - half) / (1 + _Z**2 / size), (middle + half) / (1 + _Z**2 / size), 0.0)


def area(positive: Floats, negative: Floats) -> tuple[float, Interval] | None:
    """The area under the ROC curve and its interval (DeLong et al., 1988; by mid-ranks, Sun and Xu, 2014).

    None without scores on both sides. With a single score on one side, its variance is not known and counts as 0.
    """
    m, n = len(positive), len(negative)
    if not m or not n:
        return None
    ranks = rankdata(np.concatenate([positive, negative]))
    above = (ranks[:m] - rankdata(positive)) / n  # for each positive, the share of negatives below it
    below = 1 - (ranks[m:] - rankdata(negative)) / m  # for each negative, the share of positives above it
    error = _Z * np.sqrt(_variance(above) / m + _variance(below) / n)
    found = float(above.mean())
    return found, _bounded(found - error, found + error, 0.0)


def change(before: NDArray[np.bool_], after: NDArray[np.bool_]) -> Interval | None:
    """Of the share after less the share before, of the same messages (Wald's, for paired shares). None of nothing."""
    if not len(before):
        return None
    differences = after.astype(np.float64) - before
    error = _Z * np.sqrt(float(differences.var()) / len(before))
    return _bounded(float(differences.mean()) - error, float(differences.mean()) + error, -1.0)


def _variance(values: Floats) -> float:
    return float(values.var(ddof=1)) if len(values) > 1 else 0.0


def _bounded(low: Any, high: Any, least: float) -> Interval:
    return max(float(low), least), min(float(high), 1.0)
