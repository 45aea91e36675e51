"""The catalogue of named signals: everything but n-grams that the classifier looks at, each named once; `models.signals` measures them.

A signal is a number from 0 to 1 for each message.
"""

from dataclasses import dataclass
from typing import Literal

Group = Literal["link", "number", "form", "evasion", "sender", "origin", "time", "pair"]


@dataclass(frozen=True, slots=True)
class Signal:
    """One named signal; `name` is the reason code that an alert carries."""

    name: str
    group: Group
    description: str


CATALOGUE: tuple[Signal, ...] = (
    Signal("link", "link", "holds a link"),
    Signal("links_many", "link", "holds two links or more"),
    Signal("link_shortener", "link", "a link through a shortener, which hides where it leads"),
    Signal("link_chat", "link", "a link that opens a chat or a group"),
    Signal("link_lookalike", "link", "a host that carries a brand's name on a domain not the brand's"),
    Signal("link_cheap_domain", "link", "a domain under an ending that costs next to nothing and is much abused"),
    Signal("link_deep_host", "link", "a host with many hyphens or levels"),
    Signal("link_address", "link", "a link to a bare IP address"),
    Signal("link_digits", "link", "a host with digits in it"),
    Signal("link_path", "link", "a link with a path"),
    Signal("link_token", "link", "a link whose path is a word of random characters"),
    Signal("link_short_host", "link", "a link to an unknown domain of at most four characters, as private shorteners have"),
    Signal("link_stranger", "link", "a link to a domain of which nothing is known"),
    Signal("link_public", "link", "a link to a government's domain"),
    Signal("link_own", "link", "a link to a known brand's own domain"),
    Signal("link_trust_word", "link", "a host with a word that impostors like (verify, secure, refund) on no brand's own domain"),
    Signal("phone", "number", "a phone number in the text"),
    Signal("phone_foreign", "number", "a phone number of another country than the recipient's in the text"),
    Signal("amount", "number", "an amount of money"),
    Signal("amount_large", "number", "a number of six digits or more beside a currency"),
    Signal("code", "number", "a number of four to eight digits that stands alone, like a one-time code"),
    Signal("percent", "number", "a percentage"),
    Signal("long_number", "number", "a number of 14 to 19 digits, like that of a card or an account"),
    Signal("digits", "form", "share of digits"),
    Signal("capitals", "form", "share of capital letters"),
    Signal("shouting", "form", "exclamation and question marks"),
    Signal("emoji", "form", "emoji and symbols"),
    Signal("length", "form", "a long text: beyond 40 characters, on a logarithmic scale"),
    Signal("very_short", "form", "fewer than 20 characters"),
    Signal("scripts_mixed", "form", "Latin letters beside another script"),
    Signal("bracketed_name", "form", "begins with a name in brackets or before a colon, as brands sign"),
    Signal("undone_invisible", "evasion", "invisible characters between the letters"),
    Signal("undone_lookalike", "evasion", "letters of another script that look Latin, among Latin ones"),
    Signal("undone_styled", "evasion", "mathematical, circled or full-width letters"),
    Signal("undone_spaced", "evasion", "separators inside words"),
    Signal("undone_link", "evasion", "a link taken apart: spaces or words in the place of its dots"),
    Signal("undone_leet", "evasion", "digits and signs in the place of letters"),
    Signal("sender_msisdn", "sender", "sent from a phone number"),
    Signal("sender_alphanumeric", "sender", "sent under a name"),
    Signal("sender_shortcode", "sender", "sent from a short code"),
    Signal("sender_email", "sender", "sent from an e-mail address"),
    Signal("sender_handle", "sender", "sent from a chat account"),
    Signal("sender_foreign", "sender", "the sender's number is of another country than the recipient's"),
    Signal("sender_domestic", "sender", "the sender's number is of the recipient's country"),
    Signal("channel_chat", "sender", "came over chat"),
    Signal("route_p2p", "origin", "came in on the person-to-person route"),
    Signal("route_a2p", "origin", "came in on the application-to-person route"),
    Signal("route_international", "origin", "came in on the international route"),
    Signal("origin_foreign", "origin", "entered the network in another country than the recipient's"),
    Signal("hour_night", "time", "sent between 23 and 6 o'clock, the recipient's time"),
    Signal("hour_office", "time", "sent between 9 and 18 o'clock, the recipient's time"),
    Signal("link_and_amount", "pair", "a link and an amount of money"),
    Signal("link_and_phone_sender", "pair", "a link, sent from a phone number"),
    Signal("link_and_foreign", "pair", "a link, from another country"),
    Signal("link_token_stranger", "pair", "a path of random characters on a domain of which nothing is known"),
    Signal("brand_and_stranger", "pair", "names a known brand, and links to a domain of which nothing is known"),
    Signal("chat_link_and_amount", "pair", "a link that opens a chat and an amount of money"),
    Signal("name_and_international", "pair", "a sender's name on the international route"),
    Signal("name_and_a2p", "pair", "a sender's name on the application-to-person route"),
    Signal("brand_sign_and_phone_sender", "pair", "signed like a brand, sent from a phone number"),
    Signal("code_without_link", "pair", "a number like a one-time code, and no link"),
)
INDEX = {signal.name: i for i, signal in enumerate(CATALOGUE)}
