"""What one would take instead: the usual text classifiers of scikit-learn, trained on the same messages, judged in the same table.

They read the text alone, tell scams from all else, and have the defaults of their kind. Their threshold is placed as carefully as ours: on
a quarter of the training messages that they did not learn from (nor from a near-duplicate); then they learn from all.
"""

from collections.abc import Callable, Sequence

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import MultinomialNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.svm import LinearSVC

from training import split
from training.data import Row
from training.evaluate import Scored, labelled
from training.fit import Floats, Tell
from training.robustness import Judge
from training.thresholds import REVIEW, threshold_at

BASELINES: dict[str, Callable[[], Pipeline]] = {
    "words, tf-idf, logistic regression": lambda: _made(TfidfVectorizer(), LogisticRegression(max_iter=1000)),
    "characters, tf-idf, linear SVM": lambda: _made(TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 5), min_df=2), LinearSVC()),
    "words, naive Bayes": lambda: _made(CountVectorizer(), MultinomialNB()),
}
_HELD_OUT, _SEED = 4, 1  # one of so many folds


def baselines(rows: Sequence[Row], rate: float, tell: Tell) -> dict[str, Judge]:
    """The baselines, learned from training rows; each flags at the score that `rate` of the held-out benign messages reach."""
    groups = split.near_duplicates([row.message.text for row in rows])
    learned, held = split.folds(rows, groups, _HELD_OUT, _SEED)[0]
    known, unseen = [rows[i] for i in learned.tolist()], [rows[i] for i in held.tolist() if rows[i].label == "benign"]
    judges = {}
    for done, (name, make) in enumerate(BASELINES.items()):
        tell("baselines", done, len(BASELINES))
        benign = _scores(_fitted(make(), known), unseen)
        limits = threshold_at(benign, rate), threshold_at(benign, min(rate * REVIEW, 1.0))
        judges[name] = _judge(_fitted(make(), rows), *limits)
    tell("baselines", len(BASELINES), len(BASELINES))
    return judges


def _made(vectors: TfidfVectorizer | CountVectorizer, classifier: ClassifierMixin) -> Pipeline:
    return make_pipeline(vectors, classifier)


def _fitted(model: Pipeline, rows: Sequence[Row]) -> Pipeline:
    return model.fit([row.message.text for row in rows], labelled(rows, "scam"))


def _scores(model: Pipeline, rows: Sequence[Row]) -> Floats:
    """Probabilities of scam; of the SVM, which has none, its margin squeezed between 0 and 1."""
    texts = [row.message.text for row in rows]
    if not texts:
        return np.zeros(0)
    if hasattr(model, "predict_proba"):
        return np.asarray(model.predict_proba(texts)[:, 1], dtype=np.float64)
    return np.asarray(1 / (1 + np.exp(-model.decision_function(texts))), dtype=np.float64)


def _judge(model: Pipeline, flag: float, review: float) -> Judge:
    def judge(rows: Sequence[Row]) -> Scored:
        scores = _scores(model, rows)
        return Scored(rows, scores, scores >= flag, scores >= review)

    return judge
