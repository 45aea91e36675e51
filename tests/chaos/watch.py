"""How judging goes on, seen from outside: the group's committed offsets, looked at a few times a second."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from confluent_kafka import Consumer, KafkaException, TopicPartition
from numpy.typing import NDArray

LOOK_SECONDS = 0.25
CALL_SECONDS = 2.0

Offsets = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Look:
    """Committed offsets by partition, 0 where there is none, at a time of time.time()."""

    at: float
    offsets: Offsets


class Watch:
    """Looks until stopped. `looks` may be read at any time."""

    def __init__(self, bootstrap: str, group: str, topic: str, partitions: int) -> None:
        self.looks: list[Look] = []
        # It never joins; read_uncommitted: else the question would wait for the end of a transaction under way.
        self._observer = Consumer(
            {"bootstrap.servers": bootstrap, "group.id": group, "isolation.level": "read_uncommitted", "log_level": 2}
        )
        self._places = [TopicPartition(topic, number) for number in range(partitions)]
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()
        self._observer.close()

    def past(self, ends: Offsets, since: float, seconds: float) -> bool:
        """Wait until a look after `since` finds all partitions at these offsets or beyond; False if none does in time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.looks and self.looks[-1].at > since and bool((self.looks[-1].offsets >= ends).all()):
                return True
            time.sleep(LOOK_SECONDS)
        return False

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            try:
                places = self._observer.committed(self._places, timeout=CALL_SECONDS)
            except KafkaException:
                continue  # no broker answers: nothing was seen
            if not any(place.error for place in places):
                self.looks.append(Look(time.time(), np.array([max(place.offset, 0) for place in places])))


def longest_pause(looks: Sequence[Look], begin: float, end: float) -> float:
    """The longest time between `begin` and `end` in which some partition did not move; in seconds, to a look's precision."""
    seen = [look for look in looks if begin <= look.at <= end]
    before = [look for look in looks if look.at < begin]
    if not seen:
        return end - begin
    reached = before[-1].offsets if before else np.zeros_like(seen[0].offsets)
    since = np.full(len(reached), begin)
    longest = 0.0
    for look in seen:
        moved = look.offsets > reached
        longest = max(longest, float((look.at - since).max()))
        since[moved] = look.at
        reached = look.offsets
    return longest
