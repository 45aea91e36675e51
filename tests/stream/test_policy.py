from pathlib import Path

import numpy as np
import pytest

from models.classifier import Scores
from models.languages import SCRIPTS
from models.links import host_of
from models.message import Message
from stream.errors import PolicyError
from stream.policy import DECISIONS, Decisions, Policy, decide, read

FLAG, REVIEW = 0.9, 0.5


def policy(tmp_path: Path, text: str) -> Policy:
    (tmp_path / "policy.toml").write_text(text, encoding="utf-8")
    return read(str(tmp_path / "policy.toml"))


def decided(rules: Policy, messages: list[Message], scores: list[float], script: str = "latin", **hosts: str) -> Decisions:
    probabilities = np.array([[score, 0, 1 - score] for score in scores])
    judged = {0: [host for host in map(host_of, hosts.values()) if host]} if hosts else {}
    limits = np.tile([FLAG, REVIEW], (len(messages), 1))
    return decide(rules, limits, messages, Scores(probabilities, np.full(len(messages), SCRIPTS.index(script)), judged))


def names(decisions: Decisions) -> list[str]:
    return [DECISIONS[decision] for decision in decisions.decisions]


def test_without_rules_the_models_thresholds_decide() -> None:
    messages = [Message(text="")] * 3
    found = decided(Policy(), messages, [0.95, 0.6, 0.1])
    assert names(found) == ["flag", "review", "pass"]
    assert found.rules == ["model"] * 3


def test_a_threshold_is_reached_by_a_score_equal_to_it() -> None:
    assert names(decided(Policy(), [Message(text="")] * 2, [0.9, 0.5])) == ["flag", "review"]


def test_the_first_threshold_that_fits_operator_channel_and_language_decides(tmp_path: Path) -> None:
    rules = policy(
        tmp_path,
        """
        [[threshold]]
        name = "chat"
        operator = "a"
        channel = "chat"
        flag = 0.3
        review = 0.2
        [[threshold]]
        name = "thai"
        language = "th"
        flag = 0.99
        review = 0.98
        """,
    )
    messages = [
        Message(text="", operator="a", channel="chat"),
        Message(text="", operator="b", language="th"),
        Message(text="", operator="b"),
    ]
    found = decided(rules, messages, [0.35, 0.95, 0.95])
    assert names(found) == ["flag", "pass", "flag"]
    assert found.rules == ["chat", "thai", "model"]
    assert decided(rules, [Message(text="")], [0.95], "thai").rules == ["thai"]


def test_lists_decide_whatever_the_score_and_deny_wins(tmp_path: Path) -> None:
    rules = policy(
        tmp_path, '[deny]\nsenders = ["+855"]\ndomains = ["evil.top"]\n[allow]\nsenders = ["Bank", "+855"]\ndomains = ["good.com"]'
    )
    bank, bad, other = Message(text="", sender="Bank"), Message(text="", sender="+855"), Message(text="")
    found = decided(rules, [bank, bad, other], [0.99, 0.0, 0.0])
    assert names(found) == ["pass", "flag", "pass"]
    assert found.rules == ["allow-sender", "deny-sender", "model"]
    assert names(decided(rules, [other], [0.0], a="x.evil.top/1")) == ["flag"]
    assert names(decided(rules, [other], [0.99], a="www.good.com")) == ["pass"]
    assert names(decided(rules, [other], [0.99], a="www.good.com", b="c.com")) == ["flag"]


def test_operators_that_the_policy_does_not_name_are_other() -> None:
    assert [Policy(operators=("a",)).label(name) for name in ("a", "b")] == ["a", "other"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a = ", "policy.toml"),
        ("unknown = 1", "unknown"),
        ('[[threshold]]\nname = "a"\nflag = 2.0\nreview = 0.1', "flag"),
        ('[[threshold]]\nname = "a"\nflag = 0.1\nreview = 0.2', "above"),
        ('[[threshold]]\nname = "a"\nflag = 0.2\nreview = 0.1\n' * 2, "twice"),
        ("[[threshold]]\nflag = 0.2\nreview = 0.1", "name"),
    ],
)
def test_a_wrong_policy_is_refused_and_told_why(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(PolicyError, match=told):
        policy(tmp_path, text)


def test_a_missing_file_is_told() -> None:
    with pytest.raises(PolicyError, match=r"/nowhere/policy\.toml"):
        read("/nowhere/policy.toml")
