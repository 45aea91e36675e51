"""The tables and the picture of docs/capacity.md: `python -m tests.bench.capacity` writes them anew.

The tables are put between the page's marks; a test holds them to the code.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from stream.operations.autoscale import Autoscaler, Day, burst, simulate, traffic
from stream.operations.plan import DAY, Load, plan

DOCS = Path(__file__).parents[2] / "docs"
PAGE, PICTURE = DOCS / "capacity.md", DOCS / "capacity.svg"
END = "<!-- end -->"
PEAK = 3.0
BUSIEST = 100_000.0  # messages a second
LOADS = (
    ("10 thousand a second", Load(10_000)),
    ("1.5 billion a day", Load(1.5e9 / DAY * PEAK)),
    ("100 thousand a second", Load(100_000)),
    ("1 million a second", Load(1_000_000)),
)
BURST = (10.0, 5.0, 4.0)  # hour, minutes, times
AS_DEPLOYED = Autoscaler()
SETTINGS = (
    ("as in `deploy/k8s`", AS_DEPLOYED),
    ("by lag alone", replace(AS_DEPLOYED, cpu_target=None)),
    ("4 more a minute", replace(AS_DEPLOYED, up=(4, 60))),
    ("pods that take 2 minutes to start", replace(AS_DEPLOYED, start=120)),
    ("at least 4", replace(AS_DEPLOYED, least=4)),
    ("no autoscaler: 6, as planned", replace(AS_DEPLOYED, least=6, most=6)),
)
SHOWN = ("by lag alone", "as in `deploy/k8s`", "no autoscaler: 6, as planned")
COLOURS = ("#bf8700", "#1f6feb", "#59636e")
INK = "#1f2328"


def main() -> None:
    """Write the tables into the page, and the picture."""
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    draw(PICTURE)


def page(text: str) -> str:
    """The page with its tables as they come out now."""
    for name, lines in (("plans", plans()), ("days", days())):
        before, mark, rest = text.partition(f"<!-- {name} -->\n")
        text = before + mark + "\n".join([*lines, END]) + rest.partition(END)[2]
    return text


def plans() -> Iterator[str]:
    """What each load takes, as a table of Markdown."""
    found = [plan(load) for _, load in LOADS]
    yield "| | " + " | ".join(name for name, _ in LOADS) + " |"
    yield "| --- |" + " ---: |" * len(LOADS)
    rows: Sequence[tuple[str, Sequence[str]]] = (
        ("messages a second when it is busiest", [f"{load.rate:,.0f}" for _, load in LOADS]),
        ("workers (scorer)", [f"{one.workers:,}" for one in found]),
        ("busy then, and with a zone lost", [f"{one.busy:.0%}, {one.busy_zone_lost:.0%}" for one in found]),
        ("partitions", [f"{one.partitions:,}" for one in found]),
        ("cores of the workers", [f"{one.cores:,.1f}" for one in found]),
        ("memory of the workers, GB", [f"{one.memory_gigabytes:,.1f}" for one in found]),
        ("messages in, MB/s", [f"{one.megabytes_in:,.1f}" for one in found]),
        ("brokers (assumed: 80 MB/s each)", [f"{one.brokers:,}" for one in found]),
        ("disk for 72 h in 3 copies, TB", [f"{one.disk_gigabytes / 1000:,.1f}" for one in found]),
        ("alerts a second", [f"{one.alerts:,.0f}" for one in found]),
        ("transactions a second, at most", [f"{one.transactions:,.0f}" for one in found]),
    )
    for name, cells in rows:
        yield f"| {name} | " + " | ".join(cells) + " |"


@cache
def day(name: str) -> Day:
    """The day under one of the settings."""
    return simulate(burst(traffic(BUSIEST / PEAK, PEAK), *BURST), dict(SETTINGS)[name])


def days() -> Iterator[str]:
    """How the day goes under each of the settings, as a table of Markdown."""
    yield "| | judged within 1 s | oldest message, at worst | workers: mean | most | changes of their number |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    for name, _ in SETTINGS:
        one = day(name)
        quick = np.average(one.age <= 1, weights=one.rate)
        changes = int((np.diff(one.workers) != 0).sum())
        yield f"| {name} | {quick:.2%} | {one.age.max():.0f} s | {one.workers.mean():.1f} | {one.workers.max():.0f} | {changes} |"


def draw(path: Path) -> None:
    """Three plots over one day: messages a second, workers, age of the oldest message."""
    mpl.rcParams.update({"svg.hashsalt": "scamsieve", "font.size": 9, "text.color": INK, "axes.labelcolor": INK, "svg.fonttype": "none"})
    figure = Figure(figsize=(8.6, 6.4), layout="constrained")
    rate, workers, age = figure.subplots(3, sharex=True, height_ratios=(1.2, 1, 1))
    every = 60  # seconds
    hours = np.arange(0, DAY, every) / 3600
    rate.fill_between(hours, day(SHOWN[0]).rate.reshape(-1, every).max(axis=1) / 1000, color="#d0d7de")
    rate.set_ylabel("messages/s, thousands")
    for name, colour in zip(SHOWN, COLOURS, strict=True):
        told = name.replace("`", "")
        workers.step(hours, day(name).workers.reshape(-1, every).max(axis=1), color=colour, label=told, where="post")
        age.plot(hours, day(name).age.reshape(-1, every).max(axis=1), color=colour, label=told)
    workers.set_ylabel("workers")
    workers.set_ylim(0, 11)
    workers.legend(loc="upper left", frameon=False, ncols=3)
    age.set_ylabel("oldest unjudged\nmessage, s")
    age.set_xlabel("hour of the day")
    age.set_xlim(0, 24)
    age.set_xticks(range(0, 25, 3))
    age.set_ylim(0)
    rate.set_title(
        "A simulated day: 33,000 messages/s on average, 100,000 in the evening, four times as many for 5 minutes at 10 h",
        loc="left",
        fontsize=8.5,
    )
    for one in (rate, workers, age):
        one.spines[["top", "right"]].set_visible(False)
        one.grid(axis="y", color="#eaeef2")
        one.set_axisbelow(True)
    figure.savefig(path, format="svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
