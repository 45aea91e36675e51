"""`models.refang`: links taken apart become links again, and nothing else is touched."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.refang import refang
from models.text import canonicalise

APART = [
    ("go to evil dot com now", "go to http://evil.com now"),
    ("evil (dot) com", "http://evil.com"),
    ("evil[dot]xyz/abc", "http://evil.xyz/abc"),
    ("evil . com", "http://evil.com"),
    ("evil .com ok", "http://evil.com ok"),
    ("evil .vip", "http://evil.vip"),
    ("evil-88 .top", "http://evil-88.top"),
    ("bit. ly/x9Ab", "http://bit.ly/x9Ab"),
    ("evil,com", "http://evil.com"),
    ("evil [.] com", "http://evil.com"),
    ("my.evil[.]com", "http://my.evil.com"),
    ("https://evil[.]com", "https://evil.com"),
    ("hxxp://evil.com", "http://evil.com"),
    ("h**ps://evil.com/a", "http://evil.com/a"),
    ("上evil。com看", "上http://evil.com看"),
    ("evil点com", "http://evil.com"),
    ("evil點com", "http://evil.com"),
    ("evil จุดคอม", "http://evil.com"),
    ("evil จุด com", "http://evil.com"),
    ("situs88 titik com", "http://situs88.com"),
    ("shop chấm vip", "http://shop.vip"),
    ("EVIL ＤＯＴ COM", "http://EVIL.COM"),
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
    "好的ok。in the end",
    "ok .top up pls",
    "tomorrow . shop closed",
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


def test_scheme_and_dots_are_counted_apart() -> None:
    assert refang("hxxps://evil[.]com") == ("http://evil.com", 2)


def test_a_host_of_several_hidden_dots_is_one_link() -> None:
    assert refang("my[.]evil[.]co[.]uk/x b[.]com") == ("http://my.evil.co.uk/x http://b.com", 4)


@given(st.text())
def test_it_is_total_and_grows_a_text_by_no_more_than_its_links(text: str) -> None:
    whole, undone = refang(text)
    assert len(whole) <= len(text) + undone * len("http://")
    assert (undone == 0) == (whole == text)


@given(st.lists(st.sampled_from([text for text, _ in APART] + HONEST), min_size=1, max_size=8))
def test_a_batch_is_what_its_messages_are_one_by_one(texts: list[str]) -> None:
    batch = canonicalise(texts)
    assert [batch.text(i) for i in range(len(texts))] == [canonicalise([text]).text(0) for text in texts]
    assert np.array_equal(batch.defanged, [canonicalise([text]).defanged[0] for text in texts])
