"""A day of traffic against an autoscaler: how many workers there are, and how old the oldest unjudged message gets.

The autoscaler is Kubernetes' HPA as KEDA drives it, by lag and by CPU: every `look` seconds it computes the wanted number for each
metric, takes the largest, and goes there within its policies; it goes down only to the most that it wanted in the last `stabilisation`
seconds (the algorithm of autoscaling/v2). Workers take `start` seconds to come, and whenever their number changes the group deals out
its partitions anew and nobody judges for `rebalance` seconds.
"""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stream.operations.plan import DAY, MEASURED

Values = NDArray[np.float64]
TOLERANCE = 0.1  # the HPA leaves the number alone if a metric is this near to its target
HUMPS = ((9.5, 2.0, 0.55), (13.5, 2.5, 0.45), (19.5, 2.2, 1.0))  # hour, width in hours, height: morning, noon, evening. Invented
NIGHT = 0.15  # of the mean: what comes at all hours


@dataclass(frozen=True, slots=True)
class Autoscaler:
    """Settings; times in seconds. The defaults are those of deploy/k8s, but for the last two."""

    least: int = 2
    most: int = 12
    look: int = 15
    lag_threshold: float = 20_000
    """Messages of lag for each worker."""
    cpu_target: float | None = 0.75
    """Share of a worker's full speed; None: by lag alone."""
    up: tuple[int, int] = (2, 60)
    """At most so many more workers in so many seconds."""
    down: tuple[int, int] = (1, 300)
    stabilisation: int = 900
    start: int = 20
    """From the wish to a worker that is ready. Assumed: scheduling, and the worker's own start; an image to be pulled takes longer."""
    rebalance: int = 3
    """Assumed: members learn of it with a heartbeat (a tenth of the session's time-out: 1 s), end their batch and join again."""


@dataclass(frozen=True, slots=True)
class Day:
    """Second by second."""

    rate: Values
    workers: Values
    """Ready ones."""
    lag: Values
    """Messages."""
    age: Values
    """Seconds since the oldest unjudged message came."""


def traffic(mean: float, peak: float) -> Values:
    """A day's messages a second from midnight on: quiet nights, three humps; the busiest is `peak` times the mean."""
    hours = np.arange(DAY) / 3600
    away = [np.abs((hours - hour + 12) % 24 - 12) / width for hour, width, _ in HUMPS]
    humps = [height * np.exp(-(far**2) / 2) for far, (_, _, height) in zip(away, HUMPS, strict=True)]
    shape: Values = np.sum(humps, axis=0)
    low, high = 0.0, 20.0  # a power makes the humps as steep as is asked for
    for _ in range(60):
        power = (low + high) / 2
        bent = NIGHT + (1 - NIGHT) * shape**power / (shape**power).mean()
        low, high = (power, high) if bent.max() < peak else (low, power)
    return np.asarray(mean * bent, np.float64)


def burst(rate: Values, hour: float, minutes: float, times: float) -> Values:
    """The same day with a campaign: for some minutes, so many times as much."""
    begin = int(hour * 3600)
    changed = rate.copy()
    changed[begin : begin + int(minutes * 60)] *= times
    return changed


def simulate(rate: Values, scaler: Autoscaler, speed: float = MEASURED.messages_a_second) -> Day:
    """The day, beginning with the least number of workers and no lag; `rate` and `speed` in messages a second."""
    wanted = ready = scaler.least
    coming: deque[tuple[int, int]] = deque()  # when, how many
    wishes: deque[tuple[int, int]] = deque()
    changes: deque[tuple[int, int]] = deque()  # when, by how many
    pausing, lag, busy = 0, 0.0, 0.0
    came, done = np.cumsum(rate), np.zeros(len(rate))
    workers, lags = np.zeros(len(rate)), np.zeros(len(rate))
    judged = 0.0
    for second, arriving in enumerate(rate.tolist()):
        while coming and coming[0][0] <= second:
            ready += coming.popleft()[1]
            pausing = scaler.rebalance
        capacity = 0.0 if pausing > 0 else ready * speed
        pausing -= 1
        worked = min(lag + arriving, capacity)
        lag += arriving - worked
        judged += worked
        busy = worked / (ready * speed)
        workers[second], lags[second], done[second] = ready, lag, judged
        if second % scaler.look == 0 and pausing <= 0:
            wish = _wish(scaler, ready, wanted, lag, busy)
            wishes.append((second, wish))
            while wishes[0][0] < second - scaler.stabilisation:
                wishes.popleft()
            goal = wish if wish > wanted else min(max(one for _, one in wishes), wanted)
            step = _step(scaler, changes, second, goal - wanted)
            if step:
                changes.append((second, step))
                wanted += step
                if step > 0:
                    coming.append((second + scaler.start, step))
                else:
                    ready += step
                    pausing = scaler.rebalance
    return Day(rate, workers, lags, _ages(came, done))


def _wish(scaler: Autoscaler, ready: int, wanted: int, lag: float, busy: float) -> int:
    """How many workers the metrics ask for."""
    by_lag = _by(lag / scaler.lag_threshold, wanted)
    by_cpu = _by(busy * ready / scaler.cpu_target, wanted) if scaler.cpu_target else 0
    return min(max(by_lag, by_cpu, scaler.least), scaler.most)


def _by(times: float, wanted: int) -> int:
    """So many times the target in sum, as a number of workers; the present number where it is near enough."""
    return wanted if abs(times / wanted - 1) <= TOLERANCE else math.ceil(times)


def _step(scaler: Autoscaler, changes: deque[tuple[int, int]], second: int, towards: int) -> int:
    """How far to go now: what the policies leave of it."""
    number, period = scaler.up if towards > 0 else scaler.down
    while changes and changes[0][0] <= second - max(scaler.up[1], scaler.down[1]):
        changes.popleft()
    same: Callable[[int], bool] = (lambda by: by > 0) if towards > 0 else (lambda by: by < 0)
    used = sum(abs(by) for when, by in changes if when > second - period and same(by))
    return int(math.copysign(min(abs(towards), max(number - used, 0)), towards))


def _ages(came: Values, done: Values) -> Values:
    """Seconds since the oldest unjudged message came, at each second: when what is done by then had come."""
    seconds = np.arange(len(came))
    reached = np.searchsorted(came, done * (1 + 1e-12) + 1e-6, side="right")  # the second whose messages are not all done
    ages: Values = np.maximum(seconds - reached + 1, 0).astype(np.float64)
    return ages
