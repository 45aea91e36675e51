"""Everything that is told of a model on labelled messages, and nothing of what they say: the content of report.json."""

from collections.abc import Sequence

import msgspec
import numpy as np

from training import categories, evaluate, intervals, robustness
from training.categories import Named
from training.data import Row
from training.evaluate import ALL, RATES, Comparison, Figures, Scored, labelled, share
from training.fit import Floats, Tell
from training.intervals import Interval
from training.judges import Judges
from training.overlap import Overlap
from training.robustness import Attacked, Judge
from training.thresholds import threshold_at
from training.views import VIEWS, has_metadata

BINS = 10  # of the scores, for the calibration


class Variant(msgspec.Struct, frozen=True):
    """Figures over all messages, of another judge or of the messages with something taken away."""

    name: str
    figures: Figures
    recall_at_one: dict[str, float | None]
    """By false-positive rate: the recall where one threshold serves all languages."""


class Bin(msgspec.Struct, frozen=True):
    """Messages whose score lies in one part of 0 to 1."""

    messages: int
    score: float
    """Their mean score."""
    scam: float
    """The share of scams among them."""
    interval: Interval


class Calibration(msgspec.Struct, frozen=True):
    """Whether scores are probabilities, on these messages with their share of scams."""

    brier: float
    expected_error: float
    """Mean distance of score and share of scams, bins weighed by messages (ECE)."""
    bins: list[Bin]


class Assessment(msgspec.Struct, frozen=True, kw_only=True):
    """One evaluation."""

    model: str
    sha256: str
    folds: int = 0
    """Of the cross-validation; 0 where the model as it is was measured."""
    false_positive_rate: float
    messages: int
    left_out: dict[str, int]
    learned_from: list[str]
    """Sets in these data that the model has learned from: its figures on them flatter."""
    overlap: Overlap | None = None
    accuracy: float | None
    """Share of messages on the right side, scam or anything else: of a score of one half, in cross-validation of each model's cut."""
    accuracy_interval: Interval | None
    figures: list[Figures]
    breakdown: list[Figures]
    views: list[Variant] = []
    baselines: list[Variant] = []
    attacks: list[Attacked] = []
    categories: Named | None = None
    calibration: Calibration | None = None
    against: str | None = None
    comparison: list[Comparison] = []


def assess(judges: Judges, rows: Sequence[Row], rate: float, left_out: dict[str, int]) -> tuple[Scored, Assessment]:
    """The scores, and what they come to: the quick part."""
    scored = judges.score(rows)
    first = judges.models[0]
    right = (scored.scores >= judges.cuts[judges.of]) == labelled(rows, "scam")
    single = len(judges.models) == 1
    learned = {source.name for source in first.manifest.training_data} & {row.source for row in rows} if single else set()
    return scored, Assessment(
        model=first.version if single else "cross-validation",
        sha256=first.sha256 if single else "",
        folds=0 if single else len(judges.models),
        false_positive_rate=rate,
        messages=len(rows),
        left_out=left_out,
        learned_from=sorted(learned),
        accuracy=share(right),
        accuracy_interval=intervals.wilson(right),
        figures=evaluate.table(scored, rate),
        breakdown=evaluate.breakdown(scored, rate),
    )


def complete(told: Assessment, judges: Judges, scored: Scored, others: dict[str, Judge], tell: Tell) -> Assessment:
    """The assessment with views, baselines, attacks, categories and calibration: the part that takes a minute or two."""
    rate = told.false_positive_rate
    return msgspec.structs.replace(
        told,
        views=views(judges.score, scored, rate),
        baselines=[_variant(name, judge(scored.rows), rate) for name, judge in others.items()],
        attacks=robustness.attacked(scored.rows, scored, judges.score, tell),
        categories=categories.named(judges, scored),
        calibration=calibration(scored.scores, labelled(scored.rows, "scam")),
    )


def views(judge: Judge, scored: Scored, rate: float) -> list[Variant]:
    """All messages as they are and without links; those with metadata as they are, without them, and without text."""
    sent = np.array([has_metadata(row) for row in scored.rows], np.bool_)
    seen = {name: judge([view(row) for row in scored.rows]) for name, view in VIEWS.items()}
    table = [_variant("as they are", scored, rate), _variant("links masked", seen["links masked"], rate)]
    if sent.any():
        both = {"with metadata": scored, "their text alone": seen["text alone"], "their metadata alone": seen["metadata alone"]}
        table += [_variant(name, _chosen(told, sent), rate) for name, told in both.items()]
    return table


def _chosen(scored: Scored, within: evaluate.Bools) -> Scored:
    rows = [scored.rows[i] for i in np.flatnonzero(within).tolist()]
    return Scored(rows, scored.scores[within], scored.flagged[within], scored.reviewed[within])


def _variant(name: str, scored: Scored, rate: float) -> Variant:
    scam, benign = scored.scores[labelled(scored.rows, "scam")], scored.scores[labelled(scored.rows, "benign")]
    at_one = {f"{each:g}": share(scam >= threshold_at(benign, each)) if len(benign) else None for each in RATES}
    (over_all,) = (line for line in evaluate.table(scored, rate) if line.source == line.language == ALL)
    return Variant(name, over_all, at_one)


def calibration(scores: Floats, scam: evaluate.Bools) -> Calibration:
    """Reliability in BINS equal parts of 0 to 1; empty ones are left out."""
    part = np.minimum((scores * BINS).astype(np.int64), BINS - 1)
    bins = []
    for number in sorted(set(part.tolist())):
        within = part == number
        interval = intervals.wilson(scam[within]) or (0.0, 1.0)
        bins.append(Bin(int(within.sum()), float(scores[within].mean()), float(scam[within].mean()), interval))
    error = sum(each.messages * abs(each.score - each.scam) for each in bins) / max(len(scores), 1)
    return Calibration(float(np.mean((scores - scam) ** 2)) if len(scores) else 0.0, error, bins)
