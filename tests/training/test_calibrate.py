"""`training.calibrate`: scores become probabilities, script by script."""

import numpy as np
import pytest

from models.languages import SCRIPTS
from models.message import Message
from training import calibrate
from training.calibrate import Calibration
from training.fit import Floats, Ints

LATIN, HAN, LAO = (SCRIPTS.index(name) for name in ("latin", "han", "lao"))


def drawn(size: int, scale: float, seed: int) -> tuple[Floats, Ints]:
    """Logits and labels drawn so that `scale * logits` is calibrated."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 2, (size, 2))
    truth = calibrate._moved(logits, scale, np.zeros(2))
    return logits, np.asarray((truth + random.gumbel(size=truth.shape)).argmax(axis=1), dtype=np.intp)


def test_each_script_gets_its_own_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    """As far as its messages outweigh the pull to the pooled one."""
    monkeypatch.setattr(calibrate, "PULL", 20.0)
    one, two = drawn(4000, 0.5, 1), drawn(4000, 2.0, 2)
    script = np.repeat([LATIN, HAN], 4000)
    found = calibrate.fit(np.concatenate([one[0], two[0]]), script, np.concatenate([one[1], two[1]]), np.ones(8000))
    assert found.scale[LATIN] == pytest.approx(0.5, rel=0.1)
    assert found.scale[HAN] == pytest.approx(2.0, rel=0.1)
    assert np.abs(found.shift[[LATIN, HAN]]).max() < 0.25


def test_a_script_with_few_messages_or_none_stays_near_the_pooled_one() -> None:
    many, few = drawn(4000, 1.0, 3), drawn(3, 1.0, 4)
    script = np.repeat([LATIN, LAO], [4000, 3])
    found = calibrate.fit(np.concatenate([many[0], few[0]]), script, np.concatenate([many[1], few[1]]), np.ones(4003))
    assert found.scale[LAO] == pytest.approx(found.scale[LATIN], rel=0.1)
    assert found.scale[HAN] == pytest.approx(found.scale[LATIN], rel=0.01)


def test_probabilities_add_up_and_follow_scale_and_shift() -> None:
    calibration = Calibration(np.full(len(SCRIPTS), 2.0), np.tile([1.0, 0.0], (len(SCRIPTS), 1)))
    got = calibration.probabilities(np.array([[0.5, 0.0]]), np.array([LATIN]))
    assert got[0] == pytest.approx(np.exp([2.0, 0.0, 0.0]) / np.exp([2.0, 0.0, 0.0]).sum())


def test_scripts_are_those_that_serving_sees() -> None:
    assert calibrate.scripts_of([Message(text="hello there"), Message(text="你好")]).tolist() == [LATIN, HAN]
