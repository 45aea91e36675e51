"""Canonical text: what a message says once the tricks of evasion are undone, for a whole batch at once.

The texts of a batch become one array of code points. A look-up table folds case, width, accents, foreign digits, styled
letters, traditional Chinese and homoglyphs (one code point to one); a second one gives each code point its class
(`models.characters`). Doubled spaces and separators between s p a c e d letters and inside w.ords are taken out; digits and signs
that stand for letters are turned back (`models.deobfuscate`). What no table can do (ligatures, loose accents, invisible characters;
links taken apart, `models.refang`) is done before, text by text, for the few that hold any of it. What was undone is counted,
for honest people seldom write like that.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.characters import CLASS, CLASSES, FOLD, MARK, Bools, C, Codes, between, plain
from models.deobfuscate import broken_words, spaced_letters, undo_leet
from models.refang import refang, suspects

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class CanonicalBatch:
    """A batch of N texts, canonical, end to end in one array; each begins with a MARK.

    Text i is `codes[starts[i]:ends[i]]`, made of `texts[i]`, which is `plain` and has its links in one piece. `counts` (N, CLASSES)
    counts the classes of its characters before any was taken out; `invisible`, `defanged`, `spaced` and `leet` (N) what was undone.
    """

    texts: Sequence[str]
    codes: Codes
    classes: NDArray[np.uint8]
    starts: Ints
    ends: Ints
    kept: Bools
    counts: Ints
    invisible: Ints
    defanged: Ints
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
        texts, rewritten = _rewritten(texts, {i: plain(texts[i]) for i in np.unique(message).tolist()})
        raw, starts = _spliced(raw, starts, rewritten), _moved(starts, len(raw), rewritten)
        classes = CLASS.take(raw)
    codes = FOLD.take(raw)
    codes[starts], classes[starts] = MARK, C.MARK
    defanged = np.zeros(len(texts), dtype=np.int64)
    if found := suspects(raw, codes, starts):
        whole = {i: refang(texts[i]) for i in found}
        defanged[found] = [undone for _, undone in whole.values()]
        texts, rewritten = _rewritten(texts, {i: text for i, (text, _) in whole.items()})
        codes, classes, starts = (
            _spliced(codes, starts, {i: FOLD.take(text) for i, text in rewritten.items()}),
            _spliced(classes, starts, {i: CLASS.take(text) for i, text in rewritten.items()}),
            _moved(starts, len(codes), rewritten),
        )
    counts = _count(classes, starts)
    breaking, joining = broken_words(codes, classes, starts)
    breaking |= spaced_letters(codes, classes)
    spaced = np.add.reduceat(breaking, starts, dtype=np.int64)
    kept = ~(breaking | joining | _doubled_space(classes))
    starts = starts - np.searchsorted(np.flatnonzero(~kept), starts)
    codes, classes = codes[kept], classes[kept]
    leet = undo_leet(codes, classes)
    ends = np.append(starts[1:], len(codes))
    undone = np.bincount(np.searchsorted(starts, leet, side="right") - 1, minlength=len(starts))
    return CanonicalBatch(texts, codes, classes, starts, ends, kept, counts, invisible, defanged, spaced, undone)


def _join(texts: Sequence[str]) -> tuple[Codes, Ints]:
    """One array of code points, a place for the MARK before each text, and where the texts start."""
    joined = ("\0" + "\0".join(texts)).encode("utf-32-le", "surrogatepass")
    lengths = np.fromiter(map(len, texts), np.int64, len(texts)) + 1
    return np.frombuffer(joined, np.uint32), np.cumsum(lengths) - lengths


def _rewritten(texts: Sequence[str], new: dict[int, str]) -> tuple[list[str], dict[int, Codes]]:
    """The texts with a few exchanged for others, and the code points of those."""
    texts = list(texts)
    for i, text in new.items():
        texts[i] = text
    return texts, {i: np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32) for i, text in new.items()}


def _spliced(joined: NDArray[Any], starts: Ints, new: dict[int, NDArray[Any]]) -> NDArray[Any]:
    """An array of the joined texts with those of a few exchanged for others (rising numbers); the MARKs stay."""
    pieces, done = [], 0
    for i, text in new.items():
        pieces += [joined[done : starts[i] + 1], text]
        done = starts[i + 1] if i + 1 < len(starts) else len(joined)
    return np.concatenate([*pieces, joined[done:]])


def _moved(starts: Ints, size: int, new: dict[int, Codes]) -> Ints:
    """Where the joined texts start once a few are exchanged; `size` is the length of the old array."""
    lengths = np.diff(starts, append=size)
    lengths[list(new)] = [len(text) + 1 for text in new.values()]
    return np.cumsum(lengths) - lengths


def _count(classes: NDArray[np.uint8], starts: Ints) -> Ints:
    """How many characters of each class each text has: (N, CLASSES)."""
    cell = np.repeat(np.arange(len(starts)) * CLASSES, np.diff(starts, append=len(classes)))
    cell += classes
    return np.bincount(cell, minlength=len(starts) * CLASSES).reshape(-1, CLASSES)


def _doubled_space(classes: NDArray[np.uint8]) -> Bools:
    """Each space that follows a space or the MARK."""
    space = classes == C.SPACE
    doubled: Bools = space & np.append(False, (space | (classes == C.MARK))[:-1])
    return doubled
