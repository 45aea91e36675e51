"""Groups of near-duplicates, so that no message is judged by a model that has seen its twin.

MinHash over the character 5-grams of the folded texts, then locality-sensitive hashing by bands (Broder, 1997; Leskovec,
Rajaraman, Ullman: Mining of Massive Datasets, chapter 3). Campaigns repeat themselves with other names and links; folds that
ignored it would flatter.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import StratifiedGroupKFold

from training.data import Row, fold

SHINGLE = 5  # characters
HASHES, BANDS = 64, 16  # 4 hashes a band: a pair of Jaccard 0.6 shares a band with 90 %, one of 0.3 with 12 %
ALIKE = 0.6  # estimated Jaccard similarity from which on two texts are near-duplicates
_CHUNK = 1000  # texts at a time: the hashes of their shingles stay in the cache

Ints = NDArray[np.intp]


def folds(rows: Sequence[Row], groups: Ints, count: int, seed: int) -> list[tuple[Ints, Ints]]:
    """Pairs of train and test indices: near-duplicates on one side, languages and labels spread evenly."""
    strata = [f"{row.lang} {row.label}" for row in rows]
    splitter = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
    return list(splitter.split(np.zeros(len(rows)), _without_rare(strata, count), groups))


def _without_rare(strata: list[str], count: int) -> list[str]:
    """Strata too small to be in every fold go with the largest one."""
    sizes = Counter(strata)
    largest = sizes.most_common(1)[0][0]
    return [stratum if sizes[stratum] >= count else largest for stratum in strata]


def near_duplicates(texts: Sequence[str]) -> Ints:
    """The number of each text's group (N); texts of one group are linked by a chain of near-duplicates."""
    signs = signatures([fold(text) for text in texts])
    pairs = np.concatenate([_pairs(band) for band in np.split(signs, BANDS, axis=1)])
    alike = (signs[pairs[:, 0]] == signs[pairs[:, 1]]).mean(axis=1) >= ALIKE
    first, second = pairs[alike].T
    links = coo_array((np.ones(len(first)), (first, second)), shape=(len(texts), len(texts)))
    return np.asarray(connected_components(links, directed=False)[1], dtype=np.intp)


def signatures(folded: Sequence[str]) -> NDArray[np.uint32]:
    """MinHash signatures (N, HASHES): the share of equal places of two rows estimates their Jaccard similarity."""
    chosen = np.random.default_rng(0).integers(0, 1 << 32, (2, HASHES), dtype=np.uint64).astype(np.uint32)
    return np.concatenate([_signatures(chunk, chosen[0] | 1, chosen[1]) for chunk in _chunks(folded)])


def _chunks(folded: Sequence[str]) -> Iterator[Sequence[str]]:
    for begin in range(0, len(folded), _CHUNK):
        yield folded[begin : begin + _CHUNK]


def _signatures(folded: Sequence[str], factors: NDArray[np.uint32], shifts: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """SHINGLE - 1 zeros around each text keep letters of two texts apart, and give short texts shingles, too."""
    padding = "\0" * (SHINGLE - 1)
    codes = np.frombuffer((padding + padding.join(folded) + padding).encode("utf-32-le", "surrogatepass"), np.uint32)
    lengths = np.fromiter(map(len, folded), np.intp, len(folded)) + SHINGLE - 1
    shingles = np.zeros(len(codes) - SHINGLE + 1, np.uint32)
    for place in range(SHINGLE):
        shingles = (shingles ^ codes[place : place + len(shingles)]) * np.uint32(0x9E3779B1)
        shingles ^= shingles >> np.uint32(15)
    starts = np.cumsum(lengths) - lengths
    return np.stack([np.minimum.reduceat(_mix(shingles * a + b), starts) for a, b in zip(factors, shifts, strict=True)], axis=1)


def _mix(values: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Spread the high bits down, so that the order of values under one pair of constants says nothing of another's."""
    return (values ^ (values >> np.uint32(16))) * np.uint32(0x85EBCA77)


def _pairs(band: NDArray[np.uint32]) -> Ints:
    """Pairs of texts (P, 2) that are equal in a band: each with the next one and with the first one of its run."""
    order = np.lexsort(band.T)
    new = np.append(True, (band[order[1:]] != band[order[:-1]]).any(axis=1))
    first = order[np.maximum.accumulate(np.where(new, np.arange(len(order)), 0))]
    inside = np.flatnonzero(~new)
    return np.concatenate([np.stack([order[inside - 1], order[inside]], axis=1), np.stack([first[inside], order[inside]], axis=1)])
