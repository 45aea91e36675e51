import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream import privacy
from stream.errors import SettingsError

KEY = b"0123456789abcdef"
ME = "+66812345679"


def test_a_pseudonym_is_of_the_number_however_written_and_of_the_key() -> None:
    one = privacy.pseudonym("+66 81 234 5679", KEY)
    assert one == privacy.pseudonym("0066812345679", KEY)
    assert one != privacy.pseudonym("+66812345678", KEY)
    assert one != privacy.pseudonym("+66 81 234 5679", b"another key 1234")
    assert re.fullmatch(r"p_[0-9a-f]{32}", one)
    assert privacy.pseudonym("", KEY) == ""


@given(st.text())
def test_a_pseudonym_never_holds_the_name(name: str) -> None:
    assert len(name) < 2 or name not in privacy.pseudonym(name, KEY) or re.fullmatch(r"[p_0-9a-f]+", name)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("acc 1234567890 now", "acc ########## now"),
        ("card 4111 1111 1111 1111", "card #### #### #### ####"),
        ("you won 50000", "you won 50000"),
        ("call 081-234-5678", "call 081-234-5678"),
        ("call +855 12 345 678", "call +855 12 345 678"),
        ("your number 0812345679 won", "your number ########## won"),
        ("see https://a.com/123456789 ref 123456789", "see https://a.com/123456789 ref #########"),
        ("bit.ly/12345678", "bit.ly/12345678"),
        ("https://a.com请汇款到6222021234567890", "https://a.com请汇款到################"),
        ("4111\u00a01111\u20111111\u00a01111", "####\u00a0####\u2011####\u00a0####"),
        ("acct 123\u200b456\u200b789\u200b012", "acct ###\u200b###\u200b###\u200b###"),
        ("12.345678/901234", "##.######/######"),
    ],
)
def test_long_numbers_are_masked_and_evidence_is_kept(text: str, shown: str) -> None:
    assert privacy.mask(text, "+85512345678", ME) == shown


def test_the_text_can_be_shown_in_full_or_not_at_all() -> None:
    assert privacy.masker("full")("1234567890", "", "") == "1234567890"
    assert privacy.masker("none")("1234567890", "", "") is None


@given(st.text())
def test_masking_keeps_the_length_and_all_that_is_no_digit(text: str) -> None:
    shown = privacy.mask(text, "", ME)
    assert re.sub(r"\d", "#", shown) == re.sub(r"\d", "#", text)


def test_indicators_are_what_others_can_look_for() -> None:
    found = privacy.indicators(
        "call 081 234 5678 or @agent_88, t.me/joinus. you: 0812345679", "+85512345678", ME, [("a.com/x", "a.com")] * 2
    )
    assert found.urls == ["a.com/x"]
    assert found.phones == ["+66812345678"]
    assert found.handles == ["@agent_88", "t.me/joinus"]


def test_a_key_must_be_there_and_long_enough(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"short\n")
    for path, told in (("", "not set"), (str(tmp_path / "none"), "cannot be read"), (str(tmp_path / "key"), "5 bytes")):
        with pytest.raises(SettingsError, match=told):
            privacy.read_key(path)
    (tmp_path / "key").write_bytes(KEY + b"\n")
    assert privacy.read_key(str(tmp_path / "key")) == KEY


@pytest.mark.parametrize("run", ["a", "1-", "a.", "http://", "1 ", "account-suspended-"])
def test_the_longest_text_is_masked_in_no_time(run: str) -> None:
    """A pattern that reads a run again from each of its characters would take 13 s, with the interpreter's lock held."""
    privacy.mask("1234567 " + run * (16_000 // len(run)), "+85512345678", ME)
