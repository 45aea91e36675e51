"""A small model of random weights, for tests of mechanics; what a model finds is tested on the released one."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from models.artifact import Golden, Manifest, Model, load, save
from models.catalogue import CATALOGUE
from models.classifier import CATEGORIES, Head, ScamClassifier
from models.languages import SCRIPTS
from models.message import Message
from models.ngrams import NgramParameters
from models.thresholds import Thresholds

LANGUAGES = ("en", "id", "vi")

settings.register_profile("untimed", deadline=None)  # no test measures time
settings.load_profile("untimed")


def random_classifier(seed: int = 0, bits: int = 12) -> ScamClassifier:
    """A classifier whose weights mean nothing."""
    rng = np.random.default_rng(seed)
    parameters = NgramParameters(bits=bits)
    weights = (rng.normal(size=parameters.buckets) + 1j * rng.normal(size=parameters.buckets)).astype(np.complex64)
    weights[0] = 0

    def head(names: tuple[str, ...]) -> Head:
        rows = rng.normal(size=(256, len(names))).astype(np.float32)
        rows[0] = 0
        return Head(names, rows, np.zeros(len(names), np.float32))

    return ScamClassifier(
        parameters,
        weights,
        rng.normal(size=(len(CATALOGUE), 2)),
        np.array([-1.0, 0.5]),
        rng.uniform(0.5, 2, len(SCRIPTS)),
        rng.normal(size=(len(SCRIPTS), 2)),
        head(CATEGORIES),
        head(LANGUAGES),
    )


def write_model(folder: Path, threshold: float = 0.5, seed: int = 0) -> Path:
    """A model folder with random weights."""
    classifier = random_classifier(seed)
    messages = [Message(text="Hello there"), Message(text="สวัสดี", sender="+66812345678")]
    probabilities = classifier.score(messages).probabilities.tolist()
    manifest = Manifest(
        version=folder.name,
        created="2026-01-01",
        ngram_longest=classifier.parameters.longest,
        ngram_bits=classifier.parameters.bits,
        categories=CATEGORIES,
        languages=LANGUAGES,
        thresholds=Thresholds({"default": threshold}, {"default": threshold / 2}, 0.005, 0.02),
        score_histogram=(0.05,) * 20,
        training_data=(),
        metrics={},
        sha256={},
    )
    save(folder, classifier, manifest, [Golden(m, (p[0], p[1], p[2])) for m, p in zip(messages, probabilities, strict=True)], "A card\n")
    return folder


@pytest.fixture(scope="session")
def classifier() -> ScamClassifier:
    """A classifier of random weights."""
    return random_classifier()


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model of random weights."""
    return write_model(tmp_path_factory.mktemp("models") / "0.0.1")


@pytest.fixture(scope="session")
def model(model_folder: Path) -> Model:
    """A loaded model of random weights."""
    return load(model_folder)


@pytest.fixture(scope="session")
def flagging(tmp_path_factory: pytest.TempPathFactory) -> Model:
    """A model that flags everything."""
    return load(write_model(tmp_path_factory.mktemp("models") / "0.0.2", threshold=0.0))
