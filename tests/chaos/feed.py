"""A steady feed with known ids: m-00000000, m-00000001, ...; each is sent once, whatever happens to the brokers."""

import json
import threading
import time
from collections.abc import Sequence

import numpy as np
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from tests.bench.feed import repeated, rows

TICK_SECONDS = 0.02
FLUSH_SECONDS = 300.0
UNLABELLED = ("id", "label", "kind", "category", "lang")


def distinct() -> list[bytes]:
    """The messages of the demo feed, as JSON lines that `repeated` can number."""
    bare = [{name: told for name, told in row.items() if name not in UNLABELLED} for row in rows()]
    return [json.dumps({"id": "m-00000000", **row}, ensure_ascii=False).encode() for row in bare]


class Feed:
    """Sends at a rate until told to finish, but so many messages at least, numbered from `first` on."""

    def __init__(
        self, bootstrap: str, topic: str, partitions: int, rate: float, at_least: int, lines: Sequence[bytes] = (), first: int = 0
    ) -> None:
        self.rate, self.at_least, self._first = rate, at_least, first
        self.sent = 0
        self.ends = np.zeros(partitions, dtype=np.int64)
        """The offset behind the last record that the brokers have acknowledged, by partition."""
        self.failure: KafkaError | None = None
        self._topic, self._lines = topic, lines or distinct()
        # Idempotent, one request at a time, patient without end. Yet where all brokers were killed, librdkafka was seen to write some
        # records again behind themselves; the ledger counts those as the feed's.
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "enable.idempotence": True,
                "max.in.flight.requests.per.connection": 1,
                "linger.ms": 5,
                "message.timeout.ms": 0,
                "queue.buffering.max.messages": 1_000_000,
                "queue.buffering.max.kbytes": 262_144,
                "log_level": 2,
            }
        )
        self._finishing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def finish(self) -> int:
        """Send the rest at once, and wait until all is acknowledged; returns how many were sent. Raises KafkaException."""
        self._finishing.set()
        self._thread.join()
        unsent = self._producer.flush(FLUSH_SECONDS)
        if self.failure or unsent:
            raise KafkaException(self.failure or KafkaError(KafkaError._MSG_TIMED_OUT))
        return self.sent

    def _run(self) -> None:
        records = repeated(self._lines, 1 << 62, self._first)
        last, owed = time.monotonic(), 0.0
        while not self._finishing.is_set():
            now = time.monotonic()
            owed, last = owed + (now - last) * self.rate, now
            while owed >= 1:
                self._send(next(records))
                owed -= 1
            self._producer.poll(0)
            self._finishing.wait(TICK_SECONDS)
        while self.sent < self.at_least:
            self._send(next(records))

    def _send(self, record: bytes) -> None:
        while True:
            try:
                self._producer.produce(self._topic, record, partition=self.sent % len(self.ends), on_delivery=self._told)
                self.sent += 1
                return
            except BufferError:
                self._producer.poll(0.1)

    def _told(self, error: KafkaError | None, record: Message) -> None:
        if error is not None:
            self.failure = error
            return
        partition, offset = record.partition(), record.offset()
        if partition is not None and offset is not None:
            self.ends[partition] = max(self.ends[partition], offset + 1)
