"""The ledger: what was to come of the records that were sent, against what came of them. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ledger:
    """How the alerts that committed readers see stand against the records of the message topic, of which each is to give one."""

    messages: int
    """Ids that were sent."""
    again: int
    """Records beyond the first of an id: copies that the feed itself made. Each is to give an alert of its own."""
    alerts: int
    lost: int
    """Records without their alert, and ids without a record."""
    doubled: int
    """Alerts beyond the first of a record; they bear the same alert id."""
    strange: int
    """Alerts that are no record's: also a second copy that bears another alert id."""

    def clean(self, delivery: str) -> bool:
        """Whether the promise was kept: exactly one alert a record; or at least one, and copies known by their id."""
        return not self.lost and not self.strange and not (self.doubled and delivery == "exactly_once")


def compare(sent: Iterable[int], records: Iterable[tuple[int, str]], alerts: Iterable[str]) -> Ledger:
    """The ledger of the numbers sent; of the topic's records, each as its number and the id that its alert must bear; of alert ids."""
    numbers = set(sent)
    unseen, due, found = set(numbers), set(), set()
    again = count = doubled = strange = 0
    for number, alert_id in records:
        again += number not in unseen
        unseen.discard(number)
        due.add(alert_id)
    for alert_id in alerts:
        count += 1
        if alert_id not in due:
            strange += 1
        elif alert_id in found:
            doubled += 1
        else:
            found.add(alert_id)
    return Ledger(len(numbers), again, count, len(unseen) + len(due) - len(found), doubled, strange)
