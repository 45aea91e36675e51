"""The policy file is followed: right ones are taken, wrong ones refused."""

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from models.artifact import Model
from stream.errors import PolicyError
from stream.metrics import Metrics
from stream.policy import Policy
from stream.reload import Every, PolicyFile


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def metrics(registry: CollectorRegistry, model: Model) -> Metrics:
    return Metrics(registry, model, Policy())


def reloads(registry: CollectorRegistry, outcome: str) -> float | None:
    return registry.get_sample_value("scamsieve_policy_reloads_total", {"outcome": outcome})


def test_a_change_is_taken_once(tmp_path: Path, metrics: Metrics, registry: CollectorRegistry) -> None:
    path = tmp_path / "policy.toml"
    path.write_text('operators = ["a"]')
    followed = PolicyFile(str(path))
    assert followed.poll(metrics) is None
    path.write_text('operators = ["b"]')
    taken = followed.poll(metrics)
    assert taken is not None
    assert taken.operators == ("b",)
    assert followed.label("b") == "b"
    assert followed.poll(metrics) is None
    assert reloads(registry, "taken") == 1


@pytest.mark.parametrize("wrong", [b"operators = [", b"unknown = 1", b"\xff\xfe", None])
def test_a_wrong_file_is_refused_once_and_the_old_policy_stays(
    wrong: bytes | None, tmp_path: Path, metrics: Metrics, registry: CollectorRegistry
) -> None:
    path = tmp_path / "policy.toml"
    path.write_text('operators = ["a"]')
    followed = PolicyFile(str(path))
    if wrong is None:
        path.unlink()
    else:
        path.write_bytes(wrong)
    assert followed.poll(metrics) is None
    assert followed.poll(metrics) is None
    assert followed.current.operators == ("a",)
    assert reloads(registry, "refused") == 1
    path.write_text('operators = ["a"]')  # back again: that is a change, and right
    assert followed.poll(metrics) == Policy(operators=("a",))


def test_without_a_file_there_is_nothing_to_follow(metrics: Metrics) -> None:
    followed = PolicyFile("")
    assert followed.poll(metrics) is None
    assert followed.current == Policy()


def test_a_wrong_file_at_the_start_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="cannot be read"):
        PolicyFile(str(tmp_path / "none.toml"))


def test_a_call_is_made_again_and_again_until_it_is_stopped() -> None:
    calls: list[int] = []

    def call() -> None:
        calls.append(1)
        if len(calls) == 3:
            every.stop()

    every = Every(0.0, call)
    every.run()
    assert len(calls) == 3
