"""Message: what a classifier reads. All fields but the text may be missing, and a missing field is neutral."""

from datetime import datetime
from typing import Annotated, Literal, get_args

import msgspec

Channel = Literal["sms", "mms", "rcs", "chat"]
SenderType = Literal["msisdn", "alphanumeric", "shortcode", "email", "handle"]
Route = Literal["p2p", "a2p", "international"]
ROUTES: tuple[Route, ...] = get_args(Route)

Timestamp = Annotated[datetime, msgspec.Meta(tz=True)] | Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799_999)]
"""An instant: RFC 3339 with an offset, or milliseconds since the epoch. 0 stands for "not known"."""

Short = Annotated[str, msgspec.Meta(max_length=256)]


class Origin(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Where a message entered the network."""

    country: Annotated[str, msgspec.Meta(max_length=2, description="ISO 3166-1 alpha-2")] | None = None
    network: Annotated[str, msgspec.Meta(max_length=8, description="MCC-MNC, e.g. 520-04")] | None = None
    smsc: Short | None = None
    route: Route | None = None


class Message(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One SMS or chat message with its metadata. Unknown fields of a record are ignored."""

    text: str
    id: Short = ""
    operator: Short = ""
    channel: Channel | None = None
    sender: Short = ""
    recipient: Short = ""
    sent_at: Timestamp = 0
    sender_type: SenderType | None = None
    origin: Origin | None = None
    conversation: Short | None = None
    language: Annotated[str, msgspec.Meta(max_length=35, description="BCP 47")] | None = None
