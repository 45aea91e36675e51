"""A plan carries its load, with a zone lost too; more of anything never asks for less."""

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from typer.testing import CliRunner

from stream.cli import app
from stream.errors import SettingsError
from stream.operations.plan import MEASURED, Load, plan, table

loads = st.builds(
    Load,
    rate=st.floats(1, 5e6),
    peak=st.floats(1, 10),
    headroom=st.floats(0.05, 3),
    zones=st.integers(1, 5),
    worker_speed=st.floats(1000, 200_000),
    broker_megabytes=st.floats(1, 500),
    replication=st.integers(1, 5),
    retention_hours=st.floats(1, 1000),
)


@given(loads)
def test_the_workers_that_are_left_carry_the_rate_and_the_headroom(load: Load) -> None:
    found = plan(load)
    left = found.workers * (load.zones - 1) // load.zones if load.zones > 1 and found.workers % load.zones == 0 else found.workers
    assert left * load.worker_speed >= load.rate * (1 + load.headroom) * (1 - 1e-9)
    assert found.workers >= 2
    assert found.brokers >= load.replication
    assert found.busy <= found.busy_zone_lost <= 1


@given(loads)
def test_each_worker_has_partitions_and_as_many_as_the_others(load: Load) -> None:
    found = plan(load)
    assert found.partitions >= 2 * found.workers
    assert found.partitions % found.workers == 0
    if load.zones > 1 and found.workers % load.zones == 0:
        assert found.partitions % (found.workers // load.zones * (load.zones - 1)) == 0, "also with a zone lost"


@given(loads, st.floats(1, 4))
def test_more_messages_never_take_less(load: Load, times: float) -> None:
    less, more = plan(load), plan(replace(load, rate=load.rate * times))
    for name in ("workers", "partitions", "cores", "memory_gigabytes", "brokers", "disk_gigabytes"):
        assert getattr(more, name) >= getattr(less, name)


def test_a_hundred_thousand_a_second() -> None:
    """By hand: 150,000/s with the headroom are 3.1 workers, so 4 in two zones and 2 more in the third."""
    found = plan(Load(100_000))
    assert (found.workers, found.partitions, found.cores_each) == (6, 12, 1.12)
    assert found.megabytes_in == 43.7
    assert found.disk_gigabytes == round(100_000 / 3 * 72 * 3600 * MEASURED.record_bytes * 3 / 1e9)


@pytest.mark.parametrize("load", [Load(0), Load(-1), Load(float("nan")), Load(float("inf")), Load(1, peak=0.5), Load(1, zones=0)])
def test_what_is_no_load_is_refused(load: Load) -> None:
    with pytest.raises(SettingsError):
        plan(load)


def test_the_table_tells_what_was_assumed() -> None:
    console = Console(width=160)
    with console.capture() as shown:
        console.print(table(Load(10_000), plan(Load(10_000))))
    assert "10,000 messages/s" in shown.get()
    assert "(assumed)" in shown.get()


def test_the_command_plans_by_rate_or_by_day() -> None:
    by_rate = CliRunner().invoke(app, ["plan", "--rate", "50000", "--json"])
    by_day = CliRunner().invoke(app, ["plan", "--per-day", "1.44e9", "--json"])
    assert by_rate.exit_code == by_day.exit_code == 0
    assert msgspec.json.decode(by_rate.output)["plan"] == msgspec.json.decode(by_day.output)["plan"]
    assert CliRunner().invoke(app, ["plan"]).exit_code == 2
    assert CliRunner().invoke(app, ["plan", "--rate", "1", "--per-day", "1"]).exit_code == 2
    assert "--rate" in CliRunner().invoke(app, ["plan", "--help"]).output
