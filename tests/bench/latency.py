"""How long a message takes from being produced to its alert being readable, at a rate that the contender can keep up with."""

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tests.bench import brokers, feed
from tests.bench.measure import START_SECONDS, Failed
from tests.bench.run import Running, Task, running

WARM_UP = 1000  # messages that are sent beforehand: whoever has committed them is ready
LEFT_OUT_SECONDS = 2.0  # at the beginning of the paced feed
PATIENCE_SECONDS = 15.0  # after the last message
MOST_PER_SECOND = 60_000.0  # what one Python process can pace; the alerts are few, so it bounds fast contenders only


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds from produce to alert, at a rate of messages a second."""

    rate: float
    p50_ms: float
    p99_ms: float
    alerts: int


class _Ear(threading.Thread):
    """Listens to an alert topic, and notes when each alert could be read."""

    def __init__(self, address: str, topic: str) -> None:
        super().__init__(daemon=True)
        self.heard: dict[int, float] = {}
        self._reader = brokers.alert_reader(address, topic)
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.is_set():
            for record in self._reader.consume(1000, 0.005):
                if record.error() is None:
                    self.heard[feed.number(json.loads(record.value())["message_id"])] = time.time()  # type: ignore[arg-type]
        self._reader.close()

    def stop(self) -> None:
        self._over.set()
        self.join()


def latency(address: str, distinct: Sequence[bytes], task: Task, rate: float, seconds: float) -> Latency:
    """Measure a contender at a rate. Raises Failed, also if it does not keep up."""
    topic = f"paced-{time.time_ns()}"
    brokers.create(address, (topic, brokers.PARTITIONS))
    count = int(rate * (seconds + LEFT_OUT_SECONDS))
    with tempfile.TemporaryDirectory(prefix="scamsieve-bench-") as folder:
        records, times = Path(folder) / "records", Path(folder) / "times.npy"
        records.write_bytes(b"\n".join(feed.repeated(distinct, count, first=WARM_UP)))
        brokers.send(address, topic, feed.repeated(distinct, WARM_UP))
        with running(address, topic, task) as contender:
            ear = _Ear(address, contender.alert_topic)
            ear.start()
            try:
                _wait(contender, WARM_UP, START_SECONDS)
                pace = [sys.executable, "-m", "tests.bench.pacing", address, topic, str(rate), str(records), str(times)]
                subprocess.run(pace, check=True, timeout=seconds * 10 + 60)
                _wait(contender, WARM_UP + count, PATIENCE_SECONDS)
                time.sleep(0.5)  # at-most-once commits run ahead of their alerts
            finally:
                ear.stop()
        handed = np.load(times)
    brokers.delete(address, topic)
    took = _milliseconds(ear.heard, handed)
    if not len(took):
        raise Failed("no alert to time")
    return Latency(rate, float(np.percentile(took, 50)), float(np.percentile(took, 99)), len(took))


def _milliseconds(heard: dict[int, float], handed: np.ndarray[tuple[int], np.dtype[np.float64]]) -> list[float]:
    """Of all alerts but those of the beginning."""
    first = handed[0] + LEFT_OUT_SECONDS
    sent = ((at, handed[number - WARM_UP]) for number, at in heard.items() if number >= WARM_UP)
    return [float(at - begin) * 1000 for at, begin in sent if begin >= first]


def _wait(contender: Running, messages: int, seconds: float) -> None:
    """Until so many are committed."""
    deadline = time.monotonic() + seconds
    while (done := contender.committed.messages()) < messages:
        if contender.dead():
            raise Failed(f"it ended: {contender.last_line()}")
        if time.monotonic() > deadline:
            raise Failed(f"{done} of {messages} messages done {seconds:g} s after the last one was sent")
        time.sleep(0.05)
