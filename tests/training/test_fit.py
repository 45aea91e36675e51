"""`training.fit`: the features are those that serve, and the classifier is scikit-learn's."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from models import ngrams
from models.catalogue import CATALOGUE, INDEX
from models.classifier import CLASSES
from models.message import Message
from models.ngrams import NgramParameters
from models.text import canonicalise
from tests.training.rows import SMALL, row
from training import fit
from training.data import Row
from training.fit import NgramCounts, Signals

TEXTS = ["", "a", "free money free money", "กรุณาโอนเงิน 123456", "加微信", "f r e e", "x" * 700]
MESSAGES = [Message(text=text) for text in TEXTS]


def test_counts_are_the_buckets_of_each_message_times_its_scale() -> None:
    parameters = NgramParameters(4, 12)
    matrix = NgramCounts(4, 12).transform(MESSAGES).toarray()
    for i, text in enumerate(TEXTS):
        batch = canonicalise([text])
        counted = Counter(int(bucket) for found in ngrams.buckets(batch, parameters) for bucket in found if bucket)
        expected = np.zeros(parameters.buckets)
        expected[list(counted)] = list(counted.values())
        assert matrix[i] == pytest.approx(expected * ngrams.scale(batch, parameters)[0])


def test_column_0_is_empty_and_a_batch_changes_nothing() -> None:
    together = NgramCounts(5, 10).transform(MESSAGES * 200).toarray()
    assert not together[:, 0].any()
    assert (together[: len(TEXTS)] == together[-len(TEXTS) :]).all()


def test_signals_are_those_of_the_catalogue() -> None:
    table = Signals().transform([Message(text="go to http://a.top", sender="Bank")])
    assert table.shape == (1, len(CATALOGUE))
    assert table[0, INDEX["link"]] == table[0, INDEX["sender_alphanumeric"]] == 1


def test_the_pipeline_is_a_scikit_learn_estimator(corpus_slice: list[Row]) -> None:
    """It can be cloned and searched over."""
    rows = corpus_slice[:120]
    search = GridSearchCV(clone(fit.pipeline(SMALL)), {"classify__C": [1.0, 3.0], "features__ngrams__longest": [2]}, cv=2)
    search.fit([r.message for r in rows], [CLASSES.index(r.label) for r in rows])
    assert search.predict_proba([Message(text="hello")]).shape == (1, len(CLASSES))


def test_a_row_with_metadata_is_taught_twice_with_half_its_weight() -> None:
    taught = fit.lessons([row("plain"), row("rich", sender="Bank")], SMALL)
    assert taught.row.tolist() == [0, 1, 1]
    assert [message.sender for message in taught.messages] == ["", "Bank", ""]
    assert taught.shares.tolist() == [1, 0.5, 0.5]
    assert taught.weights[1] == taught.weights[2] == taught.weights[0] / 2


def test_no_language_drowns_another_and_weak_sets_count_half() -> None:
    """1 / sqrt(messages of the language and label), mean 1."""
    weights = fit._balance([*[row(str(i)) for i in range(4)], row("x", lang="th"), row("y", lang="lo", source="noisy_weak")])
    assert weights.mean() == pytest.approx(1)
    assert weights[4] == pytest.approx(2 * weights[0])
    assert weights[5] == pytest.approx(weights[0])


def test_coefficients_are_differences_to_benign(corpus_slice: list[Row]) -> None:
    taught = fit.lessons(corpus_slice, SMALL)
    model = fit.learn(taught.features, taught.labels, taught.weights, SMALL)
    assert not model.coef_[-1].any()
    assert model.intercept_[-1] == 0


def test_an_undone_trick_speaks_half_as_loud_for_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row(f"see evil{i} [.] com/{i}" if i % 2 else f"see evil{i}.com/{i}", "benign" if i % 2 else "scam") for i in range(40)]
    taught = fit.lessons(rows, SMALL)
    at = fit.SCAM, SMALL.ngrams.buckets + INDEX["undone_link"]
    held_back = fit.learn(taught.features, taught.labels, taught.weights, SMALL).coef_[at]
    monkeypatch.setattr(fit, "HELD_BACK", 1.0)
    learned = fit.learn(taught.features, taught.labels, taught.weights, SMALL).coef_[at]
    assert learned < 0
    assert held_back == pytest.approx(learned / 2)


def test_the_fit_has_converged(corpus_slice: list[Row], monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundredfold tighter tolerance moves no probability by more than two points: where it stops is not left to chance."""
    taught = fit.lessons(corpus_slice, SMALL)
    found = fit.learn(taught.features, taught.labels, taught.weights, SMALL).predict_proba(taught.features)
    tighter = fit.classifier(SMALL).set_params(tol=1e-6, max_iter=5000)
    monkeypatch.setattr(fit, "classifier", lambda _: tighter)
    exact = fit.learn(taught.features, taught.labels, taught.weights, SMALL).predict_proba(taught.features)
    assert np.abs(found - exact).max() < 0.02


