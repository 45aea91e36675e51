"""Why a few messages score as they do: exact reasons, category, language and links of those flagged or to be reviewed.

The score is linear in what it is made of, so each signal and each character has a share of it, and the shares add up. This is
dear beside a score (some fifty times), which does no harm: one message in fifty is explained.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import msgspec
import numpy as np
from numpy.typing import NDArray

from models import languages, links, ngrams, signals
from models.catalogue import CATALOGUE
from models.characters import SPACE, Bools, C, between
from models.classifier import Category, Floats, ScamClassifier, chunks
from models.links import Links
from models.message import Message
from models.text import CanonicalBatch, Ints, canonicalise

LANGUAGE_SURE = 0.6  # below this probability a language is `und`
LONGEST_SPAN = 48  # characters of one reason
ALL = 1_000_000  # more reasons than any message has


class Reason(msgspec.Struct, frozen=True, gc=False):
    """One exact share of the log-odds of scam against the next likeliest class.

    `code` is the name of a signal, or `text` for a piece of the message; then `detail` is that piece and
    `begin`, `end` its place in the explanation's text.
    """

    code: str
    detail: str
    weight: float
    begin: int = -1
    end: int = -1


@dataclass(frozen=True, slots=True)
class Explanation:
    """What an alert says beyond its score: the largest `reasons` for scam, largest first; `text` is the message's as it is read.

    The weights of all reasons, `against` (all that speaks against scam) and `base` (what no part of the message decides) add
    up to `margin`. `links` are those of the text: as written (paths know capitals), or in canonical form where a trick was
    undone, each with its registrable domain.
    """

    text: str
    category: Category
    language: str
    reasons: tuple[Reason, ...]
    links: tuple[tuple[str, str], ...]
    against: float
    base: float
    margin: float


@dataclass(frozen=True, slots=True)
class _Spans:
    """Pieces of the texts that speak for scam: of which message, from where to where in its text, with what weight."""

    message: Ints
    begin: Ints
    end: Ints
    weight: Floats


def explain(classifier: ScamClassifier, messages: Sequence[Message], most: int = ALL) -> list[Explanation]:
    """Explanations of a few messages, each with at most so many reasons."""
    return [explanation for chunk in chunks(messages) for explanation in _explain(classifier, chunk, most)]


def _explain(classifier: ScamClassifier, messages: Sequence[Message], most: int) -> list[Explanation]:
    batch = canonicalise([message.text for message in messages])
    found = links.find(batch)
    scripts = languages.scripts(batch.counts)
    grams = list(ngrams.buckets(batch, classifier.parameters))
    table = signals.measure(messages, batch, found).astype(np.float64)
    scale = classifier.calibration_scale[scripts]
    logits = classifier.logits(batch, table) * scale[:, None] + classifier.calibration_shift[scripts]
    promo_next = logits[:, 1] > 0  # the next likeliest class is promo, else benign
    margin = logits[:, 0] - np.where(promo_next, logits[:, 1], 0)
    contrast = np.column_stack([np.ones(len(messages)), -promo_next.astype(np.float64)]) * scale[:, None]
    named = (table[:, :, None] * classifier.signal_weights * contrast[:, None, :]).sum(axis=2)
    spans, words = _spans(classifier, batch, grams, contrast)
    base = margin - named.sum(axis=1) - words
    against = np.minimum(named, 0).sum(axis=1) + words - np.bincount(spans.message, spans.weight, len(messages))
    categories = classifier.category.probabilities(batch, grams, classifier.parameters).argmax(axis=1)
    names = cast(list[Category], [classifier.category.names[number] for number in categories.tolist()])
    told = zip(
        batch.texts,
        names,
        _spoken(classifier, messages, batch, grams, scripts),
        _largest(named, spans, batch.texts, most),
        _written(found, batch),
        against.tolist(),
        base.tolist(),
        margin.tolist(),
        strict=True,
    )
    return [Explanation(*one) for one in told]


def _spoken(
    classifier: ScamClassifier, messages: Sequence[Message], batch: CanonicalBatch, grams: list[NDArray[np.intp]], scripts: NDArray[np.intp]
) -> list[str]:
    """As `ScamClassifier.languages`, and for Latin script the language head's opinion where it is sure."""
    told = classifier.languages(messages, scripts)
    if languages.UNDETERMINED in told:
        opinions = classifier.language.probabilities(batch, grams, classifier.parameters)
        for i, script in enumerate(scripts.tolist()):
            if told[i] == languages.UNDETERMINED and script == languages.LATIN_SCRIPT and opinions[i].max() >= LANGUAGE_SURE:
                told[i] = classifier.language.names[opinions[i].argmax()]
    return told


