"""The signals of the catalogue, measured for a whole batch at once.

Those of the text come from whole-array arithmetic on the canonical batch; those of the metadata are 0 where a field is missing, so
that a missing field speaks neither for nor against.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC
from functools import lru_cache
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from models import links
from models.catalogue import CATALOGUE, INDEX
from models.characters import LATIN, SPACE, Bools, C, among, between
from models.links import Links
from models.message import Channel, Message, Origin, SenderType, Timestamp
from models.message import Route as Way
from models.numbering import CODE_OF_COUNTRY, CODE_OF_START, HOURS_AHEAD, UNKNOWN, sender_type
from models.text import CanonicalBatch, Ints

Route = tuple[SenderType | None, int, int, str | None, Way | None, Channel | None]
"""Kind of sender, calling codes of sender and recipient, country and way into the network, channel."""

Column = NDArray[np.float32]

FEATURE_SET = "char-ngrams-v4+signals-v3"
"""Names the code of this package that makes features; a model made for another one is refused."""

_NOWHERE = Origin()
_BRANDS = frozenset(brand.encode("ascii") for brand in links.NAMED)
_WORDS = bytes(sign if sign in b"abcdefghijklmnopqrstuvwxyz0123456789" else SPACE for sign in range(256))
"""Leaves of a text its words in Latin letters and digits."""
_MARGIN_CODES, _MARGIN_CLASSES = np.full(4, SPACE, np.uint32), np.full(4, C.SPACE, np.uint8)  # lets a look behind the end find nothing
_NUMBER_JOINER = np.isin(np.arange(128), [ord(sign) for sign in " .,-()"])
_AFTER_AMOUNT = {ord(sign) for sign in "元块円원đ€k"} | {ord(char) for char in "บ฿万萬億亿塊"}


def measure(messages: Sequence[Message], batch: CanonicalBatch, found: Links | None = None) -> NDArray[np.float32]:
    """All signals of a batch: (N, len(CATALOGUE)), each from 0 to 1 and finite on any text.

    `found` are the links of the batch, where they are known already.
    """
    table = np.zeros((len(CATALOGUE), len(messages)), dtype=np.float32)
    routes, route = _routes(messages)
    recipients = np.array([recipient for _, _, recipient, *_ in routes], dtype=np.int32)[route]
    _measure_links(table, batch, links.find(batch) if found is None else found)
    _measure_numbers(table, batch, recipients)
    _measure_form(table, batch)
    table[_ROUTE_SIGNALS] = np.array([_of_route(known) for known in routes], dtype=np.float32).T[:, route]
    hours = _local_hours([message.sent_at for message in messages], recipients)
    table[INDEX["hour_night"]] = (hours >= 23) | (hours < 6)
    table[INDEX["hour_office"]] = (hours >= 9) & (hours < 18)
    _measure_pairs(table)
    return table.T


def _measure_links(table: Column, batch: CanonicalBatch, found: Links) -> None:
    """Signals of the links."""
    if not found.url:
        return
    message, hosts = found.message, found.host
    tokens, strangers = [links.is_token(url) for url in found.url], [host.stranger for host in hosts]
    count = np.bincount(message, minlength=len(batch.texts))
    table[INDEX["link"]], table[INDEX["links_many"]] = count > 0, count > 1
    for name, told in (
        ("link_shortener", [host.shortener for host in hosts]),
        ("link_chat", [host.chat for host in hosts]),
        ("link_lookalike", [bool(host.lookalike) for host in hosts]),
        ("link_cheap_domain", [host.cheap for host in hosts]),
        ("link_deep_host", [host.deep for host in hosts]),
        ("link_address", [host.address for host in hosts]),
        ("link_digits", [host.digits for host in hosts]),
        ("link_public", [host.public for host in hosts]),
        ("link_own", [host.own for host in hosts]),
        ("link_trust_word", [host.trust for host in hosts]),
        ("link_path", ["/" in url.split("//")[-1] for url in found.url]),
        ("link_token", tokens),
        ("link_short_host", [host.short for host in hosts]),
        ("link_stranger", strangers),
        ("link_token_stranger", [token and stranger for token, stranger in zip(tokens, strangers, strict=True)]),
    ):
        table[INDEX[name], message[np.array(told, dtype=np.bool_)]] = 1
    for i in np.unique(message[np.array(strangers, dtype=np.bool_)]).tolist():
        words = batch.texts[i].lower().encode("ascii", "replace").translate(_WORDS).split()
        table[INDEX["brand_and_stranger"], i] = not _BRANDS.isdisjoint(words)


def _measure_numbers(table: Column, batch: CanonicalBatch, recipients: NDArray[np.int32]) -> None:
    """Signals of the numbers: runs of digits, with single separators inside."""
    codes, classes = np.append(batch.codes, _MARGIN_CODES), np.append(batch.classes, _MARGIN_CLASSES)
    digit = between(classes, C.DIGIT, C.STYLED_DIGIT)
    begins, ends = _runs(_joined(codes, digit))
    if not len(begins):
        return
    digits = np.add.reduceat(digit, np.stack([begins, ends], axis=1).ravel(), dtype=np.int64)[::2]
    message = np.searchsorted(batch.starts, begins, side="right") - 1
    plus = codes[begins - 1] == ord("+")
    money = _beside_currency(codes, classes, begins, ends)
    bare = ends - begins == digits  # no separators inside
    phone = ~money & ((digits >= 9) & (digits <= 13) | plus & (digits >= 8) & (digits <= 15))
    table[INDEX["phone"], message[phone]] = 1
    for i in np.flatnonzero(phone & plus & (recipients[message] > 0)).tolist():
        start = codes[begins[i] : begins[i] + 3].astype(np.uint8).tobytes().decode("ascii", "replace")
        if not start.startswith(str(recipients[message[i]])):
            table[INDEX["phone_foreign"], message[i]] = 1
    table[INDEX["amount"], message[money]] = 1
    table[INDEX["amount_large"], message[money & (digits >= 6)]] = 1
    table[INDEX["code"], message[bare & ~money & ~plus & (digits >= 4) & (digits <= 8)]] = 1
    table[INDEX["long_number"], message[~money & ~plus & (digits >= 14) & (digits <= 19)]] = 1
    table[INDEX["percent"], message[codes[ends] == ord("%")]] = 1


def _joined(codes: NDArray[np.uint32], digit: Bools) -> Bools:
    """Digits, and single joiners that stand between two digits."""
    places = np.flatnonzero(digit[:-2] & ~digit[1:-1] & digit[2:]) + 1
    places = places[_NUMBER_JOINER.take(codes[places], mode="clip") & (codes[places] < 128)]
    joined = digit.copy()
    joined[places] = True
    return joined


def _runs(flags: Bools) -> tuple[Ints, Ints]:
    """Where runs of True begin and end (one past); the first and last flags are False."""
    edges = np.flatnonzero(flags[1:] != flags[:-1]) + 1
    return edges[::2], edges[1::2]


def _beside_currency(codes: NDArray[np.uint32], classes: NDArray[np.uint8], begins: Ints, ends: Ints) -> Bools:
    """Which numbers have a currency's sign or name before or after them, at most one space away."""
    before = begins - 1 - (codes[begins - 1] == SPACE)
    before -= codes[before] == ord(".")
    after = ends + (codes[ends] == SPACE)
    money: Bools = (classes[before] == C.CURRENCY) | (classes[after] == C.CURRENCY) | among(codes[after], _AFTER)
    pair_before = codes[np.maximum(before - 1, 0)].astype(np.uint64) << np.uint64(32) | codes[before]
    pair_after = codes[after].astype(np.uint64) << np.uint64(32) | codes[after + 1]
    money |= among(pair_before, _PAIRS_BEFORE) | among(pair_after, _PAIRS_AFTER)
    return money


