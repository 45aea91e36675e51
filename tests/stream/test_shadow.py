"""A shadow is counted and nothing else; whatever becomes of it, the live model goes on."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from models.artifact import Model
from models.message import Message
from stream import shadow as module
from stream.batch import Judged
from stream.judge import judge
from stream.metrics import ShadowMetrics
from stream.model import ModelFile
from stream.policy import Policy, ThresholdRule
from stream.shadow import Shadow
from stream.wire import Decoded, Event
from tests.conftest import write_model

POLICY = Policy(operators=("a",))
MESSAGES = [
    Event(id=str(i), operator=operator, channel="sms", text=text, sender="", recipient="", sent_at=0)
    for i, (operator, text) in enumerate([("a", "hello"), ("a", "สวัสดีครับ"), ("b", "hello"), ("a", "hello again")])
]


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def make(tmp_path: Path, registry: CollectorRegistry) -> Callable[[str], Shadow]:
    def shadow(name: str) -> Shadow:
        made = Shadow(ModelFile(str(tmp_path / name)), ShadowMetrics(registry, ["th", "und"], POLICY))
        made.follow()
        return made

    return shadow


def judged(model: Model, policy: Policy = POLICY) -> Judged:
    decoded: Decoded[Event] = Decoded(MESSAGES, list(range(len(MESSAGES))), {})
    taken: Any = None
    return Judged(taken, decoded, judge(model, policy, MESSAGES), policy, {}, {})


def counts(registry: CollectorRegistry, name: str) -> dict[tuple[str, str], float]:
    (family,) = [found for found in registry.collect() if found.name == f"scamsieve_shadow_{name}"]
    return {(s.labels["operator"], s.labels["language"]): s.value for s in family.samples if s.name.endswith("_total") and s.value}


def failures(registry: CollectorRegistry) -> float | None:
    return registry.get_sample_value("scamsieve_shadow_failures_total")


def test_disagreements_are_counted_by_operator_and_language(
    make: Callable[[str], Shadow], tmp_path: Path, registry: CollectorRegistry, flagging: Model
) -> None:
    """Here the live model flags all, and the shadow nothing."""
    write_model(tmp_path / "never", threshold=1.0)
    make("never").look(judged(flagging))
    assert counts(registry, "messages") == {("a", "und"): 2, ("a", "th"): 1, ("other", "und"): 1}
    assert counts(registry, "disagreements") == counts(registry, "messages")


def test_a_shadow_that_is_the_live_model_agrees(make: Callable[[str], Shadow], tmp_path: Path, registry: CollectorRegistry) -> None:
    write_model(tmp_path / "same")
    shadow = make("same")
    assert shadow.model is not None
    shadow.look(judged(shadow.model))
    assert sum(counts(registry, "messages").values()) == len(MESSAGES)
    assert not counts(registry, "disagreements")


def test_the_policy_holds_for_both(make: Callable[[str], Shadow], tmp_path: Path, registry: CollectorRegistry, flagging: Model) -> None:
    write_model(tmp_path / "never", threshold=1.0)
    make("never").look(judged(flagging, Policy(operators=("a",), threshold=(ThresholdRule("all", flag=0.0, review=0.0),))))
    assert not counts(registry, "disagreements")


def test_one_that_cannot_be_loaded_is_off_until_it_can(make: Callable[[str], Shadow], tmp_path: Path, registry: CollectorRegistry) -> None:
    shadow = make("later")
    assert shadow.model is None
    assert "no model folder" in shadow.off
    assert failures(registry) == 1
    write_model(tmp_path / "later")
    shadow.follow()
    assert shadow.model is not None
    assert not shadow.off
    (tmp_path / "later" / "weights.npz").write_bytes(b"")
    shadow.follow()
    assert shadow.model is None
    assert failures(registry) == 2


def test_one_that_raises_is_switched_off(
    make: Callable[[str], Shadow], tmp_path: Path, registry: CollectorRegistry, flagging: Model, monkeypatch: pytest.MonkeyPatch
) -> None:

    def broken(_model: Model, _policy: Policy, _messages: Sequence[Message]) -> None:
        raise ZeroDivisionError

    write_model(tmp_path / "broken")
    shadow, batch = make("broken"), judged(flagging)
    monkeypatch.setattr(module, "judge", broken)
    shadow.look(batch)
    shadow.look(batch)
    assert (shadow.model, shadow.off, failures(registry)) == (None, "judging raised ZeroDivisionError", 1)
