"""A text twice as long is at most twice the work, whatever it is made of. Counted, not timed: calls made, characters made, memory taken.

What a pattern does inside the `re` module cannot be counted; so patterns must be of a form that cannot go back over a text again and again,
and those of `models.links` are RE2's, which never do.
"""

import re
import sys
import tracemalloc
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from models import links, ngrams
from models.classifier import LONGEST_EXPANSION, chunks
from models.explain import explain
from models.message import Message
from models.text import canonicalise
from stream import privacy
from stream.errors import RecordError
from stream.wire import Decoder, Event, Limits
from tests.conftest import random_classifier
from tests.house.source import modules

CLASSIFIER = random_classifier()
WEIGHTS = np.ones(CLASSIFIER.parameters.buckets, np.complex64)
SIZE = 2000  # characters of the shorter text; fewer would weigh what a call costs in any case
MOST = 2.2  # times the work for twice the text

PIECES: tuple[str, ...] = (
    "a",
    "ab ",
    "1",
    "1 ",
    "1-",
    "a.",
    "a.b ",
    "a-",
    "http://",
    "www.",
    "@a ",
    "t.me/",
    "\ufdfa",
    "ﬁ",
    "a\u0301",
    "\u0301\u0316",
    "\u200d",
)
PIECES += (
    "ก",
    "กี่",
    "မြ",
    "中",
    "\U0001f468\u200d",
    "\ud800",
    "\x00",
    "\u202e",
    "$1 ",
    "ａ",
    "+6681234567 ",
    "<",
    "{",
    "[",
    '"',
    "\\",
    "\n",
)

WORK: dict[str, Callable[[str], object]] = {
    "canonical": lambda text: canonicalise([text]),
    "links": lambda text: links.find(canonicalise([text])),
    "n-grams": lambda text: ngrams.sums(canonicalise([text]), WEIGHTS, CLASSIFIER.parameters),
    "score": lambda text: CLASSIFIER.score([Message(text=text)]),
    "explain": lambda text: explain(CLASSIFIER, [Message(text=text)], 5),
    "mask": lambda text: privacy.mask(text, "+66812345678", "+66812345679"),
    "indicators": lambda text: privacy.indicators(text, "+66812345678", "+66812345679", ()),
    "decode": lambda text: _decoded(text.encode("utf-8", "replace")),
    "decode a text": lambda text: _decoded(b'{"id":"1","text":"' + text.encode("utf-8", "replace") + b'"'),
}


def _decoded(value: bytes) -> object:
    try:
        return Decoder(Event, Limits(1 << 20, 1 << 20)).decode(value)
    except RecordError as error:
        return error


def calls(work: Callable[[], object]) -> int:
    """How many functions are called, of Python's and of C's."""
    count = 0

    def counted(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(counted)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def memory(work: Callable[[], object]) -> int:
    """Bytes taken at most."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("piece", PIECES, ids=ascii)
@pytest.mark.parametrize("name", WORK)
def test_twice_the_text_is_at_most_twice_the_work(name: str, piece: str) -> None:
    work = WORK[name]
    once, twice = (piece * (length // len(piece)) for length in (SIZE, 2 * SIZE))
    work(once)  # what is done at the first time only
    work(twice)
    for count in (calls, memory):
        assert count(lambda: work(twice)) <= MOST * count(lambda: work(once)) + 100


@pytest.mark.parametrize("piece", PIECES, ids=ascii)
def test_a_text_grows_by_a_bound_at_most(piece: str) -> None:
    text = piece * SIZE
    assert len(canonicalise([text]).codes) <= LONGEST_EXPANSION * len(text) + 2


@pytest.mark.parametrize("piece", PIECES, ids=ascii)
def test_a_batch_of_the_longest_texts_takes_no_more_memory_than_a_few_of_them(piece: str) -> None:
    """What one character is written out to counts where a batch is cut."""
    message = Message(text=piece * (16 * 1024 // len(piece.encode("utf-8", "surrogatepass"))))
    most = max(len(canonicalise([one.text for one in chunk]).codes) for chunk in chunks([message] * 300))
    assert most <= 3_000_000


def patterns() -> list[Any]:
    """Every pattern of `re` that a module holds."""
    found = []
    for name in modules():
        if name.startswith(("models.", "stream.")) and "demo" not in name:
            module: ModuleType = import_module(name)
            found += [pytest.param(one, id=f"{name}.{of}") for of, one in vars(module).items() if isinstance(one, re.Pattern)]
    return found


@pytest.mark.parametrize("pattern", patterns())
def test_no_pattern_repeats_a_repetition_without_an_end(pattern: re.Pattern[Any]) -> None:
    """`(a+)+` takes a time that doubles with each character. Possessive repetitions give nothing back and are safe."""
    parse, unbounded = re._parser.parse, re._constants.MAXREPEAT  # type: ignore[attr-defined]

    def nested(tree: Any, inside: bool) -> bool:
        for operation, argument in tree:
            name = str(operation)
            if name in ("MAX_REPEAT", "MIN_REPEAT"):
                endless = argument[1] is unbounded
                if (endless and inside) or nested(argument[2], inside or endless):
                    return True
            elif any(nested(part, inside) for part in _parts(argument)):
                return True
        return False

    def _parts(argument: Any) -> list[Any]:
        subpattern = re._parser.SubPattern  # type: ignore[attr-defined]
        if isinstance(argument, subpattern):
            return [argument]
        if isinstance(argument, list | tuple):
            return [part for one in argument for part in _parts(one)]
        return []

    assert not nested(parse(pattern.pattern, pattern.flags), False)
