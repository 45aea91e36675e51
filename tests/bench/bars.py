"""A horizontal bar plot, written as SVG by hand: no plotting library is needed for eleven bars."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, NAMES, BAR, GAP, TOP = 860, 210, 20, 10, 64
FIGURES = 190  # room for the figures right of the longest bar
OURS, OTHERS, LIMIT, INK, PALE = "#1f6feb", "#8c959f", "#d0d7de", "#1f2328", "#59636e"


@dataclass(frozen=True, slots=True)
class Bar:
    """A name, how long, from where to where it varied, what is written beside it."""

    name: str
    value: float
    least: float
    most: float
    text: str


def plot(title: str, below: str, bars: Sequence[Bar]) -> str:
    """The SVG of a title, a line below it, and the bars from top to bottom."""
    height = TOP + len(bars) * (BAR + GAP) + GAP
    longest = max((bar.most for bar in bars), default=1.0) or 1.0
    scale = (WIDTH - NAMES - FIGURES) / longest
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'font-family="system-ui, sans-serif" font-size="13" role="img">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="16" y="26" font-size="16" font-weight="600" fill="{INK}">{escape(title)}</text>',
        f'<text x="16" y="46" fill="{PALE}">{escape(below)}</text>',
    ]
    for i, bar in enumerate(bars):
        parts.extend(_bar(bar, TOP + i * (BAR + GAP), scale))
    return "\n".join([*parts, "</svg>", ""])


def _bar(bar: Bar, top: int, scale: float) -> list[str]:
    middle, end = top + BAR / 2, NAMES + bar.value * scale
    colour = LIMIT if bar.name == "limit" else OURS if bar.name.startswith("scamsieve") else OTHERS
    whisker = f"M{NAMES + bar.least * scale:.1f} {middle}H{NAMES + bar.most * scale:.1f}"
    beside = max(end, NAMES + bar.most * scale) + 8
    return [
        f'<text x="{NAMES - 10}" y="{middle + 4.5}" text-anchor="end" fill="{INK}">{escape(bar.name)}</text>',
        f'<rect x="{NAMES}" y="{top}" width="{max(bar.value * scale, 1):.1f}" height="{BAR}" fill="{colour}"/>',
        f'<path d="{whisker}" stroke="{INK}" stroke-width="1.5"/>',
        f'<text x="{beside:.1f}" y="{middle + 4.5}" fill="{INK}">{escape(bar.text)}</text>',
    ]
