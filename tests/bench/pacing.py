"""A paced feed in a process of its own, so that its clock waits for nobody: `python -m tests.bench.pacing` as `latency.py` calls it."""

import sys
import time

import numpy as np
from confluent_kafka import Producer

from tests.bench.brokers import PARTITIONS

TICK_SECONDS = 0.004


def main() -> None:
    """Send numbered messages (a file, one a line) at a rate; write when each was handed to the client, in seconds since the epoch."""
    brokers, topic, rate, path, times = sys.argv[1:]
    with open(path, "rb") as file:
        records = file.read().split(b"\n")
    producer = Producer({"bootstrap.servers": brokers, "linger.ms": 1, "queue.buffering.max.messages": 2_000_000})
    producer.list_topics(topic, timeout=10)
    handed = np.zeros(len(records))
    begin = time.time()
    sent = tick = 0
    while sent < len(records):
        # One partition a tick, as sticky partitioners do: a dozen requests of two records each would keep the broker busy instead.
        tick += 1
        due = min(int((time.time() - begin) * float(rate)), len(records))
        for i in range(sent, due):
            handed[i] = time.time()
            producer.produce(topic, records[i], partition=tick % PARTITIONS)
        sent = max(sent, due)
        producer.poll(0)
        time.sleep(TICK_SECONDS)
    producer.flush()
    np.save(times, handed)


if __name__ == "__main__":
    main()
