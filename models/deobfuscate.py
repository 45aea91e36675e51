"""What is done to words so that filters miss them, found in a whole batch of folded codes: separators inside them, letters as digits.

Each function is one trick. Honest texts hold hyphens, abbreviations and package codes: a trick counts only in a form that they seldom have.
"""

import numpy as np
from numpy.typing import NDArray

from models.characters import CLASSES, Bools, C, Codes, among, between

Ints = NDArray[np.int64]
Classes = NDArray[np.uint8]

BROKEN_WORDS = 3  # so many words with full stops near their ends are no slips of the pen
FRAGMENT = 3  # letters of the shorter part of such a word

_SLASH, _DOT, _AT = map(ord, "/.@")


def _signs(signs: str) -> Bools:
    """A table of code points that tells these signs, to be looked up with mode="clip": the last entry, for all above it, is False."""
    return np.isin(np.arange(256), [ord(sign) for sign in signs])


def _classes(*members: int) -> Bools:
    """A table of classes that tells these."""
    return np.isin(np.arange(CLASSES), members)


_SEPARATOR = _signs(" .-_*|/+~^,\"'")
_BREAKING = _signs("*|~^_·")  # between two letters these mean nothing
_JOINING = _signs("-/'")  # honest, but as well left out
_OF_LINKS, _OF_PATHS = _signs(".:@"), _signs("/.:")  # signs in whose words nothing is undone
_LETTER = _classes(*range(C.LOWER, C.INDIC + 1))
_LATIN = _classes(*range(C.LOWER, C.LOOKALIKE + 1))
_LEET = np.zeros(128, dtype=np.uint32)
for _sign, _letter in zip("01345789@$!|", "oieastbgasil", strict=True):
    _LEET[ord(_sign)] = ord(_letter)
_IS_LEET = _LEET > 0


def spaced_letters(codes: Codes, classes: Classes) -> Bools:
    """Separators inside runs of at least three single letters: `f r e e`, `l.o.a.n`, `加 微 信`."""
    wordlike = between(classes, C.LOWER, C.STYLED_DIGIT)
    alone = between(classes, C.LOWER, C.HAN) & ~_shift(wordlike, 1) & ~_shift(wordlike, -1)
    inner = ~wordlike & _shift(alone, 1) & _shift(alone, -1)
    places = np.flatnonzero(inner)
    inner[places] = _SEPARATOR.take(codes[places], mode="clip")
    return inner & (_shift(inner, 2) | _shift(inner, -2))


def broken_words(codes: Codes, classes: Classes, starts: Ints) -> tuple[Bools, Bools]:
    """Signs that break words, and signs between letters that are honest but as well left out; neither in what may be a link.

    The first are signs that mean nothing there (`c*ash`), and full stops where at least BROKEN_WORDS words of a message have
    one near an end (`y.our in.voice`). The second are hyphens, slashes and apostrophes, and spaces between letters of scripts that
    write without them.
    """
    breaking, joining = np.zeros(len(codes), np.bool_), np.zeros(len(codes), np.bool_)
    breaks = _breaks(classes)
    signs = np.flatnonzero((classes[:-1] == C.OTHER) | between(classes[:-1], C.DOT, C.URL_SIGN))
    inside = signs[_LETTER.take(classes[signs - 1]) & _LETTER.take(classes[signs + 1])]
    linked = signs[_OF_LINKS.take(codes[signs], mode="clip")]
    loose = inside[~_in_words_with(linked, breaks, inside)]
    breaking[loose[_BREAKING.take(codes[loose], mode="clip")]] = True
    joining[loose[_JOINING.take(codes[loose], mode="clip")]] = True
    dots = inside[codes[inside] == _DOT]
    breaking[_broken_by_dots(codes, classes, starts, dots, breaks)] = True
    unspaced = (classes == C.HAN) | between(classes, C.THAI, C.MYANMAR)  # scripts that write without spaces between words
    if unspaced.any():
        joining[1:-1] |= (classes[1:-1] == C.SPACE) & unspaced[:-2] & unspaced[2:]
    return breaking, joining


