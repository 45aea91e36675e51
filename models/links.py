"""URLs of a batch: found by one linear-time pattern over all the words that may hold one, judged host by host.

A host is judged once and remembered: its registrable domain (Public Suffix List), whether it shortens links, opens a chat,
is a bare address, hides behind punycode, or carries a brand's name on a domain that is not the brand's.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import tldextract

from models.characters import SPACE
from models.reference import read_table
from models.text import CanonicalBatch, Ints

_PATTERN = re.compile(
    # Each alternative reads on without going back (possessive), and no host begins inside a word: linear in time.
    rb"(?:h(?:tt|xx)ps?:/{0,2}|www\.)[!-~]{3,}+"
    rb"|(?<![a-z0-9])(?:[a-z0-9][a-z0-9-]{0,62}+\.){1,6}[a-z][a-z0-9-]{1,23}+(?::[0-9]{2,5}+)?(?:[/?#][!-~]*+)?"
    rb"|(?<![a-z0-9])[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}(?:[:/][!-~]++)"
)
DELETE = 127  # stands for itself and all that is no ASCII
LONGEST_HOST = 253  # characters of a name in the DNS; also bounds what `judge` remembers
SHORT_NAME = 4  # characters of a domain's own label
_DOT, _AT = ord("."), ord("@")
_IN_HOST = np.isin(np.arange(128), [ord(sign) for sign in "abcdefghijklmnopqrstuvwxyz0123456789-"])
_TRAILING = b".,;:!?)]}>'\"*_"
_HOST = re.compile(r"(?:h(?:tt|xx)ps?:/{0,2})?(?:[^/@?#]*@)?([^/:?#]+)")
_PUBLIC = re.compile(r"\.(?:gov|govt|go|gob|mil)(?:\.[a-z]{2})?$")  # no schools: theirs are broken into, and host much phishing
_PATH = re.compile(r"[^/]/(?:[a-z]{1,2}/)?([a-z0-9]{4,16})/?$")
_VOWELS = re.compile("[aeiou]")
_ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}$")

_suffixes = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)  # the list inside the package; never the network
_top_level = frozenset(suffix.rsplit(".", 1)[-1] for suffix in _suffixes.tlds)
_SHORTENERS = frozenset(row[0] for row in read_table("shorteners.tsv"))
_CHATS = frozenset(row[0] for row in read_table("chats.tsv"))
_BRANDS = {row[0]: frozenset(row[1].split(",")) for row in read_table("brands.tsv")}
_LONG_BRANDS = tuple(brand for brand in _BRANDS if len(brand) >= 5)  # short ones must stand alone between - and .
_OWN = frozenset().union(*_BRANDS.values())
_ALSO_WORDS = frozenset(
    ("dana", "flash", "smart", "globe", "etc", "chase", "discover", "chime", "ally", "steam", "grab", "boc", "regions", "maya", "google")
) | {"cred", "booking"}
"""Brands whose name in a text mostly means something else, or too much."""
NAMED = frozenset(brand for brand in _BRANDS if len(brand) >= 3) - _ALSO_WORDS
"""Brands by which a text that names one can be known."""
_WORDS_OF_TRUST = re.compile(
    r"secur|verif|valid|confirm|login|logon|signin|account|update|alert|support|service|protect|unlock|restor|recover|claim|reward"
    r"|bonus|prize|gift|refund|rebate|payment|billing|invoice|wallet|wealth|redeliver|parcel|track|customs|toll|penalt|kyc"
)
_CHEAP = frozenset(row[0] for row in read_table("cheap_endings.tsv"))


@dataclass(frozen=True, slots=True)
class Host:
    """What a host name tells by itself."""

    domain: str
    """Registrable domain, or the address."""
    shortener: bool
    chat: bool
    address: bool
    lookalike: str
    """The brand whose name it carries without right, or the empty string."""
    cheap: bool
    """A top-level domain that costs next to nothing and is much abused."""
    deep: bool
    """Hyphens and levels beyond what honest hosts have: three or more."""
    digits: bool
    public: bool
    """Under a government's ending."""
    own: bool = False
    """The domain of a known brand."""
    trust: bool = False
    """With a word in it that impostors like: verify, secure, refund ...; on no brand's own domain."""
    short: bool = False
    """A name of at most four characters that nobody knows, as senders of many links have for shorteners of their own."""
    stranger: bool = False
    """Nothing of the above is known of it: no brand's own, no shortener, no chat, no government."""


