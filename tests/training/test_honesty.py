"""`training.honesty`: metadata that would teach how a data set was collected is not learned from."""

from collections import Counter
from typing import Literal

from models.message import Origin
from tests.training.rows import row
from training.data import CORPUS, Row, read
from training.honesty import honest, may_teach


def test_a_field_that_one_label_only_has_is_dropped_and_counted() -> None:
    rows = [row("a", "scam", sender="+6591234567"), row("b", "scam", sender="Bank"), row("c"), row("d")]
    gone: Counter[str] = Counter()
    assert all(not r.message.sender for r in honest(rows, gone))
    assert gone == {"set: sender, which tells the source or the label": 2}


def test_a_field_that_is_the_same_throughout_is_dropped() -> None:
    assert not may_teach("channel", [row("a", "scam", channel="sms"), row("b", channel="sms")])


def test_a_field_that_gives_the_label_away_is_dropped() -> None:
    told = [row("a", "scam", sender="+6591234567"), row("b", sender="Bank")] * 5
    assert not may_teach("sender", told)


def test_a_field_with_overlap_is_kept() -> None:
    rows = [row(str(i), label, sender=s) for i, (label, s) in enumerate([("scam", "+6591"), ("scam", "Bank"), ("benign", "Bank")])]
    assert may_teach("sender", rows)
    assert honest(rows, Counter()) == rows


def test_a_source_of_one_label_teaches_no_metadata() -> None:
    rows = [row("a", "scam", sender="+6591234567"), row("b", "scam", sender="Bank")]
    assert not may_teach("sender", rows)


def test_origin_is_judged_by_route_and_country() -> None:
    def of(label: str, route: Literal["p2p", "a2p"]) -> Row:
        return row("a", label, origin=Origin(country="SG", network=label, route=route))

    assert may_teach("origin", [of("scam", "p2p"), of("scam", "a2p"), of("benign", "p2p"), of("benign", "a2p")])
    assert not may_teach("origin", [of("scam", "p2p"), of("benign", "a2p")])


def test_a_recipient_is_kept_though_all_are_in_one_country() -> None:
    assert may_teach("recipient", [row("a", "scam", recipient="+66811111111"), row("b", recipient="+66822222222")])


def test_sources_are_judged_each_by_itself() -> None:
    bad = [row("a", "scam", source="bad", sender="+6591234567"), row("b", source="bad")]
    good = [row(str(i), label, source="good", sender=s) for i, label in enumerate(("scam", "benign")) for s in ("+6591", "Bank")]
    assert [bool(r.message.sender) for r in honest([*bad, *good], Counter())] == [False, False, True, True, True, True]


def test_the_projects_corpus_teaches_its_metadata() -> None:
    """Every corpus file keeps sender, sender type, channel, route, origin, recipient and time."""
    gone: Counter[str] = Counter()
    honest(read([CORPUS]).rows, gone)
    assert not gone
