"""How fast a contender is, measured from outside: committed offsets against the clock, CPU time and memory by /proc."""

import time
from dataclasses import dataclass

from tests.bench import brokers, processes
from tests.bench.run import Running, Task, running

POLL_SECONDS = 0.03  # between two looks; with the question itself below 50 ms
TREE_SECONDS = 1.0  # between two searches for its processes, which cost more than the looks: 3 ms on a machine with 100 processes
START_SECONDS = 90.0  # until the first commit: imports, the group's forming, the first batch
LEAST_COMMITS = 4  # seen; with fewer, speed would be a matter of when one looked
COUNTED_FROM = 0.05  # of the messages: what comes before is start-up


class Failed(Exception):
    """A run that gives no figures; the text says why, in one line."""


@dataclass(frozen=True, slots=True)
class Speed:
    """What one run showed. `alerts` are those of `done` messages."""

    messages_per_second: float
    cpu_seconds_per_million: float
    peak_memory_mb: float
    alerts: int
    done: int


@dataclass(frozen=True, slots=True)
class _Look:
    at: float
    done: int
    cpu: float


def speed(address: str, topic: str, messages: int, task: Task, seconds: float, counted_from: float = COUNTED_FROM) -> Speed:
    """Let a contender work off a topic, for no longer than so many seconds from its first commit on. Raises Failed."""
    with running(address, topic, task) as contender:
        looks = _watch(contender, messages, seconds)
        peak = processes.memory_mb(contender.tree())
        if looks[-1].done < messages:
            contender.stop()  # or it would send further alerts while they are counted
        alerts = brokers.alerts(address, contender.alert_topic)
    done = looks[-1].done
    if len({look.done for look in looks}) < LEAST_COMMITS:  # a first large batch that is committed at once looks like speed
        raise Failed("too few commits within the time: this batch is too large for its speed")
    end = next(look for look in looks if look.done == done)
    begin = next(look for look in looks if look.done >= counted_from * done)
    if begin is end:  # so few messages that one look saw nothing and the next one all
        begin = looks[max(looks.index(begin) - 1, 0)]
    if end.at <= begin.at or not alerts:
        raise Failed("no alert" if not alerts else "too few messages to see its speed")
    worked = end.done - begin.done
    return Speed(worked / (end.at - begin.at), (end.cpu - begin.cpu) / worked * 1e6, peak, alerts, done)


def _watch(contender: Running, messages: int, seconds: float) -> list[_Look]:
    """Look at it until all is done or the time is over."""
    looks: list[_Look] = []
    begin, first, found, tree = time.monotonic(), 0.0, 0.0, list[int]()
    while True:
        if time.monotonic() - found > TREE_SECONDS:
            tree, found = contender.tree(), time.monotonic()
        done, cpu, now = contender.committed.messages(), processes.cpu_seconds(tree), time.monotonic()
        looks.append(_Look(now, done, cpu))
        if done and not first:
            first = now
        if done >= messages or (first and now - first > seconds):
            return looks
        if contender.dead():
            raise Failed(f"it ended: {contender.last_line()}")
        if not first and now - begin > START_SECONDS:
            raise Failed(f"nothing committed within {START_SECONDS:g} s; its last line: {contender.last_line()}")
        time.sleep(POLL_SECONDS)