@dataclass(frozen=True, slots=True)
class Links:
    """The links of a batch, in order: of which message, where in the batch's codes, written how, on which host."""

    message: Ints
    begin: Ints
    end: Ints
    url: tuple[str, ...]
    host: tuple[Host, ...]


def find(batch: CanonicalBatch) -> Links:
    """All links of a batch. A bare `word.word` counts only if its last part is a top-level domain."""
    letters, moved = _candidates(batch)
    begins, urls, hosts = [], [], []
    for match in _PATTERN.finditer(letters):
        written = match.group().rstrip(_TRAILING)
        url = written.decode("ascii")
        host = host_of(url)
        if host is not None and letters[match.start() - 1] != _AT:  # behind an @ it is an e-mail address
            begins.append(match.start())
            urls.append(url)
            hosts.append(host)
    begin = np.array(begins, dtype=np.int64)
    begin += moved[begin]
    message = np.searchsorted(batch.starts, begin, side="right") - 1
    end = begin + np.fromiter(map(len, urls), np.int64, len(urls))
    return Links(message, begin, end, tuple(urls), tuple(hosts))


def is_token(url: str) -> bool:
    """Whether the path of a link is one word that no person would choose: `evil.com/x7Qk2a`."""
    path = _PATH.search(url)
    if not path:
        return False
    word = path[1]
    digits = sum(map(str.isdigit, word))
    return 0 < digits < len(word) or 4 * len(_VOWELS.findall(word)) < len(word)


def _candidates(batch: CanonicalBatch) -> tuple[bytes, Ints]:
    """The words that may hold a link, and how far each of their characters stood further on in the batch.

    A word is a run of visible ASCII signs; without a dot between two letters or digits it holds no host. Most texts have no
    such word, and the pattern costs more than all else that is done to find it.
    """
    ascii_codes = np.minimum(batch.codes, DELETE).astype(np.uint8)
    dots = np.flatnonzero(ascii_codes[1:-1] == _DOT) + 1
    dots = dots[_IN_HOST.take(ascii_codes[dots - 1]) & _IN_HOST.take(ascii_codes[dots + 1])]
    breaks = np.append(np.flatnonzero((ascii_codes <= SPACE) | (ascii_codes == DELETE)), len(ascii_codes))  # the first code is a MARK
    words = np.unique(np.searchsorted(breaks, dots))
    begins, ends = breaks[words - 1], breaks[words]
    lengths = ends - begins
    moved = np.repeat(begins - (np.cumsum(lengths) - lengths), lengths)
    return ascii_codes.take(np.arange(len(moved)) + moved).tobytes(), moved


def host_of(url: str) -> Host | None:
    """The judged host of a URL in canonical text, with or without scheme; None where there is no real host."""
    match = _HOST.match(url)
    return judge(match.group(1)) if match and len(match.group(1)) <= LONGEST_HOST else None


@lru_cache(maxsize=65_536)
def judge(name: str) -> Host | None:
    """Judge a host name (lower case); None if its last part is no top-level domain and it is no address."""
    if _ADDRESS.match(name):
        return Host(name, False, False, True, "", False, False, False, False)
    ending = name.rsplit(".", 1)[-1]
    if "." not in name or ending not in _top_level:
        return None
    parts = _suffixes(name)
    domain = parts.top_domain_under_public_suffix or name
    chat = domain in _CHATS or name in _CHATS
    shortener = domain in _SHORTENERS or name in _SHORTENERS
    public = bool(_PUBLIC.search(name))
    labels = name[: -len(parts.suffix) - 1]
    brand = "" if chat or shortener or public else _impersonated(labels, domain)
    deep = name.count("-") + name.count(".") >= 3 and not public
    own = domain in _OWN and not chat and not shortener
    unknown = not (own or chat or shortener or public)
    trust = unknown and bool(_WORDS_OF_TRUST.search(labels))
    short = unknown and len(parts.domain) <= SHORT_NAME
    digits = any(map(str.isdigit, labels))
    return Host(domain, shortener, chat, False, brand, ending in _CHEAP, deep, digits, public, own, trust, short, unknown and not short)


def _impersonated(labels: str, domain: str) -> str:
    """The brand that the labels of a host name, though its domain is not the brand's own."""
    words = re.split(r"[-.]", labels)
    whole = labels.replace("-", "")
    for brand in (*(word for word in words if word in _BRANDS), *(brand for brand in _LONG_BRANDS if brand in whole)):
        if domain not in _BRANDS[brand]:
            return brand
    return ""
