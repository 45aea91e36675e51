"""How near the messages of an evaluation come to those a model has learned from.

The measure is the exact Jaccard similarity of the sets of character 5-grams of the folded texts; from ALIKE on, one is a
near-duplicate of the other. A model that has seen the twin of a message is flattered by it, so such messages are left out.
"""

from collections.abc import Sequence

import msgspec
import numpy as np
from scipy.sparse import csr_array

from training.data import Row, fold
from training.fit import Floats, Tell

SHINGLE = 5  # characters
ALIKE = 0.5
_ROWS = 256  # texts compared at a time: bounds the memory of the counts of what they share


class Overlap(msgspec.Struct, frozen=True):
    """What was compared with how many training messages, how many near-duplicates were left out, and how near the rest comes."""

    trained_on: int
    compared: int
    left_out: int
    nearest: float
    """The greatest similarity of a message that is measured to one that was learned from; under ALIKE."""
    above: dict[str, int]
    """How many of the compared messages have a similarity of at least so much."""


def unseen(rows: Sequence[Row], learned: Sequence[Row], tell: Tell) -> tuple[list[Row], Overlap | None]:
    """The rows without near-duplicates of those learned from, and what the comparison came to; None where there is nothing to compare."""
    if not learned:
        return list(rows), None
    tell("overlap", 0, 1)
    likeness = nearest([row.message.text for row in rows], [row.message.text for row in learned])
    tell("overlap", 1, 1)
    return [row for row, alike in zip(rows, likeness.tolist(), strict=True) if alike < ALIKE], summary(likeness, len(learned))


def summary(likeness: Floats, trained_on: int) -> Overlap:
    """The summary of the similarities of `nearest`."""
    kept = likeness[likeness < ALIKE]
    above = {f"{step:.1f}": int((likeness >= step).sum()) for step in (0.3, 0.4, 0.5, 0.7, 0.9)}
    return Overlap(trained_on, len(likeness), len(likeness) - len(kept), float(kept.max(initial=0.0)), above)


def nearest(texts: Sequence[str], known: Sequence[str]) -> Floats:
    """For each text, its similarity to the nearest of the known ones (N)."""
    numbers: dict[str, int] = {}
    mine = _table(texts, numbers)
    theirs = _table(known, numbers)
    mine = csr_array((mine.data, mine.indices, mine.indptr), shape=(len(texts), len(numbers)))  # as many columns as both hold
    sizes, transposed = np.asarray(theirs.sum(axis=1), np.float64), csr_array(theirs.T)
    found = [_nearest(csr_array(mine[begin : begin + _ROWS]), transposed, sizes) for begin in range(0, mine.shape[0], _ROWS)]
    return np.concatenate(found) if found else np.zeros(0)


def _nearest(mine: csr_array, transposed: csr_array, sizes: Floats) -> Floats:
    own = np.asarray(mine.sum(axis=1), np.float64)
    shared = (mine @ transposed).tocoo()
    likeness = shared.data / (own[shared.coords[0]] + sizes[shared.coords[1]] - shared.data)
    best = np.zeros(mine.shape[0])
    np.maximum.at(best, shared.coords[0], likeness)
    return best


def _table(texts: Sequence[str], numbers: dict[str, int]) -> csr_array:
    """(texts, shingles): 1 where a text holds a shingle; enters new shingles."""
    columns: list[int] = []
    pointers = [0]
    for text in texts:
        columns.extend(numbers.setdefault(shingle, len(numbers)) for shingle in shingles(text))
        pointers.append(len(columns))
    return csr_array((np.ones(len(columns), np.float32), np.array(columns, np.int64), np.array(pointers)), shape=(len(texts), len(numbers)))


def shingles(text: str) -> frozenset[str]:
    """The character 5-grams of a folded text; the whole of a shorter one."""
    folded = fold(text)
    return frozenset(folded[i : i + SHINGLE] for i in range(max(len(folded) - SHINGLE, 0) + 1))
