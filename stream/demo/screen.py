"""What the demo shows: alerts as they come, a table that follows them, a summary, a picture."""

import io
import re
from collections.abc import Iterable
from dataclasses import dataclass

from rich import box
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from stream.demo.watch import Outcome
from stream.tail import card
from stream.wire import Alert

PICTURE_COLUMNS = 112
PICTURE_LANGUAGES = ("en", "zh", "vi", "th", "id", "tl")  # an SVG sets letter by letter, which Khmer and Burmese do not bear
PICTURE_TEXT = 105  # characters of an alert's text that stand on one line of the picture


@dataclass(frozen=True, slots=True)
class Now:
    """Where the demo is."""

    total: int
    seconds: float
    judged: int
    """Messages judged, as the worker tells."""


def headline(outcome: Outcome, now: Now) -> str:
    """The run in one line."""
    flagged, review = outcome.decided("flag"), outcome.decided("review")
    rate = len(outcome.sent) / now.seconds if now.seconds else 0
    return (
        f"{now.seconds:.0f} s · sent {len(outcome.sent):,} of {now.total:,} ({rate:.0f}/s) · judged {now.judged:,} · "
        f"flagged {flagged}, to review {review} · dead letters {len(outcome.dead)} · {latency(outcome)}"
    )


def latency(outcome: Outcome) -> str:
    """How long an alert takes."""
    return f"sent to alert: p50 {outcome.quantile(0.5) * 1000:.0f} ms, p99 {outcome.quantile(0.99) * 1000:.0f} ms"


def live(outcome: Outcome, now: Now) -> RenderableType:
    """What stands below the alerts while they come: the run in one line, and decisions by language."""
    table = Table(box=None, padding=(0, 1), expand=False)
    table.add_column("")
    for language in outcome.languages:
        table.add_column(language, justify="right", min_width=4)
    table.add_row("messages", *(str(outcome.count(language=language)) for language in outcome.languages))
    for decision, style in (("flag", "bold red"), ("review", "yellow")):
        table.add_row(decision, *(str(outcome.decided(decision, language=name)) for name in outcome.languages), style=style)
    return Panel(Group(Text(headline(outcome, now)), table), title="scamsieve demo", title_align="left", border_style="cyan")


def summary(outcome: Outcome) -> Table:
    """What was found against what is known, by language. Fits on 80 columns."""
    table = Table(title="Found against what is known", title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, collapse_padding=True)
    columns = ("language", "sent", "scams", "flagged", "review", "missed", "promos\nflagged", "benign\nflagged", "innocent\nto review")
    for name in columns:
        table.add_column(name, justify="left" if name == "language" else "right", no_wrap=True)
    for language in outcome.languages:
        table.add_row(language, *_row(outcome, language))
    table.add_section()
    table.add_row("all", *_row(outcome), style="bold")
    return table


def _row(outcome: Outcome, language: str = "") -> list[str]:
    """One line of the summary, in the order of its columns."""
    labels = ("scam", "promo", "benign")
    sent = {label: outcome.count(language, label) for label in labels}
    flagged = {label: outcome.decided("flag", language, label) for label in labels}
    review = {label: outcome.decided("review", language, label) for label in labels}
    return [
        f"{sum(sent.values())}",
        f"{sent['scam']}",
        f"{flagged['scam']}",
        f"{review['scam']}",
        f"{sent['scam'] - flagged['scam'] - review['scam']}",
        f"{flagged['promo']}/{sent['promo']}",
        f"{flagged['benign']}/{sent['benign']}",
        f"{review['promo'] + review['benign']}",
    ]


def verdict(outcome: Outcome, judged: int, repeats: int) -> list[str]:
    """What else there is to say of the run, line by line."""
    malformed, rightly = len(outcome.malformed), outcome.rightly_dead
    messages = len(outcome.known) - malformed
    codes = ", ".join(f"{code} {count}" for code, count in sorted(rightly.items()))
    spoken = {outcome.known[identity].language for identity in outcome.alerts}
    lines = [
        f"{judged:,} of {messages:,} messages were judged; {len(outcome.alerts):,} alerts came, in {len(spoken)} languages.",
        f"{sum(rightly.values())} of {malformed} malformed records became dead letters with the right code: {codes}.",
        f"From {latency(outcome)}, with exactly-once delivery.",
    ]
    if repeats:
        lines.append(f"{repeats:,} of the messages were repeats of others under new ids: they tell of speed, not of detection.")
    if outcome.strange:
        lines.append(f"{outcome.strange} alerts or dead letters were copies, or of nothing that was sent.")
    model = next((alert.model for alert in outcome.alerts.values()), None)
    if model:
        lines.append(
            f"Model {model.version}; no message of this feed is in its training data. The feed holds far more scams than real traffic."
        )
    return lines


def picture(outcome: Outcome, lines: Iterable[str]) -> str:
    """The run as SVG: a few alerts in as many languages, and the summary."""
    console = Console(
        record=True, width=PICTURE_COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor", highlight=False
    )
    console.print(Text.assemble(("$ ", "dim"), "scamsieve demo\n"))
    for alert in _select(outcome):
        console.print(card(alert), no_wrap=True, overflow="ellipsis")
    console.print("…\n")
    console.print(summary(outcome))
    for line in lines:
        console.print(line)
    drawn = console.export_svg(title="scamsieve demo")
    return re.sub(r"\s*@font-face \{.*?\}", "", drawn, flags=re.DOTALL)  # a picture loads nothing from elsewhere


def _select(outcome: Outcome) -> list[Alert]:
    """The first flagged scams that fit on a line, of as many languages."""
    chosen: dict[str, Alert] = {}
    for identity, alert in outcome.alerts.items():
        sample = outcome.known[identity]
        if alert.decision == "flag" and sample.label == "scam" and len(alert.text or "") <= PICTURE_TEXT:
            chosen.setdefault(sample.language, alert)
    return [chosen[language] for language in PICTURE_LANGUAGES if language in chosen]
