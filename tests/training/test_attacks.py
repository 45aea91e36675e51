"""`training.attacks`: each trick changes what it says, nothing else, and always in the same way."""

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.attacks import _OTHER_HAN, ATTACKS, LINK, attack
from training.padding import BENIGN, NUMBERS, language_of

SCAM = "Your account is locked! Verify at https://dbs-secure.top/login or call +65 8123 4567"
TEXTS = {
    "latin": SCAM,
    "vi": "Tài khoản của quý khách đã bị khóa, xác minh tại vcb-xacminh.com",
    "zh": "您的银行账户已被冻结，请点击 bank-cn.top 验证",
    "th": "บัญชีของท่านถูกระงับ กรุณายืนยันที่ kbank.top/a ภายใน 24 ชม.",
}
KEEP_LINKS = (
    "homoglyphs",
    "leet",
    "spaced",
    "punctuated",
    "han_mixed",
    "emoji_letters",
    "case_flips",
    "digits_as_words",
    "without_accents",
)


@pytest.mark.parametrize("name", ATTACKS)
@given(text=st.text(st.characters(), max_size=80), seed=st.integers(0, 3))
@settings(max_examples=40, deadline=None)
def test_an_attack_is_total_and_the_same_each_time(name: str, text: str, seed: int) -> None:
    assert attack(name, text, seed) == attack(name, text, seed)


@pytest.mark.parametrize("name", ATTACKS)
def test_every_attack_changes_a_text_that_it_fits_and_says_what_it_does(name: str) -> None:
    assert any(attack(name, text) != text for text in TEXTS.values())
    assert ATTACKS[name].__doc__


@pytest.mark.parametrize("name", KEEP_LINKS)
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_links_stay_where_they_must_lead_somewhere(name: str, text: str) -> None:
    link = LINK.search(text)
    assert link
    assert all(link[0] in attack(name, text, seed) for seed in range(5))


@pytest.mark.parametrize("seed", range(8))
def test_a_hidden_link_can_be_put_together_by_a_person_only(seed: int) -> None:
    hidden = attack("hidden_links", SCAM, seed)
    assert "dbs-secure.top" not in hidden
    assert "dbs-secure" in hidden
    assert "/login" in hidden


@pytest.mark.parametrize("name", ["styled", "enclosed", "full_width", "zero_width"])
def test_what_browsers_read_like_the_plain_letter_is_that_letter_to_unicode(name: str) -> None:
    """Compatibility normalisation brings the text back; invisible characters are of the category Cf, circles of So."""
    if name == "enclosed":
        return_ways = {attack(name, SCAM, seed) for seed in range(20)}
        assert any(unicodedata.normalize("NFKC", way).casefold() == SCAM.casefold() for way in return_ways)
        return
    back = unicodedata.normalize("NFKC", attack(name, SCAM))
    assert "".join(char for char in back if unicodedata.category(char) != "Cf") == SCAM


def test_homoglyphs_are_letters_of_other_scripts() -> None:
    changed = [(a, b) for a, b in zip(SCAM, attack("homoglyphs", SCAM), strict=True) if a != b]
    assert len(changed) > 10
    assert {unicodedata.name(b).split()[0] for _, b in changed} <= {"CYRILLIC", "GREEK", "ARMENIAN", "LATIN"}


@pytest.mark.parametrize("name", ["spaced", "punctuated"])
def test_marks_are_never_cut_from_their_letters(name: str) -> None:
    """Thai vowel signs, and the stacked consonants of Khmer, stay behind their letter."""
    for text in (TEXTS["th"], "សូមចុចតំណដើម្បីទទួលរង្វាន់"):
        for seed in range(5):
            told = attack(name, text, seed)
            inside = [(a, b) for a, b in pairwise(told) if b in " .-_*|/·~"]
            assert not [pair for pair in inside if unicodedata.combining(pair[0]) == 9]
            assert not [b for a, b in pairwise(told) if a in " .-_*|/·~" and unicodedata.category(b) in ("Mn", "Mc")]


def test_vietnamese_loses_its_accents_and_thai_keeps_its_marks() -> None:
    assert attack("without_accents", TEXTS["vi"]) == "Tai khoan cua quy khach da bi khoa, xac minh tai vcb-xacminh.com"
    assert attack("without_accents", TEXTS["th"]) == TEXTS["th"]


def test_han_characters_change_into_each_other_one_to_one() -> None:
    assert all(_OTHER_HAN[other] == char and len(other) == 1 for char, other in _OTHER_HAN.items())
    assert all(unicodedata.name(char).startswith("CJK UNIFIED") for char in _OTHER_HAN)


def test_numbers_become_words_of_the_texts_language() -> None:
    assert "eight one two three" in attack("digits_as_words", SCAM)
    assert NUMBERS["th"][2] in attack("digits_as_words", TEXTS["th"])


def test_padding_is_everyday_talk_in_the_language_of_the_text_and_foreign_words_are_not() -> None:
    assert {language_of(text) for text in TEXTS.values()} == {"en", "vi", "zh", "th"}
    for text in TEXTS.values():
        padded = attack("benign_padding", text)
        assert all(sentence in padded for sentence in BENIGN[language_of(text)])
        assert text in attack("foreign_word", text)
        assert text in attack("foreign_sentences", text)
        assert len(attack("foreign_sentences", text)) >= 2 * len(text)


@pytest.mark.parametrize("language", BENIGN)
def test_the_language_of_padding_is_told(language: str) -> None:
    """Malay and Indonesian share most of their everyday words, so either will do."""
    assert {language, language_of(" ".join(BENIGN[language]))} <= {language, *(("id", "ms") if language in ("id", "ms") else ())}
