"""How long judging stood still, out of looks at the committed offsets."""

import numpy as np

from tests.chaos.watch import Look, longest_pause


def looks(*told: tuple[float, list[int]]) -> list[Look]:
    return [Look(at, np.array(offsets)) for at, offsets in told]


def test_the_pause_is_that_of_the_partition_that_stood_longest() -> None:
    seen = looks((0, [5, 5]), (1, [6, 5]), (2, [7, 5]), (3, [8, 6]), (4, [9, 7]))
    assert longest_pause(seen, 0.5, 4) == 2.5


def test_a_partition_that_never_moves_stands_to_the_end() -> None:
    assert longest_pause(looks((0, [5, 5]), (1, [6, 5]), (9, [7, 5])), 0.5, 9) == 8.5


def test_what_nobody_saw_is_a_pause() -> None:
    assert longest_pause(looks((0, [5])), 1, 11) == 10


def test_only_the_time_asked_for_counts() -> None:
    assert longest_pause(looks((0, [5]), (50, [6]), (51, [7]), (60, [7])), 49.5, 51) == 1