def _largest(named: Floats, spans: _Spans, texts: Sequence[str], most: int) -> list[tuple[Reason, ...]]:
    """The largest reasons of each message among its signals (N, signals) and its pieces of text, largest first."""
    message, signal = np.nonzero(named > 0)
    of = np.concatenate([message, spans.message])
    weight = np.concatenate([named[message, signal], spans.weight])
    order = np.lexsort([-weight, of])
    of = of[order]
    order = order[np.arange(len(of)) - np.searchsorted(of, of) < most]
    reasons: list[list[Reason]] = [[] for _ in texts]
    for i in order.tolist():
        if i < len(signal):
            known = CATALOGUE[signal[i]]
            reasons[message[i]].append(Reason(known.name, known.description, float(weight[i])))
        else:
            span = i - len(signal)
            number, begin, end = int(spans.message[span]), int(spans.begin[span]), int(spans.end[span])
            reasons[number].append(Reason("text", texts[number][begin:end].strip(), float(weight[i]), begin, end))
    return [tuple(found) for found in reasons]


def _spans(classifier: ScamClassifier, batch: CanonicalBatch, grams: list[NDArray[np.intp]], contrast: Floats) -> tuple[_Spans, Floats]:
    """Each message cut into pieces, with the exact share of their characters: those for scam, and the sum of all (N).

    An n-gram's share is spread evenly over its characters. Pieces are words, or runs of one sign in scripts without
    spaces; neighbours of one sign join up to LONGEST_SPAN characters.
    """
    lengths = batch.ends - batch.starts
    of_message = np.repeat(np.arange(len(lengths)), lengths)
    factor = (contrast * ngrams.scale(batch, classifier.parameters)[:, None])[of_message]
    shares = _shares(classifier.ngram_weights, grams, factor)
    firsts, totals = _pieces(batch, shares, of_message)
    ends = np.append(firsts[1:], len(batch.codes))
    pros = np.flatnonzero(totals > 0)
    message, source = of_message[firsts[pros]], batch.source
    texts = np.fromiter(map(len, batch.texts), np.int64, len(batch.texts)) + 1
    begin_of_text = np.cumsum(texts) - texts + 1
    begin = np.maximum(source[firsts[pros]] - begin_of_text[message], 0)
    end = np.maximum(source[ends[pros] - 1] - begin_of_text[message] + 1, begin)
    whole: Floats = np.add.reduceat(shares, batch.starts)
    return _Spans(message, begin, end, totals[pros]), whole


def _shares(weights: NDArray[np.complex64], grams: list[NDArray[np.intp]], factor: Floats) -> Floats:
    """The share of each character: the sum over the n-grams that hold it, each spread evenly over its n characters."""
    shares = np.zeros(len(factor))
    for n, found in enumerate(grams, start=1):
        weight, here = weights.take(found, mode="clip"), factor[: len(found)]
        each = np.zeros(len(factor))
        each[: len(found)] = (weight.real * here[:, 0] + weight.imag * here[:, 1]) / n
        sums = np.cumsum(each)
        shares += sums
        shares[n:] -= sums[:-n]
    return shares


def _pieces(batch: CanonicalBatch, shares: Floats, of_message: Ints) -> tuple[Ints, Floats]:
    """Where pieces of the texts begin, and what each weighs."""
    space: Bools = (batch.codes == SPACE) | (batch.classes == C.MARK)
    unspaced = between(batch.classes, C.HAN, C.INDIC)
    turns = np.append(True, np.signbit(shares[1:]) != np.signbit(shares[:-1]))
    words = np.flatnonzero(np.append(True, space[:-1]) | space | (unspaced & turns))
    weights = np.add.reduceat(shares, words)
    negative = np.signbit(weights)
    block = (words - batch.starts[of_message[words]]) // LONGEST_SPAN
    new = (np.diff(of_message[words], prepend=-1) != 0) | (np.diff(block, prepend=-1) != 0) | np.append(True, negative[1:] != negative[:-1])
    firsts = np.flatnonzero(new)
    return words[firsts], np.add.reduceat(weights, firsts)


def _written(found: Links, batch: CanonicalBatch) -> list[tuple[tuple[str, str], ...]]:
    """The links of each message with their domains, as written where that is the same but for capitals."""
    told: list[list[tuple[str, str]]] = [[] for _ in batch.texts]
    if found.url:
        raw, source = "\0" + "\0".join(batch.texts), batch.source
        places = zip(found.message.tolist(), source[found.begin].tolist(), source[found.end - 1].tolist(), strict=True)
        for (i, first, last), url, host in zip(places, found.url, found.host, strict=True):
            written = raw[first : last + 1]
            told[i].append((written if written.casefold() == url else url, host.domain))
    return [tuple(links) for links in told]
