"""What gangs do to a text so that a filter no longer reads it and a person still does: one pure function for each trick.

Each takes a text and dice and gives the text as it would be sent; a text that a trick does not fit (no Latin letters, no link)
comes back as it was. `attack` throws the same dice for the same text, so a table made of them is the same each time. The
tables here are the attackers': they are kept apart from those in `models` that undo such tricks, lest a test ask only what
the defence knows. What a browser reads like the plain letter is done to links as well; other tricks leave them, since a
link must lead somewhere.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import cache
from itertools import pairwise
from random import Random

from training.padding import BENIGN, DOTS, FOREIGN, NUMBERS, language_of

Attack = Callable[[str, Random], str]

ODDS = 0.5  # of a letter or a word to be changed: breaks nearly every longer n-gram, and people still read it
LINK = re.compile(r"((?:https?://|www\.)\S+|(?<![\w@.])(?:[a-z0-9-]+\.)+[a-z]{2,}(?:[:/?#][!-~]*)?(?![\w]))", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]{4,}")
_VIRAMA = 9  # combining class of the signs that bind the next consonant in the scripts of India, Khmer and Burmese

_LOOKALIKES = (
    "aаα bьƅ cсϲ dԁ eеҽ gց hһհ iіι jј kкκ lӏ mм nոп oоοօ pрρ qԛ rг sѕ tтτ uυս vѵν wԝω xхχ yуγ "
    "AАΑ BВΒ CСϹ EЕΕ HНΗ IІΙ JЈ KКΚ MМΜ NΝ OОΟ PРΡ SЅ TТΤ XХΧ YҮΥ ZΖ"
)
_TWINS = {group[0]: group[1:] for group in _LOOKALIKES.split()}
_LEET = {"a": "4@", "b": "8", "e": "3", "g": "9", "i": "1!", "l": "1|", "o": "0", "s": "5$", "t": "7", "z": "2"}
_STYLES = (  # where capitals, small letters and digits begin
    (0x1D400, 0x1D41A, 0x1D7CE),  # bold
    (0x1D468, 0x1D482, 0x1D7CE),  # bold italic
    (0x1D4D0, 0x1D4EA, 0x1D7D8),  # script
    (0x1D56C, 0x1D586, 0x1D7CE),  # Fraktur
    (0x1D5A0, 0x1D5BA, 0x1D7E2),  # sans-serif
    (0x1D5D4, 0x1D5EE, 0x1D7EC),  # sans-serif bold
    (0x1D63C, 0x1D656, 0x1D7EC),  # sans-serif bold italic
    (0x1D670, 0x1D68A, 0x1D7F6),  # typewriter
)
_RINGS = (  # the same of letters alone
    (0x24B6, 0x24D0),  # in circles
    (0x1F130, 0x1F130),  # in squares
    (0x1F150, 0x1F150),  # on black circles
    (0x1F170, 0x1F170),  # on black squares
    (0x1F110, 0x249C),  # in brackets
)
_INVISIBLE = "\u200b\u2060\ufeff\u00ad\u200b\u200d\u200c"
_HAN_PAIRS = (
    "个個们們这這来來时時说說会會对對为為发發经經过過动動开開关關学學现現实實点點长長门門问問间間东東车車马馬员員业業电電话話号號码碼银銀"
    "钱錢账賬户戶单單费費货貨购購买買卖賣价價优優领領红紅奖獎赢贏输輸赌賭场場网網络絡线線链鏈击擊请請验驗证證认認诈詐骗騙贷貸额額万萬亿億"
    "资資财財产產权權级級专專机機构構办辦务務联聯进進转轉汇匯结結积積换換礼禮赠贈仅僅后後内內无無须須还還债債执執检檢监監冻凍锁鎖异異录錄"
    "设設备備风風险險护護维維处處订訂递遞邮郵税稅签簽运運医醫药藥师師带帶导導盘盤涨漲讯訊应應该該与與从從两兩几幾给給让讓听聽见見观觀视視"
    "频頻试試课課题題样樣条條术術总總团團体體国國华華广廣乐樂爱愛亲親欢歡兴興当當节節庆慶选選择擇确確报報据據记記论論谢謝谁誰诚誠贵貴质質"
    "贺賀赚賺赔賠赛賽较較载載达達迟遲连連违違释釋阅閱队隊阳陽际際随隨难難项項顺順顾顧预預飞飛馆館岁歲帐帳币幣废廢张張强強归歸惊驚戏戲担擔"
    "损損数數断斷显顯标標气氣汉漢没沒满滿热熱独獨环環离離种種稳穩筹籌类類紧緊约約纳納组組细細终終统統继繼续續绿綠缴繳编編罚罰职職获獲营營"
    "补補装裝规規计計训訓许許访訪识識译譯详詳误誤读讀调調谈談负負责責败敗贴貼轻輕轮輪边邊远遠适適钟鐘铁鐵销銷错錯闪閃闻聞阶階陈陳"
)
_OTHER_HAN = dict(zip(_HAN_PAIRS[::2], _HAN_PAIRS[1::2], strict=True)) | dict(zip(_HAN_PAIRS[1::2], _HAN_PAIRS[::2], strict=True))


def attack(name: str, text: str, seed: int = 0) -> str:
    """The text under the attack of that name; the same seed gives the same text."""
    return ATTACKS[name](text, Random(f"{seed} {name} {text}".encode("utf-8", "surrogatepass")))  # noqa: S311 dice, no secret


def homoglyphs(text: str, dice: Random) -> str:
    """Latin letters exchanged for Cyrillic, Greek and Armenian ones that look the same."""
    return _beside_links(text, lambda part: _each(part, _TWINS, dice))


def styled(text: str, dice: Random) -> str:
    """Mathematical letters: words in bold, script, Fraktur or typewriter letters of their own code points; links too."""
    capital, small, digit = dice.choice(_STYLES)
    return _words(text, dice, lambda word: _moved(word, capital, small, digit))


def enclosed(text: str, dice: Random) -> str:
    """Letters in circles, squares and brackets; links too."""
    capital, small = dice.choice(_RINGS)
    return _words(text, dice, lambda word: _moved(word, capital, small))


def full_width(text: str, dice: Random) -> str:
    """Letters, digits and signs in the full width of Chinese print; links too."""
    return _words(text, dice, lambda word: "".join(chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in word))


def zero_width(text: str, dice: Random) -> str:
    """Invisible characters between letters; links too, for browsers drop them."""
    clusters = _clusters(text)
    unseen = [
        dice.choice(_INVISIBLE[:5] if _joins(left) else _INVISIBLE) if _lettered(left, right) and dice.random() < ODDS else ""
        for left, right in pairwise([*clusters, " "])
    ]
    return "".join(map("".join, zip(clusters, unseen, strict=True)))


def leet(text: str, dice: Random) -> str:
    """Digits and signs for letters: `l0an`, `fr33`, `ca$h`."""
    return _beside_links(text, lambda part: _each(part, _LEET, dice))


def spaced(text: str, dice: Random) -> str:
    """Spaces inside words: every letter apart, or one cut."""
    return _split(text, dice, " ")


def punctuated(text: str, dice: Random) -> str:
    """Signs inside words: `l.o.a.n`, `pass-word`, `微*信`."""
    return _split(text, dice, dice.choice(".-_*|/·~"))


def hidden_links(text: str, dice: Random) -> str:
    """Links that a person puts together: hxxp, `[.]`, ` dot com`, spaces around dots, the word for dot in the text's language."""
    dot = dice.choice(
        ("[.]", "(.)", " . ", " dot ", "。", " .", f" {DOTS.get(language_of(text), 'dot')} ", DOTS.get(language_of(text), "(dot)"))
    )
    scheme = dice.choice(("", "hxxp://", "hxxps://", "h**ps://"))
    return LINK.sub(lambda link: _hidden(link[0], scheme, dot), text)