def test_what_stands_in_one_class_tells_more_than_what_stands_in_both_and_what_is_rare_tells_little() -> None:
    """Columns: in scams only, in both alike, in one scam of all."""
    scams = np.tile([1.0, 1.0, 0.0], (400, 1))
    scams[0, 2] = 1
    benign = np.tile([0.0, 1.0, 0.0], (400, 1))
    labels = np.repeat([CLASSES.index("scam"), CLASSES.index("benign")], 400)
    clear, common, rare = fit.telling(csr_array(np.vstack([scams, benign])), labels, np.ones(800))
    assert clear > 1 > common
    assert abs(rare - common) < abs(clear - rare) / 5
    assert np.mean([clear, common, rare]) == pytest.approx(1)


def test_some_scams_are_taught_once_more_under_an_attack_and_share_their_weight() -> None:
    """The same ones each time; their labels and metadata stay."""
    rows = [row(f"claim your free prize number {i} now", "scam", sender="Bank") for i in range(60)]
    taught = fit.lessons(rows, SMALL)
    again = fit.lessons(rows, SMALL)
    copies = np.bincount(taught.row)
    assert set(copies.tolist()) == {2, 3}
    attacked = [message.text for message in taught.messages[120:]]
    assert attacked == [message.text for message in again.messages[120:]]
    assert not {r.message.text for r in rows} & set(attacked)
    assert all(message.sender == "Bank" for message in taught.messages[120:])
    assert taught.weights == pytest.approx(1 / copies[taught.row])


def test_features_are_cached_by_messages_and_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = fit.Recipe(ngrams=SMALL.ngrams, cache=tmp_path)
    first = fit.lessons([row("plain")], recipe).features
    monkeypatch.setattr(NgramCounts, "transform", None)  # would fail if it were called again
    assert (fit.lessons([row("plain")], recipe).features.toarray() == first.toarray()).all()
    monkeypatch.setattr(fit, "_fingerprint", lambda: "other code")
    with pytest.raises(TypeError):
        fit.lessons([row("plain")], recipe)


def test_out_of_fold_logits_come_from_models_that_did_not_see_the_row() -> None:
    """Every fold learns flipped labels of the others: a model that had seen a row would side with its label."""
    rows = [row(f"word{label} same text", label) for label in ("scam", "promo", "benign") for _ in range(4)]
    taught = fit.lessons(rows, SMALL)
    told: list[tuple[str, int, int]] = []
    parts = [(np.setdiff1d(np.arange(12), [0]), np.array([0])), (np.setdiff1d(np.arange(12), [11]), np.array([11]))]
    logits = fit.out_of_fold(taught, parts, SMALL, lambda *progress: told.append(progress))
    assert logits[0, 0] > 0 > logits[11, 0]
    assert not logits[1:11].any()
    assert told[-1] == ("folds", 2, 2)
