"""A model against labelled messages: by set and language, by language, over all; and two models against each other.

"In its language" is the recall at a threshold taken from the benign messages of the same language in the same data: what
a perfectly placed threshold would find. Beside it stands the recall at the model's own threshold, placed without that data.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score

from models.artifact import Model
from training.data import Row
from training.fit import Floats
from training.thresholds import threshold_at

ALL = "all"
Bools = NDArray[np.bool_]


class Scored(msgspec.Struct, frozen=True):
    """Rows, the scores that a model gave them (N), and whether it flags and at least reviews them (N)."""

    rows: Sequence[Row]
    scores: Floats
    flagged: Bools
    reviewed: Bools


class Figures(msgspec.Struct, frozen=True):
    """One line of the table. Shares are None where there is nothing to take a share of."""

    source: str
    language: str
    scam: int
    promo: int
    benign: int
    recall: float | None
    """Share of the scams that are flagged."""
    review_recall: float | None
    """Share of the scams that are flagged or go to review."""
    false_positives: float | None
    """Share of the benign messages that are flagged."""
    promo_flagged: float | None
    recall_in_language: float | None
    """Share of the scams above the threshold that the given rate of the language's benign messages reaches."""
    auc: float | None
    """Area under the curve, scams against all else."""
    auc_benign: float | None
    """The same against benign messages only."""


class Comparison(msgspec.Struct, frozen=True):
    """Two models on the scams of a language, each at its own threshold for the same false-positive rate."""

    language: str
    scam: int
    recall: float
    recall_against: float
    only_this: int
    only_against: int
    p_value: float
    """Exact McNemar test: two-sided binomial on the scams that only one of them finds."""


def score(rows: Sequence[Row], model: Model) -> Scored:
    """What a model says of labelled rows, with the metadata that they have."""
    told = model.classifier.score([row.message for row in rows])
    thresholds = model.manifest.thresholds.by_script()[told.scripts]
    scores = told.probabilities[:, 0]
    return Scored(rows, scores, scores >= thresholds[:, 0], scores >= thresholds[:, 1])


def table(scored: Scored, rate: float) -> list[Figures]:
    """Figures by set and language, then by language, then over all."""
    found = in_language(scored, rate)
    sources = np.array([row.source for row in scored.rows])
    spoken = np.array([row.lang for row in scored.rows])
    pairs = sorted({(row.lang, row.source) for row in scored.rows})
    lines = [_figures(scored, found, (sources == source) & (spoken == language), source, language) for language, source in pairs]
    lines += [_figures(scored, found, spoken == language, ALL, language) for language in sorted(set(spoken.tolist()))]
    return [*lines, _figures(scored, found, np.ones(len(spoken), np.bool_), ALL, ALL)]


def in_language(scored: Scored, rate: float) -> Bools:
    """Which messages (N) lie above the threshold of their language's own benign messages; none without benign messages."""
    above = np.zeros(len(scored.rows), np.bool_)
    spoken = np.array([row.lang for row in scored.rows])
    benign = _labelled(scored.rows, "benign")
    for language in set(spoken.tolist()):
        within = spoken == language
        if (within & benign).any():
            above |= within & (scored.scores >= threshold_at(scored.scores[within & benign], rate))
    return above


def _figures(scored: Scored, found: Bools, within: Bools, source: str, language: str) -> Figures:
    scam, promo, benign = (within & _labelled(scored.rows, label) for label in ("scam", "promo", "benign"))
    comparable = np.isin([row.lang for row in scored.rows], [row.lang for row in scored.rows if row.label == "benign"])
    return Figures(
        source,
        language,
        int(scam.sum()),
        int(promo.sum()),
        int(benign.sum()),
        recall=_share(scored.flagged[scam]),
        review_recall=_share(scored.reviewed[scam]),
        false_positives=_share(scored.flagged[benign]),
        promo_flagged=_share(scored.flagged[promo]),
        recall_in_language=_share(found[scam & comparable]),
        auc=_auc(scored.scores, scam, promo | benign),
        auc_benign=_auc(scored.scores, scam, benign),
    )


def compare(this: Scored, against: Scored, rate: float) -> list[Comparison]:
    """Two models on the same rows: by language with scams and benign messages, then over all of these."""
    mine, theirs = in_language(this, rate), in_language(against, rate)
    spoken = np.array([row.lang for row in this.rows])
    scam, benign = _labelled(this.rows, "scam"), _labelled(this.rows, "benign")
    languages = sorted(set(spoken[scam].tolist()) & set(spoken[benign].tolist()))
    lines = [_comparison(mine, theirs, scam & (spoken == language), language) for language in languages]
    return [*lines, _comparison(mine, theirs, scam & np.isin(spoken, languages), ALL)] if languages else []


def _comparison(mine: Bools, theirs: Bools, scam: Bools, language: str) -> Comparison:
    only_this, only_against = int((mine & ~theirs & scam).sum()), int((theirs & ~mine & scam).sum())
    split = only_this + only_against
    p_value = float(binomtest(only_this, split).pvalue) if split else 1.0
    return Comparison(language, int(scam.sum()), float(mine[scam].mean()), float(theirs[scam].mean()), only_this, only_against, p_value)


def _labelled(rows: Sequence[Row], label: str) -> Bools:
    return np.fromiter((row.label == label for row in rows), np.bool_, len(rows))


def _share(flags: Bools) -> float | None:
    return float(flags.mean()) if len(flags) else None


def _auc(scores: Floats, positive: Bools, negative: Bools) -> float | None:
    if not positive.any() or not negative.any():
        return None
    chosen = positive | negative
    return float(roc_auc_score(positive[chosen], scores[chosen]))
