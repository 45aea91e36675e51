"""Features and classifier: scikit-learn transformers over sequences of Message, and a logistic regression on them.

The features are computed by the very code that serves (`models`); only the sums are done otherwise (a sparse matrix here,
look-ups there), and `models.artifact.load` proves that both come to the same probabilities.
"""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import Any, Self

import joblib
import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, diags_array, vstack
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, Pipeline

from models import ngrams, signals
from models.catalogue import CATALOGUE
from models.classifier import CLASSES, chunks
from models.message import Message
from models.ngrams import NgramParameters
from models.text import canonicalise
from training.attacks import ATTACKS, attack
from training.data import Row, text_only

ATTACKED = {"scam": 0.4, "promo": 0.3, "benign": 0.3}  # the share of the rows of a label that are learned once more under an attack
SCAMS_OFTENER = {"hidden_links": 2.5, "foreign_sentences": 3.0, "benign_padding": 1.5}
"""How many times as often as another attack: what these do can only partly be undone."""
HONEST_SELDOM = {"hidden_links": 0.1}
PRIOR = 20.0  # messages of mean weight; 5 and 60 found as many scams within a point

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
HELD_BACK = 0.5
"""What is left of weights by which an undone trick speaks for a message. They balance what undoing restored, for honest people break
links, too; but whoever hides one would gain by it. Measured, recall and honest messages flagged when links are hidden: in full -15 points
and 2.3 %, without +8 and 8.5 %."""
SCAM = CLASSES.index("scam")
NEVER = -30.0  # log-odds of a label that no message has
Tell = Callable[[str, int, int], None]
"""Told of progress: the stage, how much of it is done, out of how much."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is chosen, not learned."""

    ngrams: NgramParameters = field(default_factory=NgramParameters)
    signal_factor: float = 0.7
    regularisation: float = 10.0  # scikit-learn's C
    folds: int = 4
    seed: int = 1
    jobs: int = 2
    cache: Path | None = None


