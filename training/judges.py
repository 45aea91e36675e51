"""Who judges each row: one model for all of them, or, in cross-validation, the model that learned from other folds."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.artifact import Model
from models.explain import explain
from training import evaluate, release, split
from training.data import Found, Row
from training.evaluate import Bools, Scored
from training.fit import Floats, Ints, Recipe, Tell
from training.honesty import honest


@dataclass(frozen=True, slots=True)
class Judges:
    """Models, and the number of the one that judges each row (N); what it judges are those rows, in their order, or forms of them."""

    models: Sequence[Model]
    of: Ints
    cuts: Floats
    """Of each model: the score from which on a message counts as scam where each error costs the same, as for accuracy."""

    def score(self, rows: Sequence[Row]) -> Scored:
        """Scores and decisions."""
        scores, flagged, reviewed = np.zeros(len(rows)), np.zeros(len(rows), np.bool_), np.zeros(len(rows), np.bool_)
        for number, model in enumerate(self.models):
            within = np.flatnonzero(self.of == number)
            told = evaluate.score([rows[i] for i in within.tolist()], model)
            scores[within], flagged[within], reviewed[within] = told.scores, told.flagged, told.reviewed
        return Scored(rows, scores, flagged, reviewed)

    def categories(self, rows: Sequence[Row], asked: Bools) -> list[str]:
        """The category of scam of each row asked for, in order."""
        named = np.full(len(rows), "", dtype=object)
        for number, model in enumerate(self.models):
            within = np.flatnonzero((self.of == number) & asked)
            told = explain(model.classifier, [rows[i].message for i in within.tolist()], most=0)
            named[within] = [explanation.category for explanation in told]
        return [str(name) for name in named[asked]]


def one(model: Model, rows: Sequence[Row]) -> Judges:
    """A model that judges all rows."""
    return Judges((model,), np.zeros(len(rows), np.intp), np.array([0.5]))


def cross_validate(rows: Sequence[Row], count: int, recipe: Recipe, rate: float, tell: Tell) -> Judges:
    """Train `count` models by the whole pipeline, each on the rows outside one fold; near-duplicates are in one fold.

    Their cuts are where their own inner folds made the fewest errors: nothing of the fold that they judge goes into them.
    Raises TrainingError if a fold leaves too little to learn from.
    """
    groups = split.near_duplicates([row.message.text for row in rows])
    of = np.zeros(len(rows), np.intp)
    models, cuts = [], []
    for number, (learned, tested) in enumerate(split.folds(rows, groups, count, recipe.seed)):
        tell("cross-validate", number, count)
        found = Found([rows[i] for i in learned])
        taught = honest(found.rows, found.left_out)
        trained = release.train(taught, recipe, rate, lambda *_: None)
        manifest = release.manifest(f"fold {number + 1}", "", trained, taught, found, recipe)
        models.append(Model(release.serving(trained, recipe), manifest))
        cuts.append(trained.cut)
        of[tested] = number
    tell("cross-validate", count, count)
    return Judges(models, of, np.array(cuts))
