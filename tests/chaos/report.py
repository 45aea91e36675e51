"""What a trial has found: its table, build/chaos.json, and the part of docs/reliability.md that is written by it."""

import signal
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.table import Table

from tests.bench.environments import ROOT
from tests.bench.machine import machine
from tests.chaos.ledger import Ledger
from tests.chaos.rows import load
from tests.chaos.watch import Offsets

PAGE = ROOT / "docs" / "reliability.md"
ENDED_WELL = (0, 256 - signal.SIGTERM)  # the second: told to end while Python was still starting
ROUTINE = ("partitions assigned", "reading", "transactions ready", "starting", "stopping", "stopped")
MOST_EVENTS = 5


@dataclass
class Struck:
    """One fault: what it was, when it began (since the first, and since the epoch) and ended; and what it did."""

    kind: str
    what: str
    at: float
    begun: float
    over: float
    ends: Offsets
    """The ends of the partitions when it was over."""
    caught_up: float | None = None
    """Seconds from its begin until all records from before its end were judged; None if that never was."""
    paused: float = 0.0
    """The longest time meanwhile in which some partition stood still."""
    events: list[str] = field(default_factory=list)
    """What the workers logged meanwhile."""

    @property
    def said(self) -> str:
        """The events but for the routine ones, those that came often with their number."""
        # A line of the client's own library, not of ours, has square brackets and the names of its threads: it is no news.
        counts = Counter(event for event in self.events if event not in ROUTINE and not event.startswith("["))
        told = [f"{event} x{number}" if number > 1 else event for event, number in counts.most_common(MOST_EVENTS)]
        return "; ".join(told) or "only partitions assigned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A trial's result."""

    ledger: Ledger
    delivery: str
    seed: int
    mutant: str
    faults: list[Struck]
    dead_letters: int
    behind: int
    """Records that the committed offsets do not cover, at the end."""
    drained: bool
    exit_codes: Mapping[str, int]
    seconds: float
    rate: float

    @property
    def clean(self) -> bool:
        """Whether the promise was kept, to the last offset, and the workers ended well."""
        ended_well = all(code in ENDED_WELL for code in self.exit_codes.values())
        overcome = all(one.caught_up is not None for one in self.faults)
        return self.ledger.clean(self.delivery) and self.drained and not self.behind and not self.dead_letters and ended_well and overcome

    def document(self) -> dict[str, Any]:
        """build/chaos.json."""
        found = self.ledger
        return {
            "clean": self.clean,
            "messages": found.messages,
            "faults": len(self.faults),
            "lost": found.lost,
            "doubled": found.doubled,
            "strange": found.strange,
            "fed_again": found.again,
            "alerts": found.alerts,
            "dead_letters": self.dead_letters,
            "uncommitted": self.behind,
            "delivery": self.delivery,
            "seed": self.seed,
            "mutant": self.mutant,
            "seconds": round(self.seconds),
            "messages_per_second_fed": round(self.rate),
            "exit_codes": dict(self.exit_codes),
            "machine": machine(),
            "load": load(),
            "table": [
                {
                    "kind": one.kind,
                    "what": one.what,
                    "at_seconds": round(one.at, 1),
                    "lasted_seconds": round(one.over - one.begun, 1),
                    "paused_seconds": round(one.paused, 1),
                    "caught_up_seconds": one.caught_up and round(one.caught_up, 1),
                    "logged": one.said,
                }
                for one in self.faults
            ],
        }


def line(told: Mapping[str, Any]) -> str:
    """The result in one line; `told` is the document."""
    names = ("messages", "faults", "alerts", "lost", "doubled", "strange", "fed_again", "dead_letters", "uncommitted")
    return ", ".join(f"{name.replace('_', ' ')} {told[name]:,}" for name in names) + f": {'kept' if told['clean'] else 'BROKEN'}"


def table(told: Mapping[str, Any]) -> Table:
    """The faults, for a terminal."""
    made = Table("at", "fault", "lasted", "longest pause", "caught up", "logged", title=f"{told['delivery']}, seed {told['seed']}")
    for row in _rows(told):
        made.add_row(*row)
    return made


def markdown(told: Mapping[str, Any]) -> str:
    """The result for the page: sentence, table."""
    of = told["machine"]
    head = "| At | Fault | It lasted | Longest pause of a partition | Caught up after | What the workers logged |"
    rows = [f"| {' | '.join(row)} |" for row in _rows(told)]
    return "\n".join(
        [
            f"`{told['delivery']}`, seed {told['seed']}: {line(told)}. {told['seconds']:,} s in all, fed at "
            f"{told['messages_per_second_fed']:,} messages/s; brokers, workers and feed together on {of['cores']} cores of "
            f"{of['processor']}, {of['kernel']}, Python {of['python']}, confluent-kafka {of['confluent-kafka']}; {told['load']}.",
            "",
            head,
            "| ---: | --- | ---: | ---: | ---: | --- |",
            *rows,
        ]
    )


def mutants(found: Mapping[str, Outcome]) -> str:
    """What became of broken workers, for the page."""
    rows = [
        f"| `{name}` | {one.ledger.messages:,} | {len(one.faults)} | {one.ledger.lost:,} | {one.ledger.doubled:,} |"
        for name, one in found.items()
    ]
    return "\n".join(["| Broken worker | Messages | Faults | Lost | Doubled |", "| --- | ---: | ---: | ---: | ---: |", *rows])


def write_docs(name: str, text: str) -> None:
    """Replace the part of the page between the comments that bear this name. Raises ValueError if they are not there."""
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
    page = PAGE.read_text(encoding="utf-8")
    before, found, rest = page.partition(begin)
    _, closed, after = rest.partition(end)
    if not found or not closed:
        raise ValueError(f"{PAGE.name} has no part {name!r}")
    PAGE.write_text(f"{before}{begin}{text}\n{end}{after}", encoding="utf-8")


def _rows(told: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [
        (
            f"{one['at_seconds']:.0f} s",
            one["what"],
            f"{one['lasted_seconds']:.1f} s",
            f"{one['paused_seconds']:.1f} s",
            "never" if one["caught_up_seconds"] is None else f"{one['caught_up_seconds']:.1f} s",
            one["logged"],
        )
        for one in told["table"]
    ]
