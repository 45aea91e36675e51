"""A page shows what it is told, whatever that holds, and runs nothing."""

from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.webpage import page, wanted

INJECTION = "\"'></td><script>alert(1)</script><img src=x onerror=alert(1)><!--"
KNOWN = {"html", "head", "meta", "title", "style", "body", "h1", "table", "tr", "th", "td"}


class Reader(HTMLParser):
    """The tags, attributes and texts of a page."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attributes}

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.tags.add("comment")


def read(title: str, told: dict[str, Any]) -> Reader:
    reader = Reader()
    reader.feed(page(title, told).decode())
    reader.close()
    return reader


@pytest.mark.parametrize("told", [{INJECTION: 1}, {"a": INJECTION}, {"a": [INJECTION, {"b": INJECTION}]}, {"a": {INJECTION: [INJECTION]}}])
def test_nothing_that_is_told_becomes_markup(told: dict[str, Any]) -> None:
    found = read(INJECTION, told)
    assert found.tags <= KNOWN
    assert found.attributes <= {"lang", "charset", "http-equiv", "content", "name"}
    assert found.text.count(INJECTION) > 2


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda one: st.lists(one) | st.dictionaries(st.text(), one)
    )
)
def test_whatever_is_told_no_tag_comes_of_it(told: Any) -> None:
    assert read("t", {"told": told}).tags <= KNOWN


def test_a_page_needs_nothing_from_elsewhere_and_allows_no_script() -> None:
    shown = page("t", {}).decode()
    assert "default-src &#x27;none&#x27;" in shown
    assert "<script" not in shown
    assert "http:" not in shown
    assert "https:" not in shown


def test_values_for_people() -> None:
    shown = read("t", {"judged": 12_345, "joined": True, "partitions": (0, 1), "none": None, "empty": {}, "nothing": []}).text
    for told in ("12,345", "yes", "0, 1", "none"):
        assert told in shown


@pytest.mark.parametrize(
    ("accept", "html"),
    [
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", True),
        ("TEXT/HTML", True),
        ("text/html;q=0.5, application/json;q=0.4", True),
        ("", False),
        ("*/*", False),
        ("application/json", False),
        ("application/json, text/html;q=0.9", False),
        ("application/json, text/html", False),
        ("text/html;q=0", False),
        ("text/html;q=x", False),
        ("text/html-like", False),
    ],
)
def test_html_is_for_those_who_prefer_it(accept: str, html: bool) -> None:
    assert wanted(accept) is html
