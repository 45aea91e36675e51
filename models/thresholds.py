"""From which score on a message is flagged or reviewed: by language, told cheaply.

The same score does not mean the same in every language, for a model knows some better than others. Where the script tells the
language, a look-up does; in Latin script the language is only asked for where the score is near a threshold. A message whose
language is uncertain, or that mixes languages, takes the strictest threshold among those it may be in: a foreign word is no way out.
"""

from collections.abc import Sequence
from typing import Annotated

import msgspec
import numpy as np
from numpy.typing import NDArray

from models import ngrams
from models.classifier import Floats, ScamClassifier, Scores, chunks
from models.languages import LANGUAGE_OF_SCRIPT, LATIN_SCRIPT, SCRIPTS
from models.message import Message
from models.text import canonicalise

Share = Annotated[float, msgspec.Meta(ge=0, le=1)]

PLAUSIBLE = 0.15  # a language of at least this probability is one that a message may be in


class Thresholds(msgspec.Struct, frozen=True):
    """Scores from which on a message is flagged or reviewed: by language, `default` for the others."""

    flag: dict[str, Share]
    review: dict[str, Share]
    false_positive_rate: Share
    review_false_positive_rate: Share

    def of(self, languages: Sequence[str]) -> Floats:
        """(languages, 2): flag and review."""
        return np.array([[known.get(name, known["default"]) for known in (self.flag, self.review)] for name in languages])


def limits(thresholds: Thresholds, classifier: ScamClassifier, messages: Sequence[Message], scores: Scores) -> Floats:
    """The flag and review threshold of each message of a scored batch: (N, 2).

    A message in Latin script that lies below every threshold gets the default ones, which it does not reach either.
    """
    by_script = thresholds.of([LANGUAGE_OF_SCRIPT.get(script, "default") for script in SCRIPTS])
    by_language = thresholds.of(classifier.language.names)
    lowest = min(by_language[:, 1].min(), by_script[LATIN_SCRIPT, 1])
    found: Floats = by_script[scores.scripts]
    latin = scores.scripts == LATIN_SCRIPT
    found[latin] = np.maximum(found[latin], lowest)
    near = np.flatnonzero(latin & (scores.probabilities[:, 0] >= lowest))
    begin = 0
    for chunk in chunks([messages[i] for i in near.tolist()]):
        found[near[begin : begin + len(chunk)]] = _strictest(by_language, spoken(classifier, chunk))
        begin += len(chunk)
    return found


def spoken(classifier: ScamClassifier, messages: Sequence[Message]) -> Floats:
    """Probabilities (N, languages) of the languages in Latin script that the classifier knows, of few messages."""
    batch = canonicalise([message.text for message in messages])
    return classifier.language.probabilities(batch, list(ngrams.buckets(batch, classifier.parameters)), classifier.parameters)


def _strictest(by_language: Floats, probabilities: Floats) -> Floats:
    """The lowest thresholds (N, 2) among the plausible languages; the likeliest one is always plausible."""
    plausible: NDArray[np.bool_] = probabilities >= np.minimum(probabilities.max(axis=1, keepdims=True), PLAUSIBLE)
    return np.asarray(np.where(plausible[:, :, None], by_language, np.inf).min(axis=1), dtype=np.float64)
