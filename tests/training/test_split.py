"""`training.split`: near-duplicates stay together."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.rows import row
from training.data import Row
from training.split import folds, near_duplicates, signatures

CAMPAIGN = "Your parcel is held at the depot because the address is incomplete, please confirm within 12 hours at http://{}/track"


def test_variants_of_a_campaign_are_one_group_and_others_are_not() -> None:
    texts = [CAMPAIGN.format("a1.top"), "Mum, I will be late tonight, eat without me", CAMPAIGN.format("b-22.top"), "Lunch on Friday?"]
    groups = near_duplicates(texts)
    assert groups[0] == groups[2]
    assert len(set(groups.tolist())) == 3


def test_groups_link_by_chains() -> None:
    """A is like B, B is like C: all three are one group."""
    words = ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliet", "kilo", "lima"]
    texts = [" ".join(words[i : i + 10]) for i in range(3)]
    assert len(set(near_duplicates(texts).tolist())) == 1


def test_empty_and_very_short_texts_have_groups() -> None:
    groups = near_duplicates(["", "a", "ok", "ok!", "no"])
    assert groups[2] == groups[3]
    assert len(groups) == 5


def test_signatures_estimate_the_jaccard_similarity() -> None:
    """Half of the shingles in common: 64 hashes estimate 1/3 to within three standard errors."""
    letters = np.random.default_rng(5).integers(0x4E00, 0x9FFF, 6000)
    left, right = "".join(map(chr, letters[:4000])), "".join(map(chr, letters[2000:]))
    signs = signatures([left, right])
    assert float((signs[0] == signs[1]).mean()) == pytest.approx(1 / 3, abs=0.18)


@given(st.lists(st.text(max_size=30), min_size=1, max_size=20))
@settings(max_examples=50)
def test_a_text_has_the_same_signature_in_any_company(texts: list[str]) -> None:
    alone = np.concatenate([signatures([text]) for text in texts])
    assert (signatures(texts) == alone).all()


def test_no_group_is_on_both_sides_and_every_row_is_tested_once(corpus_slice: list[Row]) -> None:
    doubled = [*corpus_slice, *[row(r.message.text + " 7", r.label, r.lang) for r in corpus_slice[:50]]]
    groups = near_duplicates([r.message.text for r in doubled])
    parts = folds(doubled, groups, 4, seed=1)
    assert sorted(np.concatenate([test for _, test in parts]).tolist()) == list(range(len(doubled)))
    assert all(not set(groups[learned].tolist()) & set(groups[test].tolist()) for learned, test in parts)


def test_languages_with_too_few_messages_for_every_fold_are_no_obstacle() -> None:
    rows = [row(str(i), label) for i, label in enumerate(["scam", "promo", "benign"] * 5)] + [row("solo", "scam", "xx")]
    assert len(folds(rows, np.arange(len(rows)), 5, seed=1)) == 5
