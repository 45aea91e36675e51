"""From labelled rows to a model folder: every step of `scamsieve train`, in order.

Nothing here reads a clock or prints; the command gives the date and is told of progress.
"""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # comes with scikit-learn

from models import artifact
from models.artifact import Golden, Manifest, Model, Source
from models.classifier import CLASSES, Head, ScamClassifier
from models.message import Message
from models.thresholds import Thresholds
from training import calibrate, evaluate, fit, heads, report, split, thresholds
from training.calibrate import Calibration
from training.data import CORPUS, OWN, UNSTATED, Found, Row, read, text_only, without_duplicates
from training.evaluate import Figures, Scored
from training.fit import Floats, Ints, Lessons, Recipe, Tell
from training.honesty import honest
from training.thresholds import Benign

GOLDEN = 200  # messages of the corpus whose scores a loaded model must reproduce
HISTOGRAM_BINS = 20
LEAST = 10  # messages of each label without which nothing can be learned, calibrated and held out


class TrainingError(Exception):
    """Data from which no model can be made; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class Trained:
    """All that was learned, and what is told of it."""

    pipeline: Pipeline
    calibration: Calibration
    category: Head
    language: Head
    thresholds: Thresholds
    histogram: tuple[float, ...]
    cut: float
    """The score that parts scams from all else with the fewest errors, out of fold, each row counting the same."""
    out_of_fold: list[Figures]


def prepare(found: Found, tell: Tell) -> list[Row]:
    """Rows without duplicates and without metadata that may not be learned from.

    Raises TrainingError if a label has too few messages.
    """
    tell("deduplicate", 0, 1)
    rows = honest(without_duplicates(found.rows, found.left_out), found.left_out)
    sizes = Counter(row.label for row in rows)
    few = [f"{sizes[label]} of {label}" for label in ("scam", "promo", "benign") if sizes[label] < LEAST]
    if few:
        raise TrainingError(f"too few messages to learn from: {', '.join(few)}; at least {LEAST} of each label are needed")
    tell("deduplicate", 1, 1)
    return rows


def train(rows: Sequence[Row], recipe: Recipe, rate: float, tell: Tell) -> Trained:
    """Group, fit, calibrate and choose thresholds; `rate` of the benign messages may be flagged.

    Raises TrainingError if near-duplicates leave a fold without a label.
    """
    tell("group", 0, 1)
    groups = split.near_duplicates([row.message.text for row in rows])
    tell("features", 0, 1)
    taught = fit.lessons(rows, recipe)
    script = calibrate.scripts_of(taught.messages)
    tell("folds", 0, recipe.folds)
    folds = _folds(rows, groups, recipe)
    # The algebra's own threads get in the way of the folds': one each is twice as fast. All is learned beside the folds, not after them.
    with threadpool_limits(limits=1), ThreadPoolExecutor(1) as beside:
        whole = beside.submit(fit.learn, taught.features, taught.labels, taught.weights, recipe)
        logits = fit.out_of_fold(taught, folds, recipe, tell)
        tell("fit", 0, 1)
        estimator = fit.pipeline(recipe)
        estimator.steps[-1] = ("classify", rounded(whole.result()))
    tell("calibrate", 0, 1)
    calibration = calibrate.fit(logits, script, taught.labels, taught.weights)
    scores = calibration.probabilities(logits, script)[:, 0]
    tell("thresholds", 0, 1)
    chosen = _thresholds(taught, scores, rate)
    tell("heads", 0, 1)
    buckets = recipe.ngrams.buckets
    with threadpool_limits(limits=1):
        category, language = heads.category(taught, buckets), heads.language(taught, script, buckets)
    histogram, figures = _histogram(taught, scores), _figures(taught, scores, chosen)
    cut = evaluate.fewest_errors(scores, taught.labels == CLASSES.index("scam"), taught.shares)
    return Trained(estimator, calibration, category, language, chosen, histogram, cut, figures)


def _folds(rows: Sequence[Row], groups: Ints, recipe: Recipe) -> list[tuple[Ints, Ints]]:
    folds = split.folds(rows, groups, recipe.folds, recipe.seed)
    for label in sorted({row.label for row in rows}):
        if any(all(rows[i].label != label for i in learned) for learned, _ in folds):
            raise TrainingError(
                f"the messages of {label} are nearly all near-duplicates of each other: none is left to learn from in a fold"
            )
    return folds


def rounded(model: LogisticRegression) -> LogisticRegression:
    """The classifier with its coefficients as 32-bit floats can hold them, and none for bucket 0: what is released."""
    model.coef_ = model.coef_.astype(np.float32).astype(np.float64)
    model.coef_[:, 0] = 0
    return model


def _thresholds(taught: Lessons, scores: Floats, rate: float) -> Thresholds:
    benign = taught.labels == CLASSES.index("benign")
    rows = [taught.rows[i] for i in taught.row[benign]]
    found = np.array([not row.source.startswith(OWN) for row in rows])
    return thresholds.choose(Benign(scores[benign], [row.lang for row in rows], found, taught.shares[benign], taught.weights[benign]), rate)


def _histogram(taught: Lessons, scores: Floats) -> tuple[float, ...]:
    counts, _ = np.histogram(scores, HISTOGRAM_BINS, (0.0, 1.0), weights=taught.shares)
    return tuple(np.round(counts / counts.sum(), 6).tolist())


def _figures(taught: Lessons, scores: Floats, chosen: Thresholds) -> list[Figures]:
    """The evaluation's table on out-of-fold scores, each row with the metadata that it has."""
    first = slice(len(taught.rows))
    limits = chosen.of([row.lang for row in taught.rows])
    scored = Scored(taught.rows, scores[first], scores[first] >= limits[:, 0], scores[first] >= limits[:, 1])
    return evaluate.table(scored, chosen.false_positive_rate)


