"""Pseudonyms and masking: an alert shows what identifies a scammer, not what identifies a victim.

A recipient becomes a keyed pseudonym: HMAC-SHA-256 of the E.164 number (a plain hash of a phone number is undone by counting).
In the text, long runs of digits become #; links, and phone numbers that the text gives as contacts, stay: they are the evidence.
"""

import hmac
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from models.numbering import calling_code, e164
from stream.errors import SettingsError
from stream.wire import Indicators

LEAST_KEY_BYTES = 16
LONG_RUN = 6  # digits from which on a number may be an account, a card, an identity; shorter ones are amounts and dates

_BETWEEN = "[ .\\-\u00a0\u202f\u2010-\u2015\u200b-\u200d\u2060\ufeff]"  # what people, and those who hide, write between digits
_SEPARATORS = re.compile(_BETWEEN)
_RUN = re.compile(rf"\+?\d(?:{_BETWEEN}{{0,2}}\d)+")
_LONG = re.compile(rf"\d(?:{_BETWEEN}{{0,2}}\d){{{LONG_RUN - 1}}}")
_PHONE = re.compile(r"(?:\+|00|0)\d{7,14}")
_HANDLE = re.compile(r"(?<![\w.@/])@[A-Za-z0-9_]{3,32}\b")
_CHAT = re.compile(r"(?:t\.me|telegram\.me|wa\.me|line\.me|zalo\.me|m\.me)/[\w@+~./-]+", re.IGNORECASE)
_URL = re.compile(
    # In ASCII only: scripts without spaces go on right behind a link. Possessive, and from the beginning of a host: linear in time.
    r"(?:https?://|www\.)[!-~]+|(?<![a-z0-9.-])[a-z0-9-]++(?:\.[a-z0-9-]++)+(?<=[a-z][a-z])/[!-~]+",
    re.IGNORECASE,
)


def read_key(path: str) -> bytes:
    """The key of a file, white space at its ends left out. Raises SettingsError if it is missing or too short."""
    if not path:
        raise SettingsError(
            "SCAMSIEVE_PSEUDONYM_KEY_FILE is not set: recipients' numbers leave only as keyed pseudonyms, so a worker needs a key. "
            "Make one: head -c 32 /dev/urandom | base64 > pseudonym.key"
        )
    try:
        key = Path(path).read_bytes().strip()
    except OSError as error:
        raise SettingsError(f"SCAMSIEVE_PSEUDONYM_KEY_FILE={path} cannot be read: {error.strerror}") from None
    if len(key) < LEAST_KEY_BYTES:
        raise SettingsError(f"SCAMSIEVE_PSEUDONYM_KEY_FILE={path} holds {len(key)} bytes; at least {LEAST_KEY_BYTES} are needed")
    return key


def pseudonym(number: str, key: bytes) -> str:
    """The same short name for the same number under the same key; "" for the empty string.

    What is no phone number (a chat account, an e-mail address) is taken as it is, case folded.
    """
    if not number:
        return ""
    plain = e164(number) or number.casefold()
    return "p_" + hmac.digest(key, plain.encode("utf-8", "surrogatepass"), "sha256").hex()[:32]


def phones(text: str, sender: str, recipient: str) -> list[str]:
    """Phone numbers that a text gives as contacts, E.164 where the country is known; never the recipient's own.

    A run of digits counts if it begins like a number one dials: +, 00 or 0.
    """
    home = calling_code(recipient) or calling_code(sender)
    own = e164(recipient)
    found = []
    for run in _RUN.findall(text):
        plain = _SEPARATORS.sub("", run)
        if _PHONE.fullmatch(plain):
            number = e164(plain, home) or plain
            if number != own and number not in found:
                found.append(number)
    return found


def handles(text: str, sender: str) -> list[str]:
    """Chat accounts named in a text, and the sender's own where it is one."""
    found = _HANDLE.findall(text) if "@" in text else []
    if "/" in text:
        found += [match.rstrip("./") for match in _CHAT.findall(text)]
    if sender.startswith("@"):
        found.append(sender)
    return list(dict.fromkeys(found))


def indicators(text: str, sender: str, recipient: str, links: Sequence[tuple[str, str]]) -> Indicators:
    """What others can look for, each once, in the order of the text; `links` are URLs with their domains."""
    return Indicators(
        urls=list(dict.fromkeys(url for url, _ in links)),
        domains=list(dict.fromkeys(domain for _, domain in links)),
        phones=phones(text, sender, recipient),
        handles=handles(text, sender),
    )


def masker(how: Literal["masked", "full", "none"]) -> Callable[[str, str, str], str | None]:
    """A function of (text, sender, recipient) that shows a text in the way that the setting asks for."""
    if how == "masked":
        return mask
    return (lambda text, _sender, _recipient: text) if how == "full" else (lambda _text, _sender, _recipient: None)


def mask(text: str, sender: str, recipient: str) -> str:
    """The text with # for each digit of long numbers, but for links and for contacts (see `phones`)."""
    if not _LONG.search(text):
        return text
    own = e164(recipient)
    home = calling_code(recipient) or calling_code(sender)

    def hide(match: re.Match[str]) -> str:
        run = match.group()
        plain = _SEPARATORS.sub("", run)
        contact = _PHONE.fullmatch(plain) and (e164(plain, home) or plain) != own
        return run if contact or sum(map(str.isdigit, plain)) < LONG_RUN else re.sub(r"\d", "#", run)

    parts, last = [], 0
    for url in _URL.finditer(text):
        parts += [_RUN.sub(hide, text[last : url.start()]), url.group()]
        last = url.end()
    return "".join([*parts, _RUN.sub(hide, text[last:])])
