"""How far a scorer is behind: records not yet judged, and the age of the oldest of them, by partition."""

import time
from collections.abc import Mapping, Sequence

from confluent_kafka import Consumer, TopicPartition

from stream.delivery import Span
from stream.metrics import Metrics

LOOK_SECONDS = 2.0  # between two looks; each costs a few calls into librdkafka, none to the broker


class Lag:
    """Follows the partitions of one consumer."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._newest: dict[int, float] = {}  # time of the last record judged, by partition
        self._ends: dict[int, int] = {}  # the offset behind it
        self._drained: dict[int, int] = {}  # the last end of a partition that was met: what lies before it are transaction markers
        self._looked = 0.0

    def judged(self, spans: Sequence[Span], newest: Mapping[int, float]) -> None:
        """These offsets are done; the times of the last records of them, in seconds since the epoch, by partition."""
        self._newest.update(newest)
        self._ends.update((span.partition, span.end) for span in spans)

    def drained(self, partition: int, offset: int) -> None:
        """A partition has no more records for now: this is its end."""
        self._drained[partition] = offset

    def forget(self, partitions: Sequence[TopicPartition]) -> None:
        """These partitions are read by others now."""
        for place in partitions:
            for known in (self._newest, self._ends, self._drained):
                known.pop(place.partition, None)
            for gauge in (self._metrics.lag, self._metrics.oldest):
                gauge.remove_by_labels({"partition": str(place.partition)})

    def look(self, consumer: Consumer) -> None:
        """Export lag and age, if it is time again."""
        now = time.monotonic()
        if now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        for place in consumer.position(consumer.assignment()):
            _, high = consumer.get_watermark_offsets(place, cached=True)
            reached = self._ends.get(place.partition, place.offset)
            if reached == place.offset:  # nothing of it is under way
                reached = max(reached, self._drained.get(place.partition, reached))
            behind = 0 if place.offset < 0 else max(high - reached, 0)
            age = time.time() - self._newest[place.partition] if behind and place.partition in self._newest else 0.0
            self._metrics.lag.labels(str(place.partition)).set(behind)
            self._metrics.oldest.labels(str(place.partition)).set(max(age, 0.0))
