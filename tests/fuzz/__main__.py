"""`python -m tests.fuzz`: any bytes into the code, guided by what they reach; `... worker`: mutated records through a live worker."""

import argparse
import math
import subprocess
import sys
import time
from importlib.util import find_spec

from stream.errors import BrokerUnavailable
from tests.house.source import ROOT

FOLDER = ROOT / "build" / "fuzz"


def main() -> None:
    """Fuzz; the exit code is 0 if nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("part", nargs="?", choices=("guided", "worker"), default="guided", help="what to fuzz (default: guided)")
    parser.add_argument("--seconds", type=int, default=60, help="guided: how long (default: 60)")
    parser.add_argument("--records", type=int, default=100_000, help="worker: how many (default: 100000)")
    parser.add_argument("--seed", type=int, default=0, help="worker: of the mutations; the same seed, the same records (default: 0)")
    parser.add_argument("--apache", action="store_true", help="worker: on Apache Kafka (Java 17 and Maven), not on the embedded broker")
    given = parser.parse_args()
    if given.part == "guided":
        if find_spec("atheris") is None:
            sys.exit("atheris is not installed: pip install '.[fuzz]', or make fuzz")
        sys.exit(_guided(given.seconds))
    from tests.fuzz import worker  # noqa: PLC0415 it brings brokers

    try:
        print(worker.tell(worker.run(given.records, given.seed, given.apache)))
    except BrokerUnavailable as error:
        sys.exit(str(error))


def _guided(seconds: int) -> int:
    """Process after process, each going on with what the ones before found interesting; the code of the last one."""
    end, code = time.monotonic() + seconds, 0
    while not code and (left := math.ceil(end - time.monotonic())) > 0:
        code = subprocess.run([sys.executable, "-m", "tests.fuzz.guided", FOLDER, str(left)], cwd=ROOT, check=False).returncode
    return code


if __name__ == "__main__":
    main()
