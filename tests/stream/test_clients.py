"""What a message says of itself chooses no topic but one that the policy knows."""

import re

import pytest

from stream import clients
from stream.policy import Policy
from stream.settings import Settings

SETTINGS = Settings(alert_topic="scam.alerts.{operator}")


@pytest.mark.parametrize("operator", ["../x", "a b", "__consumer_offsets", "x\r\ny", "ไทย", "", "a" * 256])
def test_an_operator_that_the_policy_does_not_name_shares_a_topic(operator: str) -> None:
    policy = Policy()
    assert clients.alert_topic(SETTINGS, policy.label(operator)) == "scam.alerts.other"
    assert clients.alert_topics(SETTINGS, policy) == ["scam.alerts.other"]


@pytest.mark.parametrize("operator", ["../x", "a b", "x\r\ny", "ไทย"])
def test_a_topics_name_holds_only_what_kafka_allows(operator: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9._-]+", clients.alert_topic(SETTINGS, operator))
