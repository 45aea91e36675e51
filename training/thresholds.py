"""Scores from which on a message is flagged or reviewed, so that a given share of benign messages is.

Taken on out-of-fold scores only. By script; where few benign messages of a script are known, nearer to what holds for all.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from models.artifact import Thresholds
from models.languages import SCRIPTS
from training.fit import Floats, Ints

REVIEW = 4  # a review's false-positive rate is so many times a flag's
ENOUGH = 300  # benign messages from which on a script's own threshold counts fully: at 0.5 % one and a half lie above it


def choose(scores: Floats, script: Ints, weights: Floats, rate: float) -> Thresholds:
    """Thresholds from the scores of benign messages (N), the number of their script and the weight of each."""
    flag = _by_script(scores, script, weights, rate)
    review = _by_script(scores, script, weights, min(rate * REVIEW, 1.0))
    lower = {name: min(review[name], flag[name]) for name in flag}
    return Thresholds(flag, lower, rate, min(rate * REVIEW, 1.0))


def _by_script(scores: Floats, script: Ints, weights: Floats, rate: float) -> dict[str, float]:
    pooled = threshold_at(scores, rate, weights)
    found = {"default": pooled}
    for number, name in enumerate(SCRIPTS):
        within = script == number
        known = float(weights[within].sum())
        if known:
            own = threshold_at(scores[within], rate, weights[within])
            found[name] = own if known >= ENOUGH else _between(max(own, pooled), own, known / ENOUGH)
    return {name: round(value, 6) for name, value in found.items()}


def _between(cautious: float, own: float, share: float) -> float:
    """`share` of the way from the cautious threshold to the own one, in log-odds."""
    ends = logit(np.clip([cautious, own], 1e-9, 1 - 1e-9))
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
