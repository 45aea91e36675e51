"""A trial is red for each thing that can be wrong, and its part of the page can be written anew."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.chaos import report
from tests.chaos.ledger import compare
from tests.chaos.report import Outcome, Struck

RECORDS = [(0, "a"), (1, "b")]
STRUCK = Struck("worker killed", "kill -9 of w1", 3.0, 1003.0, 1003.1, np.array([5]), 8.0, 6.5, ["batch given back"] * 2 + ["reading"])
GOOD = Outcome(
    ledger=compare(range(2), RECORDS, ["a", "b"]),
    delivery="exactly_once",
    seed=1,
    mutant="",
    faults=[STRUCK],
    dead_letters=0,
    behind=0,
    drained=True,
    exit_codes={"w1": 0},
    seconds=12.0,
    rate=100.0,
)


def test_a_trial_is_clean_if_nothing_is_wrong() -> None:
    assert GOOD.clean
    told = GOOD.document()
    assert (told["messages"], told["faults"], told["lost"], told["doubled"]) == (2, 1, 0, 0)


@pytest.mark.parametrize(
    "wrong",
    [
        replace(GOOD, ledger=compare(range(2), RECORDS, ["a"])),
        replace(GOOD, ledger=compare(range(2), RECORDS, ["a", "b", "a"])),
        replace(GOOD, behind=1),
        replace(GOOD, drained=False),
        replace(GOOD, dead_letters=1),
        replace(GOOD, exit_codes={"w1": 1}),
        replace(GOOD, faults=[replace(STRUCK, caught_up=None)]),
    ],
)
def test_a_trial_is_red_if_anything_is(wrong: Outcome) -> None:
    assert not wrong.clean
    assert report.line(wrong.document()).endswith("BROKEN")


def test_a_row_says_what_happened_and_what_was_logged() -> None:
    assert "| 3 s | kill -9 of w1 | 0.1 s | 6.5 s | 8.0 s | batch given back x2 |" in report.markdown(GOOD.document())


def test_only_the_named_part_of_the_page_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- x: begin -->\n<!-- x: end -->\nb\n")
    monkeypatch.setattr(report, "PAGE", page)
    report.write_docs("x", "new\nlines")
    assert page.read_text() == "a\n<!-- x: begin -->\nnew\nlines\n<!-- x: end -->\nb\n"
    report.write_docs("x", "newer")
    assert page.read_text() == "a\n<!-- x: begin -->\nnewer\n<!-- x: end -->\nb\n"
    with pytest.raises(ValueError, match="no part 'y'"):
        report.write_docs("y", "")
