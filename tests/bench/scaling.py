"""A worker beside a second one, and a worker over a long time."""

import sys
import time
from collections.abc import Sequence

from tests.bench import brokers, feed, processes
from tests.bench.compare import Tell
from tests.bench.measure import START_SECONDS, Failed, speed
from tests.bench.roster import chosen
from tests.bench.run import Running, Task, running

BATCH = 4000
SECONDS = 60.0  # most of a run
JOINED = 0.25  # of the messages: by then both processes have their partitions
SLICE = 1_000_000  # messages that are sent at a time in the soak: the broker's disk need not hold all of them at once


def two_processes(address: str, distinct: Sequence[bytes], messages: int, tell: Tell) -> list[tuple[str, str]]:
    """Messages a second of one scorer process, and of two that share the partitions."""
    (contender,) = chosen("scamsieve-scorer")
    topic = "scaling.messages"
    brokers.create(address, (topic, brokers.PARTITIONS))
    brokers.send(address, topic, feed.repeated(distinct, messages))
    brokers.read_through(address, topic)
    measured = []
    for number in (1, 2):
        tell(f"scaling: {number} process(es)")
        try:
            found = speed(address, topic, messages, Task(contender, sys.executable, None, BATCH, number), SECONDS, JOINED)
            figure = f"{found.messages_per_second:,.0f} messages/s"
        except Failed as error:
            figure = f"failed: {error}"
        measured.append((f"scorer with transactions, {number} {'process' if number == 1 else 'processes'}", figure))
    brokers.delete(address, topic)
    return measured


def soak(address: str, distinct: Sequence[bytes], messages: int, tell: Tell) -> list[tuple[str, str]]:
    """The memory of a worker over a long run: after the first slice, at the end, and the most."""
    (contender,) = chosen("scamsieve")
    topic = "soak.messages"
    brokers.create(address, (topic, brokers.PARTITIONS))
    sent, held = 0, []
    peak = 0.0
    with running(address, topic, Task(contender, sys.executable, None, BATCH)) as worker:
        while sent < messages:
            size = min(SLICE, messages - sent)
            brokers.send(address, topic, feed.repeated(distinct, size, sent))
            sent += size
            _await(worker, sent)
            held.append(processes.memory_mb(worker.tree(), "VmRSS"))
            peak = max(peak, processes.memory_mb(worker.tree()))
            tell(f"soak: {sent:,} of {messages:,} messages, {held[-1]:,.0f} MB")
    told = f"{held[0]:,.0f} MB after the first {min(SLICE, messages):,}, {held[-1]:,.0f} MB at the end, at most {peak:,.0f} MB"
    return [(f"memory of a worker over {messages:,} messages", told)]


def _await(worker: Running, messages: int) -> None:
    """Until so many are committed; progress must not stop."""
    last, moved = -1, time.monotonic()
    while (done := worker.committed.messages()) < messages:
        if done > last:
            last, moved = done, time.monotonic()
        if worker.dead() or time.monotonic() - moved > START_SECONDS:
            raise Failed(f"the worker stopped at {done:,} messages: {worker.last_line()}")
        time.sleep(0.1)
