"""The dashboards as Matplotlib draws them from the very answers that the check got: no Grafana is needed to see them.

Stats, lines, areas and heatmaps, in Grafana's grid and roughly its look.
"""

import math
import re
import tempfile
from collections.abc import Mapping, Sequence
from itertools import groupby, pairwise
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure

from deploy.grafana.panels import COLUMNS, HEIGHTS, Dashboard, Panel, document
from tests.ops.answers import Answer, Line
from tests.ops.promql import ROOT

FOLDER = ROOT / "docs" / "dashboards"
INCHES = 0.62  # a column of the grid
ROW_INCHES = 0.36
INK, PALE, PAPER, RULE = "#1f2328", "#59636e", "#ffffff", "#d0d7de"
COLOURS = ("#1f6feb", "#d29922", "#2da44e", "#cf222e", "#8250df", "#1b7c83", "#bf3989", "#8c959f")
OF_STEPS = {"green": "#1a7f37", "yellow": "#9a6700", "red": "#cf222e"}
LONGEST_LEGEND = 8
Scales = Sequence[tuple[float, str]]
SCALES: Mapping[str, Scales] = {
    "s": ((86_400, " d"), (3600, " h"), (60, " min"), (1, " s"), (1e-3, " ms"), (1e-6, " µs")),
    "bytes": ((2**30, " GiB"), (2**20, " MiB"), (2**10, " KiB"), (1, " B")),
}
IN_SCRATCH = rf"^{re.escape(tempfile.gettempdir())}/[^/]+/"  # where files lie that the check made
COUNTS: Scales = ((1e6, " M"), (1e3, " k"), (1, ""))

Lines = Mapping[str, Line]


def write(told: Sequence[Answer]) -> list[Path]:
    """A picture of each dashboard in docs/dashboards."""
    FOLDER.mkdir(exist_ok=True)
    paths = []
    for _, group in groupby(told, lambda answer: answer.dashboard.name):
        answers = list(group)
        path = FOLDER / f"{answers[0].dashboard.name}.png"
        figure(answers[0].dashboard, answers).savefig(path, dpi=110, facecolor="#f6f8fa")
        paths.append(path)
    return paths


def figure(dashboard: Dashboard, told: Sequence[Answer]) -> Figure:
    """The dashboard's panels, where Grafana would put them."""
    mpl.rcParams.update({"font.size": 8, "font.family": "DejaVu Sans", "axes.edgecolor": RULE, "text.color": INK})
    places = [panel["gridPos"] for panel in document(dashboard)["panels"]]
    rows = max(place["y"] + place["h"] for place in places) + 1.4
    made = Figure(figsize=(COLUMNS * INCHES, rows * ROW_INCHES))
    made.text(0.008, 1 - 0.55 / rows, f"ScamSieve / {dashboard.title}", size=12, weight="bold", va="center")
    made.text(0.992, 1 - 0.55 / rows, "cluster: All   worker: All   operator: All", size=8, color=PALE, va="center", ha="right")
    for panel, place in zip(dashboard.panels, places, strict=True):
        lines: dict[str, Line] = {}
        for answer in told:
            if answer.panel is panel:
                lines |= answer.lines
        box = (place["x"] / COLUMNS, 1 - (place["y"] + place["h"] + 1.4) / rows, place["w"] / COLUMNS, place["h"] / rows)
        _panel(made, panel, lines, box)
    return made


def _panel(made: Figure, panel: Panel, lines: Lines, box: tuple[float, float, float, float]) -> None:
    left, bottom, width, height = box
    gap = 0.003
    back = made.add_axes((left + gap, bottom + gap, width - 2 * gap, height - 2 * gap), facecolor=PAPER)
    back.set(xticks=[], yticks=[])
    top = 1 - 0.55 / HEIGHTS[panel.kind]
    title = panel.title + ("   (history backfilled)" if panel.history else "")
    back.text(0.015 * COLUMNS / 2 / max(width * COLUMNS, 1), top, title, size=8.5, weight="bold", va="center", transform=back.transAxes)
    if panel.kind == "stat":
        _stat(back, panel, lines)
        return
    inner = (left + 1.05 / COLUMNS, bottom + 0.29 * height, width - 1.25 / COLUMNS, 0.58 * height)
    axes = made.add_axes(inner, facecolor=PAPER)
    if panel.kind == "heatmap":
        _heatmap(axes, lines)
    else:
        _lines(axes, panel, lines)
    locator = AutoDateLocator(minticks=3, maxticks=6)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, show_offset=False))  # type: ignore[no-untyped-call]
    axes.tick_params(colors=PALE, labelsize=7, length=2)
    if panel.kind != "heatmap":
        axes.grid(color=RULE, linewidth=0.4)
    axes.spines[["top", "right"]].set_visible(False)


