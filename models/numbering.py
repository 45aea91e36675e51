"""Who sends: the kind of a sender's address, and the calling code of a number.

Countries are compared by calling code (E.164), for that is what a number shows: +1 is one zone.
"""

import re

from models.message import SenderType
from models.reference import read_table

UNKNOWN = 0
"""Calling code of what is no international number."""

_ROWS = read_table("calling_codes.tsv")
CODE_OF_COUNTRY = {country: int(row[0]) for row in _ROWS for country in row[1].split(",")}
COUNTRY_OF_CODE = {int(row[0]): row[1].split(",")[0] for row in _ROWS}
HOURS_AHEAD = {int(row[0]): float(row[2]) for row in _ROWS if row[2]}
"""Local time against UTC by calling code, where one time holds for all of it."""

_CODES = {row[0]: int(row[0]) for row in _ROWS}
CODE_OF_START = {
    f"+{start:03}": next((_CODES[f"{start:03}"[:n]] for n in (1, 2, 3) if f"{start:03}"[:n] in _CODES), UNKNOWN) for start in range(1000)
}
"""Calling codes by the first four characters of a number."""

_SEPARATORS = str.maketrans("", "", " -().\u00a0")
_NUMBER = re.compile(r"\+?[0-9]+")


def calling_code(number: str) -> int:
    """The calling code of a number written as `+...`; UNKNOWN for all else. One dictionary look-up."""
    return CODE_OF_START.get(number[:4], UNKNOWN)


def sender_type(sender: str) -> SenderType | None:
    """What kind of address a sender is, by its form; None for the empty string."""
    if not sender:
        return None
    if sender[0] == "+" and sender[1:].isdecimal() and sender.isascii():  # most senders, without a look at the pattern
        return "msisdn"
    plain = sender.translate(_SEPARATORS)
    if _NUMBER.fullmatch(plain):
        return "msisdn" if plain[0] == "+" or len(plain) >= 9 else "shortcode"
    if "@" in sender[1:]:
        return "email"
    if sender[0] == "@" or "_" in sender:
        return "handle"
    return "alphanumeric"


def e164(number: str, home: int = UNKNOWN) -> str:
    """The number as `+` and digits; a national number gets the calling code `home`. "" for what is no phone number.

    `00` stands for `+`; one leading trunk 0 is dropped.
    """
    plain = number.translate(_SEPARATORS)
    if not _NUMBER.fullmatch(plain):
        return ""
    if plain.startswith("00"):
        plain = "+" + plain[2:]
    if plain[0] != "+":
        if not home or len(plain) < 8:
            return ""
        plain = f"+{home}{plain.removeprefix('0')}"
    return plain if 6 <= len(plain) <= 16 and calling_code(plain) else ""
