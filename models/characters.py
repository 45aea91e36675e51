"""What each code point is: the tables that fold it to one canonical code and give it a class, and what no table can do.

Joiners (ZWJ, ZWNJ) and marks of Thai, Lao, Khmer, Burmese and the scripts of India are parts of letters there and stay.
"""

import re
import unicodedata
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.reference import read_table

Codes = NDArray[np.uint32]
Bools = NDArray[np.bool_]

MARK = 2  # stands before each message, so that n-grams see where a text begins; no folded text holds it
SPACE = 32


class C(IntEnum):
    """Classes of characters, in an order that lets one comparison ask for a whole family."""

    OTHER = 0
    LOWER = 1  # a-z                                                    LATIN: 1 to 7
    UPPER = 2  # A-Z
    ACCENTED = 3  # Latin with accents
    VIETNAMESE = 4  # Latin letters that only Vietnamese uses
    WIDE = 5  # full-width forms
    STYLED = 6  # mathematical, circled, squared letters
    LOOKALIKE = 7  # Cyrillic, Greek ... letters that look Latin
    HAN = 8  #                                                          letters that may stand alone: 1 to 8
    KANA_HANGUL = 9
    ALPHABET = 10  # other alphabets: Cyrillic, Greek, Arabic ...       scripts with joiners: 10 to 16
    THAI = 11
    LAO = 12
    KHMER = 13
    MYANMAR = 14
    INDIC = 15
    EMOJI = 16
    DIGIT = 17  #                                                       parts of words: 1 to 19; digits: 17 to 19
    FOREIGN_DIGIT = 18
    STYLED_DIGIT = 19  # full-width, circled, mathematical
    SPACE = 20
    CURRENCY = 21
    SHOUT = 22  # ! ?
    DOT = 23
    NUMBER_JOIN = 24  # , -
    URL_SIGN = 25  # : / @ _ % & = # + ~
    MARK = 26
    EXPANDS = 27  # one code point to many                              what `plain` takes out: from 27 on
    INVISIBLE = 28
    JOINER = 29
    ACCENT = 30  # combining accents of Latin


CLASSES = len(C)
LATIN = slice(C.LOWER, C.LOOKALIKE + 1)
"""The columns of Latin letters in counts of classes."""

_RANGES: tuple[tuple[int, int, C], ...] = (
    (0x0370, 0x058F, C.ALPHABET),
    (0x0590, 0x08FF, C.ALPHABET),
    (0x0900, 0x0DFF, C.INDIC),
    (0x0E00, 0x0E7F, C.THAI),
    (0x0E80, 0x0EFF, C.LAO),
    (0x1000, 0x109F, C.MYANMAR),
    (0x10A0, 0x10FF, C.ALPHABET),
    (0x1100, 0x11FF, C.KANA_HANGUL),
    (0x1200, 0x13FF, C.ALPHABET),
    (0x1780, 0x17FF, C.KHMER),
    (0x19E0, 0x19FF, C.KHMER),
    (0x2190, 0x21FF, C.EMOJI),
    (0x2300, 0x23FF, C.EMOJI),
    (0x2500, 0x27BF, C.EMOJI),
    (0x2B00, 0x2BFF, C.EMOJI),
    (0x2E80, 0x2FDF, C.HAN),
    (0x3040, 0x30FF, C.KANA_HANGUL),
    (0x3400, 0x9FFF, C.HAN),
    (0xA9E0, 0xA9FF, C.MYANMAR),
    (0xAA60, 0xAA7F, C.MYANMAR),
    (0xAC00, 0xD7A3, C.KANA_HANGUL),
    (0xF900, 0xFAFF, C.HAN),
    (0x1F000, 0x1FAFF, C.EMOJI),
    (0x20000, 0x3FFFF, C.HAN),
)
_INVISIBLE = (
    "\u20e3"
    + "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2060\u2061\u2062\u2063\u2064\u3164\ufeff\uffa0"
    + "".join(map(chr, [*range(0x202A, 0x202F), *range(0x2066, 0x2070), *range(0xFE00, 0xFE10), *range(0xE0000, 0xE0200)]))
)
_VIETNAMESE = "ăắằẳẵặấầẩẫậđếềểễệơớờởỡợốồổỗộưứừửữựạảẹẻẽỉịĩọỏụủũỳỵỷỹ"
_SIGNS = {
    **dict.fromkeys(map(ord, "!?！？"), C.SHOUT),
    **dict.fromkeys(map(ord, ".。．"), C.DOT),
    **dict.fromkeys(map(ord, ",-，、‐‑–"), C.NUMBER_JOIN),
    **dict.fromkeys(map(ord, ":/@_%&=#+~：／＠＿％＆＝＃＋"), C.URL_SIGN),
}
_SAME_SIGN = {
    "。": ".",
    "、": ",",
    "‐": "-",
    "‑": "-",
    "–": "-",
    "—": "-",
    "’": "'",
    "‘": "'",
    "“": '"',
    "”": '"',
    "【": "[",
    "】": "]",
    "…": ".",
}
_ENCLOSED = re.compile(
    r"(?:(?:NEGATIVE )?(?:CIRCLED|SQUARED|PARENTHESIZED) LATIN (?:CAPITAL|SMALL)|REGIONAL INDICATOR SYMBOL) LETTER ([A-Z])"
)
_SCRIPTS_APART = range(C.ALPHABET, C.EMOJI + 1)


