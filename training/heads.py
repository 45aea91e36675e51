"""The two small classifiers beside the main one: a scam's category, and the language of a text in Latin script."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression

from models.classifier import CATEGORIES, Head
from models.languages import SCRIPTS, UNDETERMINED
from training.fit import Floats, Ints, Lessons, fit_used

ROWS = 1 << 14  # half a megabyte for 8 classes; 2**18 told categories no better
REGULARISATION = 30.0  # scikit-learn's C
_LATIN = (SCRIPTS.index("latin"), SCRIPTS.index("vietnamese"))  # without its accents Vietnamese is Latin, and its features the same


def category(taught: Lessons, buckets: int) -> Head:
    """The head that names a scam's category, learned from the scams that have one."""
    chosen = [i for i, row in enumerate(taught.rows) if row.label == "scam" and row.category in CATEGORIES]
    names = [str(taught.rows[i].category) for i in chosen]
    return _head(taught.features[chosen, :buckets], names, _even(names), "other")


def language(taught: Lessons, script: Ints, buckets: int) -> Head:
    """The head that tells apart the languages written in Latin script: those with most of their messages in it."""
    latin = np.isin(script[: len(taught.rows)], _LATIN)
    all_of = Counter(row.lang for row in taught.rows)
    in_latin = Counter(row.lang for row, is_latin in zip(taught.rows, latin, strict=True) if is_latin)
    chosen = [i for i in np.flatnonzero(latin).tolist() if 2 * in_latin[taught.rows[i].lang] > all_of[taught.rows[i].lang]]
    names = [taught.rows[i].lang for i in chosen]
    return _head(taught.features[chosen, :buckets], names, _even(names), UNDETERMINED)


def _even(names: Sequence[str]) -> Floats:
    """Weights 1 / sqrt(size of the class), mean 1."""
    sizes = Counter(names)
    weights = np.array([1 / np.sqrt(sizes[name]) for name in names])
    return weights / weights.mean() if len(weights) else weights


def _head(counts: csr_array, names: Sequence[str], weights: Floats, nothing: str) -> Head:
    """Fit a head; where there is but one class, or none, it always names that one or `nothing`."""
    classes = sorted(set(names))
    if len(classes) < 2:
        return Head(tuple(classes) or (nothing,), np.zeros((1, 1), np.float32), np.zeros(1, np.float32))
    model = fit_used(LogisticRegression(C=REGULARISATION, max_iter=200), folded(counts), names, weights)
    coefficients, bias = model.coef_, model.intercept_
    if len(classes) == 2:  # scikit-learn keeps one row for two classes
        coefficients, bias = np.vstack([np.zeros_like(coefficients), coefficients]), np.append(0.0, bias)
    coefficients[:, 0] = 0
    return Head(tuple(classes), np.ascontiguousarray(coefficients.T, np.float32), bias.astype(np.float32))


def folded(counts: csr_array) -> csr_array:
    """Counts by bucket modulo ROWS; column 0 emptied, as serving ignores it."""
    columns = counts.indices & (ROWS - 1)
    table = csr_array((np.where(columns > 0, counts.data, 0.0), columns, counts.indptr), shape=(counts.shape[0], ROWS))
    table.sum_duplicates()
    return table
