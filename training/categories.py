"""Which kind of scam: the named category of flagged scams against the true one."""

from collections.abc import Sequence

import msgspec
import numpy as np
from sklearn.metrics import f1_score

from models.classifier import CATEGORIES
from training.evaluate import Bools, Scored, labelled
from training.judges import Judges


class Named(msgspec.Struct, frozen=True):
    """Scams that are flagged and whose category is known and one of CATEGORIES."""

    scam: int
    accuracy: float
    macro_f1: float
    """Mean of the F1 of the categories that occur, so that a rare one counts as much as a frequent one."""
    f1: dict[str, float]
    names: list[str]
    confusion: list[list[int]]
    """True category (row) by named category (column), in the order of `names`."""


def named(judges: Judges, scored: Scored) -> Named | None:
    """How well the flagged scams are named; None if none of them has a known category."""
    known = np.array([row.category in CATEGORIES for row in scored.rows], np.bool_)
    asked: Bools = labelled(scored.rows, "scam") & scored.flagged & known
    if not asked.any():
        return None
    return compare([str(scored.rows[i].category) for i in np.flatnonzero(asked).tolist()], judges.categories(scored.rows, asked))


def compare(true: Sequence[str], told: Sequence[str]) -> Named:
    """Figures of true and told categories."""
    names = sorted({*true, *told})
    number = {name: i for i, name in enumerate(names)}
    confusion = np.zeros((len(names), len(names)), np.int64)
    np.add.at(confusion, ([number[name] for name in true], [number[name] for name in told]), 1)
    present = sorted(set(true))
    each = dict(zip(present, f1_score(true, told, labels=present, average=None, zero_division=0.0).tolist(), strict=True))
    right = sum(a == b for a, b in zip(true, told, strict=True))
    return Named(len(true), right / len(true), float(np.mean(list(each.values()))), each, names, confusion.tolist())
