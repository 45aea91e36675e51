"""Messages with something taken away, to see what a model lives on: the links, the metadata, the text."""

from collections.abc import Callable

import msgspec

from models.message import Message
from training.attacks import LINK
from training.data import Row, text_only

SENT = ("sender", "recipient", "origin", "sent_at")
"""What tells of how a message was sent; a channel alone, which all messages of a set share, does not."""


def links_masked(row: Row) -> Row:
    """Without its links, so that what is said must tell."""
    return with_text(row, LINK.sub(" ", row.message.text))


def metadata_alone(row: Row) -> Row:
    """Without its text."""
    return with_text(row, "")


def has_metadata(row: Row) -> bool:
    """Whether it tells how it was sent."""
    return any(getattr(row.message, name) != getattr(_NOTHING, name) for name in SENT)


VIEWS: dict[str, Callable[[Row], Row]] = {"links masked": links_masked, "text alone": text_only, "metadata alone": metadata_alone}
"""By name."""
_NOTHING = Message(text="")


def with_text(row: Row, text: str) -> Row:
    """With another text, and its own metadata."""
    return msgspec.structs.replace(row, message=msgspec.structs.replace(row.message, text=text))
