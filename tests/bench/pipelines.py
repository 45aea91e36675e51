"""The scikit-learn pipelines that the other contenders judge with, trained once on the corpus; and what each scorer finds."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from models.artifact import Model
from stream.judge import judge
from stream.policy import DECISIONS, Policy
from stream.wire import Decoder, Event, Limits
from tests.bench import feed
from tests.bench.environments import ROOT

CORPUS = ROOT / "training" / "corpus"
FALSE_POSITIVES = 0.01  # of the benign messages of the demo feed, where recall is told
CHARACTER_FEATURES = 200_000


@dataclass(frozen=True, slots=True)
class Scorer:
    """A scorer as contenders use it: its file, the threshold, the recall beside it, and the texts that it flags."""

    path: Path
    threshold: float
    recall: float
    flags: frozenset[str]


def fresh(kind: str) -> Pipeline:
    """An unfitted pipeline: `word` and `char` weigh by tf-idf, `hash` is char without a vocabulary."""
    vectorizer: Any = {
        "word": TfidfVectorizer,
        "char": lambda: TfidfVectorizer(analyzer="char", ngram_range=(1, 5), max_features=CHARACTER_FEATURES),
        "hash": lambda: HashingVectorizer(analyzer="char", ngram_range=(1, 5), n_features=2**18, alternate_sign=False),
    }[kind]()
    return make_pipeline(vectorizer, LogisticRegression(C=10.0, max_iter=1000))


def fitted(kind: str) -> Pipeline:
    """A pipeline that knows the corpus: scam or not."""
    texts, labels = [], []
    for path in sorted(CORPUS.glob("*.jsonl")):
        for line in path.read_bytes().split(b"\n"):
            row = json.loads(line) if line.strip() else {}
            if "text" in row:
                texts.append(row["text"])
                labels.append(row["label"] == "scam")
    return fresh(kind).fit(texts, labels)


def prepare(kind: str, folder: Path, model: Model) -> Scorer:
    """Train a pipeline and write it; its threshold flags as many benign messages of the demo feed as ScamSieve does."""
    pipeline, rows = fitted(kind), feed.rows()
    scores = pipeline.predict_proba([row["text"] for row in rows])[:, 1]
    benign = np.array([row["label"] == "benign" for row in rows])
    threshold = _threshold(scores[benign], _flagged(model, rows)[benign].mean())
    path = folder / f"{kind}.joblib"
    joblib.dump(pipeline, path)
    flags = frozenset(row["text"] for row, score in zip(rows, scores, strict=True) if score >= threshold)
    return Scorer(path, threshold, recall(scores, rows), flags)


def own_recall(model: Model) -> float:
    """What ScamSieve's own scores find, by the same rule."""
    rows = feed.rows()
    return recall(model.classifier.score(_events(rows)).probabilities[:, 0], rows)


def recall(scores: NDArray[np.float64], rows: list[dict[str, Any]]) -> float:
    """The share of the scams that is found where FALSE_POSITIVES of the benign messages are flagged."""
    labels = np.array([row["label"] for row in rows])
    threshold = _threshold(scores[labels == "benign"], FALSE_POSITIVES)
    return float((scores[labels == "scam"] >= threshold).mean())


def _threshold(benign: NDArray[np.float64], share: float) -> float:
    """The least score that flags no more than this share of the benign messages."""
    falling = np.sort(benign)[::-1]
    return float(np.nextafter(falling[int(share * len(falling) + 1e-9)], 2.0))


def _flagged(model: Model, rows: list[dict[str, Any]]) -> NDArray[np.bool_]:
    return np.asarray(judge(model, Policy(), _events(rows)).decisions.decisions == DECISIONS.index("flag"))


def _events(rows: list[dict[str, Any]]) -> list[Event]:
    decode = Decoder(Event, Limits()).decode
    return [decode(json.dumps({**row, "language": row["lang"]}).encode()) for row in rows]
