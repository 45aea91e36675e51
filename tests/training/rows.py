"""Makers of labelled messages, and the recipe of the small model of these tests."""

from typing import Any

from models.message import Message
from models.ngrams import NgramParameters
from training.data import Row
from training.fit import Recipe

SMALL = Recipe(ngrams=NgramParameters(longest=4, bits=14), folds=3)


def silent(_stage: str, _done: int, _total: int) -> None:
    """Tells nobody of the progress."""


def row(text: str, label: Any = "benign", lang: str = "en", source: str = "set", category: str | None = None, **metadata: Any) -> Row:
    """A labelled message."""
    return Row(Message(text=text, **metadata), label, lang, source, category)