def _tables() -> tuple[Codes, NDArray[np.uint8], dict[int, str]]:
    """The folding table, the class table, and what expands to several characters."""
    fold = np.arange(0x110000, dtype=np.uint32)
    classes = np.zeros(0x110000, dtype=np.uint8)
    expands: dict[int, str] = {}
    for low, high, kind in _RANGES:
        classes[low : high + 1] = kind
    lookalikes = {letter: row[0] for row in read_table("confusables.tsv") for letter in row[1]}
    for simplified, traditional in read_table("traditional.tsv"):
        fold[[ord(char) for char in traditional]] = ord(simplified)
    # Han and Hangul fold to themselves: leaving them out makes the tables in 50 ms instead of 500.
    # Compatibility forms of Han (F900-FAFF) and everything above them are taken in.
    for code in (*range(0x3400), *range(0xA000, 0xAC00), *range(0xF900, 0x10000), *range(0x1D400, 0x1D800), *range(0x1F100, 0x1F250)):
        _place(code, fold, classes, expands, lookalikes)
    for code in (*range(0x249C, 0x24B6), *range(0x1F110, 0x1F18A), *range(0x1F1E6, 0x1F200)):
        if letter := _ENCLOSED.fullmatch(unicodedata.name(chr(code), "")):
            expands.pop(code, None)
            fold[code] = ord(letter[1].lower())  # flags are honest: their letters stay emoji
            classes[code] = C.STYLED if code < 0x1F1E6 else C.EMOJI
    for char in _INVISIBLE:
        classes[ord(char)], fold[ord(char)] = C.INVISIBLE, SPACE
    classes[[0x200C, 0x200D]] = C.JOINER
    classes[0x0300:0x0370] = C.ACCENT
    fold[0xD800:0xE000] = 0xFFFD  # halves of surrogate pairs, from broken encoders
    return fold, classes, expands


