"""Nine days that nobody has waited for: what rules and panels look back at, as OpenMetrics text for `promtool tsdb create-blocks-from`.

The worker in it is called `backfilled`, so that nobody takes its figures for measured ones.
"""

import math
from collections.abc import Iterable, Iterator, Sequence

STEP = 600  # seconds
DAY = 86_400
DAYS = 9  # a week back from two days ago, which is what pictures show
WORKER = "backfilled"
PER_SECOND = 20.0  # messages of an operator, on the mean of a day
FLAGGED, REVIEWED, LATE, PSI = 0.011, 0.008, 0.002, 0.55  # all but LATE: what the model makes of the feed (test_history.py)


def days(now: float, cluster: str, operators: Sequence[str]) -> Iterator[str]:
    """Text of the days before `now`, of a cluster: traffic with its days and nights, and what the rules recorded of it; a day each."""
    for day in reversed(range(DAYS)):
        times = _times(now, day)
        yield _text([*_traffic(times, cluster, operators), *_recorded(times, cluster, operators)])


def recorded(now: float, cluster: str, operators: Sequence[str]) -> Iterator[str]:
    """As `days`, but only what the rules recorded: what is usual."""
    for day in reversed(range(DAYS)):
        yield _text(_recorded(_times(now, day), cluster, operators))


def _times(now: float, day: int) -> range:
    """Of a day that ends so many days before now."""
    end = int(now) - 60 - day * DAY
    return range(end - DAY + STEP, end + 1, STEP)


def _text(lines: Iterable[str]) -> str:
    return "\n".join([*lines, "# EOF\n"])


def _traffic(times: range, cluster: str, operators: Sequence[str]) -> Iterator[str]:
    # One series after the other, as OpenMetrics has it.
    counts = [_total(time) for time in times]
    labels = f'job="scamsieve",cluster="{cluster}",instance="{WORKER}"'
    for operator in operators:
        yield from _series(f'scamsieve_messages_total{{{labels},operator="{operator}"}}', times, counts)
        for decision, share in (("flag", FLAGGED), ("review", REVIEWED)):
            name = f'scamsieve_alerts_total{{{labels},operator="{operator}",category="parcel",decision="{decision}"}}'
            yield from _series(name, times, (share * (count + _sway(time)) for time, count in zip(times, counts, strict=True)))
    whole = [count * len(operators) for count in counts]
    for le, share in (("1.0", 1 - LATE), ("60.0", 1.0), ("+Inf", 1.0)):
        yield from _series(f'scamsieve_judged_seconds_bucket{{{labels},le="{le}"}}', times, (count * share for count in whole))
    yield from _series(f"scamsieve_judged_seconds_count{{{labels}}}", times, whole)


def _recorded(times: range, cluster: str, operators: Sequence[str]) -> Iterator[str]:
    for operator in operators:
        ratio = f'cluster_operator:scamsieve_flagged:ratio_rate1h{{cluster="{cluster}",operator="{operator}"}}'
        yield from _series(ratio, times, (FLAGGED * (1 + 0.1 * math.sin(time / 20_000)) for time in times))
    for objective, burnt in (("within-1s", LATE / 0.01), ("within-1m", 0.0)):
        burn = f'cluster_objective:scamsieve_burn:rate30d{{cluster="{cluster}",objective="{objective}"}}'
        yield from _series(burn, times, (burnt for _ in times))
    drift = f'cluster:scamsieve_score_drift:psi{{cluster="{cluster}"}}'
    yield from _series(drift, times, (PSI * (1 + 0.1 * math.sin(time / 50_000)) for time in times))


def _total(time: int) -> float:
    """Messages of one operator since 1970: most in the evening, fewest at night."""
    angle = 2 * math.pi * time / DAY - 2
    return PER_SECOND * (time - 0.7 * DAY / (2 * math.pi) * math.cos(angle))


def _sway(time: int) -> float:
    """What makes a share go up and down a little, over days; its slope is a twelfth of PER_SECOND at most."""
    return PER_SECOND / 12 * 30_000 * math.sin(time / 30_000)


def _series(name: str, times: range, values: Iterable[float]) -> Iterator[str]:
    return (f"{name} {value:.14g} {time}" for time, value in zip(times, values, strict=True))
