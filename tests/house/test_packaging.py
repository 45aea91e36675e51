"""The wheel holds everything that the code reads, and what it installs is pinned somewhere."""

import importlib
import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.house.source import ROOMS, ROOT, committed, modules

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES: list[str] = PROJECT["tool"]["setuptools"]["packages"]
DATA: dict[str, list[str]] = PROJECT["tool"]["setuptools"]["package-data"]
SHIPPED = [path for path in committed(*ROOMS) if path.suffix != ".py"]
RELEASED = {"manifest.json", "weights.npz", "golden.jsonl", "CARD.md"}


def folder_of(package: str) -> Path:
    return ROOT.joinpath(*package.split("."))


def test_listed_packages_are_the_folders_with_modules() -> None:
    """A package list by hand, so that no stray folder is shipped; this keeps it whole."""
    with_modules = {".".join(path.parent.relative_to(ROOT).parts) for path in modules().values()}
    assert with_modules <= set(PACKAGES)
    assert all(folder_of(package).is_dir() for package in PACKAGES)
    assert {package.split(".")[0] for package in PACKAGES} == set(ROOMS)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_data_file_is_in_the_wheel(path: Path) -> None:
    assert any(covers(package, pattern, path) for package, patterns in DATA.items() for pattern in patterns), "add it to package-data"


def covers(package: str, pattern: str, path: Path) -> bool:
    """Whether a pattern of a package takes a file in; `*` stays within one folder, as setuptools has it."""
    folder = folder_of(package)
    if not path.is_relative_to(folder):
        return False
    parts, wanted = path.relative_to(folder).parts, pattern.split("/")
    return len(parts) == len(wanted) and all(map(fnmatch, parts, wanted))


@pytest.mark.parametrize(("package", "pattern"), [(package, pattern) for package, patterns in DATA.items() for pattern in patterns])
def test_no_package_data_pattern_is_stale(package: str, pattern: str) -> None:
    assert any(covers(package, pattern, path) for path in SHIPPED)


def test_a_model_is_released_whole() -> None:
    """At least one; each folder holds the four files."""
    released = [path for path in (ROOT / "models" / "released").iterdir() if path.is_dir()]
    assert released
    assert all({path.name for path in folder.iterdir()} == RELEASED for folder in released)


@pytest.mark.parametrize("room", ROOMS)
def test_packages_are_typed(room: str) -> None:
    assert (ROOT / room / "py.typed").is_file()


def test_entry_points_exist() -> None:
    project = PROJECT["project"]
    for target in (*project["scripts"].values(), *project["entry-points"]["scamsieve.commands"].values()):
        module, _, name = target.partition(":")
        assert callable(getattr(importlib.import_module(module), name))


def test_constraints_are_exact_and_name_no_index() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").split("\n") if line and not line.startswith("#")]
    assert lines
    assert not [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+(?: *;.*)?", line)]


def test_every_dependency_has_a_constraint() -> None:
    project = PROJECT["project"]
    asked = [*project["dependencies"], *(asked for extra in project["optional-dependencies"].values() for asked in extra)]
    pinned = {plain(line) for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").split("\n")}
    assert {plain(line) for line in asked} - {"scamsieve"} <= pinned


def plain(requirement: str) -> str:
    """The name of a requirement, as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", re.split(r"[\[=<>;~! ]", requirement)[0]).lower()