def _place(code: int, fold: Codes, classes: NDArray[np.uint8], expands: dict[int, str], lookalikes: dict[str, str]) -> None:
    """Enter one code point into the tables."""
    char = chr(code)
    category = unicodedata.category(char)
    known = C(int(classes[code]))
    # Thai and Lao "am" would come apart: scripts of their own are left as they are written
    plain = char if known in _SCRIPTS_APART else unicodedata.normalize("NFKC", _SAME_SIGN.get(char, char))
    if category in ("Zs", "Zl", "Zp", "Cc"):
        fold[code], classes[code] = SPACE, C.SPACE
    elif category == "Nd":
        fold[code] = ord("0") + unicodedata.digit(char)
        classes[code] = C.DIGIT if code < 128 else C.FOREIGN_DIGIT if code < 0xFF00 else C.STYLED_DIGIT
    elif char.lower() in lookalikes or char in lookalikes:
        fold[code], classes[code] = ord(lookalikes.get(char.lower()) or lookalikes[char]), C.LOOKALIKE
    elif category.startswith("L") or known is C.OTHER:
        base = unicodedata.normalize("NFD", plain)[:1] if len(plain) == 1 and known not in _SCRIPTS_APART else plain
        lower = {"đ": "d", "ø": "o", "ł": "l", "ı": "i", "æ": "ae", "œ": "oe"}.get(base.lower(), base.lower())
        if len(lower) == 1:
            fold[code] = ord(lower)
        else:
            expands[code] = lower
        classes[code] = _class_of(char, category, plain, lower, known)
    if code in _SIGNS and classes[code] in (C.OTHER, C.WIDE):
        classes[code] = _SIGNS[code]
    if category == "Sc":
        classes[code] = C.CURRENCY


def _class_of(  # noqa: PLR0911 one line a kind reads best
    char: str, category: str, plain: str, lower: str, known: C
) -> C:
    """The class of a letter or of a sign that no range named."""
    if len(lower) != 1:
        return C.EXPANDS
    if char.isascii():
        return C.LOWER if category == "Ll" else C.UPPER if category == "Lu" else C.OTHER
    if char.lower() in _VIETNAMESE:
        return C.VIETNAMESE
    if lower.isdigit():
        return C.STYLED_DIGIT
    if lower.isascii() and plain != char:
        return C.WIDE if char >= "\uff00" and char < "\U00010000" else C.STYLED
    if lower.isascii() and category.startswith("L"):
        return C.ACCENTED
    return known if known is not C.OTHER else C.ALPHABET if category.startswith("L") else C.OTHER


FOLD, CLASS, _EXPANDS = _tables()
_WRITTEN_OUT = str.maketrans(_EXPANDS | dict.fromkeys(np.flatnonzero((CLASS == C.INVISIBLE) | (CLASS == C.ACCENT)).tolist(), ""))
_JOINS = "".join(f"{chr(low)}-{chr(high)}" for low, high, kind in _RANGES if kind in _SCRIPTS_APART)
_LONE_JOINER = re.compile(f"(?<![{_JOINS}])[\u200c\u200d]")
_MARKS = "".join(char for char in map(chr, range(0x300, 0x20000)) if unicodedata.combining(char))
# Normalising sorts a run of marks in quadratic time; no letter of any language bears so many.
_MOST_MARKS = 8
_TOO_MANY_MARKS = re.compile(f"[{_MARKS}]{{{_MOST_MARKS + 1},}}")


def plain(text: str) -> str:
    """The text without what no table can fold.

    Ligatures, fractions and squared words are written out, loose accents joined to their letters, and invisible characters
    taken out; a joiner stays behind a letter of a script that joins.
    """
    text = unicodedata.normalize("NFC", _TOO_MANY_MARKS.sub(lambda run: run[0][:_MOST_MARKS], text))
    return _LONE_JOINER.sub("", text.translate(_WRITTEN_OUT))


def between(classes: NDArray[np.uint8], low: C, high: C) -> Bools:
    """Where the class is one from `low` to `high`: one subtraction and one comparison of bytes."""
    inside: Bools = classes - np.uint8(low) <= np.uint8(high - low)
    return inside


def among(values: NDArray[Any], known: NDArray[Any]) -> Bools:
    """Which values are among the known ones, which rise; of many values and few known ones, cheaper than `np.isin`."""
    inside: Bools = known.take(np.searchsorted(known, values), mode="clip") == values
    return inside
