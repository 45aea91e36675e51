"""What texts can be: any code points, with a taste for what is special to us."""

from hypothesis import strategies as st

from models.message import Message, Origin

SPECIAL = "\u200b\u200c\u200d\ufeff\u00ad\u202e\u0301аеоѕ０１ａｂ①②𝗙𝗿ﬁ½…   ..--@$!013459/:กิ่ขໂກ់្កြာမြန်한글あア加微信đ₫ắ฿€#\ud83d\U000e0041"
texts = st.text(st.one_of(st.sampled_from(SPECIAL), st.characters(), st.sampled_from("abcdefxyz ")), max_size=60)
"""Also with half surrogates, which broken encoders make."""
batches = st.lists(texts, min_size=1, max_size=6)
messages = st.builds(
    Message,
    text=texts,
    sender=st.sampled_from(["", "+66812345678", "DBS", "12345", "a@b.co", "@joe", "\ud800"]),
    recipient=st.sampled_from(["", "+66812345679", "+6581234567", "0812345678"]),
    channel=st.sampled_from(["sms", "chat", None]),
    sent_at=st.one_of(st.just(0), st.integers(1, 253_402_300_799_999)),
    origin=st.one_of(
        st.none(),
        st.builds(Origin, country=st.sampled_from([None, "TH", "KH", "??"]), route=st.sampled_from([None, "p2p", "a2p", "international"])),
    ),
)
