"""`python -m tests.bench`: the comparison and then ScamSieve alone; `... alone`, `... profile` for one part."""

import argparse
from collections.abc import Sequence

from rich.console import Console

from stream import logs
from tests.bench import report
from tests.bench.brokers import BROKERS
from tests.bench.compare import Plan, compare
from tests.bench.environments import ROOT
from tests.bench.machine import Calibration
from tests.bench.roster import BATCHES, ROSTER, chosen

BUILD = ROOT / "build"
MESSAGES, QUICK_MESSAGES = 1_000_000, 20_000


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print tables."""
    parser = _parser()
    given = parser.parse_args(arguments)
    logs.configure("error")
    progress = Console(stderr=True, soft_wrap=True, markup=False, highlight=False)

    def tell(step: str) -> None:
        progress.log(step, _stack_offset=2)

    if given.part == "profile":
        from tests.bench import profile  # noqa: PLC0415 each part loads what it needs

        Console().print(profile.table(given.messages or 100_000))
        return
    measured: list[tuple[str, str]] = []
    if given.part in ("all", "compare"):
        try:
            contenders = chosen(given.only)
        except KeyError as unknown:
            parser.error(f"{unknown} is no contender; there are {', '.join(one.name for one in ROSTER)}")
        plan = Plan(
            contenders,
            given.broker,
            given.messages or (QUICK_MESSAGES if given.quick else MESSAGES),
            1 if given.quick else given.rounds,
            [int(size) for size in given.batches.split(",")],
            5.0 if given.quick else given.seconds,
            3.0 if given.quick else 10.0,
        )
        results = compare(plan, Calibration(), tell)
        Console(width=150).print(report.table(results))
        BUILD.mkdir(exist_ok=True)
        results.write(BUILD / "bench.json")
        (BUILD / "bench.svg").write_text(report.picture(results), encoding="utf-8")
    if given.part in ("all", "alone"):
        from tests.bench import alone  # noqa: PLC0415

        measured = alone.measure(given.quick, given.broker, given.soak, tell)
        Console().print(alone.table(measured))
        if given.part == "all":
            results.write(BUILD / "bench.json", alone=dict(measured))
    if given.write_docs and given.part in ("all", "compare"):
        report.PAGE.write_text(report.page(results, measured, plan.rounds, plan.seconds), encoding="utf-8")
        report.PICTURE.write_text(report.picture(results), encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="How fast ScamSieve is, beside what one would take instead.")
    parser.add_argument("part", nargs="?", default="all", choices=("all", "compare", "alone", "profile"))
    parser.add_argument("--broker", default="kafka", choices=BROKERS)
    parser.add_argument("--messages", type=int, default=0, help="messages of the topic (default: 1,000,000; of the profile: 100,000)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds in which contenders alternate (default: 3)")
    parser.add_argument("--batches", default=",".join(map(str, BATCHES)), help="batch sizes to try (default: %(default)s)")
    parser.add_argument("--seconds", type=float, default=20.0, help="most of one run, from its first commit on (default: 20)")
    parser.add_argument("--only", default="", help="contenders, comma-separated (default: all)")
    parser.add_argument("--quick", action="store_true", help="a small run to see that everything works; its figures mean little")
    parser.add_argument("--soak", type=int, default=0, help="let a worker judge so many messages, and watch its memory (default: off)")
    parser.add_argument("--write-docs", action="store_true", help="write docs/benchmarks.md and its picture")
    return parser


if __name__ == "__main__":
    main()
