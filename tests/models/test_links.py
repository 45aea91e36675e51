import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.links import _PATTERN, _TRAILING, find, host_of
from models.text import canonicalise
from tests.models.strategies import batches


def urls(text: str) -> tuple[str, ...]:
    return find(canonicalise([text])).url


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("go to https://Bank.example.com/a?b=1.", ("https://bank.example.com/a?b=1",)),
        ("hxxp://evil.top now", ("http://evil.top",)),
        ("点击bit.ly/3abc查看", ("bit.ly/3abc",)),
        ("see www.shop.vn, or t.me/join", ("www.shop.vn", "t.me/join")),
        ("http://10.1.2.3/login", ("http://10.1.2.3/login",)),
        ("write to joe@mail.com", ()),
        ("ok.then we go. no.likn here v1.2", ()),
        ("ｂｉｔ．ｌｙ/x", ("bit.ly/x",)),
    ],
)
def test_links_are_found(text: str, found: tuple[str, ...]) -> None:
    assert urls(text) == found


def test_links_are_dealt_to_their_messages() -> None:
    found = find(canonicalise(["no link", "a.com and b.com", "", "c.com"]))
    assert found.message.tolist() == [1, 1, 3]


@pytest.mark.parametrize(
    ("url", "quality"),
    [
        ("bit.ly/x", "shortener"),
        ("t.me/x", "chat"),
        ("http://1.2.3.4/x", "address"),
        ("dbs-sg.token-update.top", "lookalike"),
        ("maybank2u-login.com", "lookalike"),
        ("x.top", "cheap"),
        ("a-b-c.d.com", "deep"),
        ("hasil.gov.my", "public"),
        ("www.usps.com", "own"),
        ("secure-parcels.info", "trust"),
    ],
)
def test_a_host_tells_what_it_is(url: str, quality: str) -> None:
    host = host_of(url)
    assert host is not None
    assert getattr(host, quality)


@pytest.mark.parametrize("url", ["dbs.com.sg/x", "https://www.maybank2u.com.my/", "t.me/dbs", "adbsy.com"])
def test_a_brand_on_its_own_domain_is_no_lookalike(url: str) -> None:
    host = host_of(url)
    assert host is not None
    assert host.lookalike == ""
    assert not host.trust


def test_a_schools_host_is_not_trusted() -> None:
    """They are broken into and host much phishing."""
    host = host_of("colegio.edu.pe/verify")
    assert host is not None
    assert not host.public


@given(batches)
def test_finding_links_is_total(batch: list[str]) -> None:
    found = find(canonicalise(batch))
    assert len(found.url) == len(found.host) == len(found.message)


LINKLIKE = st.text(st.sampled_from("ab1-.:/@ ก？?#www"), max_size=40) | st.sampled_from(
    ["see http://a.com/x.", "hxxp://b.top", "a@b.com", "x.y.z.co", "1.2.3.4/x", "www.c.vn", "3.50", "end.of", "点击d.cc看"]
)


@given(st.lists(LINKLIKE, min_size=1, max_size=6))
def test_looking_only_at_words_with_a_dot_finds_the_links_of_the_whole_text(batch: list[str]) -> None:
    found = canonicalise(batch)
    expected = []
    for i in range(len(batch)):
        text = "".join(char if "\x20" < char < "\x7f" else " " for char in found.text(i))
        for match in _PATTERN.finditer(text.encode()):
            url = match.group().rstrip(_TRAILING).decode()
            if host_of(url) and not text[: match.start()].endswith("@"):
                expected.append((i, url))
    links = find(found)
    assert list(zip(links.message.tolist(), links.url, strict=True)) == expected
    for begin, end, url in zip(links.begin, links.end, links.url, strict=True):
        assert found.codes[begin:end].tolist() == [ord(char) for char in url]


@pytest.mark.parametrize("text", ["a" * 16_000, "a-" * 8000, "a." * 8000, "1." * 8000, "http://" * 2000, "a.b" * 5000])
def test_the_longest_text_is_read_in_no_time(text: str) -> None:
    """What a careless pattern would read again from each place: 16,000 characters make 100 million steps."""
    find(canonicalise([text]))


def test_a_name_longer_than_the_dns_allows_is_no_host() -> None:
    """And is not remembered: names of 15,000 characters would fill the memory."""
    assert host_of("http://" + "a" * 300 + ".com/x") is None
