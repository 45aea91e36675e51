"""A candidate that is worse beyond chance is told from one that is not."""

import numpy as np
import pytest

from tests.training.rows import row
from training.evaluate import ALL, Scored
from training.gate import Answer, GateError, compare, refused

EACH = 200
ROWS = [row(f"{label} {lang} {i}", label, lang) for lang in ("en", "th") for label in ("scam", "benign", "promo") for i in range(EACH)]
SCAM = np.array([r.label == "scam" for r in ROWS])
BENIGN = np.array([r.label == "benign" for r in ROWS])
THAI = np.array([r.lang == "th" for r in ROWS])
RATE = 0.05


def scored(found: float, flagged_benign: float = 0.02, seed: int = 0, found_thai: float | None = None) -> Scored:
    """A model that ranks this share of the scams above all else, and flags them, and this share of the benign messages."""
    dice = np.random.default_rng(seed).random(len(ROWS))
    share = np.where(THAI & (found_thai is not None), found_thai or 0.0, found)
    high = (SCAM & (dice < share)) | (BENIGN & (dice < flagged_benign))
    scores = np.where(high, 0.9, 0.4 * np.random.default_rng(seed + 1).random(len(ROWS)))
    return Scored(ROWS, scores, scores >= 0.5, scores >= 0.5)


def worse(candidate: Scored, live: Scored) -> list[Answer]:
    return [answer for answer in compare(candidate, live, RATE) if answer.worse]


def test_a_model_is_not_worse_than_itself() -> None:
    answers = compare(scored(0.7), scored(0.7), RATE)
    assert not [answer for answer in answers if answer.only_candidate or answer.worse]


def test_equally_good_ones_are_seldom_refused() -> None:
    """One in twenty pairs at most: of 60 pairs, 8 would be more than chance (p < 0.01)."""
    refused = [bool(worse(scored(0.7, seed=2 * n), scored(0.7, seed=1000 + 2 * n))) for n in range(60)]
    assert sum(refused) < 8


def test_fewer_scams_found_is_worse_and_more_is_not() -> None:
    assert {answer.question for answer in worse(scored(0.5), scored(0.8, seed=5))} == {"scams", "scams-at-rate"}
    assert not worse(scored(0.8), scored(0.5, seed=5))


def test_one_language_alone_can_be_worse() -> None:
    found = worse(scored(0.72, found_thai=0.5), scored(0.7, seed=5))
    assert {answer.language for answer in found} >= {"th"}
    assert "en" not in {answer.language for answer in found}


def test_a_model_that_flags_nothing_is_worse_however_well_it_ranks() -> None:
    silent = Scored(ROWS, scored(0.8).scores, np.zeros(len(ROWS), bool), np.zeros(len(ROWS), bool))
    assert {answer.question for answer in worse(silent, scored(0.7, seed=5))} == {"scams"}


def test_more_false_alarms_are_worse_however_many_scams_it_finds() -> None:
    assert "benign" in {answer.question for answer in worse(scored(0.9, 0.2), scored(0.7, 0.02, seed=5))}


def test_what_is_worse_can_be_accepted_by_name_and_nothing_else_is() -> None:
    candidate, live = scored(0.9, 0.2), scored(0.7, 0.02, seed=5)
    assert {answer.question for answer in worse(candidate, live)} == {"benign", "scams-at-rate"}
    assert refused(compare(candidate, live, RATE))
    assert refused(compare(candidate, live, RATE, ["benign/th", "scams-at-rate"]))
    assert not refused(compare(candidate, live, RATE, ["benign", "scams-at-rate"]))
    with pytest.raises(GateError, match="'th' cannot be accepted"):
        compare(candidate, live, RATE, ["th"])


def test_p_values_rise_and_stay_shares() -> None:
    values = [answer.p_value for answer in compare(scored(0.6), scored(0.7, seed=5), RATE)]
    assert values == sorted(values)
    assert all(0 <= value <= 1 for value in values)


def test_each_question_is_asked_over_all_and_by_language() -> None:
    asked = {(answer.question, answer.language) for answer in compare(scored(0.6), scored(0.7, seed=5), RATE)}
    assert len(asked) == 4 * 3
    assert {language for _, language in asked} == {ALL, "en", "th"}


def test_too_few_messages_are_told() -> None:
    few = [row(f"text {i}", "scam" if i % 2 else "benign") for i in range(150)]
    told = Scored(few, np.zeros(150), np.zeros(150, bool), np.zeros(150, bool))
    with pytest.raises(GateError, match="75 messages of scam are too few"):
        compare(told, told, RATE)
