"""The agents count each alert once, for an hour, and for the partitions that are theirs."""

from datetime import UTC, datetime

import msgspec
import pytest
from prometheus_client import CollectorRegistry

from stream import agents
from stream.agents import AlertCounts, Minutes, partition_of
from stream.metrics import AgentMetrics

NOON = datetime(2026, 3, 1, 12, 0, 30, tzinfo=UTC).timestamp()


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def counts(registry: CollectorRegistry) -> AlertCounts:
    return AlertCounts(lambda operator: operator if operator == "th-siam" else "other", AgentMetrics(registry))


def alert(name: str, operator: str = "th-siam", category: str = "bank", at: float = NOON) -> bytes:
    return msgspec.json.encode(
        {"id": name, "operator": operator, "category": category, "detected_at": datetime.fromtimestamp(at, UTC), "text": "unread"}
    )


def test_alerts_are_counted_by_label_and_category(counts: AlertCounts) -> None:
    counts.add([(0, alert("1")), (0, alert("2")), (1, alert("3", "unknown")), (1, alert("4", "stranger", "loan"))], NOON)
    assert counts.last_hour([0, 1], NOON) == {"th-siam": {"bank": 2}, "other": {"bank": 1, "loan": 1}}


def test_a_copy_counts_once_in_its_batch_and_in_a_later_one(counts: AlertCounts, registry: CollectorRegistry) -> None:
    counts.add([(0, alert("1")), (0, alert("1"))], NOON)
    counts.add([(0, alert("1")), (0, alert("2"))], NOON)
    assert counts.last_hour([0], NOON) == {"th-siam": {"bank": 2}}
    assert registry.get_sample_value("scamsieve_agent_alerts_total", {"outcome": "copy"}) == 2


def test_only_so_many_ids_are_remembered(counts: AlertCounts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agents, "REMEMBERED", 3)
    counts.add([(0, alert(str(i))) for i in range(5)], NOON)
    counts.add([(0, alert("4")), (0, alert("0"))], NOON)  # the last is remembered, the first is forgotten
    assert counts.last_hour([0], NOON) == {"th-siam": {"bank": 6}}


def test_what_is_no_alert_is_counted_as_such_and_the_rest_of_the_batch_stays(counts: AlertCounts, registry: CollectorRegistry) -> None:
    broken: list[bytes | None] = [None, b"", b"\xff", b"[]", b"{}", alert("9", category="no such")]
    counts.add([*((0, value) for value in broken), (0, alert("1"))], NOON)
    assert counts.last_hour([0], NOON) == {"th-siam": {"bank": 1}}
    assert registry.get_sample_value("scamsieve_agent_alerts_total", {"outcome": "unreadable"}) == len(broken)


def test_an_hour_later_alerts_are_no_longer_shown_and_no_longer_kept(counts: AlertCounts) -> None:
    counts.add([(0, alert("1")), (0, alert("2", at=NOON + 1800))], NOON + 1800)
    assert counts.last_hour([0], NOON + 3599) == {"th-siam": {"bank": 1}}
    counts.add([(0, alert("3", at=NOON + 3700))], NOON + 3700)
    this_minute = int(NOON // 60)
    assert list(counts.table.values()) == [{str(this_minute + 30): 1, str(this_minute + 62): 1}]
    assert counts.last_hour([0], NOON + 9999) == {}


def test_an_alert_from_the_future_counts_as_of_now_and_one_long_past_does_not_count(counts: AlertCounts) -> None:
    counts.add([(0, alert("1", at=NOON + 90_000)), (0, alert("2", at=NOON - 90_000))], NOON)
    assert counts.last_hour([0], NOON) == {"th-siam": {"bank": 1}}
    assert counts.last_hour([0], NOON + 7200) == {}


def test_partitions_of_others_are_left_out(counts: AlertCounts) -> None:
    counts.add([(0, alert("1")), (3, alert("2"))], NOON)
    assert counts.last_hour([3], NOON) == {"th-siam": {"bank": 1}}
    assert counts.last_hour([], NOON) == {}


def test_a_key_names_its_partition_and_is_written_once_a_batch(counts: AlertCounts) -> None:
    written: list[str] = []

    class Table(dict[str, Minutes]):
        def __setitem__(self, key: str, value: Minutes) -> None:
            written.append(key)
            super().__setitem__(key, value)

    counts.table = Table()
    counts.add([(7, alert(str(i))) for i in range(100)], NOON)
    assert written == ["7/bank/th-siam"]
    assert partition_of(written[0]) == 7


def test_an_operator_may_have_any_name(counts: AlertCounts) -> None:
    counts = AlertCounts(str, AgentMetrics(CollectorRegistry()))
    counts.add([(0, alert("1", "a/b/c"))], NOON)
    assert counts.last_hour([0], NOON) == {"a/b/c": {"bank": 1}}
