"""A replay writes what `score` would, or what a worker would have raised; never where it must not."""

import json
from collections.abc import Sequence
from typing import Any, cast

import msgspec
import pytest
from confluent_kafka import Message as KafkaMessage
from confluent_kafka import Producer

from models.artifact import Model
from stream import judge as judging
from stream.batch import Taken, taken
from stream.errors import SettingsError
from stream.judge import Disclosure
from stream.operations import replay
from stream.operations.replay import Judge, Tally, check_target, to_file, to_topic
from stream.policy import Listed, Policy
from stream.settings import Settings
from stream.wire import Place, alert_id

SCAMMER = "+85512345678"
POLICY = Policy(operators=("th-siam",), deny=Listed(senders=frozenset({SCAMMER})), allow=Listed(senders=frozenset({"friend"})))
DISCLOSURE = Disclosure(b"0123456789abcdef")


def value(number: int, sender: str = "friend") -> bytes:
    fields = {
        "id": f"m-{number}",
        "operator": "th-siam",
        "channel": "sms",
        "text": "hello",
        "sender": sender,
        "recipient": "",
        "sent_at": 0,
    }
    return msgspec.json.encode(fields)


def batch(values: Sequence[bytes | None], partition: int = 3) -> Taken:
    found: list[Any] = [KafkaMessage("t", partition, 10 + i, None, told, [], None, (1, 1000), 0.0, 0) for i, told in enumerate(values)]
    return taken(found, None)


@pytest.fixture
def by(model: Model) -> Judge:
    return Judge(model, POLICY, Settings(alert_topic="again"))


class Outlet:
    """A producer that remembers."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, dict[str, Any]]] = []

    def produce(self, topic: str, value: bytes, *_: object, **__: object) -> None:
        self.sent.append((topic, json.loads(value)))

    def poll(self, _: float) -> None:
        """Nothing to tell."""

    def flush(self, _: float) -> int:
        return 0


def test_a_verdict_for_each_record_and_an_error_with_its_place_for_what_is_none(by: Judge) -> None:
    written, tally = list[bytes](), Tally()
    assert list(to_file(by, [batch([value(0), b"bad", value(2, SCAMMER), None])], written.append, tally)) == [4]
    found = [json.loads(line) for line in b"".join(written).split(b"\n") if line]
    assert [one.get("id") for one in found] == ["m-0", None, "m-2", None]
    assert list(found[0]) == ["id", "score", "label", "decision", "flagged", "category", "language", "reasons"]
    assert (found[1]["error"]["code"], found[1]["partition"], found[1]["offset"]) == ("not_json", 3, 11)
    assert (tally.decisions, tally.dead, tally.judged) == ({"pass": 1, "flag": 1}, {"not_json": 1, "null_value": 1}, 2)


def test_alerts_have_the_ids_that_a_worker_gave_them(by: Judge) -> None:
    outlet, tally = Outlet(), Tally()
    assert list(to_topic(by, [batch([value(0), value(1, SCAMMER), b"bad"])], cast(Producer, outlet), DISCLOSURE, tally)) == [3]
    ((topic, alert),) = outlet.sent
    assert topic == "again"
    assert alert["id"] == alert_id(Place("t", 3, 11, 1000), "m-1")
    assert (tally.alerts, tally.decisions, tally.dead) == (1, {"pass": 1, "flag": 1}, {"not_json": 1})


def test_a_record_whose_judging_raises_keeps_no_other_alert_back(by: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    def judge(model: Model, policy: Policy, messages: Sequence[Any]) -> Any:
        if any(message.id == "m-1" for message in messages):
            raise ZeroDivisionError
        return judging.judge(model, policy, messages)

    monkeypatch.setattr(replay, "judge", judge)
    outlet, tally = Outlet(), Tally()
    list(to_topic(by, [batch([value(0, SCAMMER), value(1, SCAMMER), value(2, SCAMMER)])], cast(Producer, outlet), DISCLOSURE, tally))
    assert [alert["message_id"] for _, alert in outlet.sent] == ["m-0", "m-2"]
    assert (tally.dead, tally.judged) == ({"internal": 1}, 2)


@pytest.mark.parametrize(
    ("live_topic", "target"),
    [
        ("scam.alerts", "scam.alerts"),
        ("alerts.{operator}", "alerts.th-siam"),
        ("alerts.{operator}", "alerts.{operator}"),
        ("a.b", "{operator}"),
    ],
)
def test_the_live_alert_topic_needs_a_plain_word(live_topic: str, target: str) -> None:
    settings, refused = Settings(alert_topic=live_topic), live_topic != "a.b"
    if refused:
        with pytest.raises(SettingsError, match="add --live"):
            check_target(settings, target, POLICY, live=False)
    assert check_target(settings, target, POLICY, live=True)


@pytest.mark.parametrize("target", ["scam.messages", "scam.dead-letters"])
def test_alerts_never_go_among_messages_or_dead_letters(target: str) -> None:
    with pytest.raises(SettingsError, match="no topic for alerts"):
        check_target(Settings(), target, POLICY, live=True)


def test_a_topic_for_each_operator() -> None:
    assert check_target(Settings(), "again.{operator}", POLICY, live=False) == ["again.other", "again.th-siam"]