def without_accents(text: str, _dice: Random) -> str:
    """Latin letters without their diacritics: Vietnamese as it is typed in haste."""
    bare = (unicodedata.normalize("NFD", char)[0] if unicodedata.name(char, "").startswith("LATIN") else char for char in text)
    return "".join(bare).translate({ord("đ"): "d", ord("Đ"): "D"})


def han_mixed(text: str, dice: Random) -> str:
    """Traditional Chinese characters among simplified ones, and the other way round."""
    return _each(text, _OTHER_HAN, dice)


def emoji_letters(text: str, dice: Random) -> str:
    """Words in flags' letters, digits on keycaps."""
    gap = dice.choice((" ", "\u200b", ""))
    return _beside_links(
        text, lambda part: _WORD.sub(lambda word: _flagged(word[0], gap) if dice.random() < ODDS else word[0], _keycaps(part))
    )


def foreign_word(text: str, dice: Random) -> str:
    """A greeting in another language before or after the text."""
    return _beside(text, dice, FOREIGN[_other(FOREIGN, text, dice)])


def foreign_sentences(text: str, dice: Random) -> str:
    """As many everyday sentences in another language as make the text look like one in that language."""
    padding = " ".join(BENIGN[_other(BENIGN, text, dice)])
    return _beside(text, dice, " ".join([padding] * (1 + len(text) // len(padding))))


def benign_padding(text: str, dice: Random) -> str:
    """Everyday sentences of the same language after the text."""
    sentences = BENIGN[language_of(text)]
    return f"{text} {' '.join(dice.sample(sentences, len(sentences)))}"


def case_flips(text: str, dice: Random) -> str:
    """Small and capital letters as the dice fall."""
    return _beside_links(text, lambda part: "".join(char.swapcase() if dice.random() < ODDS else char for char in part))


def digits_as_words(text: str, _dice: Random) -> str:
    """Phone numbers and amounts in words."""
    words = NUMBERS.get(language_of(text), NUMBERS["en"])
    return _beside_links(text, lambda part: re.sub(r"[0-9]+", lambda run: " ".join(words[int(digit)] for digit in run[0]), part))


ATTACKS: dict[str, Attack] = {
    function.__name__: function
    for function in (
        *(homoglyphs, styled, enclosed, full_width, zero_width, leet, spaced, punctuated, hidden_links, without_accents),
        *(han_mixed, emoji_letters, foreign_word, foreign_sentences, benign_padding, case_flips, digits_as_words),
    )
}
"""All attacks by name."""


def _beside_links(text: str, change: Callable[[str], str]) -> str:
    """What stands between the links, changed."""
    return "".join(part if i % 2 else change(part) for i, part in enumerate(LINK.split(text)))


def _words(text: str, dice: Random, change: Callable[[str], str]) -> str:
    """What stands between spaces, links as well: changed as the dice fall."""
    return "".join(change(word) if dice.random() < ODDS else word for word in re.split(r"(\s+)", text))


def _each(text: str, table: dict[str, str], dice: Random) -> str:
    """Characters that have others in the table, exchanged as the dice fall."""
    others = ((char, table.get(char) or table.get(char.lower())) for char in text)
    return "".join(dice.choice(other) if other and dice.random() < ODDS else char for char, other in others)


def _moved(word: str, capital: int, small: int, digit: int | None = None) -> str:
    """A word with its letters and digits at other code points; accents stay behind as marks of their own."""
    return "".join(_placed(char, capital, small, digit) for char in (unicodedata.normalize("NFD", word) if _is_latin(word) else word))


def _placed(char: str, capital: int, small: int, digit: int | None) -> str:
    if "A" <= char <= "Z":
        return chr(capital + ord(char) - ord("A"))
    if "a" <= char <= "z":
        return chr(small + ord(char) - ord("a"))
    return chr(digit + int(char)) if digit and "0" <= char <= "9" else char


def _is_latin(word: str) -> bool:
    return all(unicodedata.name(char, "").startswith("LATIN") for char in word if char.isalpha())


def _split(text: str, dice: Random, sign: str) -> str:
    """Words of four letters and more, as the dice fall: a sign between all letters, or in one place."""
    return _beside_links(text, lambda part: _WORD_WITH_MARKS.sub(lambda word: _cut(_clusters(word[0]), dice, sign), part))


_WORD_WITH_MARKS = re.compile(r"(?:[^\W\d_]|[\u0300-\u036f\u0900-\u0dff\u0e31-\u0e4e\u0eb1-\u0ece\u102b-\u103e\u17b4-\u17d3])+")


def _cut(clusters: list[str], dice: Random, sign: str) -> str:
    if len(clusters) < 4 or dice.random() >= ODDS:
        return "".join(clusters)
    if dice.random() < ODDS:
        return sign.join(clusters)
    place = dice.randrange(1, len(clusters))
    return "".join(clusters[:place]) + sign + "".join(clusters[place:])


def _clusters(text: str) -> list[str]:
    """Letters with the marks that belong to them, so that nothing is cut that cannot be written apart."""
    found: list[str] = []
    for char in text:
        if found and (unicodedata.category(char) in ("Mn", "Mc", "Me", "Cf") or unicodedata.combining(found[-1][-1]) == _VIRAMA):
            found[-1] += char
        else:
            found.append(char)
    return found


def _lettered(left: str, right: str) -> bool:
    return left[0].isalpha() and right[0].isalpha()


@cache
def _joins(cluster: str) -> bool:
    """Whether joiners would change how the letters look, as they do beyond Latin and Han."""
    return not unicodedata.name(cluster[0], "").startswith(("LATIN", "CJK"))


def _hidden(link: str, scheme: str, dot: str) -> str:
    _, begun, rest = link.rpartition("://")
    host, slash, path = rest.partition("/")
    return (scheme if begun else "") + host.replace(".", dot) + slash + path


def _keycaps(text: str) -> str:
    return re.sub(r"[0-9]", lambda digit: f"{digit[0]}\ufe0f\u20e3", text)


def _flagged(word: str, gap: str) -> str:
    return gap.join(chr(0x1F1E6 + ord(char) - ord("a")) if "a" <= char <= "z" else char for char in word.lower())


def _other(languages: Iterable[str], text: str, dice: Random) -> str:
    """One of the languages that is not the text's."""
    own = language_of(text)
    return dice.choice([language for language in languages if language != own])


def _beside(text: str, dice: Random, more: str) -> str:
    return f"{more} {text}" if dice.random() < ODDS else f"{text} {more}"