def _pairs(words: Sequence[str]) -> NDArray[np.uint64]:
    """Pairs of letters as one number each, rising."""
    return np.array(sorted(ord(word[0]) << 32 | ord(word[1]) for word in words), dtype=np.uint64)


_AFTER = np.array(sorted(_AFTER_AMOUNT), dtype=np.uint32)
_PAIRS_BEFORE = _pairs(["rm", "rp", "rs", "hp", "sd", "nd", "gd", "yr", "dr", "hb", "nr", "kd", "dt", "s$", "ip", "mk"])
_PAIRS_AFTER = _pairs(
    [
        "rm",
        "rp",
        "rs",
        "ph",
        "us",
        "vn",
        "sg",
        "my",
        "id",
        "th",
        "in",
        "hk",
        "tr",
        "dg",
        "dp",
        "pe",
        "rb",
        "ri",
        "ju",
        "jt",
        "ກີ",
        "រៀ",
        "ကျ",
        "ks",
        "kp",
    ]
)


def _measure_form(table: Column, batch: CanonicalBatch) -> None:
    """Signals of the form of the text and of what was undone in it."""
    counts = batch.counts
    length = counts.sum(axis=1) - 1
    whole = np.maximum(length, 1)
    latin = counts[:, LATIN].sum(axis=1)
    others = counts[:, C.HAN : C.INDIC + 1].sum(axis=1)
    table[INDEX["digits"]] = counts[:, C.DIGIT : C.STYLED_DIGIT + 1].sum(axis=1) / whole
    table[INDEX["capitals"]] = np.where(latin >= 8, counts[:, C.UPPER] / np.maximum(latin, 1), 0)
    table[INDEX["shouting"]] = np.minimum(counts[:, C.SHOUT] / 4, 1)
    table[INDEX["emoji"]] = np.minimum(counts[:, C.EMOJI] / 4, 1)
    table[INDEX["length"]] = np.clip(np.log(whole / 40) / 6, 0, 1)  # 0 for the usual short ones, lest it be a reason for everything
    table[INDEX["very_short"]] = length < 20
    table[INDEX["scripts_mixed"]] = np.minimum(latin, others) / whole
    first = batch.codes.take(batch.starts + 1, mode="clip")
    table[INDEX["bracketed_name"]] = among(first, _BRACKETS)
    table[INDEX["undone_invisible"]] = np.minimum(np.where(latin + counts[:, C.HAN] > 0, batch.invisible, 0) / 3, 1)
    table[INDEX["undone_lookalike"]] = np.minimum(np.minimum(counts[:, C.LOOKALIKE], counts[:, C.LOWER] + counts[:, C.UPPER]) / 3, 1)
    table[INDEX["undone_styled"]] = np.minimum((counts[:, C.STYLED] + counts[:, C.WIDE] + counts[:, C.STYLED_DIGIT]) / 6, 1)
    table[INDEX["undone_spaced"]] = np.minimum(batch.spaced / 4, 1)
    table[INDEX["undone_link"]] = np.minimum(batch.defanged, 1)
    table[INDEX["undone_leet"]] = np.minimum(batch.leet / 2, 1)


