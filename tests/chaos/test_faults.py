"""Which faults strike: at random, but the same again for the same seed, and none of the kinds is left out."""

import random
from collections.abc import Sequence

from tests.chaos.faults import FAULTS, plan


def names(count: int, seed: int, only: Sequence[str] = ()) -> list[str]:
    return [name for name, _ in plan(count, random.Random(seed), only)]


def test_the_same_seed_gives_the_same_faults() -> None:
    assert names(40, 1) == names(40, 1)
    assert names(40, 1) != names(40, 2)


def test_each_kind_strikes_at_least_once() -> None:
    assert set(names(len(FAULTS), 3)) == set(FAULTS)
    assert len(names(8, 3)) == 8


def test_only_what_was_asked_for_strikes() -> None:
    assert set(names(5, 4, ["worker killed"])) == {"worker killed"}
