"""`training.categories`: how well flagged scams are named."""

import numpy as np
import pytest

from models.artifact import Model
from models.classifier import CATEGORIES
from tests.training.rows import row
from training import categories
from training.data import Row
from training.evaluate import Scored
from training.judges import one


def test_macro_f1_is_the_mean_over_the_categories_that_occur() -> None:
    told = categories.compare(["bank", "bank", "bank", "job"], ["bank", "bank", "job", "loan"])
    assert told.f1 == {"bank": pytest.approx(0.8), "job": 0.0}
    assert told.macro_f1 == pytest.approx(0.4)
    assert told.accuracy == 0.5
    assert told.names == ["bank", "job", "loan"]
    assert told.confusion == [[2, 1, 0], [0, 0, 1], [0, 0, 0]]


def test_only_flagged_scams_of_our_categories_are_asked_for(small_model: Model, corpus_slice: list[Row]) -> None:
    rows = [*corpus_slice, row("claim your prize", "scam", category="a name of somebody else's")]
    judges = one(small_model, rows)
    everything = np.ones(len(rows), np.bool_)
    told = categories.named(judges, Scored(rows, everything.astype(np.float64), everything, everything))
    assert told
    assert told.scam == sum(r.label == "scam" and r.category in CATEGORIES for r in rows)
    assert set(told.names) <= set(CATEGORIES)
    assert categories.named(judges, Scored(rows, everything.astype(np.float64), ~everything, ~everything)) is None
