"""Scores from which on a message is flagged or reviewed, so that a given share of benign messages is.

Taken on out-of-fold scores only. By script; where few benign messages of a script are known, nearer to what holds for all.
The messages weigh as in the fit: 13,000 easy comments in one language must not place the threshold of all that is
written in Latin letters. (Weighed equally, half as many again of the benign messages of new sources were flagged: 4.8 % against 3.1 %.)
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from models.artifact import Thresholds
from models.languages import SCRIPTS
from training.fit import Floats, Ints

REVIEW = 4  # a review's false-positive rate is so many times a flag's
ENOUGH = 300  # benign messages with which a script's own threshold counts half: at 0.5 % only one or two of them lie above it


def choose(scores: Floats, script: Ints, shares: Floats, weights: Floats, rate: float) -> Thresholds:
    """Thresholds from copies of benign messages (N): scores, numbers of script, shares of a message, weights."""
    review_rate = min(rate * REVIEW, 1.0)
    flag = _by_script(scores, script, shares, weights, rate)
    review = _by_script(scores, script, shares, weights, review_rate)
    lower = {name: min(review[name], flag[name]) for name in flag}
    return Thresholds(flag, lower, rate, review_rate)


def _by_script(scores: Floats, script: Ints, shares: Floats, weights: Floats, rate: float) -> dict[str, float]:
    pooled = threshold_at(scores, rate, weights)
    found = {"default": pooled}
    for number, name in enumerate(SCRIPTS):
        within = script == number
        known = float(shares[within].sum())
        if known:
            own = threshold_at(scores[within], rate, weights[within])
            found[name] = _between(pooled, own, known / (known + ENOUGH))
    return {name: round(value, 6) for name, value in found.items()}


def _between(pooled: float, own: float, share: float) -> float:
    """`share` of the way from the pooled threshold to the own one, in log-odds."""
    ends = logit(np.clip([pooled, own], 1e-9, 1 - 1e-9))
    return float(expit(ends[0] + share * (ends[1] - ends[0])))


def threshold_at(scores: Floats, rate: float, weights: NDArray[np.float64] | None = None) -> float:
    """The lowest threshold that at most `rate` of the scores reach; 1 at most. Without scores: 0.5."""
    if not len(scores):
        return 0.5
    order = np.argsort(-scores, kind="stable")
    weights = np.ones(len(scores)) if weights is None else weights
    above = np.cumsum(weights[order])
    # the first score that must stay below; all scores equal to it, too
    first = int(np.searchsorted(above, rate * above[-1] * (1 + 1e-9), side="right"))
    if first == len(scores):
        return float(scores[order[-1]])
    return float(min(np.nextafter(scores[order[first]], 2.0), 1.0))