def serving(trained: Trained, recipe: Recipe) -> ScamClassifier:
    """The arrays that serve, taken from the pipeline."""
    model = trained.pipeline["classify"]
    buckets = recipe.ngrams.buckets
    weights = np.empty(buckets, np.complex64)
    weights.real, weights.imag = model.coef_[0, :buckets], model.coef_[1, :buckets]
    factor = np.ascontiguousarray(model.coef_[:2, buckets:].T * recipe.signal_factor)
    calibration = trained.calibration
    return ScamClassifier(
        recipe.ngrams,
        weights,
        factor,
        np.asarray(model.intercept_[:2], np.float64),
        calibration.scale,
        calibration.shift,
        trained.category,
        trained.language,
    )


def golden(trained: Trained, seed: int) -> list[Golden]:
    """Messages of the project's corpus, spread over languages and labels, and odd ones, with the pipeline's probabilities."""
    rows = read([CORPUS]).rows
    order = np.random.default_rng(seed).permutation(len(rows)).tolist()
    seen: Counter[tuple[str, str]] = Counter()
    ranked = []
    for i in order:
        seen[rows[i].lang, rows[i].label] += 1
        ranked.append((seen[rows[i].lang, rows[i].label], i))
    chosen = [rows[i] for _, i in sorted(ranked, key=lambda pair: pair[0])[:GOLDEN]]
    messages = [(row if n % 3 else text_only(row)).message for n, row in enumerate(chosen)] + [Message(text=text) for text in ODD]
    probabilities = calibrate.predict(trained.pipeline, trained.calibration, messages)
    return [Golden(message, (row[0], row[1], row[2])) for message, row in zip(messages, probabilities.tolist(), strict=True)]


ODD = ("", " ", "a", "\u0301", "\u200b\u200d", "0" * 50, "ก" * 5000, "x\u2028y\x00z", "𝓯𝓻𝓮𝓮 ｆｒｅｅ f r e e fr33", "🎁" * 40, "ﷺ ½ ﬁ")
"""Texts at the edges, made up: empty, lone marks, very long, styled."""


def write(folder: Path, trained: Trained, rows: Sequence[Row], found: Found, recipe: Recipe, created: str) -> Model:
    """Write the model folder, load it again and so prove that it serves what the pipeline computes.

    Raises ArtifactError if it does not.
    """
    told = manifest(folder.name, created, trained, rows, found, recipe)
    card = report.card(told, trained.out_of_fold, found.left_out, recipe)
    artifact.save(folder, serving(trained, recipe), told, golden(trained, recipe.seed), card)
    return artifact.load(folder)


def manifest(version: str, created: str, trained: Trained, rows: Sequence[Row], found: Found, recipe: Recipe) -> Manifest:
    """All that is told of a model, but for the checksums of its files."""
    return Manifest(
        version=version,
        created=created,
        ngram_longest=recipe.ngrams.longest,
        ngram_bits=recipe.ngrams.bits,
        categories=trained.category.names,
        languages=trained.language.names,
        thresholds=trained.thresholds,
        score_histogram=trained.histogram,
        training_data=sources(rows, found.licences),
        metrics={"out_of_fold": msgspec.to_builtins(trained.out_of_fold)},
        sha256={},
    )


def sources(rows: Sequence[Row], licences: dict[str, str]) -> tuple[Source, ...]:
    """The data sets of the rows, with licence and counts."""
    names = sorted({row.source for row in rows})
    counted = {name: Counter(row.label for row in rows if row.source == name) for name in names}
    return tuple(Source(name, licences.get(name, UNSTATED), counted[name].total(), dict(sorted(counted[name].items()))) for name in names)
