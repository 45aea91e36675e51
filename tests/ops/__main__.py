"""`python -m tests.ops`: what `make ops-check` does; `... provoke` makes each alert fire for real."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict

from rich.console import Console

from stream.errors import BrokerUnavailable
from tests.ops import check
from tests.ops.manifests import NotValid
from tests.ops.prometheus import NotShown
from tests.ops.tools import ToolMissing


def main(arguments: Sequence[str] | None = None) -> None:
    """Check, and print counts."""
    given = _parser().parse_args(arguments)
    progress = Console(stderr=True, soft_wrap=True, markup=False, highlight=False)

    def tell(step: str) -> None:
        progress.log(step, _stack_offset=2)

    try:
        if given.part == "provoke":
            from tests.ops import provoke  # noqa: PLC0415 each part loads what it needs

            provoke.main(given.only.split(",") if given.only else (), given.minutes, given.write_docs, tell)
            return
        counts, told = check.check(given.seconds, tell)
        if given.write_docs:
            from tests.ops.pictures import write  # noqa: PLC0415

            write(told)
    except (NotShown, NotValid, BrokerUnavailable, ToolMissing) as error:
        sys.exit(str(error))
    for name, count in asdict(counts).items():
        print(f"{name:14}{count:6}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.ops", description="Dashboards, rules and manifests, shown on a running system.")
    parser.add_argument("part", nargs="?", default="check", choices=("check", "provoke"))
    parser.add_argument("--seconds", type=float, default=check.LOAD_SECONDS, help="of load (default: %(default)g)")
    parser.add_argument("--only", default="", help="alerts to provoke, comma-separated (default: all)")
    parser.add_argument("--minutes", type=float, default=50.0, help="longest wait for an alert that is provoked (default: %(default)g)")
    parser.add_argument("--write-docs", action="store_true", help="write the pictures of docs/dashboards, or the table of docs/runbooks")
    return parser


if __name__ == "__main__":
    main()