class NgramCounts(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Sequence of Message -> CSR (N, buckets): how often each n-gram stands there, times `ngrams.scale`. Column 0 stays empty."""

    def __init__(self, longest: int = 5, bits: int = 17) -> None:
        self.longest = longest
        self.bits = bits

    def fit(self, _messages: Sequence[Message], _labels: object = None) -> Self:
        """Nothing is learned."""
        return self

    def transform(self, messages: Sequence[Message]) -> csr_array:
        """The counts."""
        parameters = NgramParameters(self.longest, self.bits)
        parts = [_counts(chunk, parameters) for chunk in chunks(messages)]
        return csr_array(vstack(parts, format="csr"))

    def __sklearn_is_fitted__(self) -> bool:
        return True


class Signals(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Sequence of Message -> (N, signals): the catalogue of `models.signals`."""

    def fit(self, _messages: Sequence[Message], _labels: object = None) -> Self:
        """Nothing is learned."""
        return self

    def transform(self, messages: Sequence[Message]) -> Floats:
        """The signals, as 64-bit floats like all that is summed."""
        tables = [signals.measure(chunk, canonicalise([message.text for message in chunk])) for chunk in chunks(messages)]
        return np.concatenate(tables).astype(np.float64)

    def __sklearn_is_fitted__(self) -> bool:
        return True


def _counts(messages: Sequence[Message], parameters: NgramParameters) -> csr_array:
    batch = canonicalise([message.text for message in messages])
    row = np.repeat(np.arange(len(messages)), batch.ends - batch.starts)
    keys = [row[: len(found)][found > 0] * parameters.buckets + found[found > 0] for found in ngrams.buckets(batch, parameters)]
    cells, counts = np.unique(np.concatenate(keys), return_counts=True)
    rows, columns = np.divmod(cells, parameters.buckets)
    values = counts * ngrams.scale(batch, parameters)[rows]
    pointers = np.searchsorted(rows, np.arange(len(messages) + 1))
    return csr_array((values, columns.astype(np.int32), pointers.astype(np.int32)), shape=(len(messages), parameters.buckets))


def pipeline(recipe: Recipe) -> Pipeline:
    """The whole estimator: features, then the classifier. Classes are numbered as in CLASSES."""
    grams = NgramCounts(recipe.ngrams.longest, recipe.ngrams.bits)
    union = FeatureUnion([("ngrams", grams), ("signals", Signals())], transformer_weights={"signals": recipe.signal_factor})
    return Pipeline([("features", union), ("classify", classifier(recipe))])


def classifier(recipe: Recipe) -> LogisticRegression:
    """Multinomial logistic regression, fitted by L-BFGS.

    The tolerance matters: at 1e-3 it stops early, where the smallest change of a feature moves the AUC on new sources by up to
    six points; from 1e-4 on it stays within half a point.
    """
    return LogisticRegression(C=recipe.regularisation, max_iter=600, tol=1e-4)


@dataclass(frozen=True, slots=True)
class Lessons:
    """What the classifier is taught: copies of the rows, their features, labels (numbers in CLASSES) and weights.

    A row with metadata is there with and without them, so that a missing field stays neutral. Some rows are there once more as a gang
    would send them, past `training.attacks`: scams mostly, but honest people play with letters, too. The copies share the row's weight.
    """

    rows: Sequence[Row]
    row: Ints  # (copies): which row a copy is of
    messages: Sequence[Message]
    features: csr_array
    labels: Ints
    weights: Floats

    @property
    def shares(self) -> Floats:
        """(copies): 1 for the copy of a row that has one, 1/2 for each of two ..."""
        return np.asarray(1.0 / np.bincount(self.row)[self.row], dtype=np.float64)


def lessons(rows: Sequence[Row], recipe: Recipe) -> Lessons:
    """Copies, features and weights of the rows."""
    bare = [i for i, row in enumerate(rows) if row.message != text_only(row).message]
    attacked = [(i, text) for i, row in enumerate(rows) for text in _attacked(row, recipe.seed)]
    index = np.array([*range(len(rows)), *bare, *(i for i, _ in attacked)], dtype=np.intp)
    messages = [
        *(row.message for row in rows),
        *(text_only(rows[i]).message for i in bare),
        *(msgspec.structs.replace(rows[i].message, text=text) for i, text in attacked),
    ]
    computed = joblib.Memory(recipe.cache, verbose=0).cache(_features, ignore=["union"])
    key = (repr(recipe.ngrams), recipe.signal_factor, _fingerprint())
    features = computed(messages, key, union=pipeline(recipe)["features"])
    labels = np.array([CLASSES.index(rows[i].label) for i in index], dtype=np.intp)
    weights = _balance(rows)[index] / np.bincount(index)[index]
    return Lessons(rows, index, messages, features, labels, weights)


def _attacked(row: Row, seed: int) -> list[str]:
    """The row's text past one attack, for ATTACKED of the rows; the dice fall the same for the same text."""
    dice = Random(f"{seed} {row.message.text}")  # noqa: S311 dice, no secret
    odds = SCAMS_OFTENER if row.label == "scam" else HONEST_SELDOM
    names = sorted(ATTACKS)
    [name] = dice.choices(names, [odds.get(known, 1.0) for known in names])
    if dice.random() >= ATTACKED[row.label]:
        return []
    text = attack(name, row.message.text, seed)
    return [text] if text != row.message.text else []


def _features(messages: Sequence[Message], _key: tuple[object, ...], union: FeatureUnion) -> csr_array:
    """Cached by the messages and the key: the parameters and the code that makes features."""
    return csr_array(union.transform(messages))


def _fingerprint() -> str:
    """Changes with the code and the tables that make features."""
    within = sorted(path for path in Path(str(files("models"))).rglob("*") if path.suffix in (".py", ".tsv"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in within)).hexdigest()


def _balance(rows: Sequence[Row]) -> Floats:
    """Weights (mean 1) by which neither a language nor a label drowns the others: 1 / sqrt(messages of both), weak sources half."""
    sizes = Counter((row.lang, row.label) for row in rows)
    weights = np.array([(0.5 if "weak" in row.source else 1.0) / np.sqrt(sizes[row.lang, row.label]) for row in rows])
    return np.asarray(weights / weights.mean(), dtype=np.float64)


def learn(features: csr_array, labels: Ints, weights: Floats, recipe: Recipe) -> LogisticRegression:
    """A fitted classifier whose rows of coefficients are differences to `benign`, which is the same model.

    It learns from n-grams stretched by how much each tells, and then needs no stretching to serve: its coefficients have it.
    A label that no message has is never told: its weights are 0 and its bias is NEVER. That a trick was undone hardly speaks for a message.
    """
    factor = np.ones(features.shape[1])
    factor[: recipe.ngrams.buckets] = telling(features[:, : recipe.ngrams.buckets], labels, weights)
    model = _with_all_classes(fit_used(classifier(recipe), csr_array(features @ diags_array(factor)), labels, weights))
    model.coef_ *= factor
    model.coef_ -= model.coef_[-1]
    model.intercept_ -= model.intercept_[-1]
    tricks = [recipe.ngrams.buckets + i for i, signal in enumerate(CATALOGUE) if signal.group == "evasion"]
    model.coef_[SCAM, tricks] *= np.where(model.coef_[SCAM, tricks] < 0, HELD_BACK, 1)
    return model


def telling(counts: csr_array, labels: Ints, weights: Floats) -> Floats:
    """How much each n-gram tells scams from benign messages, mean 1: half of it the absolute log-count ratio.

    After NB-SVM (Wang and Manning, 2012), smoothed by PRIOR messages, so that what stands in a handful of messages tells little. On new
    sources 54 % of the scams were found at 0.5 % of the benign with it, 36 % without; with the ratio alone, 44 %.
    """
    held = csr_array((np.ones_like(counts.data), counts.indices, counts.indptr), shape=counts.shape)
    of = [held[labels == CLASSES.index(label)].T @ weights[labels == CLASSES.index(label)] + PRIOR for label in ("scam", "benign")]
    ratio = np.abs(np.log(of[0] / of[0].sum()) - np.log(of[1] / of[1].sum()))
    return np.asarray(0.5 + 0.5 * ratio / max(ratio.mean(), 1e-9), dtype=np.float64)


def _with_all_classes(model: LogisticRegression) -> LogisticRegression:
    """The model with a row of coefficients for each of CLASSES; of two classes scikit-learn keeps one row for both."""
    if len(model.classes_) == len(CLASSES):
        return model
    coefficients, bias = np.zeros((len(CLASSES), model.coef_.shape[1])), np.full(len(CLASSES), NEVER)
    own = model.classes_[1:] if len(model.classes_) == 2 else model.classes_
    bias[model.classes_] = 0.0
    coefficients[own], bias[own] = model.coef_, model.intercept_
    model.coef_, model.intercept_, model.classes_ = coefficients, bias, np.arange(len(CLASSES))
    return model


def fit_used(model: LogisticRegression, features: csr_array, labels: object, weights: Floats) -> LogisticRegression:
    """Fit on the columns that hold anything; the others get coefficients of 0, as they would: few messages fit in a moment."""
    used = np.unique(features.indices)
    model.fit(features[:, used], labels, sample_weight=weights)
    coefficients = np.zeros((len(model.coef_), features.shape[1]))
    coefficients[:, used] = model.coef_
    model.coef_, model.n_features_in_ = coefficients, features.shape[1]
    return model


def out_of_fold(taught: Lessons, folds: Sequence[tuple[Ints, Ints]], recipe: Recipe, tell: Tell) -> Floats:
    """Logits (copies, 2) of scam and promo against benign, each from a model that saw neither the row nor a near-duplicate."""
    tasks = (joblib.delayed(_fold)(taught, np.isin(taught.row, test), recipe) for _, test in folds)
    logits = np.zeros((len(taught.row), 2))
    # threads: the sparse products release the interpreter's lock, and nothing is copied
    for done, (test, found) in enumerate(joblib.Parallel(recipe.jobs, prefer="threads", return_as="generator")(tasks), start=1):
        logits[test] = found
        tell("folds", done, len(folds))
    return logits


def _fold(taught: Lessons, test: NDArray[np.bool_], recipe: Recipe) -> tuple[NDArray[np.bool_], Floats]:
    model = learn(taught.features[~test], taught.labels[~test], taught.weights[~test], recipe)
    return test, differences(model, taught.features[test])


def differences(model: Any, features: Any) -> Floats:
    """Logits (N, 2) of scam and promo against benign."""
    logits = model.decision_function(features)
    return np.asarray(logits[:, :2] - logits[:, 2:], dtype=np.float64)
