"""The pictures of an evaluation, each as one SVG element: drawn from scores, holding no text of any message."""

from collections.abc import Callable, Sequence
from io import StringIO
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import precision_recall_curve, roc_curve

from training.assessment import Calibration
from training.categories import Named
from training.evaluate import Bools, Scored, labelled
from training.fit import Floats
from training.robustness import Attacked

_STYLE: Any = {"svg.fonttype": "none", "svg.hashsalt": "scamsieve", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
_COLOURS = ("#1b6ca8", "#c8553d", "#3a7d44", "#8e5ea2", "#b58900", "#2aa198", "#6c757d", "#d33682", "#586e75", "#a0522d")
_DASHES = ("-", "--", ":")  # of languages beyond the colours
_OF_LABEL = {"benign": "#3a7d44", "promo": "#b58900", "scam": "#c8553d"}
_LEAST = 20  # scams and benign messages of a language for a curve of its own


def _draw(width: float, height: float, draw: Callable[[Axes], None]) -> str:
    """One SVG, the same bytes for the same scores."""
    with mpl.rc_context(_STYLE):
        figure = Figure((width, height), layout="constrained")
        draw(figure.subplots())
        out = StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None, "Creator": None})
    whole = out.getvalue()
    return whole[whole.index("<svg") :]


def precision_recall(systems: dict[str, Scored]) -> str:
    """Precision by recall, scams against all else, a curve for each judge."""

    def draw(axes: Axes) -> None:
        for (name, scored), colour in zip(systems.items(), _COLOURS, strict=False):
            precision, recall, _ = precision_recall_curve(labelled(scored.rows, "scam"), scored.scores)
            axes.step(recall, precision, where="post", color=colour, label=name)
        axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
        axes.legend(frameon=False, loc="lower left")

    return _draw(5.2, 3.6, draw)


def recall_by_language(scored: Scored) -> str:
    """Recall by false-positive rate (benign messages, logarithmic), a curve for each language with enough of both."""
    spoken = np.array([row.lang for row in scored.rows])
    scam, benign = labelled(scored.rows, "scam"), labelled(scored.rows, "benign")
    many = [name for name in sorted(set(spoken.tolist())) if all((of & (spoken == name)).sum() >= _LEAST for of in (scam, benign))]

    def curve(axes: Axes, within: Bools, name: str, colour: str, width: float, dashes: str = "-") -> None:
        chosen = within & (scam | benign)
        rate, recall, _ = roc_curve(scam[chosen], scored.scores[chosen])
        axes.step(np.maximum(rate, 1e-4), recall, where="post", color=colour, label=name, linewidth=width, linestyle=dashes)

    def draw(axes: Axes) -> None:
        for number, name in enumerate(many):
            again, which = divmod(number, len(_COLOURS))
            curve(axes, spoken == name, name, _COLOURS[which], 1.2, _DASHES[again % len(_DASHES)])
        curve(axes, np.ones(len(spoken), np.bool_), "all", "#000000", 1.8)
        for rate in (0.001, 0.005, 0.01):
            axes.axvline(rate, color="#bbbbbb", linewidth=0.6, linestyle=":")
        axes.set(xscale="log", xlim=(1e-4, 1), ylim=(0, 1.02), xlabel="false-positive rate (benign)", ylabel="recall")
        axes.legend(frameon=False, loc="lower right")

    return _draw(5.2, 3.6, draw)


def calibration(told: Calibration) -> str:
    """Share of scams by score, with 95 % intervals; on the line, scores are probabilities."""

    def draw(axes: Axes) -> None:
        score, scam = np.array([each.score for each in told.bins]), np.array([each.scam for each in told.bins])
        ends = np.abs(np.array([each.interval for each in told.bins]).T - scam)
        axes.plot([0, 1], [0, 1], color="#bbbbbb", linewidth=0.8)
        axes.errorbar(score, scam, yerr=ends, fmt="o", color=_COLOURS[0], markersize=4, capsize=2)
        axes.set(xlabel="score", ylabel="share of scams", xlim=(0, 1), ylim=(0, 1.02))

    return _draw(4.2, 3.6, draw)


def histograms(scored: Scored) -> str:
    """How many messages of each label have which score (logarithmic)."""

    def draw(axes: Axes) -> None:
        for label, colour in _OF_LABEL.items():
            within: Floats = scored.scores[labelled(scored.rows, label)]
            if len(within):
                axes.hist(within, bins=40, range=(0, 1), histtype="step", color=colour, label=f"{label} ({len(within)})", log=True)
        axes.set(xlabel="score", ylabel="messages", xlim=(0, 1))
        axes.legend(frameon=False, loc="upper center")

    return _draw(5.2, 3.6, draw)


def confusion(told: Named) -> str:
    """True category (rows) by named one (columns); shades are shares of a row."""
    counts = np.array(told.confusion)

    def draw(axes: Axes) -> None:
        places = np.arange(len(counts))
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        axes.pcolormesh(places, places, shares, cmap="Blues", vmin=0, vmax=1.2)  # drawn, not an image: the page may load none
        axes.invert_yaxis()
        axes.set_xticks(range(len(told.names)), told.names, rotation=60, ha="right")
        axes.set_yticks(range(len(told.names)), told.names)
        for (row, column), count in np.ndenumerate(counts):
            if count:
                dark = shares[row, column] > 0.5
                axes.text(column, row, str(count), ha="center", va="center", fontsize=7, color="white" if dark else "black")
        axes.set(xlabel="named", ylabel="true")

    return _draw(6.0, 5.4, draw)


def attacks(table: Sequence[Attacked]) -> str:
    """Recall before and after each attack, of the scams that it changes."""
    shown = [line for line in table if line.scam.before is not None and line.scam.after is not None]

    def draw(axes: Axes) -> None:
        places = np.arange(len(shown))[::-1]
        axes.hlines(places, [line.scam.before or 0.0 for line in shown], [line.scam.after or 0.0 for line in shown], color="#bbbbbb")
        axes.plot([line.scam.before or 0.0 for line in shown], places, "o", color=_COLOURS[0], label="as written", markersize=4)
        axes.plot([line.scam.after or 0.0 for line in shown], places, "o", color=_COLOURS[1], label="attacked", markersize=4)
        axes.set_yticks(places, [line.name for line in shown])
        axes.set(xlabel="recall at the model's thresholds", xlim=(0, 1))
        axes.legend(frameon=False, loc="upper left")

    return _draw(6.0, 4.6, draw)
