"""Scores from which on a message is flagged or reviewed, so that a given share of benign messages is: by language.

Taken on out-of-fold scores only, by the tail of the benign messages: above its 95 % quantile the log-odds fall off about
exponentially (peaks over threshold, Pickands, 1975, with shape 0), so a few hundred messages place a threshold that only one
or two of them would reach. A language with little benign is drawn towards what holds for all.

The messages weigh as in the fit: 13,000 easy comments in one language must not place the threshold of all that is
written in that language. And what was left out of a fold still comes from the sources that were learned from: of new sources
about NEW_SOURCES times as many benign messages are flagged, which is allowed for. The project's own corpus needs a smaller allowance,
WRITTEN: its benign messages were written to look dangerous.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from models.thresholds import Thresholds
from training.fit import Floats

REVIEW = 4  # a review's false-positive rate is so many times a flag's
TAIL = 0.05  # the share of the benign messages that is taken for the tail
ENOUGH = 300  # benign messages with which a language's own tail counts half: fifteen of them lie in it
NEW_SOURCES = 3.0  # measured: up to 1.5 % of the benign messages of a new set were flagged where out-of-fold 0.5 % were
WRITTEN = 1.8  # measured: up to 1.1 % of the service messages of two new sets, Chinese and Vietnamese, fewer of the chats

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Benign:
    """Copies of benign messages (N): scores out of fold, languages, whether found (not written for the project), shares, weights."""

    scores: Floats
    languages: Sequence[str]
    found: Bools
    shares: Floats
    weights: Floats


@dataclass(frozen=True, slots=True)
class Tail:
    """How the log-odds of benign messages fall off: from where on, by what mean excess, how many times oftener on new sources."""

    begin: float
    excess: float
    allowance: float

    def at(self, rate: float) -> float:
        """The score that `rate` of the benign messages of new sources reach."""
        return round(float(expit(self.begin + self.excess * np.log(TAIL * self.allowance / rate))), 6)


def choose(benign: Benign, rate: float) -> Thresholds:
    """Thresholds for each language and for all others. A rate far above TAIL is kept less exactly."""
    odds = logit(np.clip(benign.scores, 1e-12, 1 - 1e-12))
    spoken = np.array(benign.languages)
    tails = {"default": tail(odds, benign.found, benign.weights)}
    for name in sorted(set(benign.languages)):
        within = spoken == name
        known = float(benign.shares[within].sum())
        tails[name] = _between(tails["default"], tail(odds[within], benign.found[within], benign.weights[within]), known / (known + ENOUGH))
    review_rate = min(rate * REVIEW, 1.0)
    flag, review = ({name: one.at(at) for name, one in tails.items()} for at in (rate, review_rate))
    return Thresholds(flag, review, rate, review_rate)


def _between(pooled: Tail, own: Tail, share: float) -> Tail:
    """`share` of the way from the pooled tail to the own one, with the own allowance."""
    return Tail(pooled.begin + share * (own.begin - pooled.begin), pooled.excess + share * (own.excess - pooled.excess), own.allowance)


def tail(odds: Floats, found: Bools, weights: Floats) -> Tail:
    """The tail of log-odds (N); `found` (N) are not the project's own messages."""
    begin = threshold_at(odds, TAIL, weights)
    above = odds >= begin
    excess = float(np.average(odds[above] - begin, weights=weights[above])) if above.any() else 0.0
    share = float(np.average(found, weights=weights))
    return Tail(begin, excess, NEW_SOURCES**share * WRITTEN ** (1 - share))


def threshold_at(scores: Floats, rate: float, weights: Floats | None = None) -> float:
    """The lowest threshold that at most `rate` of the scores reach. Without scores: 0.5."""
    if not len(scores):
        return 0.5
    order = np.argsort(-scores, kind="stable")
    weights = np.ones(len(scores)) if weights is None else weights
    above = np.cumsum(weights[order])
    # the first score that must stay below; all scores equal to it, too
    first = int(np.searchsorted(above, rate * above[-1] * (1 + 1e-9), side="right"))
    if first == len(scores):
        return float(scores[order[-1]])
    return float(np.nextafter(scores[order[first]], np.inf))