def _broken_by_dots(codes: Codes, classes: Classes, starts: Ints, dots: Ints, breaks: Ints) -> Ints:
    """Which of the full stops between letters break words: the only one of a word, near its end, in a message with more of them."""
    near = _LATIN.take(classes.take(dots[:, None] + np.arange(-FRAGMENT - 1, FRAGMENT + 2), mode="clip"))
    beside = near[:, FRAGMENT] & near[:, FRAGMENT + 2]
    short = ~near[:, :FRAGMENT].all(axis=1) | ~near[:, FRAGMENT + 3 :].all(axis=1)
    dots = _in_company(dots[beside & short], starts)
    if len(dots):
        paths = np.flatnonzero((codes == _SLASH) | (codes == _AT))
        dots = dots[~_in_words_with(paths, breaks, dots)]
        word = np.searchsorted(breaks, dots)
        dots = _in_company(dots[np.bincount(word, minlength=1)[word] == 1], starts)
    return dots


def _in_company(places: Ints, starts: Ints) -> Ints:
    """Those of the places that lie in a message with at least BROKEN_WORDS of them."""
    message = np.searchsorted(starts, places, side="right")
    crowded: Ints = places[np.bincount(message, minlength=1)[message] >= BROKEN_WORDS]
    return crowded


def undo_leet(codes: Codes, classes: Classes) -> Ints:
    """Write the letter for each digit or sign that stands for it, in place; tell where.

    One or two such signs count, with Latin letters on both sides, in a word that holds nothing of a link: the random characters
    of short links are no leet. Beside them, in the same word, those at its ends count too (`$ave` does not, `$av3r` does).
    """
    signs = (classes == C.OTHER) | between(classes, C.DIGIT, C.STYLED_DIGIT) | between(classes, C.CURRENCY, C.URL_SIGN)
    places = np.flatnonzero(signs)
    places = places[_IS_LEET.take(codes[places], mode="clip")]
    before, after = _LATIN.take(classes[places - 1]), _LATIN.take(classes.take(places + 1, mode="clip"))
    beside = before | after
    places, before, after = places[beside], before[beside], after[beside]
    pair = np.append(np.diff(places) == 1, False)[: len(places)]  # with the next one
    inner = (before & (after | (pair & np.append(after[1:], True)))) | (after & np.append(False, pair & before)[: len(places)])
    found: Ints = places[inner]
    if len(found):
        breaks = _breaks(classes)
        linked = np.flatnonzero((classes == C.DOT) | (classes == C.URL_SIGN))
        linked = linked[_OF_PATHS.take(codes[linked], mode="clip")]
        found = found[~_in_words_with(linked, breaks, found)]
        ends = places[~inner]
        word = np.append(np.searchsorted(breaks, found), np.iinfo(np.int64).max)
        found = np.sort(np.concatenate([found, ends[among(np.searchsorted(breaks, ends), word)]]))
        codes[found] = _LEET.take(codes[found])
    return found


def _breaks(classes: Classes) -> Ints:
    """Where words begin and end: spaces and the MARKs before messages."""
    return np.flatnonzero((classes == C.SPACE) | (classes == C.MARK))


def _in_words_with(signs: Ints, breaks: Ints, places: Ints) -> Bools:
    """Which places lie in a word with one of the signs in it; all are places in the codes, rising."""
    word = np.searchsorted(breaks, places)
    nearest = np.append(signs, np.iinfo(np.int64).max)[np.searchsorted(signs, breaks[word - 1])]
    inside: Bools = nearest < np.append(breaks, np.iinfo(np.int64).max - 1)[word]
    return inside


def _shift(array: Bools, by: int) -> Bools:
    """The array as seen from `by` places further on (negative: further back); False comes in at the border."""
    moved = np.zeros_like(array)
    if by > 0:
        moved[by:] = array[:-by]
    else:
        moved[:by] = array[-by:]
    return moved
