"""A simulated day keeps the books, and the autoscaler its policies."""

from dataclasses import replace

import numpy as np
import pytest

from stream.operations.autoscale import Autoscaler, burst, simulate, traffic
from stream.operations.plan import DAY

SPEED = 1000.0
STILL = Autoscaler(least=3, most=3, rebalance=0)
LAG_ALONE = Autoscaler(least=2, most=10, lag_threshold=500, cpu_target=None, up=(2, 60), down=(1, 300), stabilisation=900, rebalance=0)


def constant(*parts: tuple[int, float]) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """So many seconds at each rate."""
    return np.concatenate([np.full(seconds, rate) for seconds, rate in parts])


@pytest.mark.parametrize("peak", [1.5, 2.0, 3.0])
def test_a_day_has_its_mean_and_its_peak_and_no_seam_at_midnight(peak: float) -> None:
    rate = traffic(17_000, peak)
    assert len(rate) == DAY
    assert rate.mean() == pytest.approx(17_000)
    assert rate.max() / rate.mean() == pytest.approx(peak, rel=1e-6)
    assert rate[0] == pytest.approx(rate[-1], rel=0.01)
    assert rate.argmin() < 6 * 3600


def test_a_burst_is_as_long_and_high_as_told() -> None:
    rate = traffic(100, 3)
    assert ((burst(rate, 10, 5, 2) / rate) == 2).sum() == 300


def test_workers_that_suffice_have_no_lag() -> None:
    day = simulate(constant((1000, 2999.0)), STILL, SPEED)
    assert day.lag.max() == 0
    assert day.age.max() == 0
    assert set(day.workers) == {3}


def test_what_is_not_judged_waits_and_is_made_good() -> None:
    """3,000/s can be judged; 100 s of 4,000 leave 100,000 behind, which 2,000/s of spare speed judge in 50 s."""
    day = simulate(constant((100, 4000.0), (200, 1000.0)), STILL, SPEED)
    assert day.lag[99] == pytest.approx(100_000)
    assert day.lag[149] == pytest.approx(0, abs=1)
    assert day.age[99] == pytest.approx(25, abs=1), "what is judged after 100 s at 3,000/s came after 75 s"
    assert day.age[200] == 0


def test_going_up_takes_the_start_of_a_worker_and_no_more_at_once_than_the_policy_says() -> None:
    day = simulate(constant((600, 6000.0)), LAG_ALONE, SPEED)
    first = int(np.argmax(day.workers > 2))
    assert first >= LAG_ALONE.start
    for second in range(540):
        assert day.workers[second + 60] - day.workers[second] <= 4, "two a minute, and what a minute's edge may hold"
    assert day.workers.max() == LAG_ALONE.most, "lag that stays asks for more than the rate does"


def test_going_down_waits_for_the_stabilisation_and_goes_slowly() -> None:
    day = simulate(constant((300, 6000.0), (7200, 100.0)), LAG_ALONE, SPEED)
    clear = int(np.flatnonzero(day.lag > 0)[-1])
    fell = int(np.flatnonzero(np.diff(day.workers) < 0)[0])
    assert fell >= clear + 800
    assert min(np.diff(day.workers)) == -1
    assert min(np.diff(np.flatnonzero(np.diff(day.workers) < 0))) >= 290
    assert day.workers[-1] == LAG_ALONE.least


def test_a_rebalance_stops_everybody() -> None:
    paused = simulate(constant((600, 6000.0)), replace(LAG_ALONE, rebalance=5), SPEED)
    assert paused.lag.max() > simulate(constant((600, 6000.0)), LAG_ALONE, SPEED).lag.max()


def test_cpu_keeps_workers_that_lag_would_send_away() -> None:
    """At 4,500/s five workers are 90 % busy: without lag, CPU alone asks for six."""
    steady = constant((7200, 4500.0))
    by_both = simulate(steady, replace(LAG_ALONE, cpu_target=0.75), SPEED)
    by_lag = simulate(steady, LAG_ALONE, SPEED)
    assert by_both.workers[-1] == 6
    assert (np.diff(by_lag.workers) < 0).any(), "by lag alone they go, and the lag comes back"
    assert by_both.lag[-3600:].max() == 0 < by_lag.lag[-3600:].max()
