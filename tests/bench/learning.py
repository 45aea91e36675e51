"""How long training takes, by the number of labelled messages; beyond the corpus they are copies with their words shuffled."""

import os
import random
import time
from collections.abc import Sequence

import msgspec

from tests.bench.compare import Tell
from training import release
from training.data import CORPUS, Found, Row, read
from training.fit import Recipe
from training.release import TrainingError

RATE = 0.005  # of the benign messages may be flagged, as `scamsieve train` has it


def measure(sizes: Sequence[int], tell: Tell) -> list[tuple[str, str]]:
    """Seconds of a training, by size: grouping, features, folds, fit, calibration and heads, without reading and writing."""
    rows = release.prepare(_corpus(), lambda *_: None)
    jobs = len(os.sched_getaffinity(0))
    measured = []
    for size in sizes:
        tell(f"training on {size:,} messages")
        taught = sample(rows, size)
        begin = time.perf_counter()
        try:
            release.train(taught, Recipe(jobs=jobs), RATE, lambda *_: None)
            figure = f"{time.perf_counter() - begin:.1f} s"
        except TrainingError as error:
            figure = f"failed: {error}"
        measured.append((f"training on {size:,} messages, {jobs} cores", figure))
    return measured


def sample(rows: Sequence[Row], size: int) -> list[Row]:
    """So many rows, drawn without return as long as there are any; then copies with shuffled words."""
    dice = random.Random(1)
    drawn = dice.sample(rows, min(size, len(rows)))
    return [*drawn, *(_shuffled(rows[dice.randrange(len(rows))], dice) for _ in range(size - len(drawn)))]


def _shuffled(row: Row, dice: random.Random) -> Row:
    words = row.message.text.split()
    dice.shuffle(words)
    if len(words) < 3:  # a script without spaces
        middle = dice.randrange(len(row.message.text))
        words = [row.message.text[middle:], row.message.text[:middle]]
    return msgspec.structs.replace(row, message=msgspec.structs.replace(row.message, text=" ".join(words)))


def _corpus() -> Found:
    return read([CORPUS])
