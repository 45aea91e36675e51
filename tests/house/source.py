"""The source tree as the tests of the house look at it."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("models", "stream", "training")


@cache
def modules() -> dict[str, Path]:
    """The file of each module of the three packages, by its dotted name."""
    found = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
    return {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in found}


@cache
def tree(path: Path) -> ast.Module:
    """The parsed file."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports(path: Path) -> Iterator[str]:
    """The dotted names that a file imports, wherever in it the import stands; no relative ones are used here."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: import by the full name"
            yield from (f"{node.module}.{name.name}" for name in node.names)


def committed(*patterns: str) -> list[Path]:
    """Files that git knows or would take in; all that fit where there is no git (an unpacked source archive)."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *patterns]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if listed.returncode == 0:
        return sorted(path for name in set(listed.stdout.decode().split("\0")) if name and (path := ROOT / name).is_file())
    return sorted(path for pattern in patterns for path in ROOT.rglob(pattern) if path.is_file() and "__pycache__" not in path.parts)
