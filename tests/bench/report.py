"""The results for people: a table on the terminal, a picture, and docs/benchmarks.md."""

from collections.abc import Iterable, Sequence

from rich.table import Table

from tests.bench.bars import Bar, plot
from tests.bench.compare import fastest_first, ratio
from tests.bench.environments import ROOT
from tests.bench.results import Results, Row

PAGE, PICTURE = ROOT / "docs" / "benchmarks.md", ROOT / "docs" / "benchmarks.svg"
COLUMNS = ("messages/s", "least to most", "of scamsieve", "CPU s per million", "peak MB", "p50 ms", "p99 ms", "recall")

ABOUT = """\
# Benchmarks

How fast ScamSieve is beside what one would take instead. `make bench` measures it all again, on one machine in one run, and
`python -m tests.bench --write-docs` writes this page; nothing here was typed in.

![Messages a second, by contender](benchmarks.svg)

## How it is measured

- One broker and one topic of 12 partitions, filled beforehand with the same messages: those of the demo feed, in ten languages, 2 % of
  which ScamSieve raises. Each contender is one process in an environment of its own, with a consumer group of its own; it reads, judges,
  publishes alerts to a topic of its own, waits for them and commits. Broker, contender and measuring share the machine's cores.
- Nobody is asked how fast it is. The group's committed offsets are looked at every few hundredths of a second; messages/s is what was
  committed between the first look that shows 5 % and the first that shows all. A slow contender is stopped after {seconds:g} s.
- Contenders alternate, round after round ({rounds} in all); the figures are medians, with the least and the most. Each has the batch
  size that was its best in the first round.
- CPU time (user and system) and the highest memory are those of the contender's processes, by /proc.
- Latency is from handing a message to the producer until its alert can be read by a reader of committed records, at half of the
  contender's own speed (at most 60,000 messages/s, which is what the feed can pace).
- Recall is the share of the demo feed's scams that a scorer finds where it flags 1 % of the benign ones. None has seen them. In the
  runs, each scikit-learn pipeline has the threshold that flags as many benign messages as ScamSieve does; it knows scam or not, and
  gives no reasons, categories, indicators, pseudonyms or metrics.
- `limit` is no contender: it is ScamSieve's Kafka code with the judging left out.
"""


def table(results: Results) -> Table:
    """All rows, fastest first."""
    made = Table(title=f"{results.messages:,} messages, {results.broker}", caption=_troubles(results.rows), caption_justify="left")
    made.add_column("contender", no_wrap=True)
    made.add_column("batch", justify="right")
    for name in COLUMNS:
        made.add_column(name, justify="right")
    for row in fastest_first(results.rows):
        cells = [row.contender, f"{row.batch_size:,}" if row.batch_size else ""]
        made.add_row(*cells, *_figures(row, results.rows))
    return made


def picture(results: Results) -> str:
    """The bar plot."""
    rows = [row for row in fastest_first(results.rows) if row.messages_per_second and row.spread]
    bars = []
    for row in rows:
        least, most = row.spread or (0.0, 0.0)
        bars.append(Bar(row.contender, row.messages_per_second or 0, least, most, _beside(row, results.rows)))
    below = f"one process each, {results.broker}, {results.machine['cores']} cores shared with it; thin line: least to most of the rounds"
    return plot("Messages a second, Kafka to Kafka", below, bars)


def page(results: Results, alone: Iterable[tuple[str, str]], rounds: int, seconds: float) -> str:
    """The text of docs/benchmarks.md."""
    told = results.machine
    low, high = results.calibration_ms
    lines = [
        ABOUT.format(rounds=rounds, seconds=seconds),
        "## Where",
        "",
        f"{told['processor']}, {told['cores']} cores, {int(told['memory_mb']) / 1024:.0f} GB of memory, {told['kernel']}, "
        f"Python {told['python']}; {results.broker}; {results.messages:,} messages.",
        ", ".join(f"{name} {version}" for name, version in told.items() if "-" in name or name == "numpy") + ".",
        "",
        f"The speed of a virtual machine swings: a loop of a million steps in Python took {low:.0f} to {high:.0f} ms over the run.",
        "",
        "## Side by side",
        "",
        *_markdown(("contender", "batch", *COLUMNS), [_cells(row, results.rows) for row in fastest_first(results.rows)]),
        "",
        *(f"- `{row.contender}`: {row.what}{_trouble(row)}." for row in results.rows),
    ]
    fixed = [row for row in results.rows if row.latency_20000_p50_ms is not None]
    if fixed:
        heads = ("at 20,000 messages/s", "p50 ms", "p99 ms")
        told_rows = [(f"`{row.contender}`", _short(row.latency_20000_p50_ms), _short(row.latency_20000_p99_ms)) for row in fixed]
        lines += ["", *_markdown(heads, told_rows)]
    if measured := list(alone):
        lines += ["", "## ScamSieve alone", "", *_markdown(("what", "figure"), measured)]
    return "\n".join([*lines, ""])


def _figures(row: Row, rows: Sequence[Row]) -> tuple[str, ...]:
    spread = f"{row.spread[0]:,.0f} to {row.spread[1]:,.0f}" if row.spread else ""
    part = ratio(row, rows)
    recall = f"{row.recall:.0%}" if row.recall is not None else ""
    return (
        f"{row.messages_per_second:,.0f}" if row.messages_per_second else "failed",
        spread,
        f"{part:.2f}" if part is not None else "",
        *(_short(one) for one in (row.cpu_seconds_per_million, row.peak_memory_mb, row.latency_p50_ms, row.latency_p99_ms)),
        recall,
    )


def _cells(row: Row, rows: Sequence[Row]) -> tuple[str, ...]:
    return f"`{row.contender}`", f"{row.batch_size:,}" if row.batch_size else "", *_figures(row, rows)


def _troubles(rows: Sequence[Row]) -> str | None:
    return "\n".join(f"{row.contender}{_trouble(row)}" for row in rows if row.failed or row.latency_failed) or None


def _trouble(row: Row) -> str:
    failed = f"; failed: {row.failed}" if row.failed else ""
    return failed + (f"; latency: {row.latency_failed}" if row.latency_failed else "")


def _beside(row: Row, rows: Sequence[Row]) -> str:
    part = ratio(row, rows)
    return f"{row.messages_per_second:,.0f}" + (f"  ({part:.2f} of scamsieve)" if part is not None and part != 1 else "")


def _short(figure: float | None) -> str:
    return "" if figure is None else f"{figure:,.1f}" if figure < 10 else f"{figure:,.0f}"


def _markdown(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    right = [i > 0 and name != "figure" for i, name in enumerate(heads)]
    rule = "|" + "|".join(" ---: " if one else " --- " for one in right) + "|"
    return ["| " + " | ".join(heads) + " |", rule, *("| " + " | ".join(row) + " |" for row in rows)]
