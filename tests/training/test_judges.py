"""`training.judges`: in cross-validation each row is judged by a model that saw neither it nor its twin."""

import numpy as np

from models.artifact import Model
from tests.training.rows import SMALL, row, silent
from training import evaluate
from training.data import Row
from training.judges import cross_validate, one


def test_one_model_judges_as_it_does_alone(small_model: Model, corpus_slice: list[Row]) -> None:
    model = small_model
    assert (one(model, corpus_slice).score(corpus_slice).scores == evaluate.score(corpus_slice, model).scores).all()


def test_two_labels_are_enough_and_twins_are_in_one_fold(corpus_slice: list[Row]) -> None:
    """As in public sets of spam and ham; a label that is not there is never told."""
    rows = [r for r in corpus_slice if r.label != "promo" and r.lang in ("en", "id")]
    rows += [row(r.message.text + "!!", r.label, r.lang) for r in rows[:20]]
    judges = cross_validate(rows, 2, SMALL, 0.05, silent)
    assert (judges.of[:20] == judges.of[-20:]).all()
    told = judges.score(rows)
    assert set(judges.of.tolist()) == {0, 1}
    assert told.scores[evaluate.labelled(rows, "scam")].mean() > told.scores[evaluate.labelled(rows, "benign")].mean()
    assert judges.models[0].classifier.score([rows[0].message]).probabilities[0, 1] < 1e-4
    asked = np.arange(len(rows)) < 3
    assert len(judges.categories(rows, asked)) == 3
