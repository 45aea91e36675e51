"""The picture of a burst: messages a second, records behind, memory, over one clock."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from tests.bench.bars import INK, OTHERS, OURS, PALE
from tests.bench.environments import ROOT

if TYPE_CHECKING:
    from tests.chaos.burst import Sample

PICTURE = ROOT / "docs" / "burst.svg"
WINDOW = 4  # samples that a speed is taken over
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "scamsieve",  # the same picture gives the same file
    "font.family": "sans-serif",
    "font.sans-serif": ["system-ui", "sans-serif"],
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": PALE,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": PALE,
    "ytick.color": PALE,
}


def draw(samples: Sequence["Sample"], begin: float, seconds: float, path: Path = PICTURE) -> None:
    """Draw samples of a trial whose burst began at `begin` and took so many seconds."""
    at = np.array([sample.at for sample in samples])
    fed = np.array([sample.fed for sample in samples])
    judged = np.array([sample.judged for sample in samples])
    memory = np.array([sample.memory_mb for sample in samples])
    middle = (at[WINDOW:] + at[:-WINDOW]) / 2
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8.6, 5.2), layout="constrained")
        speed, behind, used = figure.subplots(3, 1, sharex=True, height_ratios=(2, 1, 1))
        figure.suptitle(f"Ten times the usual rate for {seconds:.0f} s", x=0.02, ha="left", fontweight="bold", color=INK)
        for one in (speed, behind, used):
            one.axvspan(begin, begin + seconds, color=OTHERS, alpha=0.15, linewidth=0)
            one.grid(axis="y", color=OTHERS, alpha=0.25)
        for values, colour, name in ((fed, OTHERS, "sent"), (judged, OURS, "judged")):
            speed.plot(middle, (values[WINDOW:] - values[:-WINDOW]) / (at[WINDOW:] - at[:-WINDOW]), color=colour, label=name)
        speed.legend(frameon=False, loc="upper right")
        speed.set_ylabel("messages/s")
        behind.plot(at, np.maximum(fed - judged, 0), color=OURS)
        behind.set_ylabel("not yet judged")
        used.plot(at, memory, color=OURS)
        used.set_ylabel("worker's memory, MB")
        used.set_xlabel("seconds")
        for one in (speed, behind, used):
            one.set_ylim(bottom=0)
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
