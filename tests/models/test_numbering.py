import pytest

from models.numbering import calling_code, e164, sender_type


@pytest.mark.parametrize(
    ("number", "code"), [("+66812345678", 66), ("+85512345678", 855), ("+12025550100", 1), ("0812345678", 0), ("DBS", 0), ("", 0), ("+", 0)]
)
def test_calling_code(number: str, code: int) -> None:
    assert calling_code(number) == code


@pytest.mark.parametrize(
    ("sender", "kind"),
    [
        ("+66 81-234-5678", "msisdn"),
        ("0812345678", "msisdn"),
        ("4567", "shortcode"),
        ("DBS", "alphanumeric"),
        ("K PLUS", "alphanumeric"),
        ("a@b.com", "email"),
        ("@joe", "handle"),
        ("joe_88", "handle"),
        ("", None),
    ],
)
def test_sender_type_by_form(sender: str, kind: str | None) -> None:
    assert sender_type(sender) == kind


@pytest.mark.parametrize(
    ("number", "home", "found"),
    [
        ("+66 81 234 5678", 0, "+66812345678"),
        ("0066812345678", 0, "+66812345678"),
        ("081-234-5678", 66, "+66812345678"),
        ("081-234-5678", 0, ""),
        ("DBS", 66, ""),
        ("4567", 66, ""),
        ("+999123456", 0, ""),
    ],
)
def test_e164(number: str, home: int, found: str) -> None:
    assert e164(number, home) == found
