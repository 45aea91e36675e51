"""The ledger tells what is missing from what is there twice, and copies that can be known from those that cannot."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.chaos.ledger import Ledger, compare

IDS = st.sets(st.integers(0, 50))


def test_one_alert_for_each_message_is_clean() -> None:
    ledger = compare(range(3), [(2, "c"), (0, "a"), (1, "b")])
    assert ledger == Ledger(messages=3, alerts=3, lost=0, doubled=0, told_apart=0, strange=0)
    assert ledger.clean("exactly_once")
    assert ledger.clean("at_least_once")


def test_what_has_no_alert_is_lost() -> None:
    ledger = compare(range(3), [(0, "a"), (2, "c")])
    assert ledger.lost == 1
    assert not ledger.clean("exactly_once")
    assert not ledger.clean("at_least_once")


def test_a_copy_with_the_same_id_breaks_exactly_once_only() -> None:
    ledger = compare(range(2), [(0, "a"), (1, "b"), (0, "a"), (0, "a")])
    assert (ledger.doubled, ledger.told_apart) == (2, 0)
    assert not ledger.clean("exactly_once")
    assert ledger.clean("at_least_once")


def test_a_copy_with_another_id_breaks_both() -> None:
    ledger = compare(range(2), [(0, "a"), (1, "b"), (0, "x")])
    assert (ledger.doubled, ledger.told_apart) == (1, 1)
    assert not ledger.clean("at_least_once")


def test_a_copy_does_not_make_up_for_a_loss() -> None:
    ledger = compare(range(2), [(0, "a"), (0, "a")])
    assert (ledger.lost, ledger.doubled) == (1, 1)


def test_an_alert_of_nothing_that_was_sent_is_strange() -> None:
    ledger = compare(range(1), [(0, "a"), (7, "b")])
    assert ledger.strange == 1
    assert not ledger.clean("exactly_once")


@pytest.mark.parametrize("delivery", ["exactly_once", "at_least_once"])
def test_nothing_sent_and_nothing_alerted_is_clean(delivery: str) -> None:
    assert compare([], []).clean(delivery)


@given(IDS, st.lists(st.integers(0, 60)))
def test_every_alert_is_a_first_one_a_double_or_a_stranger(sent: set[int], alerted: list[int]) -> None:
    ledger = compare(sent, [(number, str(number)) for number in alerted])
    assert ledger.lost == len(sent - set(alerted))
    assert ledger.alerts == len(sent & set(alerted)) + ledger.doubled + ledger.strange
