"""What the demo shows was never learned from, and what is released quotes nobody's data but our own."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from models.artifact import Golden
from tests.house.source import ROOT
from training.data import fold
from training.release import ODD

SHINGLE = 5  # characters
ALIKE = 0.5  # Jaccard similarity of the shingles from which on two texts are near-duplicates

CORPUS = sorted((ROOT / "training" / "corpus").glob("*.jsonl"))
DEMO = sorted((ROOT / "stream" / "demo").glob("*.jsonl"))
RELEASED = sorted((ROOT / "models" / "released").glob("*/golden.jsonl"))


def texts(file: Path) -> Iterator[str]:
    for line in file.read_bytes().split(b"\n"):
        if line.strip():
            try:
                record = json.loads(line)
            except ValueError:
                continue  # the demo holds a few records that are broken on purpose
            if isinstance(record, dict) and isinstance(record.get("text"), str):
                yield record["text"]


def shingles(text: str) -> frozenset[str]:
    folded = fold(text)
    return frozenset(folded[i : i + SHINGLE] for i in range(max(len(folded) - SHINGLE, 0) + 1))


class Index:
    """Texts by their shingles."""

    def __init__(self, known: list[str]) -> None:
        self.texts = known
        self.sizes = [len(shingles(text)) for text in known]
        self.places: dict[str, list[int]] = defaultdict(list)
        for i, text in enumerate(known):
            for shingle in shingles(text):
                self.places[shingle].append(i)

    def nearest(self, text: str) -> tuple[float, str]:
        """The greatest Jaccard similarity to a known text, and that text."""
        own = shingles(text)
        shared = Counter(i for shingle in own for i in self.places.get(shingle, ()))
        found = ((count / (len(own) + self.sizes[i] - count), self.texts[i]) for i, count in shared.items())
        return max(found, default=(0.0, ""))


@pytest.fixture(scope="module")
def corpus() -> Index:
    """The messages written for training."""
    return Index([text for file in CORPUS for text in texts(file)])


@pytest.mark.parametrize("file", DEMO, ids=lambda file: file.stem)
def test_no_demo_message_nor_a_near_duplicate_of_it_is_trained_on(file: Path, corpus: Index) -> None:
    found = [(likeness, text, known) for text in texts(file) for likeness, known in (corpus.nearest(text),) if likeness >= ALIKE]
    assert not found


def test_the_index_finds_a_near_duplicate(corpus: Index) -> None:
    """The test of the test: another number and another sign make no other message."""
    text = next(text for text in corpus.texts if len(text) > 80)
    likeness, known = corpus.nearest(text.upper() + "!! 77")
    assert known == text
    assert likeness > 0.9


@pytest.mark.parametrize("file", RELEASED, ids=lambda file: file.parent.name)
def test_golden_messages_are_of_our_own_corpus(file: Path, corpus: Index) -> None:
    """Or odd ones that were made up; never a text of somebody's data set."""
    golden = [msgspec.json.decode(line, type=Golden).message.text for line in file.read_bytes().split(b"\n") if line]
    assert golden
    assert set(golden) <= {*corpus.texts, *ODD}


@pytest.mark.parametrize("file", [*CORPUS, *DEMO], ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_numbers_and_addresses_are_made_up_for_every_message(file: Path) -> None:
    """No recipient twice: a real person's number would be the one that comes again."""
    lines = [json.loads(line) for line in file.read_bytes().split(b"\n") if line.startswith(b"{") and b'"label"' in line]
    recipients = Counter(line["recipient"] for line in lines if isinstance(line.get("recipient"), str))
    assert not [number for number, count in recipients.items() if count > 1]
