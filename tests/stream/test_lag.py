from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from confluent_kafka import TopicPartition
from prometheus_client import CollectorRegistry

from models.artifact import Model
from stream.delivery import Span
from stream.lag import Lag
from stream.metrics import Metrics
from stream.policy import Policy


@dataclass
class Client:
    """A consumer of one partition: where it stands, and where the partition ends."""

    position_at: int = 0
    high: int = 0
    sought: list[int] = field(default_factory=list)

    def assignment(self) -> list[TopicPartition]:
        return [TopicPartition("t", 0)]

    def position(self, _places: list[TopicPartition]) -> list[TopicPartition]:
        return [TopicPartition("t", 0, self.position_at)]

    def get_watermark_offsets(self, _place: TopicPartition, cached: bool) -> tuple[int, int]:
        return 0, self.high


class Seen:
    """A Lag and what it exports."""

    def __init__(self, model: Model) -> None:
        self.registry = CollectorRegistry()
        self.lag = Lag(Metrics(self.registry, model, Policy()))
        self.client = Client()

    def behind(self, position: int, high: int) -> float | None:
        self.client.position_at, self.client.high = position, high
        self.lag._looked = -1e9
        self.lag.look(cast(Any, self.client))
        return self.registry.get_sample_value("scamsieve_consumer_lag_messages", {"partition": "0"})


@pytest.fixture
def seen(model: Model) -> Seen:
    return Seen(model)


def test_a_batch_under_way_is_still_behind(seen: Seen) -> None:
    seen.lag.judged([Span("t", 0, 0, 10)], {0: 1.0})
    assert seen.behind(position=15, high=15) == 5


def test_markers_at_the_end_are_no_lag_whether_the_end_or_the_judgement_came_first(seen: Seen) -> None:
    seen.lag.drained(0, 11)  # a transaction's marker stands at 10
    assert seen.behind(position=10, high=11) == 0
    seen.lag.judged([Span("t", 0, 0, 10)], {0: 1.0})
    assert seen.behind(position=10, high=11) == 0


def test_what_came_after_the_end_is_behind(seen: Seen) -> None:
    seen.lag.judged([Span("t", 0, 0, 10)], {0: 1.0})
    seen.lag.drained(0, 11)
    assert seen.behind(position=10, high=14) == 3


def test_a_partition_that_went_is_forgotten(seen: Seen) -> None:
    seen.lag.judged([Span("t", 0, 0, 10)], {0: 1.0})
    assert seen.behind(position=10, high=12) == 2
    seen.lag.forget([TopicPartition("t", 0)])
    assert seen.registry.get_sample_value("scamsieve_consumer_lag_messages", {"partition": "0"}) is None
