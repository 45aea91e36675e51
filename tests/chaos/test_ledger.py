"""The ledger tells what is missing from what is there twice, and copies that can be known from those that cannot."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.chaos.ledger import Ledger, compare

RECORDS = [(0, "a"), (1, "b"), (2, "c")]


def ledger(alerts: list[str], records: list[tuple[int, str]] = RECORDS, sent: int = 3) -> Ledger:
    return compare(range(sent), records, alerts)


def test_one_alert_for_each_record_is_clean() -> None:
    found = ledger(["c", "a", "b"])
    assert found == Ledger(messages=3, again=0, alerts=3, lost=0, doubled=0, strange=0)
    assert found.clean("exactly_once")
    assert found.clean("at_least_once")


def test_what_has_no_alert_is_lost() -> None:
    found = ledger(["a", "c"])
    assert found.lost == 1
    assert not found.clean("exactly_once")
    assert not found.clean("at_least_once")


def test_a_copy_with_the_same_id_breaks_exactly_once_only() -> None:
    found = ledger(["a", "b", "c", "a", "a"])
    assert (found.doubled, found.strange) == (2, 0)
    assert not found.clean("exactly_once")
    assert found.clean("at_least_once")


def test_a_copy_with_another_id_breaks_both() -> None:
    found = ledger(["a", "b", "c", "x"])
    assert (found.doubled, found.strange) == (0, 1)
    assert not found.clean("exactly_once")
    assert not found.clean("at_least_once")


def test_a_copy_does_not_make_up_for_a_loss() -> None:
    found = ledger(["a", "b", "a"])
    assert (found.lost, found.doubled) == (1, 1)


def test_an_id_that_never_reached_the_topic_is_lost() -> None:
    """Else a feed that failed would pass for a worker that did well."""
    assert ledger(["a"], [(0, "a")], 2).lost == 1


def test_what_the_feed_sent_twice_is_due_twice() -> None:
    records = [*RECORDS, (1, "b2")]
    assert ledger(["a", "b", "c", "b2"], records) == Ledger(3, 1, 4, 0, 0, 0)
    assert ledger(["a", "b", "c"], records).lost == 1


@pytest.mark.parametrize("delivery", ["exactly_once", "at_least_once"])
def test_nothing_sent_and_nothing_alerted_is_clean(delivery: str) -> None:
    assert compare([], [], []).clean(delivery)


@given(st.sets(st.integers(0, 50)), st.lists(st.integers(0, 60)))
def test_every_alert_is_a_first_one_a_copy_or_a_stranger(sent: set[int], alerted: list[int]) -> None:
    found = compare(sent, [(number, str(number)) for number in sent], [str(number) for number in alerted])
    assert found.lost == len(sent - set(alerted))
    assert found.alerts == len(sent & set(alerted)) + found.doubled + found.strange
