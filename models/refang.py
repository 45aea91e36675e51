"""Links that were taken apart so that filters miss them ("defanged"), written as links again.

`evil dot com`, `evil (.) com`, `bit. ly/x9`, `evil,com`, `evil点com`, `evil จุดคอม`. Whole-array look-ups name the few messages that may
hold such a link; a pattern rewrites those one by one. A full stop that only lacks its space, or has one too many, is left alone.
"""

import re

import numpy as np
from numpy.typing import NDArray

from models.characters import FOLD, MARK, SPACE, Bools, Codes, among
from models.reference import read_table

_NEVER_WORDS = "com|xyz|cc|cn|vn|icu|vip|cyou|sbs|cfd|biz|bid|org"
"""Endings that mean nothing else behind a full stop and a space; of the others (net, top, in, my) a path must follow."""
_SELDOM_BEGIN = "info|top|live|online|site|club|shop|store|link|click|buzz|bond|casino|loan|bet"
"""Endings that are words as well, but which hardly ever stand right behind a full stop with a space before it and a longer word."""
_SPELT, _SPELT_BEFORE_ENDINGS = ("dot", "d0t"), ("punto ", "titik ", "cham ")
"""What stands for a dot in words: alone where it is rare, else before an ending that means nothing else."""
_HIDDEN_SCHEMES = ("hxxp", "h**p", "h*tp", "ht*p")
_POINT, _JUT, _COM = ord("点"), "จุด", "คอม"
_ENDINGS = "|".join(sorted((row[0] for row in read_table("cheap_endings.tsv")), key=len, reverse=True)) + (
    "|com|net|org|info|biz|co|me|ly|io|gg|to|in|id|my|ph|vn|th|cn|kh|la|mm|sg|hk|tw|us|uk|app|shop|link|live"
)
_WIDE_DOT, _HALF_WIDTH_DOT = "。｡"
_OPEN, _SHUT, _LOOSE = r"[ \[(<{]", r"[ \])>}]", rf"(?: [.{_WIDE_DOT}] ?|\. |, ?|{_WIDE_DOT} ?)"
_PATTERN = re.compile(
    rf"(?<=[a-z0-9])(?:{_OPEN}+(?:dot|d0t|punto|titik|cham){_SHUT}+|{_OPEN}*(?:点|{_JUT}){_SHUT}*)(?=(?P<spelt>{_ENDINGS}|{_COM})(?![a-z]))"
    rf"|(?<=[a-z0-9])(?: ?[\[(<{{] ?\. ?[\])>}}] ?|{_LOOSE}(?=(?:{_NEVER_WORDS})(?![a-z.,]))|{_LOOSE}(?=(?:{_ENDINGS})/[a-z0-9]))"
    rf"|(?<=[a-z0-9-]{{6}}) \.(?=(?:{_SELDOM_BEGIN})(?![a-z.,]))"
    r"|(?P<scheme>(?<![a-z0-9])h(?:xx|\*\*|\*t|t\*)ps?(?=://))"
)


def _keys(endings: str, after: str) -> NDArray[np.uint32]:
    """The first three characters of endings, of shorter ones with what may stand after them, as one number each."""
    beginnings = (f"{ending}{sign}"[:3] for ending in endings.split("|") for sign in after or ("",))
    return np.array(sorted({int.from_bytes(three.encode("ascii"), "little") for three in beginnings}), dtype=np.uint32)


_ALONE, _TIGHT, _WITH_PATH = _keys(_NEVER_WORDS, "/ ,.\2"), _keys(_SELDOM_BEGIN, ""), _keys(_ENDINGS, "/")
_LONGEST_ENDING = 12  # and its slash
_HOST = re.compile(r"[a-z0-9.-]+$")
_SCHEME = "http://"
"""Goes before a link that was hidden: it is meant as one, and plain links mostly have it. Whoever leaves it out hides nothing by that."""
ASCII = 127
_OPENING, _SHUTTING = (np.isin(np.arange(128), [ord(sign) for sign in signs]) for signs in ("[({<", "])}>"))


def suspects(raw: Codes, codes: Codes, starts: NDArray[np.int64]) -> list[int]:
    """The numbers of the messages of a batch that may hold a link taken apart, rising; few are wrongly named.

    `raw` are its code points, `codes` what they fold to.
    """
    ascii_codes = np.minimum(codes, ASCII).astype(np.uint8)
    places = [_spelt_out(ascii_codes), _foreign(codes), _apart(ascii_codes, _wide_dots(raw))]
    found: list[int] = np.unique(np.searchsorted(starts, np.concatenate(places), side="right") - 1).tolist()
    return found


