"""A consumer that needs no broker, and the records it gives."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import msgspec
from confluent_kafka import OFFSET_INVALID, TopicPartition
from confluent_kafka import Message as KafkaMessage

from stream.clients import Record


def record(partition: int, offset: int, sender: str = "friend", text: str = "hello") -> Record:
    value = {
        "id": f"m-{offset}",
        "operator": "a",
        "channel": "sms",
        "text": text,
        "sender": sender,
        "recipient": "+66812345678",
        "sent_at": 0,
    }
    raw = msgspec.json.encode(value)
    return cast(Record, KafkaMessage("t", partition, offset, None, raw, [], None, (1, 1000), 0.0, 0))


@dataclass
class Client:
    """A consumer that gives what it was told to, and remembers where it was put back to."""

    batches: list[list[Record]] = field(default_factory=list)
    before: Callable[[], None] = lambda: None
    sought: list[tuple[int, int]] = field(default_factory=list)
    asked: list[int] = field(default_factory=list)

    def consume(self, count: int, _seconds: float) -> list[Record]:
        self.before()
        self.asked.append(count)
        return self.batches.pop(0) if self.batches else []

    def consumer_group_metadata(self) -> str:
        return "generation 1"

    def assignment(self) -> list[TopicPartition]:
        return [TopicPartition("t", 0), TopicPartition("t", 1)]

    def seek(self, place: TopicPartition) -> None:
        self.sought.append((place.partition, place.offset))

    def committed(self, places: list[TopicPartition], _seconds: float) -> list[TopicPartition]:
        return [TopicPartition("t", 0, 7), TopicPartition("t", 1, OFFSET_INVALID)]

    def position(self, places: list[TopicPartition]) -> list[TopicPartition]:
        return []
