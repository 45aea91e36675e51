"""A month that nobody has waited for: what rules and panels look back at, as OpenMetrics text for `promtool tsdb create-blocks-from`.

The worker in it is called `backfilled`, so that nobody takes its figures for measured ones.
"""

import math
from collections.abc import Iterable, Iterator, Sequence

STEP = 600  # seconds
DAY = 86_400
WORKER = "backfilled"
PER_SECOND = 20.0  # messages of an operator, on the mean of a day
FLAGGED, REVIEWED, LATE, PSI = 0.012, 0.008, 0.002, 0.15


def month(now: float, cluster: str, operators: Sequence[str], flagged: float = FLAGGED, psi: float = PSI, days: int = 30) -> str:
    """Text of the days before `now`, of a cluster: traffic with its days and nights, a steady share of scams, a steady drift."""
    return "\n".join([*_lines(now, cluster, operators, flagged, psi, days), "# EOF\n"])


def _lines(now: float, cluster: str, operators: Sequence[str], flagged: float, psi: float, days: int) -> Iterator[str]:
    # One series after the other, as OpenMetrics has it.
    times = range(int(now) - days * DAY, int(now) - 60, STEP)
    counts = _totals(times)
    labels = f'job="scamsieve",cluster="{cluster}",instance="{WORKER}"'
    for operator in operators:
        yield from _series(f'scamsieve_messages_total{{{labels},operator="{operator}"}}', times, counts)
        for decision, share in (("flag", flagged), ("review", REVIEWED)):
            name = f'scamsieve_alerts_total{{{labels},operator="{operator}",category="parcel",decision="{decision}"}}'
            yield from _series(name, times, (count * share for count in counts))
        ratio = f'cluster_operator:scamsieve_flagged:ratio_rate1h{{cluster="{cluster}",operator="{operator}"}}'
        yield from _series(ratio, times, (flagged * (1 + 0.1 * math.sin(time / 20_000)) for time in times))
    whole = [count * len(operators) for count in counts]
    for le, share in (("1.0", 1 - LATE), ("60.0", 1.0), ("+Inf", 1.0)):
        yield from _series(f'scamsieve_judged_seconds_bucket{{{labels},le="{le}"}}', times, (count * share for count in whole))
    yield from _series(f"scamsieve_judged_seconds_count{{{labels}}}", times, whole)
    for objective, burnt in (("within-1s", LATE / 0.01), ("within-1m", 0.0)):
        burn = f'cluster_objective:scamsieve_burn:rate30d{{cluster="{cluster}",objective="{objective}"}}'
        yield from _series(burn, times, (burnt for _ in times))
    drift = f'cluster:scamsieve_score_drift:psi{{cluster="{cluster}"}}'
    yield from _series(drift, times, (psi * (1 + 0.1 * math.sin(time / 50_000)) for time in times))


def _totals(times: Iterable[int]) -> list[float]:
    """Messages of one operator so far: most in the evening, fewest at night."""
    total, totals = 0.0, []
    for time in times:
        total += PER_SECOND * STEP * (1 + 0.7 * math.sin(2 * math.pi * (time % DAY) / DAY - 2))
        totals.append(total)
    return totals


def _series(name: str, times: Iterable[int], values: Iterable[float]) -> Iterator[str]:
    return (f"{name} {value:.12g} {time}" for time, value in zip(times, values, strict=True))
