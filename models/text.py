"""Canonical text: what a message says once the tricks of evasion are undone, for a whole batch at once.

The texts of a batch become one array of code points. A look-up table folds case, width, accents, foreign digits, styled
letters and homoglyphs (one code point to one); a second one gives each code point its class (`models.characters`). Doubled
spaces and separators between s p a c e d letters are taken out; digits and signs that stand for letters are turned back
(l0an -> loan). What no table can do (ligatures, loose accents, invisible characters) is done before, text by text, for the
few that hold any of it. What was undone is counted, for honest people seldom write like that.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.characters import CLASS, CLASSES, FOLD, MARK, SPACE, Bools, C, Codes, between, plain

Ints = NDArray[np.int64]

LONG_WORD = 40  # how far a link's signs are looked for around a digit that may stand for a letter

_BRACKETS = np.array([ord(pair[0]) << 32 | ord(pair[1]) for pair in ("[]", "()", "{}", "<>")], dtype=np.uint64)
_SLASH, _DOT, _COLON = map(ord, "/.:")
_SEPARATOR = np.isin(np.arange(128), [ord(sign) for sign in " .-_*|/+~^,\"'"])
_LEET = np.zeros(128, dtype=np.uint32)
for _sign, _letter in zip("01345@$!", "oieasasi", strict=True):
    _LEET[ord(_sign)] = ord(_letter)


@dataclass(frozen=True, slots=True)
class CanonicalBatch:
    """A batch of N texts, canonical, end to end in one array; each begins with a MARK.

    Text i is `codes[starts[i]:ends[i]]`, made of `texts[i]`, which is `plain`. `counts` (N, CLASSES) counts the classes of its
    characters before any was taken out; `invisible`, `spaced` and `leet` (N) count what was undone.
    """

    texts: Sequence[str]
    codes: Codes
    classes: NDArray[np.uint8]
    starts: Ints
    ends: Ints
    kept: Bools
    counts: Ints
    invisible: Ints
    spaced: Ints
    leet: Ints

    def text(self, i: int) -> str:
        """The canonical text of message i."""
        return self.codes[self.starts[i] + 1 : self.ends[i]].tobytes().decode("utf-32-le", "replace")

    @property
    def source(self) -> Ints:
        """For each code, its place among the characters of `texts`, a MARK before each counted."""
        return np.flatnonzero(self.kept)


def canonicalise(texts: Sequence[str]) -> CanonicalBatch:
    """The canonical form of a batch of at least one text; total on any string, also one with half surrogates."""
    raw, starts = _join(texts)
    classes = CLASS.take(raw)
    invisible = np.zeros(len(texts), dtype=np.int64)
    odd = np.flatnonzero(classes >= C.EXPANDS)
    if len(odd):
        message = np.searchsorted(starts, odd, side="right") - 1
        invisible += np.bincount(message[between(classes[odd], C.INVISIBLE, C.JOINER)], minlength=len(texts))
        new = {i: plain(texts[i]) for i in np.unique(message).tolist()}
        texts = [new.get(i, text) for i, text in enumerate(texts)]
        raw, starts = _exchange(raw, starts, new)
        classes = CLASS.take(raw)
    codes = FOLD.take(raw)
    codes[starts], classes[starts] = MARK, C.MARK
    counts = _count(classes, starts)
    spaces = _between_spaced_letters(codes, classes) | _around_dots(codes, classes)
    spaced = np.add.reduceat(spaces, starts, dtype=np.int64)
    kept = ~(spaces | _doubled_space(classes))
    starts = starts - np.searchsorted(np.flatnonzero(~kept), starts)
    codes, classes = codes[kept], classes[kept]
    leet = _undo_leet(codes, classes)
    ends = np.append(starts[1:], len(codes))
    undone = np.bincount(np.searchsorted(starts, leet, side="right") - 1, minlength=len(starts))
    return CanonicalBatch(texts, codes, classes, starts, ends, kept, counts, invisible, spaced, undone)


def _join(texts: Sequence[str]) -> tuple[Codes, Ints]:
    """One array of code points, a place for the MARK before each text, and where the texts start."""
    joined = ("\0" + "\0".join(texts)).encode("utf-32-le", "surrogatepass")
    lengths = np.fromiter(map(len, texts), np.int64, len(texts)) + 1
    return np.frombuffer(joined, np.uint32), np.cumsum(lengths) - lengths


def _exchange(raw: Codes, starts: Ints, new: dict[int, str]) -> tuple[Codes, Ints]:
    """The joined texts with a few of them exchanged for others (rising numbers)."""
    lengths = np.diff(starts, append=len(raw))
    pieces, done = [], 0
    for i, text in new.items():
        pieces += [raw[done : starts[i] + 1], np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)]
        done = starts[i] + lengths[i]
        lengths[i] = len(text) + 1
    return np.concatenate([*pieces, raw[done:]]), np.cumsum(lengths) - lengths


def _count(classes: NDArray[np.uint8], starts: Ints) -> Ints:
    """How many characters of each class each text has: (N, CLASSES)."""
    cell = np.repeat(np.arange(len(starts)) * CLASSES, np.diff(starts, append=len(classes)))
    cell += classes
    return np.bincount(cell, minlength=len(starts) * CLASSES).reshape(-1, CLASSES)


def _shift(array: Bools, by: int) -> Bools:
    """The array as seen from `by` places further on (negative: further back); False comes in at the border."""
    moved = np.zeros_like(array)
    if by > 0:
        moved[by:] = array[:-by]
    else:
        moved[:by] = array[-by:]
    return moved


def _doubled_space(classes: NDArray[np.uint8]) -> Bools:
    """Each space that follows a space or the MARK."""
    space = classes == C.SPACE
    doubled: Bools = space & _shift(space | (classes == C.MARK), 1)
    return doubled


def _between_spaced_letters(codes: Codes, classes: NDArray[np.uint8]) -> Bools:
    """Separators inside runs of at least three single letters: `f r e e`, `l.o.a.n`, `加 微 信`."""
    wordlike = between(classes, C.LOWER, C.STYLED_DIGIT)
    alone = between(classes, C.LOWER, C.HAN) & ~_shift(wordlike, 1) & ~_shift(wordlike, -1)
    inner = ~wordlike & _shift(alone, 1) & _shift(alone, -1)
    places = np.flatnonzero(inner)
    inner[places] = (codes[places] < 128) & _SEPARATOR.take(codes[places], mode="clip")
    return inner & (_shift(inner, 2) | _shift(inner, -2))


def _around_dots(codes: Codes, classes: NDArray[np.uint8]) -> Bools:
    """Brackets around a dot, which hide a link: `evil[.]com`."""
    other = classes == C.OTHER
    places = np.flatnonzero((classes == C.DOT) & _shift(other, 1) & _shift(other, -1))
    brackets: Bools = np.zeros_like(other)
    pairs = codes[places - 1].astype(np.uint64) << np.uint64(32) | codes[places + 1]
    for beside in (-1, 1):
        brackets[places[np.isin(pairs, _BRACKETS)] + beside] = True
    return brackets


def _undo_leet(codes: Codes, classes: NDArray[np.uint8]) -> Ints:
    """Write the letter for each digit or sign that stands for it, in place; tell where.

    One or two such signs count, with Latin letters on both sides, in a word that holds nothing of a link: the random
    characters of short links are no leet.
    """
    letter = between(classes, C.LOWER, C.LOOKALIKE)
    before, after = _shift(letter, 1), _shift(letter, -1)
    digit = between(classes, C.DIGIT, C.STYLED_DIGIT)
    sign = digit | (classes == C.CURRENCY) | (classes == C.SHOUT) | (classes == C.URL_SIGN)
    places = np.flatnonzero(sign & (before | after))
    sign[:] = False
    sign[places] = _LEET.take(codes[places], mode="clip") > 0
    pair = sign & _shift(sign, -1)
    leet = sign & ((before & after) | (before & pair & _shift(after, -1)) | (after & _shift(pair & before, 1)))
    places = np.flatnonzero(leet)
    if len(places):
        places = places[~_in_links(codes, places)]
        codes[places] = _LEET.take(codes[places])
    return places


def _in_links(codes: Codes, places: Ints) -> Bools:
    """Which places lie in a word with a dot, a slash or a colon in it, at most LONG_WORD signs away."""
    linked = np.zeros(len(places), dtype=np.bool_)
    for way in (1, -1):
        beside = codes.take(places[:, None] + way * np.arange(LONG_WORD), mode="clip")
        ended = np.logical_or.accumulate((beside == SPACE) | (beside == MARK), axis=1)
        linked |= (((beside == _SLASH) | (beside == _DOT) | (beside == _COLON)) & ~ended).any(axis=1)
    return linked
