"""The attack table: what each trick of `training.attacks` costs at the model's own thresholds."""

from collections.abc import Callable, Sequence

import msgspec
import numpy as np

from training import intervals
from training.attacks import ATTACKS, attack
from training.data import Row
from training.evaluate import Bools, Scored, labelled, share
from training.fit import Tell
from training.intervals import Interval
from training.views import with_text

Judge = Callable[[Sequence[Row]], Scored]
"""Scores the rows of an evaluation, or forms of them in the same order."""


class Effect(msgspec.Struct, frozen=True):
    """What an attack does to the share of messages flagged, of those that it changes."""

    changed: int
    before: float | None
    after: float | None
    change: Interval | None
    """95 % interval of `after` less `before`."""


class Attacked(msgspec.Struct, frozen=True):
    """A row of the attack table."""

    name: str
    what: str
    scam: Effect
    benign: Effect
    recall: float | None
    """Share of all scams flagged where gangs play this trick on each that it fits."""


def attacked(rows: Sequence[Row], plain: Scored, judge: Judge, tell: Tell) -> list[Attacked]:
    """All attacks on all rows; benign ones are attacked as well, to see what the traces of a trick alone do."""
    table = []
    for done, name in enumerate(ATTACKS):
        tell("attacks", done, len(ATTACKS))
        texts = [attack(name, row.message.text) for row in rows]
        changed = np.array([text != row.message.text for text, row in zip(texts, rows, strict=True)], np.bool_)
        told = judge([with_text(row, text) for row, text in zip(rows, texts, strict=True)])
        scam, benign = labelled(rows, "scam"), labelled(rows, "benign")
        on_scam, on_benign = (_effect(plain.flagged[chosen], told.flagged[chosen]) for chosen in (scam & changed, benign & changed))
        table.append(Attacked(name, (ATTACKS[name].__doc__ or "").strip(), on_scam, on_benign, share(told.flagged[scam])))
    tell("attacks", len(ATTACKS), len(ATTACKS))
    return table


def _effect(before: Bools, after: Bools) -> Effect:
    return Effect(len(before), share(before), share(after), intervals.change(before, after))
