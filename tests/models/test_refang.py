"""`models.refang`: links taken apart become links again, and nothing else is touched."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.refang import refang
from models.text import canonicalise

APART = [
    ("go to evil dot com now", "go to evil.com now"),
    ("evil (dot) com", "evil.com"),
    ("evil[dot]xyz/abc", "evil.xyz/abc"),
    ("evil . com", "evil.com"),
    ("evil .com ok", "evil.com ok"),
    ("bit. ly/x9Ab", "bit.ly/x9Ab"),
    ("evil,com", "evil.com"),
    ("evil [.] com", "evil.com"),
    ("evil[.]com", "evil.com"),
    ("evil点com", "evil.com"),
    ("evil點com", "evil.com"),
    ("evil จุดคอม", "evil.com"),
    ("evil จุด com", "evil.com"),
    ("situs88 titik com", "situs88.com"),
    ("EVIL ＤＯＴ COM", "EVIL.COM"),
]
HONEST = [
    "Thank you. Shop now",
    "thanks. me too",
    "Pay slip. Net 3,000",
    "cham com ngon",
    "Mr. he/she",
    "anecdote dot your i",
    "1,000 and 2.500",
    "End.Start without a space",
    "จุดนัดพบ หน้าห้าง",
    "下午3点cindy来",
]


@pytest.mark.parametrize(("text", "whole"), APART)
def test_a_link_taken_apart_becomes_whole_and_is_counted(text: str, whole: str) -> None:
    assert refang(text) == (whole, 1)
    batch = canonicalise(["before", text, "after"])
    assert batch.text(1) == whole.lower()
    assert batch.defanged.tolist() == [0, 1, 0]
    assert batch.text(2) == "after"


@pytest.mark.parametrize("text", HONEST)
def test_what_is_no_link_stays(text: str) -> None:
    assert refang(text) == (text, 0)


@given(st.text())
def test_it_is_total_and_never_grows_a_text(text: str) -> None:
    whole, undone = refang(text)
    assert len(whole) <= len(text)
    assert (undone == 0) == (whole == text)


@given(st.lists(st.sampled_from([text for text, _ in APART] + HONEST), min_size=1, max_size=8))
def test_a_batch_is_what_its_messages_are_one_by_one(texts: list[str]) -> None:
    batch = canonicalise(texts)
    assert [batch.text(i) for i in range(len(texts))] == [canonicalise([text]).text(0) for text in texts]
    assert np.array_equal(batch.defanged, [canonicalise([text]).defanged[0] for text in texts])
