"""A small model, trained once on a slice of the project's corpus."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # comes with scikit-learn

from models.artifact import Model
from tests.training.rows import SMALL, silent
from training import release
from training.data import CORPUS, Found, Row, read
from training.release import Trained

LANGUAGES = ("en", "id", "th", "zh")
EACH = 30


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Small fits are several times faster without the algebra's own threads."""
    with threadpool_limits(limits=1):
        yield


@pytest.fixture(scope="session")
def corpus_slice() -> list[Row]:
    """The first EACH messages of each label in a few languages of the project's corpus."""
    seen: Counter[tuple[str, str]] = Counter()
    chosen = []
    for found in read([CORPUS]).rows:
        seen[found.lang, found.label] += 1
        if found.lang in LANGUAGES and seen[found.lang, found.label] <= EACH:
            chosen.append(found)
    return chosen


@pytest.fixture(scope="session")
def small(corpus_slice: list[Row]) -> Trained:
    """What was learned from the slice."""
    return release.train(corpus_slice, SMALL, 0.05, silent)


@pytest.fixture(scope="session")
def write_small(corpus_slice: list[Row], small: Trained) -> Callable[[Path], Model]:
    """Writes the small model to a folder and loads it."""

    def write(folder: Path) -> Model:
        return release.write(folder, small, corpus_slice, Found(corpus_slice), SMALL, "2026-01-01")

    return write


@pytest.fixture(scope="session")
def small_model(write_small: Callable[[Path], Model], tmp_path_factory: pytest.TempPathFactory) -> Model:
    """The small model, loaded."""
    return write_small(tmp_path_factory.mktemp("models") / "0.0.1")
