from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest

from models.artifact import Model, load, released
from models.message import Message, Origin
from stream.judge import Disclosure, alerts, explained, joined, judge, verdicts
from stream.policy import Policy
from stream.privacy import masker
from stream.wire import Alert, Event, Place

KEY = b"0123456789abcdef"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def event(text: str, **more: object) -> Event:
    return Event(
        **{
            "id": "m",
            "operator": "a",
            "channel": "sms",
            "text": text,
            "sender": "+85512345678",
            "recipient": "+66812345679",
            "sent_at": 0,
            **more,
        }  # type: ignore[arg-type]
    )


def raised(model: Model, message: Event, disclosure: Disclosure) -> Alert:
    policy = Policy(deny=msgspec.convert({"senders": [message.sender]}, type(Policy().deny)))
    judgement = judge(model, policy, [message])
    (alert,) = alerts(judgement, explained(judgement, judgement.raised), {0: Place("t", 0, 1, 2)}, disclosure, NOW)
    return alert


def test_an_alert_shows_the_scammer_and_hides_the_victim(model: Model) -> None:
    text = "Your account 1234567890 is locked: https://Evil-Bank.top/AbC call +855 12 345 678"
    alert = raised(model, event(text), Disclosure(KEY))
    assert alert.text == "Your account ########## is locked: https://Evil-Bank.top/AbC call +855 12 345 678"
    assert alert.sender == "+85512345678"
    assert alert.recipient.startswith("p_")
    assert alert.indicators.urls == ["https://Evil-Bank.top/AbC"]
    assert alert.indicators.domains == ["evil-bank.top"]
    assert alert.policy.rule == "deny-sender"
    assert b"1234567890" not in msgspec.json.encode(alert)
    assert b"66812345679" not in msgspec.json.encode(alert)


def test_reasons_show_no_more_of_the_text_than_the_text_itself(model: Model) -> None:
    alert = raised(model, event("secret words 99887766554433 here and there"), Disclosure(KEY, text=masker("none"), sender="pseudonym"))
    encoded = msgspec.json.encode(alert)
    assert alert.text is None
    assert b"secret" not in encoded
    assert b"85512345678" not in encoded


def test_batches_joined_are_as_if_judged_together(model: Model) -> None:
    messages = [event(f"message {i} https://host-{i}.top", id=f"{i}", sender="+85512345678" if i % 3 else "x") for i in range(7)]
    policy = Policy(deny=msgspec.convert({"senders": ["+85512345678"]}, type(Policy().deny)))
    whole = judge(model, policy, messages)
    parts = joined(model, [judge(model, policy, messages[:3]), judge(model, policy, messages[3:4]), judge(model, policy, messages[4:])])
    assert parts.messages == messages
    assert parts.raised == whole.raised
    assert parts.decisions.rules == whole.decisions.rules
    assert parts.scores.hosts == whole.scores.hosts
    np.testing.assert_allclose(parts.scores.probabilities, whole.scores.probabilities)
    np.testing.assert_array_equal(parts.decisions.flag, whole.decisions.flag)
    assert not joined(model, []).raised


def test_verdicts_are_in_order_and_reasons_only_where_something_was_raised(model: Model) -> None:
    messages = [Message(text=f"message {i} win cash now", id=f"{i}") for i in range(50)]
    judgement = judge(model, Policy(), messages)
    found = list(verdicts(judgement, explained(judgement, judgement.raised)))
    assert [verdict.id for verdict in found] == [f"{i}" for i in range(50)]
    for verdict in found:
        assert (verdict.category is None) == (verdict.decision == "pass")
        assert verdict.decision != "pass" or verdict.reasons == []
        assert verdict.flagged == (verdict.decision == "flag")


def test_no_messages_no_verdicts(model: Model) -> None:
    assert list(verdicts(judge(model, Policy(), []), {})) == []


@pytest.mark.parametrize(
    "text",
    [
        "Your account has been locked. Please verify your details at https://dbs-secure.top/login within 24 hours",
        "KBank: บัญชีของท่านถูกระงับ กรุณายืนยันตัวตนที่ https://kbank-verify.top/login ภายใน 24 ชม.",
    ],
)
def test_the_same_text_is_less_likely_a_scam_under_a_banks_name_than_from_a_foreign_mobile(text: str) -> None:
    model = load(released())
    home = Message(
        text=text,
        sender="DBS",
        sender_type="alphanumeric",
        recipient="+6581234567",
        origin=Origin(country="SG", route="a2p"),
        channel="sms",
    )
    abroad = Message(
        text=text, sender="+85512345678", recipient="+6581234567", origin=Origin(country="KH", route="international"), channel="sms"
    )
    plain = Message(text=text)
    scores = model.classifier.score([home, plain, abroad]).probabilities[:, 0]
    assert scores[0] < scores[2]
    assert scores[0] < scores[1]
