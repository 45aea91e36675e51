"""Hashed character n-grams of a whole batch, in numpy.

The code points of the batch roll through one hash for n = 1..5, a few whole-array operations for each n; there is no Python
per n-gram. The hash is multilinear: the high bits of a sum of the code points, each times an odd constant of its place (Lemire
and Kaser, 2014). An n-gram that would cross the end of its message goes to bucket 0, whose weight is always zero. The same
buckets fill a CSR matrix for training and index the weights when serving, so both sides see one and the same feature.

The value of an n-gram is its count divided by the square root of the number of n-grams of the message: the L2 norm of a
message without repetitions, at no cost. (Feature hashing: Weinberger et al., 2009.)
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.characters import C, Codes, between
from models.text import CanonicalBatch

LONG_NUMBER = 4  # digits in a row from which on their values say nothing: amounts, codes, phone numbers; `88bet` keeps its 88

_SPREAD = np.uint32(0x9E3779B1)  # odd constants with well mixed bits (Knuth's golden ratio; xxHash's primes)
_ROLL = np.uint32(0x85EBCA77)


@dataclass(frozen=True, slots=True)
class NgramParameters:
    """Length of the longest n-gram and the number of bits of a bucket's number."""

    longest: int = 5
    bits: int = 17

    @property
    def buckets(self) -> int:
        """How many buckets there are."""
        return 1 << self.bits


def buckets(batch: CanonicalBatch, parameters: NgramParameters) -> Iterator[NDArray[np.intp]]:
    """For n = 1, 2, ...: the bucket of the n-gram that starts at each place of the batch (0 where it crosses an end)."""
    shift = np.uint32(32 - parameters.bits)
    spread = _without_long_numbers(batch) * _SPREAD
    rolled = spread
    for n in range(1, parameters.longest + 1):
        if n > 1:
            rolled = rolled[:-1] * _ROLL
            rolled += spread[n - 1 :]
        if not len(rolled):
            return
        found = (rolled >> shift).astype(np.intp)
        for back in range(1, n):
            crossing = batch.ends - back
            found[crossing[(crossing >= 0) & (crossing < len(found))]] = 0
        yield found


def sums(batch: CanonicalBatch, weights: NDArray[np.complex64], parameters: NgramParameters) -> NDArray[np.complex128]:
    """The weighted n-gram value of each message (N): real and imaginary part carry the weights of two classes.

    Two weights in one complex number are fetched with one look-up, which halves the dearest step of the scorer.
    """
    total = np.zeros(len(batch.codes), dtype=np.complex64)
    for found in buckets(batch, parameters):
        total[: len(found)] += weights.take(found, mode="clip")
    summed: NDArray[np.complex128] = np.add.reduceat(total, batch.starts, dtype=np.complex128)
    return summed * scale(batch, parameters)


def scale(batch: CanonicalBatch, parameters: NgramParameters) -> NDArray[np.float64]:
    """What one occurrence of an n-gram counts in each message: 1 / sqrt(number of its n-grams)."""
    lengths = batch.ends - batch.starts
    grams = np.maximum(lengths[:, None] - np.arange(parameters.longest), 0).sum(axis=1)
    counted: NDArray[np.float64] = 1.0 / np.sqrt(grams)
    return counted


def _without_long_numbers(batch: CanonicalBatch) -> Codes:
    """The codes with 0 for every digit of a number of LONG_NUMBER digits or more."""
    digit = between(batch.classes, C.DIGIT, C.STYLED_DIGIT)
    windows = max(len(digit) - LONG_NUMBER + 1, 0)
    run = digit[:windows].copy()
    for by in range(1, LONG_NUMBER):
        run &= digit[by : windows + by]
    places = np.flatnonzero(run)
    codes = batch.codes.copy()
    for by in range(LONG_NUMBER):
        codes[places + by] = ord("0")
    return codes
