"""ScamClassifier: a batch of messages -> probabilities of scam, promo and benign; a few messages -> reasons.

The model is a multinomial logistic regression on hashed character n-grams and named signals, calibrated by script
(a scale and two shifts each: vector scaling, Guo et al., 2017). Only differences to `benign` matter to its softmax, so it
keeps two weights a feature, and the two of an n-gram are one complex number (see `ngrams.sums`).

What is dear is done for few messages only: reasons, category and language come from `explain`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

import msgspec
import numpy as np
from numpy.typing import NDArray

from models import languages, links, ngrams, signals
from models.links import Host
from models.message import Message
from models.ngrams import NgramParameters
from models.text import SPACE, C, CanonicalBatch, between, canonicalise, expand

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
LANGUAGE_SURE = 0.6  # below this probability a language is `und`
LONGEST_SPAN = 48  # characters of one reason

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scores:
    """Of N messages: probabilities (N, 3) in the order of CLASSES, the number of their script in SCRIPTS (N).

    `hosts` are those of their links, by message (only messages with links).
    """

    probabilities: Floats
    scripts: NDArray[np.intp]
    hosts: dict[int, list[Host]]


class Reason(msgspec.Struct, frozen=True, gc=False):
    """One exact share of the log-odds of scam against the next likeliest class.

    `code` is the name of a signal, or `text` for a piece of the message; then `detail` is that piece and
    `begin`, `end` its place in the text.
    """

    code: str
    detail: str
    weight: float
    begin: int = -1
    end: int = -1


@dataclass(frozen=True, slots=True)
class Explanation:
    """What an alert says beyond its score: all `reasons` for scam, largest first.

    Their weights, `against` (all that speaks against scam) and `base` (what no part of the message decides) add up to `margin`.
    """

    category: Category
    language: str
    reasons: tuple[Reason, ...]
    against: float
    base: float
    margin: float


@dataclass(frozen=True, slots=True)
class Head:
    """A small linear classifier over n-gram buckets folded to `weights.shape[0]` rows: of the category, of the language."""

    names: tuple[str, ...]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]

    def probabilities(self, batch: CanonicalBatch, parameters: NgramParameters) -> Floats:
        """(N, len(names)) for a batch of few messages."""
        logits = np.tile(self.bias.astype(np.float64), (len(batch.starts), 1))
        fold = len(self.weights) - 1
        scale = ngrams.scale(batch, parameters)
        for found in ngrams.buckets(batch, parameters):
            # reduceat wants no start beyond the last n-gram; bucket 0 weighs nothing
            padded = np.append(found, np.zeros(len(batch.codes) - len(found), dtype=np.intp))
            logits += np.add.reduceat(self.weights.take(padded & fold, axis=0), batch.starts) * scale[:, None]
        return softmax(logits)


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
            logits = self._logits(batch, signals.measure(chunk, batch, found))
            logits = logits * self.calibration_scale[script][:, None] + self.calibration_shift[script]
            probabilities[begin:end] = softmax(np.column_stack([logits, np.zeros(len(logits))]))
            for message, host in zip(found.message.tolist(), found.host, strict=True):
                hosts.setdefault(begin + message, []).append(host)
            begin = end
        return Scores(probabilities, scripts, hosts)

    def _logits(self, batch: CanonicalBatch, table: NDArray[np.floating[Any]]) -> Floats:
        """Log-odds (N, 2) of scam and of promo against benign, before calibration."""
        grams = ngrams.sums(batch, self.ngram_weights, self.parameters)
        return np.column_stack([grams.real, grams.imag]) + table @ self.signal_weights + self.bias

    def languages(self, messages: Sequence[Message], scripts: NDArray[np.intp]) -> list[str]:
        """The language that each message states, else the one its script tells, else `und`. Cheap."""
        told = [languages.LANGUAGE_OF_SCRIPT.get(name, languages.UNDETERMINED) for name in languages.SCRIPTS]
        return [message.language or told[script] for message, script in zip(messages, scripts.tolist(), strict=True)]

    def explain(self, messages: Sequence[Message]) -> list[Explanation]:
        """Category, language and reasons of a few messages (those flagged or to be reviewed)."""
        return [explanation for chunk in chunks(messages) for explanation in self._explain(chunk)]

    def _explain(self, messages: Sequence[Message]) -> list[Explanation]:
        texts = [expand(message.text) for message in messages]
        batch = canonicalise(texts)
        scripts = languages.scripts(batch.counts)
        table = signals.measure(messages, batch).astype(np.float64)
        logits = self._logits(batch, table)
        scale, shift = self.calibration_scale[scripts], self.calibration_shift[scripts]
        calibrated = logits * scale[:, None] + shift
        against_promo = calibrated[:, 1] > 0  # the next likeliest class, else benign
        margin = calibrated[:, 0] - np.where(against_promo, calibrated[:, 1], 0)
        contrast = np.column_stack([np.ones(len(messages)), -against_promo.astype(np.float64)]) * scale[:, None]
        shares = table[:, :, None] * self.signal_weights * contrast[:, None, :]
        spans, words = self._spans(batch, texts, contrast)
        named = shares.sum(axis=2)
        base = margin - named.sum(axis=1) - words
        against = np.minimum(named, 0).sum(axis=1) + words - [sum(reason.weight for reason in found) for found in spans]
        categories = self.category.probabilities(batch, self.parameters).argmax(axis=1).tolist()
        spoken = self._spoken(messages, batch, scripts)
        explanations = []
        for i, share in enumerate(named):
            found = [
                Reason(signals.CATALOGUE[s].name, signals.CATALOGUE[s].description, float(share[s])) for s in np.flatnonzero(share > 0)
            ]
            reasons = tuple(sorted([*found, *spans[i]], key=_heavier))
            category = cast(Category, self.category.names[categories[i]])
            explanations.append(Explanation(category, spoken[i], reasons, float(against[i]), float(base[i]), float(margin[i])))
        return explanations

    def _spoken(self, messages: Sequence[Message], batch: CanonicalBatch, scripts: NDArray[np.intp]) -> list[str]:
        """As `languages`, and for Latin script the language head's opinion where it is sure."""
        told = self.languages(messages, scripts)
        if languages.UNDETERMINED in told:
            opinions = self.language.probabilities(batch, self.parameters)
            for i, script in enumerate(scripts.tolist()):
                if told[i] == languages.UNDETERMINED and script == languages.LATIN_SCRIPT and opinions[i].max() >= LANGUAGE_SURE:
                    told[i] = self.language.names[opinions[i].argmax()]
        return told

    def _spans(self, batch: CanonicalBatch, texts: Sequence[str], contrast: Floats) -> tuple[list[list[Reason]], Floats]:
        """Each message cut into pieces, with the exact share of their characters: those for scam, and the sum of all (N).

        An n-gram's share is spread evenly over its characters. Pieces are words, or runs of one sign in scripts without
        spaces; neighbours of one sign join up to LONGEST_SPAN characters.
        """
        lengths = batch.ends - batch.starts
        of_message = np.repeat(np.arange(len(texts)), lengths)
        factor = (contrast * ngrams.scale(batch, self.parameters)[:, None])[of_message]
        shares = np.zeros(len(batch.codes))
        for n, found in enumerate(ngrams.buckets(batch, self.parameters), start=1):
            weights = self.ngram_weights.take(found)
            here = factor[: len(found)]
            each = np.zeros(len(batch.codes))
            each[: len(found)] = (weights.real * here[:, 0] + weights.imag * here[:, 1]) / n
            sums = np.cumsum(each)  # a character's share: the sum over the n n-grams that hold it
            shares += sums
            shares[n:] -= sums[:-n]
        space = (batch.codes == SPACE) | (batch.classes == C.MARK)
        unspaced = between(batch.classes, C.HAN, C.INDIC)
        turns = np.append(True, np.signbit(shares[1:]) != np.signbit(shares[:-1]))
        words = np.flatnonzero(np.append(True, space[:-1]) | space | (unspaced & turns))
        word_shares = np.add.reduceat(shares, words)
        negative = np.signbit(word_shares)
        block = (words - batch.starts[of_message[words]]) // LONGEST_SPAN
        new = (
            (np.diff(of_message[words], prepend=-1) != 0)
            | (np.diff(block, prepend=-1) != 0)
            | np.append(True, negative[1:] != negative[:-1])
        )
        firsts = np.flatnonzero(new)
        totals = np.add.reduceat(word_shares, firsts)
        begins = words[firsts]
        ends = np.append(begins[1:], len(batch.codes))
        raw_starts = np.cumsum([len(text) + 1 for text in texts]) - [len(text) for text in texts]
        message = of_message[begins]
        first = np.maximum(batch.source[begins] - raw_starts[message], 0)
        last = np.maximum(batch.source[ends - 1] - raw_starts[message] + 1, first)
        reasons: list[list[Reason]] = [[] for _ in texts]
        pros = np.flatnonzero(totals > 0)
        for i, begin, end, total in zip(*(array[pros].tolist() for array in (message, first, last, totals)), strict=True):
            reasons[i].append(Reason("text", texts[i][begin:end].strip(), total, begin, end))
        whole: Floats = np.add.reduceat(shares, batch.starts)
        return reasons, whole


def _heavier(reason: Reason) -> float:
    return -reason.weight


def chunks(messages: Sequence[Message]) -> list[Sequence[Message]]:
    """Cut a sequence of messages into chunks that are kind to the cache; no chunk is empty."""
    if not messages:
        return []
    if len(messages) <= CHUNK_MESSAGES and sum(len(message.text) for message in messages) <= CHUNK_CHARACTERS:
        return [messages]
    cut: list[Sequence[Message]] = []
    begin, characters = 0, 0
    for i, message in enumerate(messages):
        characters += len(message.text)
        if i - begin == CHUNK_MESSAGES or (characters > CHUNK_CHARACTERS and i > begin):
            cut.append(messages[begin:i])
            begin, characters = i, len(message.text)
    return [*cut, messages[begin:]]


def softmax(logits: Floats) -> Floats:
    """Probabilities from logits, row by row."""
    grown = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(grown / grown.sum(axis=1, keepdims=True), dtype=np.float64)
