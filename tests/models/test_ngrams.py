import numpy as np
import pytest
from hypothesis import given

from models import ngrams
from models.ngrams import NgramParameters
from models.text import canonicalise
from tests.models.strategies import batches

PARAMETERS = NgramParameters(bits=10)
WEIGHTS = (np.arange(1024) * (1 + 2j) / 1024).astype(np.complex64)
WEIGHTS[0] = 0


def alone(text: str) -> list[np.ndarray[tuple[int], np.dtype[np.intp]]]:
    return list(ngrams.buckets(canonicalise([text]), PARAMETERS))


@given(batches)
def test_sums_are_those_of_each_message_alone(batch: list[str]) -> None:
    together = ngrams.sums(canonicalise(batch), WEIGHTS, PARAMETERS)
    for text, found in zip(batch, together, strict=True):
        grams = alone(text)
        count = sum(len(buckets) for buckets in grams)
        assert found == pytest.approx(sum(WEIGHTS[buckets].astype(complex).sum() for buckets in grams) / np.sqrt(count), abs=1e-5)


def test_ngrams_that_cross_an_end_fall_into_the_bucket_of_no_weight() -> None:
    batch = canonicalise(["ab", "cd"])  # |ab|cd with a mark before each
    for n, found in enumerate(ngrams.buckets(batch, PARAMETERS), start=1):
        inside = [i for i in range(len(found)) if (i % 3) + n <= 3]
        assert all(found[i] == 0 for i in range(len(found)) if i not in inside)


def test_the_value_of_long_numbers_is_forgotten_and_that_of_short_ones_is_not() -> None:
    first, second = alone("code 482913 now"), alone("code 111111 now")
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert not np.array_equal(alone("bet88")[4], alone("bet77")[4])


def test_same_ngrams_have_same_buckets_wherever_they_stand() -> None:
    found = alone("loan loan")[3]
    assert found[1] == found[6]


@pytest.mark.parametrize("text", ["", "a", "1", "12", "123", "1234"])
def test_shortest_texts(text: str) -> None:
    assert np.isfinite(ngrams.sums(canonicalise([text]), WEIGHTS, PARAMETERS)).all()
