"""ScamClassifier: a batch of messages -> probabilities of scam, promo and benign.

The model is a multinomial logistic regression on hashed character n-grams and named signals, calibrated by script
(a scale and two shifts each: vector scaling, Guo et al., 2017). Only differences to `benign` matter to its softmax, so it
keeps two weights a feature, and the two of an n-gram are one complex number (see `ngrams.sums`).

What is dear is done for few messages only: reasons, category and language come from `models.explain`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from models import languages, links, ngrams, signals
from models.links import Host
from models.message import Message
from models.ngrams import NgramParameters
from models.text import CanonicalBatch, canonicalise

CLASSES = ("scam", "promo", "benign")
Category = Literal[
    "authority",
    "bank",
    "parcel",
    "prize",
    "loan",
    "investment",
    "job",
    "romance",
    "family",
    "gambling",
    "account_theft",
    "tech_support",
    "telecom",
    "charity",
    "marketplace",
    "other",
]
CATEGORIES: tuple[str, ...] = get_args(Category)
CHUNK_MESSAGES = 2000  # fewer pay the fixed cost of a hundred numpy calls more often; more no longer fit the cache
CHUNK_CHARACTERS = 400_000  # bounds the memory of a chunk of very long messages

SENTENCE, LONGEST_EXPANSION = "\ufdfa", 18  # one Arabic ligature is a whole sentence: messages of it take 18 times the memory

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scores:
    """Of N messages: probabilities (N, 3) in the order of CLASSES, the number of their script in SCRIPTS (N).

    `hosts` are those of their links, by message (only messages with links).
    """

    probabilities: Floats
    scripts: NDArray[np.intp]
    hosts: dict[int, list[Host]]


@dataclass(frozen=True, slots=True)
class Head:
    """A small linear classifier over n-gram buckets folded to `weights.shape[0]` rows: of the category, of the language."""

    names: tuple[str, ...]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]

    def probabilities(self, batch: CanonicalBatch, grams: Sequence[NDArray[np.intp]], parameters: NgramParameters) -> Floats:
        """(N, len(names)) for a batch of few messages and its `ngrams.buckets`."""
        total = np.zeros((len(batch.codes), len(self.names)), dtype=np.float32)
        for found in grams:
            total[: len(found)] += self.weights.take(found & (len(self.weights) - 1), axis=0)
        logits = np.add.reduceat(total, batch.starts) * ngrams.scale(batch, parameters)[:, None] + self.bias
        return softmax(logits.astype(np.float64))


@dataclass(frozen=True, slots=True, eq=False)
class ScamClassifier:
    """The arrays of a model. Columns of weights: scam and promo, each against benign."""

    parameters: NgramParameters
    ngram_weights: NDArray[np.complex64]  # (buckets)
    signal_weights: Floats  # (signals, 2)
    bias: Floats  # (2)
    calibration_scale: Floats  # (scripts)
    calibration_shift: Floats  # (scripts, 2)
    category: Head
    language: Head

    def score(self, messages: Sequence[Message]) -> Scores:
        """Probabilities and scripts of any number of messages, chunk by chunk."""
        probabilities = np.zeros((len(messages), len(CLASSES)))
        scripts = np.zeros(len(messages), dtype=np.intp)
        hosts: dict[int, list[Host]] = {}
        begin = 0
        for chunk in chunks(messages):
            end = begin + len(chunk)
            batch = canonicalise([message.text for message in chunk])
            found = links.find(batch)
            scripts[begin:end] = script = languages.scripts(batch.counts)
            logits = self.logits(batch, signals.measure(chunk, batch, found))
            logits = logits * self.calibration_scale[script][:, None] + self.calibration_shift[script]
            probabilities[begin:end] = softmax(np.column_stack([logits, np.zeros(len(logits))]))
            for message, host in zip(found.message.tolist(), found.host, strict=True):
                hosts.setdefault(begin + message, []).append(host)
            begin = end
        return Scores(probabilities, scripts, hosts)

    def logits(self, batch: CanonicalBatch, table: NDArray[np.floating[Any]]) -> Floats:
        """Log-odds (N, 2) of scam and of promo against benign, before calibration."""
        grams = ngrams.sums(batch, self.ngram_weights, self.parameters)
        return np.column_stack([grams.real, grams.imag]) + table @ self.signal_weights + self.bias

    def languages(self, messages: Sequence[Message], scripts: NDArray[np.intp]) -> list[str]:
        """The language that each message states, else the one its script tells, else `und`. Cheap."""
        told = [languages.LANGUAGE_OF_SCRIPT.get(name, languages.UNDETERMINED) for name in languages.SCRIPTS]
        return [message.language or told[script] for message, script in zip(messages, scripts.tolist(), strict=True)]


def chunks(messages: Sequence[Message]) -> list[Sequence[Message]]:
    """Cut a sequence of messages into chunks that are kind to the cache; no chunk is empty."""
    parts = (messages[begin : begin + CHUNK_MESSAGES] for begin in range(0, len(messages), CHUNK_MESSAGES))
    return [chunk for part in parts for chunk in _halved(part)]


def _halved(messages: Sequence[Message]) -> list[Sequence[Message]]:
    """The messages, halved until the canonical form of each part has about CHUNK_CHARACTERS at most, or is one message's."""
    texts = [message.text for message in messages]
    characters = sum(map(len, texts))
    if characters <= CHUNK_CHARACTERS:  # the other ligatures are of a few letters
        characters += LONGEST_EXPANSION * "".join(texts).count(SENTENCE)
    if characters <= CHUNK_CHARACTERS or len(messages) == 1:
        return [messages]
    middle = len(messages) // 2
    return [*_halved(messages[:middle]), *_halved(messages[middle:])]


def softmax(logits: Floats) -> Floats:
    """Probabilities from logits, row by row."""
    grown = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(grown / grown.sum(axis=1, keepdims=True), dtype=np.float64)
