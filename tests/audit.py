"""`make audit`: known vulnerabilities of the exact versions in constraints.txt, by pip-audit in an environment of its own.

Found ones make it fail. Where pip-audit or its source cannot be reached it says so and does not fail: that is no fault of the code.
pip-audit itself calls a run a success in which it could look nothing up.
"""

import subprocess
import sys
import venv
from collections.abc import Sequence
from typing import Any

import msgspec

from tests.house.source import ROOT

FOLDER = ROOT / "build" / "audit"
PIP_AUDIT = "pip-audit==2.10.1"
CONSTRAINTS = ROOT / "constraints.txt"
SECONDS = 300


class Vulnerability(msgspec.Struct):
    """One that is known of a package."""

    id: str
    fix_versions: list[str] = []


class Dependency(msgspec.Struct):
    """A package as pip-audit tells of it; with a reason if it was skipped."""

    name: str
    version: str = ""
    vulns: list[Vulnerability] = []
    skip_reason: str = ""


class Report(msgspec.Struct):
    """What pip-audit tells."""

    dependencies: list[Dependency]


def main() -> int:
    """The exit code: 1 if something is vulnerable."""
    try:
        venv.create(FOLDER, with_pip=True, clear=True)
        _run([FOLDER / "bin" / "python", "-m", "pip", "install", "--quiet", PIP_AUDIT], check=True)
        asked = ["--requirement", CONSTRAINTS, "--no-deps", "--disable-pip", "--format", "json", "--progress-spinner", "off"]
        done = _run([FOLDER / "bin" / "pip-audit", *asked])
        report = msgspec.json.decode(done.stdout, type=Report)
    except (subprocess.SubprocessError, OSError, msgspec.DecodeError) as error:
        print(f"NOT AUDITED: {PIP_AUDIT} or its source cannot be reached ({type(error).__name__})")
        return 0
    lines, code = told(report.dependencies)
    print("\n".join(lines))
    return code


def told(dependencies: Sequence[Dependency]) -> tuple[list[str], int]:
    """What to print, and the exit code."""
    audited = [one for one in dependencies if not one.skip_reason]
    lines = [
        f"{one.name} {one.version}: {found.id}, mended in {', '.join(found.fix_versions) or 'no version yet'}"
        for one in audited
        for found in one.vulns
    ]
    if len(audited) < len(dependencies):
        lines.append(
            f"NOT AUDITED: {len(dependencies) - len(audited)} of {len(dependencies)} packages could not be looked up at their source"
        )
    if audited:
        lines.append(f"{len(audited)} packages audited, {sum(bool(one.vulns) for one in audited)} of them vulnerable")
    return lines, int(any(one.vulns for one in audited))


def _run(command: list[Any], check: bool = False) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, timeout=SECONDS, check=check)


if __name__ == "__main__":
    sys.exit(main())
