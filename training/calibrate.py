"""Scores that mean the same in every script: a scale and two shifts of the logits for each group of scripts.

Vector scaling (Guo et al., 2017) on out-of-fold logits, with one scale for both differences to `benign`. The groups are
`models.languages.SCRIPTS`; one with few messages stays near what fits all messages together.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax
from sklearn.pipeline import Pipeline

from models.classifier import chunks
from models.languages import SCRIPTS, scripts
from models.message import Message
from models.text import canonicalise
from training.fit import Floats, Ints, differences

PULL = 1000.0  # how many messages the pooled solution counts for in a group: other sources of a script differ more than that


@dataclass(frozen=True, slots=True)
class Calibration:
    """z -> scale * z + shift, by number of script."""

    scale: Floats  # (scripts)
    shift: Floats  # (scripts, 2)

    def probabilities(self, logits: Floats, script: Ints) -> Floats:
        """(N, 3) in the order of CLASSES, from logits (N, 2) before calibration."""
        return np.asarray(softmax(_moved(logits, self.scale[script][:, None], self.shift[script]), axis=1))


def fit(logits: Floats, script: Ints, labels: Ints, weights: Floats) -> Calibration:
    """The calibration that makes the labels likeliest; weights are taken relative to their mean."""
    weights = weights / weights.mean()
    pooled = _fit(logits, labels, weights, np.zeros(3), 0.0)
    found = [_fit(logits[script == s], labels[script == s], weights[script == s], pooled, PULL) for s in range(len(SCRIPTS))]
    table = np.array(found)
    return Calibration(np.exp(table[:, 0]), table[:, 1:])


def _fit(logits: Floats, labels: Ints, weights: Floats, centre: Floats, pull: float) -> Floats:
    """Logarithm of the scale, and the two shifts."""

    def loss(at: Floats) -> float:
        moved = log_softmax(_moved(logits, np.exp(at[0]), at[1:]), axis=1)
        told = moved[np.arange(len(labels)), labels]
        return float(-(weights * told).sum() + pull * ((at - centre) ** 2).sum())

    return np.asarray(minimize(loss, centre, method="L-BFGS-B").x, dtype=np.float64)


def _moved(logits: Floats, scale: Floats | float, shift: Floats) -> Floats:
    return np.column_stack([logits * scale + shift, np.zeros(len(logits))])


def scripts_of(messages: Sequence[Message]) -> NDArray[np.intp]:
    """The number of each message's script in SCRIPTS."""
    return np.concatenate([scripts(canonicalise([message.text for message in chunk]).counts) for chunk in chunks(messages)])


def predict(pipeline: Pipeline, calibration: Calibration, messages: Sequence[Message]) -> Floats:
    """Calibrated probabilities (N, 3) by way of scikit-learn: what serving must reproduce."""
    return calibration.probabilities(differences(pipeline, messages), scripts_of(messages))
