"""What the agents role does with the alert topic: it counts alerts by operator and category over the last hour.

The counts live in a mapping that the Faust application brings, a table with a changelog in Kafka. One key is one partition of
the alert topic, a category and an operator's label; its value is the number of alerts in each minute. Each key that a batch
touches is written once.

What it promises: a figure for people, near the truth. Faust reads uncommitted records, so it sees alerts of aborted
transactions; their copies are known by their id and counted once. After a crash the alerts since the last commit of the agents'
offsets are counted again.
"""

import time
from collections import Counter as Tally
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

import msgspec

from models.classifier import Category
from stream.metrics import AgentMetrics

HOUR = 60  # minutes
REMEMBERED = 50_000  # ids, about 8 MB; a dozen batches of which every record was an alert
BATCH = 2000  # alerts a batch; decoding them keeps the event loop busy for 2 ms
BATCH_SECONDS = 1.0  # longest wait for a batch to fill: how old /status may be

Minutes = dict[str, int]
"""Alerts by the minute (since 1970) in which they were detected. Never changed in place: the pages read from another thread."""


class Seen(msgspec.Struct, frozen=True):
    """What is counted of an alert."""

    id: str
    operator: str
    category: Category
    detected_at: datetime


@dataclass(slots=True)
class AgentState:
    """What the pages show of the agents."""

    joined: bool = False
    """A member of the group, and the table is recovered; with zero partitions too."""
    partitions: Mapping[str, list[int]] = field(default_factory=dict)
    """By topic."""
    trouble: str = "starting"
    """What it waits for, before it has joined."""


class AlertCounts:
    """Counts alerts into `table`. `label` gives an operator's label."""

    def __init__(self, label: Callable[[str], str], metrics: AgentMetrics, table: MutableMapping[str, Minutes] | None = None) -> None:
        self.table: MutableMapping[str, Minutes] = {} if table is None else table
        self._label, self._metrics = label, metrics
        self._ids: dict[str, None] = {}  # in the order of their coming
        self._decode = msgspec.json.Decoder(Seen).decode

    def add(self, records: Iterable[tuple[int, bytes | None]], now: float | None = None) -> None:
        """Count a batch of records: partition and value. What is no alert is counted as such and left out."""
        this_minute = int((time.time() if now is None else now) // 60)
        fresh: dict[str, Tally[int]] = {}
        outcomes: Tally[str] = Tally()
        for partition, value in records:
            outcome = "counted"
            try:
                seen = self._decode(value or b"")
                minute = min(int(seen.detected_at.timestamp() // 60), this_minute)
            except ValueError:  # msgspec's errors are ValueErrors
                outcome = "unreadable"
            else:
                if seen.id in self._ids:
                    outcome = "copy"
                else:
                    self._ids[seen.id] = None
                    fresh.setdefault(f"{partition}/{seen.category}/{self._label(seen.operator)}", Tally())[minute] += 1
            outcomes[outcome] += 1
        for id_ in list(islice(self._ids, max(len(self._ids) - REMEMBERED, 0))):
            del self._ids[id_]
        for key, minutes in fresh.items():
            self.table[key] = _merge(self.table.get(key) or {}, minutes, this_minute)
        for outcome, number in outcomes.items():
            self._metrics.alerts.labels(outcome).inc(number)

    def last_hour(self, partitions: Iterable[int], now: float | None = None) -> dict[str, dict[str, int]]:
        """Alerts of the last hour in these partitions: by operator's label, then category."""
        this_minute = int((time.time() if now is None else now) // 60)
        covered = set(partitions)
        told: dict[str, dict[str, int]] = {}
        for key, minutes in list(self.table.items()):  # one step: the agent's thread may write at the same time
            partition, category, operator = key.split("/", 2)
            number = sum(count for minute, count in minutes.items() if int(minute) > this_minute - HOUR)
            if number and int(partition) in covered:
                categories = told.setdefault(operator, {})
                categories[category] = categories.get(category, 0) + number
        return told


def partition_of(key: str) -> int:
    """The partition of the alert topic, and of the table's changelog, that a key belongs to."""
    return int(key.partition("/")[0])


def _merge(old: Minutes, fresh: Mapping[int, int], this_minute: int) -> Minutes:
    """A new value with the fresh counts added and what is older than an hour left out."""
    merged = {minute: count for minute, count in old.items() if int(minute) > this_minute - HOUR}
    for minute, count in fresh.items():
        if minute > this_minute - HOUR:
            merged[str(minute)] = merged.get(str(minute), 0) + count
    return merged
