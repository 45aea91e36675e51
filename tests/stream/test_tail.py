import io
from datetime import UTC, datetime

import msgspec
import pytest
from rich.console import Console

from stream.tail import MARKED, card, marked, plain, read
from stream.wire import Alert, AlertReason, Indicators, ModelReference, PolicyReference

ALERT = Alert(
    id="i",
    message_id="m",
    operator="th-siam",
    score=0.9871,
    decision="flag",
    category="job",
    reasons=[AlertReason("text", "easy money", 2.1), AlertReason("link", "holds a link", 1.0), AlertReason("text", "not in it", 0.2)],
    indicators=Indicators([], [], [], []),
    text="Make easy money\nnow",
    language="en",
    model=ModelReference("0.1.0", "0"),
    policy=PolicyReference("model", 0.9),
    sender="+66812345678",
    recipient="p_0",
    sent_at=0,
    detected_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
)


def test_a_card_tells_all_that_matters() -> None:
    shown = card(ALERT).plain
    for told in ("03:04:05", "flag", "0.987", "job", "en", "th-siam", "Make easy money now", "holds a link +1.0", "“easy money” +2.1"):
        assert told in shown


def test_the_suspicious_part_is_marked() -> None:
    spans = [(span.start, span.end) for span in marked(ALERT).spans if span.style == MARKED]
    assert spans == [(5, 15)]


@pytest.mark.parametrize("bad", ["\x1b[31mred", "a\x07", "\u202egnp.exe", "\u200b", "\x9b2J", "\ufeff"])
def test_a_message_does_no_harm_to_a_terminal(bad: str) -> None:
    """No control characters, nothing that turns the direction of writing."""
    assert not set(plain(bad)) & set("\x1b\x07\x9b\u202e\u200b\ufeff")
    shown = card(msgspec.structs.replace(ALERT, text=bad, sender=bad, operator=bad)).plain
    assert not set(shown) & set("\x1b\x07\x9b\u202e\u200b\ufeff")


def test_letters_with_joiners_stay_whole() -> None:
    assert plain("ខ្មែរ\u200cមែន 👨\u200d👩") == "ខ្មែរ\u200cមែន 👨\u200d👩"


def test_a_hidden_text_is_said_to_be_hidden() -> None:
    assert "not shown" in card(msgspec.structs.replace(ALERT, text=None)).plain


def test_what_is_no_alert_is_none() -> None:
    assert read(msgspec.json.encode(ALERT)) == ALERT
    assert read(b"{}") is read(b"nonsense") is None


def test_a_message_writes_no_markup_neither_into_the_terminal_nor_into_a_picture() -> None:
    bad = "[bold]x[/bold] <script>alert(1)</script> &lt; ]]>"
    alert = msgspec.structs.replace(ALERT, text=bad, sender=bad, operator=bad, reasons=[AlertReason("text", bad, 1.0)])
    console = Console(record=True, width=400, file=io.StringIO())
    console.print(card(alert))
    assert "[bold]x[/bold]" in console.export_text(clear=False)
    drawn = console.export_svg(clear=False) + console.export_html()
    assert "<script" not in drawn
