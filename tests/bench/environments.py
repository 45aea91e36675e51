"""An environment for each contender: a venv in build/bench with the packages of a list, kept as long as the list is the same."""

import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "build" / "bench"
INSTALL_SECONDS = 900.0
LEARNING = ("scikit-learn", "joblib", "numpy", "scipy", "threadpoolctl")  # the same version everywhere: they share a pickled pipeline


class NotInstalled(Exception):
    """An environment that cannot be made; the text says why, in one line."""


def pinned(*packages: str) -> tuple[str, ...]:
    """Packages with their versions of constraints.txt, where they stand in it."""
    versions = dict(re.findall(r"^([\w.-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE))
    return tuple(f"{package}=={versions[package]}" if package in versions else package for package in packages)


def python_of(name: str, packages: Sequence[str], within: Path = FOLDER) -> str:
    """The Python of an environment with these packages, made if need be; of an empty list, the one that runs now. Raises NotInstalled."""
    if not packages:
        return sys.executable
    digest = hashlib.sha256("\n".join((sys.version, *packages)).encode()).hexdigest()[:12]
    folder = within / name / digest
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        shutil.rmtree(folder, ignore_errors=True)
        _run([sys.executable, "-m", "venv", str(folder)])
        _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages])
        (folder / "ready").touch()
    return str(python)


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise NotInstalled(f"not installed within {INSTALL_SECONDS:g} s") from None
    if done.returncode:
        said = [line for line in done.stderr.split("\n") if line.strip()] or ["pip said nothing"]
        raise NotInstalled(next((line for line in said if line.startswith("ERROR")), said[-1])[:300])
