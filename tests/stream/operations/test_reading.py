"""A range is read to its end and no further, from outside any group; what a broker does is in tests/integration/test_operations.py."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka import Message as KafkaMessage

from stream.errors import BrokerUnavailable, ScamSieveError, SettingsError, TopicError
from stream.operations import reading
from stream.operations.reading import Bound, Range, batches, bound

NOW = datetime(2026, 3, 14, 12, 0, tzinfo=UTC)
BEGUN = 1_000_000
OPEN = Bound()


def record(partition: int, offset: int, timestamp: int = 0, error: KafkaError | None = None) -> Any:
    return KafkaMessage("t", partition, offset, None, b"value", [], error, (1, timestamp), 0.0, 0)


def end(partition: int, offset: int) -> Any:
    return record(partition, offset, error=KafkaError(KafkaError._PARTITION_EOF))


@dataclass
class Client:
    """A consumer that gives what it was told to."""

    found: list[list[Any]]
    assigned: list[TopicPartition] = field(default_factory=list)
    paused: list[int] = field(default_factory=list)

    def assign(self, places: list[TopicPartition]) -> None:
        self.assigned = places

    def consume(self, _size: int, _seconds: float) -> list[Any]:
        return self.found.pop(0) if self.found else []

    def pause(self, places: list[TopicPartition]) -> None:
        self.paused += [place.partition for place in places]


def read(client: Client, *within: Range, reached: dict[int, int] | None = None) -> list[tuple[int, int]]:
    found = batches(cast(Consumer, client), "t", within, 100, {} if reached is None else reached)
    return [(one.partition(), one.offset()) for batch in found for one in batch.records]


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ("", Bound()),
        ("1200", Bound(offset=1200)),
        ("90m", Bound(time=int(NOW.timestamp() * 1000) - 90 * 60_000)),
        ("2d", Bound(time=int(NOW.timestamp() * 1000) - 2 * 86_400_000)),
        ("2026-03-14T19:00:00+07:00", Bound(time=int(NOW.timestamp() * 1000))),
        ("2026-03-14T12:00:00Z", Bound(time=int(NOW.timestamp() * 1000))),
    ],
)
def test_a_place_is_an_offset_an_age_a_time_or_nothing(told: str, found: Bound) -> None:
    assert bound(told, NOW) == found


@pytest.mark.parametrize("told", ["2026-03-14", "2026-03-14T19:00:00", "-1", "soon", "3w", "٣h", "99999999999d"])
def test_a_time_without_its_zone_and_what_is_no_place_are_refused(told: str) -> None:
    with pytest.raises(SettingsError, match="no offset, no age"):
        bound(told, NOW)


def test_reading_ends_when_every_partition_has_told_its_end() -> None:
    client = Client([[record(0, 0), record(1, 0), end(1, 1)], [record(0, 1), end(0, 2)]])
    assert read(client, Range(0, 0, 2, OPEN, BEGUN), Range(1, 0, 1, OPEN, BEGUN)) == [(0, 0), (1, 0), (0, 1)]
    assert [(place.partition, place.offset) for place in client.assigned] == [(0, 0), (1, 0)]


def test_an_offset_ends_a_range_before_itself() -> None:
    client = Client([[record(0, 3), record(0, 4), record(0, 5), record(0, 6)]])
    assert read(client, Range(0, 3, 100, Bound(offset=5), BEGUN)) == [(0, 3), (0, 4)]
    assert client.paused == [0]


def test_a_time_ends_a_range_at_the_first_record_of_it() -> None:
    """Also where an earlier one stands behind: that is how Kafka finds an offset by time."""
    client = Client([[record(0, 0, 10), record(0, 1, 20), record(0, 2, 15)]])
    assert read(client, Range(0, 0, 100, Bound(time=20), BEGUN)) == [(0, 0)]


def test_a_live_topic_is_read_to_the_end_that_it_had() -> None:
    """What came after the question is left out; what is older is read even behind the end that the broker told."""
    client = Client([[record(0, 4, BEGUN - 5), record(0, 5, BEGUN - 1), record(0, 6, BEGUN + 1), record(0, 7, BEGUN + 2)]])
    assert read(client, Range(0, 4, 5, OPEN, BEGUN)) == [(0, 4), (0, 5)]
    ahead = Client([[record(0, 4, BEGUN + 9_000), end(0, 5)]])
    assert read(ahead, Range(0, 4, 5, OPEN, BEGUN)) == [(0, 4)], "a sender's clock that is ahead hides nothing"


def test_a_range_that_begins_behind_the_end_is_empty() -> None:
    """It is read from the end on, and what lies before its beginning is dropped: the embedded broker tells an end that is too low."""
    client = Client([[record(0, 5), record(0, 6), end(0, 7)]])
    assert read(client, Range(0, 99, 5, OPEN, BEGUN)) == []
    assert [place.offset for place in client.assigned] == [5]
    assert read(Client([[record(0, 5), record(0, 6), end(0, 7)]]), Range(0, 6, 5, OPEN, BEGUN)) == [(0, 6)]


def test_reached_tells_where_to_go_on_after_a_break() -> None:
    reached: dict[int, int] = {}
    going = batches(cast(Consumer, Client([[record(0, 3), record(0, 4)], [record(0, 5)]])), "t", [Range(0, 3, 9, OPEN, BEGUN)], 2, reached)
    next(going)
    assert reached == {0: 3}, "a batch under way is not done"
    next(going)
    assert reached == {0: 5}


def test_trouble_that_may_pass_is_waited_for_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    away = record(0, 0, error=KafkaError(KafkaError._TRANSPORT))
    assert read(Client([[away], [record(0, 0), end(0, 1)]]), Range(0, 0, 1, OPEN, BEGUN)) == [(0, 0)]
    monkeypatch.setattr(reading, "IDLE_SECONDS", 0.0)
    with pytest.raises(BrokerUnavailable, match="nothing came from t"):
        read(Client([[away]]), Range(0, 0, 1, OPEN, BEGUN))


def test_what_the_broker_refuses_ends_it() -> None:
    refused = record(0, 0, error=KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED))
    with pytest.raises(ScamSieveError, match="TOPIC_AUTHORIZATION_FAILED"):
        read(Client([[refused]]), Range(0, 0, 1, OPEN, BEGUN))


def test_about_how_many_offsets_a_range_spans() -> None:
    assert Range(0, 10, 50, OPEN, BEGUN).expected == 40
    assert Range(0, 10, 50, Bound(offset=20), BEGUN).expected == 10
    assert Range(0, 60, 50, OPEN, BEGUN).expected == 0


def test_a_partition_without_a_leader_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "WAIT_SECONDS", 0.0)
    answers = [KafkaException(KafkaError(KafkaError.NOT_LEADER_FOR_PARTITION)), (3, 9)]

    class Broker:
        def list_topics(self, topic: str, timeout: float) -> Any:
            return SimpleNamespace(topics={topic: SimpleNamespace(partitions={0: None})})

        def get_watermark_offsets(self, _: Any, timeout: float) -> Any:
            answer = answers.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

    (found,) = reading.ranges(cast(Consumer, Broker()), "t", [], Bound(offset=1), OPEN)
    assert (found.begin, found.high, found.gone) == (3, 9, 2)
    answers.append(KafkaException(KafkaError(KafkaError._TRANSPORT)))
    with pytest.raises(BrokerUnavailable, match="_TRANSPORT"):
        reading.ranges(cast(Consumer, Broker()), "t", [], Bound(), OPEN)
    with pytest.raises(TopicError, match="and no 5"):
        reading.ranges(cast(Consumer, Broker()), "t", [5], Bound(), OPEN)
