"""A model against labelled messages: by set, language, channel and category, over all; and two models against each other.

"In its language" is the recall at a threshold taken from the benign messages of the same language in the same data: what
a perfectly placed threshold would find. Beside it stands the recall at the model's own threshold, placed without that data.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from models import thresholds
from models.artifact import Model
from training import intervals as margin
from training.data import Row
from training.fit import Floats
from training.intervals import Interval
from training.thresholds import threshold_at

ALL = "all"
NOT_GIVEN = "not given"
RATES = (0.001, 0.005, 0.01)
"""False-positive rates at which the recall is told, whatever the model's own thresholds are."""
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
    channel: str = ALL
    category: str = ALL
    recall_at: dict[str, float | None] = {}
    """By false-positive rate: share of the scams above the threshold of their language, as `recall_in_language`."""
    intervals: dict[str, Interval | None] = {}
    """95 % intervals, by the name of the field: Wilson's of shares, DeLong's of areas."""


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
    messages = [row.message for row in rows]
    told = model.classifier.score(messages)
    limits = thresholds.limits(model.manifest.thresholds, model.classifier, messages, told)
    scores = told.probabilities[:, 0]
    return Scored(rows, scores, scores >= limits[:, 0], scores >= limits[:, 1])


def table(scored: Scored, rate: float) -> list[Figures]:
    """Figures by set and language, then by language, then over all."""
    marked = _marked(scored, rate)
    sources, spoken = (np.array([getattr(row, name) for row in scored.rows]) for name in ("source", "lang"))
    pairs = sorted({(row.lang, row.source) for row in scored.rows})
    lines = [_figures(marked, (sources == source) & (spoken == language), source, language) for language, source in pairs]
    lines += [_figures(marked, spoken == language, ALL, language) for language in sorted(set(spoken.tolist()))]
    return [*lines, _figures(marked, np.ones(len(spoken), np.bool_), ALL, ALL)]


def breakdown(scored: Scored, rate: float) -> list[Figures]:
    """Figures by channel, then by category of the scams (as the data name it), over all sets and languages."""
    marked = _marked(scored, rate)
    channels = np.array([row.message.channel or NOT_GIVEN for row in scored.rows])
    categories = np.array([row.category or NOT_GIVEN if row.label == "scam" else "" for row in scored.rows])
    lines = [_figures(marked, channels == channel, ALL, ALL, channel) for channel in sorted(set(channels.tolist()))]
    named = sorted(set(categories.tolist()) - {""})
    return [*lines, *(_figures(marked, categories == category, ALL, ALL, ALL, category) for category in named)]


@dataclass(frozen=True, slots=True)
class _Marked:
    """What all lines of a table need, once: rows by label, scams of languages with benign messages, found ones by rate (N each)."""

    scored: Scored
    labels: dict[str, Bools]
    comparable: Bools
    found: dict[float, Bools]


def _marked(scored: Scored, rate: float) -> _Marked:
    """The first of the rates is the one asked for."""
    labels = {label: labelled(scored.rows, label) for label in ("scam", "promo", "benign")}
    spoken = np.array([row.lang for row in scored.rows])
    comparable = labels["scam"] & np.isin(spoken, spoken[labels["benign"]])
    return _Marked(scored, labels, comparable, {each: in_language(scored, each) for each in (rate, *RATES)})


def in_language(scored: Scored, rate: float) -> Bools:
    """Which messages (N) lie above the threshold of their language's own benign messages; none without benign messages."""
    above = np.zeros(len(scored.rows), np.bool_)
    spoken = np.array([row.lang for row in scored.rows])
    benign = labelled(scored.rows, "benign")
    for language in set(spoken.tolist()):
        within = spoken == language
        if (within & benign).any():
            above |= within & (scored.scores >= threshold_at(scored.scores[within & benign], rate))
    return above


def _figures(marked: _Marked, within: Bools, source: str, language: str, channel: str = ALL, category: str = ALL) -> Figures:
    scored, found = marked.scored, marked.found
    scam, promo, benign = (within & of_label for of_label in marked.labels.values())
    comparable = within & marked.comparable
    shares = {
        "recall": scored.flagged[scam],
        "review_recall": scored.reviewed[scam],
        "false_positives": scored.flagged[benign],
        "promo_flagged": scored.flagged[promo],
        "recall_in_language": next(iter(found.values()))[comparable],
    }
    areas = {
        "auc": margin.area(scored.scores[scam], scored.scores[promo | benign]),
        "auc_benign": margin.area(scored.scores[scam], scored.scores[benign]),
    }
    return Figures(
        source,
        language,
        int(scam.sum()),
        int(promo.sum()),
        int(benign.sum()),
        channel=channel,
        category=category,
        **{name: share(flags) for name, flags in shares.items()},
        **{name: told and told[0] for name, told in areas.items()},
        recall_at={f"{rate:g}": share(found[rate][comparable]) for rate in RATES},
        intervals={name: margin.wilson(flags) for name, flags in shares.items()} | {name: told and told[1] for name, told in areas.items()},
    )


def compare(this: Scored, against: Scored, rate: float) -> list[Comparison]:
    """Two models on the same rows: by language with scams and benign messages, then over all of these."""
    mine, theirs = in_language(this, rate), in_language(against, rate)
    spoken = np.array([row.lang for row in this.rows])
    scam, benign = labelled(this.rows, "scam"), labelled(this.rows, "benign")
    languages = sorted(set(spoken[scam].tolist()) & set(spoken[benign].tolist()))
    lines = [_comparison(mine, theirs, scam & (spoken == language), language) for language in languages]
    return [*lines, _comparison(mine, theirs, scam & np.isin(spoken, languages), ALL)] if languages else []


def _comparison(mine: Bools, theirs: Bools, scam: Bools, language: str) -> Comparison:
    only_this, only_against = int((mine & ~theirs & scam).sum()), int((theirs & ~mine & scam).sum())
    split = only_this + only_against
    p_value = float(binomtest(only_this, split).pvalue) if split else 1.0
    return Comparison(language, int(scam.sum()), float(mine[scam].mean()), float(theirs[scam].mean()), only_this, only_against, p_value)


def labelled(rows: Sequence[Row], label: str) -> Bools:
    """Which rows (N) have the label."""
    return np.fromiter((row.label == label for row in rows), np.bool_, len(rows))


def share(flags: Bools) -> float | None:
    """The share of True; None of nothing."""
    return float(flags.mean()) if len(flags) else None


def fewest_errors(scores: Floats, positive: Bools, weights: Floats) -> float:
    """The score from which on to call positive, so that the weight of the errors is least: midway between two scores, over 1 for none."""
    order = np.argsort(-scores, kind="stable")
    errors = np.append(0.0, np.cumsum(np.where(positive, -weights, weights)[order]))  # by how many are called, less those of calling none
    falling = np.concatenate([[np.inf], scores[order], [-np.inf]])
    errors[falling[1:] == falling[:-1]] = np.inf  # equal scores are called alike
    best = int(np.argmin(errors))
    ends = np.concatenate([[1.0], scores[order], [0.0]])
    return float(ends[best : best + 2].mean()) if best else float(np.nextafter(1.0, 2.0))
