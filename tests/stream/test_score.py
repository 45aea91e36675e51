import io
import json
from typing import Any

import pytest

from models.artifact import Model
from stream import score as module
from stream.errors import ModelError
from stream.judge import Judgement, judge
from stream.model import open_model
from stream.policy import Policy
from stream.score import Tally, score

KEYS = ["id", "score", "label", "decision", "flagged", "category", "language", "reasons"]
MESSAGES = [
    {"text": "Hello, are you home?"},
    {"id": "a", "text": "ยินดีด้วย คุณได้รับรางวัล", "sender": "+66812345678", "channel": "sms"},
    {"text": "Free loan, click bit.ly/x1", "sent_at": "2026-01-01T10:00:00+08:00", "origin": {"country": "KH"}},
    {"text": ""},
    {"text": "line\u2028separator", "unknown": 1},
]


def answers(model: Model, lines: bytes, **options: Any) -> tuple[list[dict[str, Any]], Tally]:
    """What is written for these lines, and the tally."""
    written: list[bytes] = []
    tally = score(model, Policy(), io.BytesIO(lines).read, written.append, **options)
    return [json.loads(line) for line in b"".join(written).split(b"\n") if line], tally


def jsonl(*rows: object) -> bytes:
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


def test_each_line_gets_its_verdict_in_order(model: Model) -> None:
    found, tally = answers(model, jsonl(*MESSAGES))
    assert [list(verdict) for verdict in found] == [KEYS] * len(MESSAGES)
    assert [verdict["id"] for verdict in found] == ["1", "a", "3", "4", "5"]
    assert (tally.lines, tally.bad) == (len(MESSAGES), 0)


def test_a_verdict_is_consistent(model: Model) -> None:
    """Only what is flagged or to be reviewed has a category and reasons."""
    for verdict in answers(model, jsonl(*MESSAGES * 20))[0]:
        assert verdict["flagged"] == (verdict["decision"] == "flag")
        assert (verdict["category"] is None) == (verdict["decision"] == "pass")
        assert verdict["decision"] != "pass" or not verdict["reasons"]
        assert 0 <= verdict["score"] <= 1


def test_a_line_that_is_no_message_has_an_error_in_its_place(model: Model) -> None:
    lines = b'{"text":"a"}\n\nnonsense\n{"text":5}\n{"text":"b"}\n\xff\n'
    found, tally = answers(model, lines)
    assert [answer.get("id", answer.get("line")) for answer in found] == ["1", 2, 3, 4, "5", 6]
    assert [found[i]["error"]["code"] for i in (1, 2, 3, 5)] == ["empty_value", "not_json", "wrong_shape", "not_utf8"]
    assert (tally.lines, tally.bad) == (6, 4)


def test_an_optional_field_that_cannot_be_read_is_neutral_and_counted(model: Model) -> None:
    found, tally = answers(model, jsonl({"text": "a", "id": 7, "channel": "fax"}, {"text": "a"}))
    assert [verdict["id"] for verdict in found] == ["1", "2"]
    assert found[0]["score"] == found[1]["score"]
    assert tally.ignored == {"id": 1, "channel": 1}


def test_the_number_of_reasons_is_bounded(model: Model) -> None:
    most = max(len(verdict["reasons"]) for verdict in answers(model, jsonl(*MESSAGES * 5), reasons=2)[0])
    assert most == 2


def test_what_judging_raises_on_is_a_bad_line_alone(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    def fragile(model: Model, policy: Policy, messages: Any) -> Judgement:
        if any(message.text == "poison" for message in messages):
            raise ZeroDivisionError
        return judge(model, policy, messages)

    monkeypatch.setattr(module, "judge", fragile)
    found, tally = answers(model, jsonl({"text": "a"}, {"text": "poison"}, {"text": "b"}))
    assert [answer.get("id") for answer in found] == ["1", None, "3"]
    assert found[1] == {"error": {"code": "internal", "detail": "judging it raised ZeroDivisionError"}, "line": 2}
    assert tally.bad == 1


def test_an_unknown_model_is_told() -> None:
    with pytest.raises(ModelError, match="no released model 9"):
        open_model("9.9.9")
    with pytest.raises(ModelError, match="no model folder"):
        open_model("/nowhere/model")
