"""A batch on its way through the scorer: as it was taken, and as it was judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from confluent_kafka import Message as KafkaMessage
from numpy.typing import NDArray

from stream.clients import Record
from stream.delivery import GroupMetadata, Span
from stream.judge import Judgement
from stream.policy import Policy
from stream.wire import Decoded, Event, Place


@dataclass(frozen=True, slots=True)
class Taken:
    """Records of one topic, at least one, in the order of each partition; times in seconds since the epoch."""

    records: Sequence[Record]
    timestamps: NDArray[np.float64]
    spans: Sequence[Span]
    newest: Mapping[int, float]
    """The time of the last record of each partition."""
    group: GroupMetadata
    """Who took them, in which generation of the group."""

    def values(self) -> list[bytes | None]:
        """The values of the records."""
        return list(map(KafkaMessage.value, self.records))  # type: ignore[arg-type]

    def place(self, number: int) -> Place:
        """Where a record stands."""
        record = self.records[number]
        return Place(record.topic(), record.partition(), record.offset(), record.timestamp()[1])


@dataclass(frozen=True, slots=True)
class Judged:
    """A judged batch, and by which policy."""

    taken: Taken
    decoded: Decoded[Event]
    judgement: Judgement
    policy: Policy
    ignored: Mapping[str, int]
    """Optional fields that could not be read."""
    seconds: Mapping[str, float]
    """By stage."""


def taken(records: Sequence[Record], group: GroupMetadata) -> Taken:
    """A batch of records, looked through once with no Python for each."""
    count = len(records)
    partitions = np.fromiter(map(KafkaMessage.partition, records), np.int32, count)  # type: ignore[arg-type]
    timestamps = np.array(list(map(KafkaMessage.timestamp, records)))[:, 1] / 1000  # type: ignore[arg-type]
    present, first = np.unique(partitions, return_index=True)
    last = count - 1 - np.unique(partitions[::-1], return_index=True)[1]
    topic = records[0].topic()
    ends = list(zip(present.tolist(), first.tolist(), last.tolist(), strict=True))
    spans = [Span(topic, partition, records[one].offset(), records[other].offset() + 1) for partition, one, other in ends]
    return Taken(records, timestamps, spans, {partition: float(timestamps[other]) for partition, _, other in ends}, group)
