"""What an attacker writes around a scam: everyday sentences by language, and words that only another language would hold.

Written for this project. `language_of` guesses the language of a text as well as an attacker knows it: by script, and by small
words where the script is Latin.
"""

import unicodedata
from collections import Counter
from functools import cache

BENIGN: dict[str, tuple[str, ...]] = {
    "en": (
        "See you at dinner on Sunday, mum is making the soup.",
        "Thanks for the lift yesterday, it saved me an hour.",
        "The class starts at nine.",
    ),
    "zh": ("晚上一起吃饭吧，妈妈煲了汤。", "谢谢你昨天送我回家。", "明天上午九点上课，别迟到。"),
    "th": ("เย็นนี้กินข้าวด้วยกันนะ แม่ทำแกงไว้", "ขอบคุณที่มาส่งเมื่อวานนะ", "พรุ่งนี้เรียนเก้าโมง อย่าสาย"),
    "vi": ("Tối nay về ăn cơm nhé, mẹ nấu canh rồi.", "Cảm ơn em hôm qua đã chở chị về.", "Mai chín giờ học nhé, đừng đến muộn."),
    "id": ("Nanti malam makan bareng ya, ibu masak sayur asem.", "Makasih kemarin sudah antar pulang.", "Besok kelas mulai jam sembilan."),
    "ms": ("Malam ni makan sama-sama ya, mak masak gulai.", "Terima kasih sebab hantar balik semalam.", "Esok kelas mula pukul sembilan."),
    "tl": ("Kain tayo mamaya ha, nagluto si nanay ng sinigang.", "Salamat sa paghatid kahapon.", "Alas nuwebe ang klase bukas."),
    "my": ("ညနေ ထမင်းအတူစားမယ်နော် အမေ ဟင်းချက်ထားတယ်။", "မနေ့က လိုက်ပို့ပေးတာ ကျေးဇူးပါ။"),
    "km": ("ល្ងាចនេះមកញ៉ាំបាយជុំគ្នាណា ម៉ែស្លរួចហើយ។", "អរគុណដែលជូនខ្ញុំមកផ្ទះម្សិលមិញ។"),
    "lo": ("ແລງນີ້ມາກິນເຂົ້ານຳກັນເດີ້ ແມ່ແຕ່ງແກງແລ້ວ.", "ຂອບໃຈທີ່ມາສົ່ງມື້ວານ."),
    "ta": ("இன்று இரவு சேர்ந்து சாப்பிடலாம், அம்மா குழம்பு வைத்திருக்கிறார்.", "நேற்று வீட்டில் விட்டதற்கு நன்றி."),
    "hi": ("आज रात साथ खाना खाएंगे, माँ ने दाल बनाई है।", "कल घर छोड़ने के लिए धन्यवाद।"),
}
FOREIGN: dict[str, str] = {
    "en": "hello friend",
    "zh": "你好朋友",
    "th": "สวัสดีเพื่อน",
    "vi": "xin chào bạn",
    "ru": "привет друг",
    "ja": "こんにちは",
    "ko": "안녕하세요",
    "hi": "नमस्ते दोस्त",
    "lo": "ສະບາຍດີ",
    "km": "សួស្តីមិត្ត",
}
NUMBERS: dict[str, tuple[str, ...]] = {
    "en": ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    "zh": tuple("零一二三四五六七八九"),
    "th": ("ศูนย์", "หนึ่ง", "สอง", "สาม", "สี่", "ห้า", "หก", "เจ็ด", "แปด", "เก้า"),
    "vi": ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín"),
    "id": ("nol", "satu", "dua", "tiga", "empat", "lima", "enam", "tujuh", "delapan", "sembilan"),
    "ms": ("kosong", "satu", "dua", "tiga", "empat", "lima", "enam", "tujuh", "lapan", "sembilan"),
    "hi": ("शून्य", "एक", "दो", "तीन", "चार", "पांच", "छह", "सात", "आठ", "नौ"),
    "lo": ("ສູນ", "ໜຶ່ງ", "ສອງ", "ສາມ", "ສີ່", "ຫ້າ", "ຫົກ", "ເຈັດ", "ແປດ", "ເກົ້າ"),
}
DOTS: dict[str, str] = {"th": "จุด", "zh": "点", "vi": "chấm", "id": "titik", "ms": "titik", "lo": "ຈຸດ"}
"""How a dot is called; in the other languages, "dot"."""

_BY_SCRIPT = {"CJK": "zh", "THAI": "th", "LAO": "lo", "KHMER": "km", "MYANMAR": "my", "TAMIL": "ta", "DEVANAGARI": "hi"}
_SMALL_WORDS = {
    "vi": "ban cua khong cho va la de tai duoc quy khach anh chi moi da",
    "id": "yang anda untuk dan di ke dari dengan nya kami hubungi silakan yg utk rp ya sudah besok nanti",
    "ms": "yang anda untuk dan di ke dari dengan kami hubungi sila telah rm akaun esok sebab ni",
    "tl": "ang ng sa mo ka na po ang iyong para ito mga at ay",
    "en": "the you your to of is for and we has please at",
}


def language_of(text: str) -> str:
    """The likeliest of the languages above, English where nothing tells."""
    scripts = Counter(script for char in text if (script := _script(char)))
    name = scripts.most_common(1)[0][0] if scripts else "LATIN"
    if name != "LATIN":
        return _BY_SCRIPT.get(name, "en")
    if any("Ạ" <= char <= "ỹ" or char in "ăđơưĂĐƠƯ" for char in text):
        return "vi"
    words = Counter(text.lower().split())
    counted = {language: sum(words[word] for word in set(small.split())) for language, small in _SMALL_WORDS.items()}
    best = max(counted, key=counted.__getitem__)
    return best if counted[best] else "en"


@cache
def _script(char: str) -> str:
    """The first word of a letter's name, which is its script; nothing for other signs."""
    return unicodedata.name(char, "").split(" ")[0] if char.isalpha() else ""
