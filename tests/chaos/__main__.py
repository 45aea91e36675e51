"""`python -m tests.chaos`: faults at random and the ledger; `... mutants`, `... burst`, `... lifecycle` for the other trials."""

import argparse
import json
import random
import sys
from collections.abc import Callable, Sequence

from rich.console import Console

from stream.errors import BrokerUnavailable
from tests.bench.environments import ROOT
from tests.chaos import report
from tests.chaos.faults import FAULTS
from tests.chaos.mutants import MUTANTS
from tests.chaos.run import Plan, trial

BUILD = ROOT / "build"
MESSAGES, FAULT_COUNT = 100_000, 8
LONG = 20  # faults: from here on the cluster stays away for a whole minute
BLACKOUT_SECONDS, SHORT_BLACKOUT_SECONDS = 60.0, 20.0
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
        report.write_docs(f"ledger {given.delivery}", report.markdown(told))
    return KEPT if outcome.clean else BROKEN


_PARTS = {"run": _run}


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
    parser.add_argument("--write-docs", action="store_true", help="write the result into docs/reliability.md")
    return parser


if __name__ == "__main__":
    sys.exit(main())