_BRACKETS = np.array(sorted(ord(sign) for sign in "[(<「『《"), dtype=np.uint32)


def _routes(messages: Sequence[Message]) -> tuple[list[Route], NDArray[np.intp]]:
    """The different routes of a batch, and the number of each message's (N): a batch has far fewer of them than messages."""
    code = CODE_OF_START.get
    routes: list[Route] = [
        (m.sender_type or sender_type(m.sender), code(m.sender[:4], UNKNOWN), code(m.recipient[:4], UNKNOWN), o.country, o.route, m.channel)
        for m in messages
        for o in (m.origin or _NOWHERE,)
    ]
    numbers = {route: i for i, route in enumerate(dict.fromkeys(routes))}
    return list(numbers), np.fromiter(map(numbers.__getitem__, routes), np.intp, len(routes))


@lru_cache(maxsize=65_536)
def _of_route(route: Route) -> tuple[bool, ...]:
    """Signals of a route, in the order of _ROUTE_SIGNALS."""
    kind, sender, recipient, country, way, channel = route
    home = CODE_OF_COUNTRY.get(country or "", UNKNOWN)
    known = sender > 0 and recipient > 0
    return (
        *(kind == name for name in get_args(SenderType)),
        *(way == name for name in get_args(Way)),
        known and sender != recipient,
        known and sender == recipient,
        home > 0 and recipient > 0 and home != recipient,
        channel == "chat",
    )


_ROUTE_SIGNALS = [
    *(INDEX[f"sender_{name}"] for name in get_args(SenderType)),
    *(INDEX[f"route_{name}"] for name in get_args(Way)),
    *(INDEX[name] for name in ("sender_foreign", "sender_domestic", "origin_foreign", "channel_chat")),
]


def _local_hours(sent_at: Iterable[Timestamp], recipients: NDArray[np.int32]) -> NDArray[np.float64]:
    """The recipient's hour of day when each message was sent, with its fraction; NaN where it cannot be known.

    A time with an offset of its own is local already; UTC and epoch milliseconds are moved to the recipient's country.
    """
    # Negative: local hours. Positive: milliseconds UTC, of which only the time of day matters. 0: not known.
    told = np.array(
        [t if isinstance(t, int) else -1 - t.hour if t.tzinfo is not UTC else (t.hour * 60 + t.minute) * 60_000 + 1 for t in sent_at], float
    )
    there = (told / 3_600_000 + _AHEAD.take(recipients)) % 24
    return np.where(told < 0, -1 - told, np.where(told > 0, there, np.nan))


_AHEAD = np.full(1000, np.nan)
_AHEAD[list(HOURS_AHEAD)] = list(HOURS_AHEAD.values())


def _measure_pairs(table: Column) -> None:
    """Pairs whose meaning is more than the sum of the two."""
    link, amount = table[INDEX["link"]], table[INDEX["amount"]]
    abroad = np.maximum(np.maximum(table[INDEX["sender_foreign"]], table[INDEX["origin_foreign"]]), table[INDEX["route_international"]])
    name, number = table[INDEX["sender_alphanumeric"]], table[INDEX["sender_msisdn"]]
    table[INDEX["link_and_amount"]] = link * amount
    table[INDEX["link_and_phone_sender"]] = link * number
    table[INDEX["link_and_foreign"]] = link * abroad
    table[INDEX["chat_link_and_amount"]] = table[INDEX["link_chat"]] * amount
    table[INDEX["name_and_international"]] = name * table[INDEX["route_international"]]
    table[INDEX["name_and_a2p"]] = name * table[INDEX["route_a2p"]]
    table[INDEX["brand_sign_and_phone_sender"]] = table[INDEX["bracketed_name"]] * number
    table[INDEX["code_without_link"]] = table[INDEX["code"]] * (1 - link)
