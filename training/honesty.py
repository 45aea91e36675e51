"""Which metadata may be learned from: of each source, only fields that do not tell the source or give the label away.

A field that is there for one label only, or the same throughout, or from whose value alone the label follows, would teach the
model how a data set was collected, not how scams are sent.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence

import msgspec

from models.message import Message
from models.numbering import sender_type
from training.data import METADATA, Row

GIVEN = 0.8  # share of the messages of each label that must have the field
GIVEAWAY = 0.98  # from this share of labels told by the field's value alone on, it gives the label away

_COARSE: dict[str, Callable[[Message], Hashable]] = {
    "sender": lambda m: m.sender_type or sender_type(m.sender),
    "sender_type": lambda m: m.sender_type,
    "origin": lambda m: m.origin and (m.origin.route, m.origin.country),
    "sent_at": lambda m: m.sent_at if isinstance(m.sent_at, int) else m.sent_at.hour,
    "operator": lambda m: m.operator,
    "channel": lambda m: m.channel,
}
"""What a classifier could see of a field."""


def honest(rows: Sequence[Row], left_out: Counter[str]) -> list[Row]:
    """The rows, each without the metadata that its source may not teach; counts the messages that lost a field."""
    by_source: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_source[row.source].append(row)
    dropped = {source: tuple(name for name in METADATA if not may_teach(name, members)) for source, members in by_source.items()}
    for source, names in dropped.items():
        for name in names:
            lost = sum(getattr(row.message, name) != getattr(_NOTHING, name) for row in by_source[source])
            if lost:
                left_out[f"{source}: {name}, which tells the source or the label"] += lost
    return [_without(row, dropped[row.source]) for row in rows]


def may_teach(name: str, rows: Sequence[Row]) -> bool:
    """Whether a field of one source's rows may be learned from."""
    given: dict[str, list[Hashable]] = defaultdict(list)
    for row in rows:
        if getattr(row.message, name) != getattr(_NOTHING, name):
            given[row.label].append(_COARSE[name](row.message) if name in _COARSE else None)
    sizes = Counter(row.label for row in rows)
    if len(sizes) < 2 or any(len(given[label]) < GIVEN * size for label, size in sizes.items()):
        return False
    if name == "recipient":
        return True  # no signal looks at it alone: senders, origins and hours are only held against it
    values = {value for found in given.values() for value in found}
    return len(values) > 1 and _told(list(given.values()), values) < GIVEAWAY


def _told(given: Sequence[Sequence[Hashable]], values: set[Hashable]) -> float:
    """Share of labels that follow from the value alone, each label weighing the same: 1 / labels is chance."""
    shares = [{value: count / len(found) for value, count in Counter(found).items()} for found in given]
    return sum(max(share.get(value, 0.0) for share in shares) for value in values) / len(given)


def _without(row: Row, names: tuple[str, ...]) -> Row:
    nothing = {name: getattr(_NOTHING, name) for name in names}
    return msgspec.structs.replace(row, message=msgspec.structs.replace(row.message, **nothing)) if names else row


_NOTHING = Message(text="")