def _stat(axes: Axes, panel: Panel, lines: Lines) -> None:
    name, line = next(iter(lines.items()), ("no data", ()))
    value = line[-1][1] if line else math.nan
    colour = "red" if panel.steps and panel.steps[0][1] == "green" else "green"
    for step, then in panel.steps:
        colour = then if value >= step else colour
    text = name if panel.text else written(value, panel.unit, panel.decimals)
    axes.text(0.5, 0.4, text, size=19, weight="bold", color=OF_STEPS[colour], ha="center", va="center", transform=axes.transAxes)


def _lines(axes: Axes, panel: Panel, lines: Lines) -> None:
    names = sorted(lines, key=lambda name: -_mean(lines[name])) if len(lines) > 2 else list(lines)
    chosen = names[:LONGEST_LEGEND]
    if panel.stacked:
        times = sorted({time for name in chosen for time, _ in lines[name]})
        heights = [[dict(lines[name]).get(time, 0.0) for time in times] for name in chosen]
        axes.stackplot(_dates(times), heights, labels=chosen, colors=COLOURS, alpha=0.75, linewidth=0)
    else:
        for name, colour in zip(chosen, COLOURS, strict=False):
            told = re.sub(IN_SCRATCH, "", name)
            for part in _parts(lines[name]):
                axes.plot(_dates([time for time, _ in part]), [value for _, value in part], color=colour, linewidth=1.3, label=told)
                told = "_again"  # the legend tells it once
    shown = [value for name in chosen for _, value in lines[name]]
    for step, colour in panel.steps:
        if shown and step <= 4 * max(shown):
            axes.axhline(step, color=OF_STEPS[colour], linewidth=0.9, linestyle="--")
    highest = max(shown, default=0.0) or 1.0
    axes.set_ylim(min(0.0, *shown) if shown else 0.0, max(1.05 * highest, axes.get_ylim()[1] if panel.stacked or panel.steps else 0.0))
    axes.yaxis.set_major_formatter(lambda value, _: written(value, panel.unit, None))
    top = axes.get_ylim()[1]
    size, _ = _scale(top, SCALES.get(panel.unit, ((1.0, ""),)))
    ticks = [size * tick for tick in mpl.ticker.MaxNLocator(4).tick_values(0, top / size)]  # round in the unit that is written
    axes.set_yticks([tick for tick in ticks if tick <= top])
    columns = min(4, len(chosen)) or 1
    axes.legend(
        loc="upper left",
        bbox_to_anchor=(-0.06, -0.2),
        ncols=columns,
        frameon=False,
        fontsize=7,
        handlelength=1.0,
        columnspacing=1.2,
        labelcolor=PALE,
    )


def _heatmap(axes: Axes, lines: Lines) -> None:
    """Cumulative buckets, made into those between two bounds; darker is more, by the square root."""
    bounds = sorted(lines, key=float)
    times = sorted({time for name in bounds for time, _ in lines[name]})
    rows = np.array([[dict(lines[name]).get(time, 0.0) for time in times] for name in bounds])
    cells = np.diff(rows, axis=0, prepend=0.0).clip(min=0.0)
    edges = [0.0, *(min(float(name), 1.0) for name in bounds)]
    sides = _dates([*times, times[-1] + (times[-1] - times[0]) / max(len(times) - 1, 1)])
    axes.pcolormesh(sides, edges, np.sqrt(cells), cmap="Blues", rasterized=True)
    axes.set_ylim(0, 1)
    axes.set_ylabel("score", size=7, color=PALE)


def _parts(line: Line) -> list[list[tuple[float, float]]]:
    """A line cut where values are missing."""
    steps = [after[0] - before[0] for before, after in pairwise(line)]
    usual = float(np.median(steps)) if steps else 1.0
    parts = [[line[0]]]
    for step, point in zip(steps, line[1:], strict=True):
        if step > 3 * usual:
            parts.append([])
        parts[-1].append(point)
    return parts


def _dates(times: Sequence[float]) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    return np.asarray(times, dtype=np.float64) / 86_400  # Matplotlib's dates: days since 1970


def _mean(line: Line) -> float:
    return float(np.mean([value for _, value in line]))


def written(value: float, unit: str, decimals: int | None) -> str:
    """A value as Grafana would write it."""
    if not math.isfinite(value):
        return "no data"
    if unit == "percentunit":
        percent = f"{100 * value:.{0 if abs(value) >= 0.1 else 1 if abs(value) >= 0.01 else 2}f}"
        return f"{percent.rstrip('0').rstrip('.') if '.' in percent else percent} %"
    if unit in SCALES:
        return _scaled(value, SCALES[unit])
    text = f"{value:.{decimals}f}" if decimals is not None else _scaled(value, COUNTS)
    return f"{text}/s" if unit == "cps" else text


def _scaled(value: float, scales: Scales) -> str:
    size, name = _scale(value, scales)
    return f"{value / size:.3g}{name}" if value else "0"


def _scale(value: float, scales: Scales) -> tuple[float, str]:
    """The largest unit that is not larger than the value."""
    return next((one for one in scales if abs(value) >= one[0]), scales[-1])
