"""The ledger: what was sent against what came of it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ledger:
    """How the alerts that committed readers see stand against the ids that were sent, of which each is to give one alert."""

    messages: int
    alerts: int
    lost: int
    """Ids without an alert."""
    doubled: int
    """Alerts beyond the first of an id."""
    told_apart: int
    """Of the doubled ones, those that bear another alert id than the first: no reader could know them for copies."""
    strange: int
    """Alerts of ids that nobody sent."""

    def clean(self, delivery: str) -> bool:
        """Whether the promise was kept: exactly one alert an id; at least one, and copies known by their id."""
        return not self.lost and not self.strange and not (self.doubled if delivery == "exactly_once" else self.told_apart)


def compare(sent: Iterable[int], alerts: Iterable[tuple[int, str]]) -> Ledger:
    """The ledger of message numbers sent, and of alerts as pairs of message number and alert id."""
    expected = set(sent)
    first: dict[int, str] = {}
    count = doubled = told_apart = strange = 0
    for number, alert_id in alerts:
        count += 1
        if number not in expected:
            strange += 1
        elif number not in first:
            first[number] = alert_id
        else:
            doubled += 1
            told_apart += alert_id != first[number]
    return Ledger(len(expected), count, len(expected) - len(first), doubled, told_apart, strange)
