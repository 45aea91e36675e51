"""`training.overlap`: what a model may have seen is not measured."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.training.rows import row, silent
from training.overlap import ALIKE, nearest, shingles, unseen

SCAM = "Your parcel is held at the depot because the address is incomplete, please confirm at http://a{}.top/track"


def plain(one: str, other: str) -> float:
    return len(shingles(one) & shingles(other)) / len(shingles(one) | shingles(other))


@given(st.lists(st.text("abc ", max_size=12), min_size=1, max_size=6), st.lists(st.text("abc ", max_size=12), min_size=1, max_size=6))
def test_the_nearest_is_the_greatest_exact_jaccard_similarity(texts: list[str], known: list[str]) -> None:
    expected = [max(plain(text, other) for other in known) for text in texts]
    assert nearest(texts, known) == pytest.approx(expected)


def test_near_duplicates_of_the_training_data_are_left_out_and_counted() -> None:
    rows = [row(SCAM.format("b77")), row("See you at noon, bring the blue umbrella")]
    kept, told = unseen(rows, [row(SCAM.format("x1")), row("Something else altogether")], silent)
    assert kept == rows[1:]
    assert told
    assert (told.trained_on, told.compared, told.left_out) == (2, 2, 1)
    assert told.nearest < ALIKE
    assert told.above["0.5"] == 1


def test_other_digits_and_signs_make_no_other_message() -> None:
    assert nearest(["CODE 1234!!"], ["code: 99-99"]) == pytest.approx([1.0])


def test_without_training_data_nothing_is_compared() -> None:
    rows = [row("a")]
    assert unseen(rows, [], silent) == (rows, None)


def test_no_texts_have_no_neighbours() -> None:
    assert nearest([], ["a"]).shape == (0,)
    assert isinstance(nearest(["a"], ["b"]), np.ndarray)
