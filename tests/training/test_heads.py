"""`training.heads`: category and language, exported as arrays."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.linear_model import LogisticRegression

from models import ngrams
from models.classifier import Head
from models.text import CanonicalBatch, canonicalise
from tests.training.rows import SMALL, row
from training import calibrate, fit, heads
from training.data import Row
from training.heads import folded


def test_a_head_computes_what_scikit_learn_computes(corpus_slice: list[Row], monkeypatch: pytest.MonkeyPatch) -> None:
    """The arrays of the head, summed its own way, give the probabilities of the fitted model."""
    fitted: list[LogisticRegression] = []

    def remember(model: LogisticRegression, *arguments: Any) -> LogisticRegression:
        fitted.append(fit.fit_used(model, *arguments))
        return fitted[-1]

    monkeypatch.setattr(heads, "fit_used", remember)
    scams = [r for r in corpus_slice if r.label == "scam"]
    taught = fit.lessons(scams, SMALL)
    head = heads.category(taught, SMALL.ngrams.buckets)
    counts = folded(taught.features[: len(scams), : SMALL.ngrams.buckets])
    expected = fitted[0].predict_proba(counts)
    got = probabilities(head, canonicalise([r.message.text for r in scams]))
    assert head.names == tuple(fitted[0].classes_)
    assert got == pytest.approx(expected, abs=1e-5)


def test_folding_adds_up_buckets_that_share_a_row_and_empties_row_0() -> None:
    rows = heads.ROWS
    counts = csr_array((np.array([1.0, 2.0, 4.0]), np.array([3, 3 + rows, rows]), np.array([0, 3])), shape=(1, 2 * rows))
    table = folded(counts)
    assert table.sum() == table[0, 3] == 3


def test_two_classes_have_two_columns() -> None:
    rows = [row(text, "scam", category=kind) for kind, text in (("bank", "your account"), ("prize", "you won gold")) for _ in range(3)]
    head = heads.category(fit.lessons(rows, SMALL), SMALL.ngrams.buckets)
    told = probabilities(head, canonicalise(["you won gold"]))[0]
    assert head.names[int(told.argmax())] == "prize"


@pytest.mark.parametrize(("category", "name"), [("bank", "bank"), (None, "other"), ("no such category", "other")])
def test_with_one_class_or_none_the_head_names_it_always(category: str | None, name: str) -> None:
    head: Head = heads.category(fit.lessons([row("a", "scam", category=category)], SMALL), SMALL.ngrams.buckets)
    assert head.names == (name,)
    assert probabilities(head, canonicalise(["b"])).tolist() == [[1.0]]


def test_only_languages_written_in_latin_script_are_told_apart(corpus_slice: list[Row]) -> None:
    taught = fit.lessons(corpus_slice, SMALL)
    head = heads.language(taught, calibrate.scripts_of(taught.messages), SMALL.ngrams.buckets)
    assert head.names == ("en", "id")
    told = probabilities(head, canonicalise(["Kamu di mana sekarang, aku sudah sampai", "Where are you now, the meeting started"]))
    assert [head.names[i] for i in told.argmax(axis=1)] == ["id", "en"]


def probabilities(head: Head, batch: CanonicalBatch) -> NDArray[np.float64]:
    """What a head says of a batch under the small recipe's n-grams."""
    return head.probabilities(batch, list(ngrams.buckets(batch, SMALL.ngrams)), SMALL.ngrams)
