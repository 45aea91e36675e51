"""`training.robustness`: an attack's cost is told of the messages that it changes."""

from collections.abc import Sequence

import numpy as np
import pytest

from tests.training.rows import row, silent
from training.attacks import ATTACKS
from training.data import Row
from training.evaluate import Scored
from training.robustness import Attacked, attacked

ROWS = [
    row("claim your prize at http://a.top/x", "scam"),
    row("claim your prize by phone 12345", "scam"),
    row("ขอโอนเงิน", "scam", "th"),
    row("lunch at noon?", "benign"),
    row("claim your parcel", "benign"),
]


def reader_of_claim(rows: Sequence[Row]) -> Scored:
    """Flags what says `claim`."""
    flagged = np.array(["claim" in found.message.text for found in rows])
    return Scored(rows, flagged.astype(np.float64), flagged, flagged)


@pytest.fixture(scope="module")
def table() -> dict[str, Attacked]:
    return {line.name: line for line in attacked(ROWS, reader_of_claim(ROWS), reader_of_claim, silent)}


def test_every_attack_has_a_row_that_says_what_it_does(table: dict[str, Attacked]) -> None:
    assert list(table) == list(ATTACKS)
    assert all(line.what for line in table.values())


def test_only_what_changes_is_counted(table: dict[str, Attacked]) -> None:
    hidden = table["hidden_links"]
    assert (hidden.scam.changed, hidden.scam.before, hidden.scam.after) == (1, 1.0, 1.0)
    assert (hidden.benign.changed, hidden.benign.before, hidden.benign.change) == (0, None, None)


def test_a_loss_shows_in_the_changed_and_over_all(table: dict[str, Attacked]) -> None:
    letters = table["homoglyphs"]
    assert (letters.scam.changed, letters.scam.before, letters.scam.after) == (2, 1.0, 0.0)
    assert letters.scam.change == (-1.0, -1.0)
    assert letters.recall == 0.0
    assert table["benign_padding"].recall == pytest.approx(2 / 3)


def test_attacked_benign_messages_have_their_own_column(table: dict[str, Attacked]) -> None:
    assert table["benign_padding"].benign.before == table["benign_padding"].benign.after == 0.5