def _spelt_out(ascii_codes: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Where a word for a dot stands, or a scheme with letters hidden."""
    common = np.concatenate([_written(word, ascii_codes) + len(word) for word in _SPELT_BEFORE_ENDINGS])
    padded = np.append(ascii_codes, np.full(3, MARK, np.uint8))
    return np.concatenate(
        [*(_written(word, ascii_codes) for word in (*_SPELT, *_HIDDEN_SCHEMES)), common[among(_keys_at(padded, common), _ALONE)] - 1]
    )


def _written(word: str, ascii_codes: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Where the word is written: a comparison of the whole array for each of its letters, which beats looking for it place by place."""
    places = max(len(ascii_codes) - len(word) + 1, 0)
    same = np.ones(places, np.bool_)
    for by, letter in enumerate(word.encode("ascii")):
        same &= ascii_codes[by : places + by] == letter
    return np.flatnonzero(same)


def _foreign(codes: Codes) -> NDArray[np.int64]:
    """Where a Chinese or Thai word for a dot stands before a Latin letter or `คอม`."""
    point = np.flatnonzero(codes[:-2] == _POINT)
    jut = np.flatnonzero(codes[:-4] == ord(_JUT[0]))
    jut = jut[(codes[jut + 1] == ord(_JUT[1])) & (codes[jut + 2] == ord(_JUT[2]))]
    ends = np.concatenate([point, jut + 2])
    after = codes[ends + 1 + (codes[ends + 1] == SPACE)]
    before_ending = ((after >= ord("a")) & (after <= ord("z"))) | (after == ord(_COM[0]))
    return np.asarray(ends[before_ending], dtype=np.int64)


def _apart(ascii_codes: NDArray[np.uint8], wide: Bools) -> NDArray[np.int64]:
    """Where a full stop with a space or a bracket beside it or of another width, or a comma, stands before what may be an ending."""
    padded = np.append(ascii_codes, np.full(6, MARK, np.uint8))
    places = np.flatnonzero((ascii_codes[1:] == ord(".")) | (ascii_codes[1:] == ord(","))) + 1
    after, before = padded[places + 1], padded[places - 1]
    bracketed = places[_SHUTTING.take(after) | (_OPENING.take(before) & (after == SPACE))]
    loose = (after == SPACE) | (before == SPACE) | (padded[places] == ord(",")) | wide[places]
    tight = ((before == SPACE) & (after != SPACE))[loose]
    places, first = places[loose], (places + 1 + (after == SPACE))[loose]
    key = _keys_at(padded, first)
    pathless, pathful = among(key, _ALONE) | (tight & among(key, _TIGHT)), np.flatnonzero(among(key, _WITH_PATH))
    ahead = padded.take(first[pathful, None] + np.arange(2, _LONGEST_ENDING), mode="clip")
    pathful = pathful[(ahead == ord("/")).any(axis=1)]
    return np.concatenate([bracketed, places[pathless], places[pathful]])


def _keys_at(padded: NDArray[np.uint8], first: NDArray[np.int64]) -> NDArray[np.uint32]:
    """What is written at these places, as `_keys` writes it."""
    one, two, three = (padded[first + by].astype(np.uint32) for by in range(3))
    key: NDArray[np.uint32] = one | two << np.uint32(8) | three << np.uint32(16)
    return key


def refang(text: str) -> tuple[str, int]:
    """The text with its links written as links, `http://` before them, and how many of their dots and schemes were hidden."""
    raw = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    codes = FOLD.take(raw)
    codes[_wide_dots(raw)] = ord(_WIDE_DOT)
    folded = codes.tobytes().decode("utf-32-le", "replace")  # one character for each of the text
    pieces, done, undone = [], 0, 0
    for match in _PATTERN.finditer(folded):
        if match["scheme"]:
            pieces += [text[done : match.start()], "http"]
            done, undone = match.end(), undone + 1
            continue
        host = _HOST.search(folded, done, match.start())
        begin = host.start() if host else match.start()
        same_host = undone > 0 and begin == done
        schemed = same_host or folded.endswith("://", 0, begin)
        pieces += [text[done:begin], "" if schemed else _SCHEME, text[begin : match.start()], "."]
        done, undone = match.end(), undone + 1
        if match["spelt"] == _COM:
            pieces.append("com")
            done += len(_COM)
    return "".join([*pieces, text[done:]]), undone


def _wide_dots(raw: Codes) -> Bools:
    """Chinese full stops, which end sentences, not labels of hosts."""
    wide: Bools = (raw == ord(_WIDE_DOT)) | (raw == ord(_HALF_WIDTH_DOT))
    return wide
