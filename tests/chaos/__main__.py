"""`python -m tests.chaos`: faults at random and the ledger; `... mutants`, `... burst`, `... lifecycle` for the other trials."""

import argparse
import json
import random
import sys
from collections.abc import Callable, Sequence

import msgspec
from rich.console import Console
from rich.table import Table

from stream.errors import BrokerUnavailable
from tests.bench.environments import ROOT
from tests.chaos import report
from tests.chaos.faults import FAULTS
from tests.chaos.mutants import MUTANTS
from tests.chaos.rows import Row
from tests.chaos.rows import markdown as rows_markdown
from tests.chaos.run import Plan, trial

BUILD = ROOT / "build"
MESSAGES, FAULT_COUNT = 100_000, 8
LONG = 20  # faults: from here on the cluster stays away for a whole minute
BLACKOUT_SECONDS, SHORT_BLACKOUT_SECONDS = 60.0, 20.0
MUTANT_MESSAGES, MUTANT_FAULTS = 5_000, 5
WEAKNESS = {
    "commits-before-it-produces": ("worker killed",),
    "forgets-to-go-back": ("alerts refused",),
    "produces-outside-the-transaction": ("worker killed",),
}
KEPT, BROKEN, VOID = 0, 1, 2  # exit codes


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a part; returns the exit code."""
    given = _parser().parse_args(arguments)
    progress = Console(stderr=True, soft_wrap=True, markup=False, highlight=False)

    def tell(step: str) -> None:
        progress.log(step, _stack_offset=2)

    try:
        return _PARTS[given.part](given, tell)
    except (BrokerUnavailable, TimeoutError) as error:
        print(f"the trial itself failed, which proves nothing: {error}", file=sys.stderr)
        return VOID


def _run(given: argparse.Namespace, tell: Callable[[str], None]) -> int:
    seed = given.seed if given.seed is not None else random.SystemRandom().randrange(1_000_000)
    tell(f"seed {seed}")
    blackout = BLACKOUT_SECONDS if given.faults >= LONG else SHORT_BLACKOUT_SECONDS
    outcome = trial(Plan(given.messages, given.faults, seed, given.delivery, blackout, given.mutant, tuple(given.only)), tell)
    told = outcome.document()
    BUILD.mkdir(exist_ok=True)
    (BUILD / "chaos.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    Console(width=170).print(report.table(told))
    print(report.line(told))
    if given.write_docs:
        form = "long" if given.faults >= LONG else "short"
        report.write_docs(f"ledger {given.delivery} {form}", report.markdown(told))
    return KEPT if outcome.clean else BROKEN


def _mutants(given: argparse.Namespace, tell: Callable[[str], None]) -> int:
    """Each broken worker under the faults that show what is broken; good is what is found out."""
    found = {}
    for name, only in WEAKNESS.items():
        seed = given.seed if given.seed is not None else 1
        tell(name)
        found[name] = trial(Plan(MUTANT_MESSAGES, MUTANT_FAULTS, seed, "exactly_once", SHORT_BLACKOUT_SECONDS, name, only), tell)
        print(f"{name}: {report.line(found[name].document())}", flush=True)
    missed = [name for name, outcome in found.items() if outcome.ledger.clean("exactly_once")]
    print(f"not found out: {', '.join(missed)}" if missed else "each was found out")
    if given.write_docs:
        report.write_docs("mutants", report.mutants(found))
    return BROKEN if missed else KEPT


def _burst(given: argparse.Namespace, tell: Callable[[str], None]) -> int:
    from tests.chaos import burst, plot  # noqa: PLC0415 matplotlib is needed here only

    rows, samples, begin = burst.trial(given.rate, given.steps or burst.STEPS, tell)
    _show(rows)
    BUILD.mkdir(exist_ok=True)
    (BUILD / "burst.json").write_bytes(msgspec.json.format(msgspec.json.encode({"rows": rows, "samples": samples}), indent=1))
    if samples:
        plot.draw(samples, begin, burst.BURST_SECONDS, plot.PICTURE if given.write_docs else BUILD / "burst.svg")
    if given.write_docs:
        report.write_docs("back-pressure", rows_markdown(rows))
    return KEPT if all(row.kept for row in rows) else BROKEN


def _lifecycle(given: argparse.Namespace, tell: Callable[[str], None]) -> int:
    from tests.chaos import lifecycle  # noqa: PLC0415

    rows = []
    for row in lifecycle.trial(given.steps or (*lifecycle.STEPS, "sigterm"), tell, given.away):
        tell(f"{row.what}: {row.seen}{'' if row.kept else ': NOT AS PROMISED'}")
        rows.append(row)
    _show(rows)
    if given.write_docs:
        report.write_docs("lifecycle", rows_markdown(rows))
    return KEPT if all(row.kept for row in rows) else BROKEN


def _show(rows: Sequence[Row]) -> None:
    table = Table("what was done", "what was seen", "as promised", show_lines=True)
    for row in rows:
        table.add_row(row.what, row.seen, "yes" if row.kept else "NO")
    Console(width=170).print(table)


_PARTS = {"run": _run, "mutants": _mutants, "burst": _burst, "lifecycle": _lifecycle}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos", description="Faults at random while messages flow; a ledger at the end: nothing lost, nothing twice."
    )
    parser.add_argument("part", nargs="?", default="run", choices=_PARTS)
    parser.add_argument("--messages", type=int, default=MESSAGES, help="least number of messages (default: %(default)s)")
    parser.add_argument("--faults", type=int, default=FAULT_COUNT, help="number of faults (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="of the faults' order and times (default: another each time)")
    parser.add_argument("--delivery", default="exactly_once", choices=("exactly_once", "at_least_once"))
    parser.add_argument("--mutant", default="", choices=("", *MUTANTS), help="run a broken worker: the ledger must turn red")
    parser.add_argument("--only", nargs="+", default=[], choices=FAULTS, metavar="KIND", help=f"of {', '.join(FAULTS)} (default: all)")
    parser.add_argument("--rate", type=float, default=2_000.0, help="usual messages/s of the burst (default: %(default)s)")
    parser.add_argument("--away", type=float, default=120.0, help="seconds without a broker in the lifecycle (default: %(default)s)")
    parser.add_argument("--steps", nargs="+", default=[], metavar="STEP", help="of the burst or the lifecycle (default: all)")
    parser.add_argument("--write-docs", action="store_true", help="write the result into docs/reliability.md")
    return parser


if __name__ == "__main__":
    sys.exit(main())
