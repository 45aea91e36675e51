import numpy as np
import pytest
from hypothesis import given

from models.characters import CLASS, MARK, C, plain
from models.text import canonicalise
from tests.models.strategies import batches, texts


def canonical(text: str) -> str:
    return canonicalise([text]).text(0)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("ＦＲＥＥ", "free"),
        ("𝗙𝗿𝗲𝗲 𝓵𝓸𝓪𝓷", "free loan"),
        ("сredit саrd", "credit card"),  # with Cyrillic letters
        ("l0an pr1ze c@sh", "loan prize cash"),
        ("acc00unt", "accoount"),
        ("f r e e money", "free money"),
        ("l.o.a.n", "loan"),
        ("加 微 信", "加微信"),
        ("点擊領取貸款", "点击领取贷款"),
        ("🅵🆁🅴🅴 🅒🅐🅢🅗 🄵🅁🄴🄴 🇫🇷🇪🇪", "free cash free free"),
        ("ꓝꓣꓰꓰ ᑕᎪՏᎻ", "free cash"),
        ("c*ash b|onus p·a·s·s 微*信", "cash bonus pass微信"),
        ("pre-approved don't and/or hati-hati", "preapproved dont andor hatihati"),
        ("⒡⒭⒠⒠ 1️⃣2️⃣", "free 12"),
        ("fr33 m0n3y $av3r", "fr33 money saver"),
        ("คลิก ที่ นี่ เลย 想 广州 去了", "คลิกที่นี่เลย想广州去了"),
        ("Y.our in.voice for la.st mo.nth: m.facebook.com/page a.b.co.uk", "your invoice for last month: m.facebook.com/page a.b.co.uk"),
        ("evil[.]com bit(.)ly", "http://evil.com http://bit.ly"),
        ("(ok) a. [b]", "(ok) a. [b]"),
        ("ca\u200bsh", "cash"),
        ("ca\u00adsh\ufeff", "cash"),
        ("Tài khoản của bạn", "tai khoan cua ban"),
        ("Ta\u0300i khoa\u0309n", "tai khoan"),
        ("đ ₫", "d ₫"),
        ("a  b\n\tc", "a b c"),
        ("ﬁne ½", "fine 1⁄2"),
        ("๑๒๓ ၁၂ ០១", "123 12 01"),
    ],
)
def test_tricks_are_undone(written: str, meant: str) -> None:
    assert canonical(written) == meant


@pytest.mark.parametrize("text", ["สวัสดีค่ะ ทำไม", "ກິນເຂົ້າແລ້ວບໍ່", "ខ្ញុំស្រលាញ់អ្នក", "မင်္ဂလာပါ ကျွန်တော်", "வணக்கம் நண்பா"])
def test_marks_of_asian_scripts_stay(text: str) -> None:
    assert canonical(text) == text.replace(" ", "" if "வ" not in text else " ")


def test_joiners_stay_where_a_script_joins_and_go_where_it_does_not() -> None:
    assert canonical("ශ්\u200dරී") == "ශ්\u200dරී"
    assert canonical("lo\u200dan") == "loan"


def test_short_links_are_no_leet() -> None:
    assert canonical("bit.ly/a3b1c") == "bit.ly/a3b1c"


@pytest.mark.parametrize(
    "text",
    [
        "lol.cos wait u.ok",
        "mr.a at 5 p.m. on rs.500",
        "a-b.co.th m.b.id t.me c.gov.my",
        "user_name@x.com ab-c.com/xy-yz_z left | right",
    ],
)
def test_full_stops_without_a_space_and_links_are_no_broken_words(text: str) -> None:
    assert canonical(text) == text


def test_a_sign_at_the_end_of_a_batch_is_read_as_in_its_midst() -> None:
    assert canonical("A0A0") == canonicalise(["A0A0", "a"]).text(0) == "aoao"


def test_what_was_undone_is_counted() -> None:
    batch = canonicalise(["plain words", "l0an f r e e\u200b"])
    assert batch.leet.tolist() == [0, 1]
    assert batch.spaced.tolist() == [0, 3]
    assert batch.invisible.tolist() == [0, 1]
    assert batch.defanged.tolist() == [0, 0]


@given(batches)
def test_any_text_has_a_canonical_form_with_single_spaces(batch: list[str]) -> None:
    found = canonicalise(batch)
    assert len(found.starts) == len(batch)
    for i in range(len(batch)):
        assert "  " not in found.text(i)
        assert not any(CLASS[ord(char)] == C.INVISIBLE for char in found.text(i))


@given(batches)
def test_a_text_is_the_same_alone_and_in_a_batch(batch: list[str]) -> None:
    found = canonicalise(batch)
    alone = [canonicalise([text]) for text in batch]
    assert [found.text(i) for i in range(len(batch))] == [one.text(0) for one in alone]
    for name in ("counts", "invisible", "spaced", "leet"):
        assert np.array_equal(getattr(found, name), np.concatenate([getattr(one, name) for one in alone]))


@given(batches)
def test_each_message_begins_with_a_mark_and_holds_no_other(batch: list[str]) -> None:
    found = canonicalise(batch)
    assert np.array_equal(np.flatnonzero(found.codes == MARK), found.starts)


@given(texts)
def test_the_source_of_a_character_grows_with_it(text: str) -> None:
    source = canonicalise([text]).source
    assert (np.diff(source) > 0).all()
    assert source[-1] <= len(plain(text))


def test_letters_with_loose_accents_count_as_their_language_writes_them() -> None:
    composed, loose = canonicalise(["điện thoại"]), canonicalise(["đie\u0302\u0323n thoa\u0323i"])
    assert composed.text(0) == loose.text(0)
    assert np.array_equal(composed.counts, loose.counts)


def test_a_few_exchanged_texts_leave_the_others_as_they_are() -> None:
    batch = ["one", "tw\u200bo", "", "ﬁve", "six"]
    found = canonicalise(batch)
    assert [found.text(i) for i in range(5)] == ["one", "two", "", "five", "six"]
    assert found.texts == ["one", "two", "", "five", "six"]
    assert found.invisible.tolist() == [0, 1, 0, 0, 0]


def test_a_letter_with_thousands_of_marks_is_read_in_no_time() -> None:
    """Normalising sorts them in quadratic time: 200 ms for one text, were they not cut first."""
    assert canonicalise(["a" + "\u0301" * 4000 + "\u0316" * 4000 + "b"]).text(0) == "ab"
