"""Imports point one way: training -> models <- stream. A worker starts without what only training needs."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.source import ROOT, imports, modules

TRAINING_ONLY = ("sklearn", "joblib", "scipy", "matplotlib")
FAUST = "stream.app"
REPORT = "training.page"
IMPURE = (
    "confluent_kafka",
    "kafka",
    "aiokafka",
    "faust",
    "mode",
    "os",
    "time",
    "random",
    "socket",
    "subprocess",
    "prometheus_client",
    "structlog",
)
UNSAFE = ("pickle", "marshal", "shelve", "dill", "cloudpickle")


@pytest.fixture(params=sorted(modules()))
def module(request: pytest.FixtureRequest) -> tuple[str, Path]:
    """Each module of the three packages: its name and its file."""
    return request.param, modules()[request.param]


def imported(path: Path, *names: str) -> set[str]:
    """Which of these top-level packages a file imports."""
    return {name.split(".")[0] for name in imports(path)} & set(names)


def test_rooms_import_one_way(module: tuple[str, Path]) -> None:
    """`models` imports neither other room; `stream` and `training` never meet."""
    name, path = module
    closed = {"models": ("stream", "training"), "stream": ("training",), "training": ("stream",)}
    assert not imported(path, *closed[name.split(".")[0]], "tests")


def test_models_are_pure(module: tuple[str, Path]) -> None:
    """No Kafka, no clock, no environment, no logs in `models`."""
    name, path = module
    if name.startswith("models"):
        assert not imported(path, *IMPURE)


def test_faust_is_imported_in_one_place(module: tuple[str, Path]) -> None:
    name, path = module
    if name != FAUST:
        assert not imported(path, "faust", "mode")


def test_what_only_training_needs_is_imported_there_only(module: tuple[str, Path]) -> None:
    name, path = module
    if not name.startswith("training"):
        assert not imported(path, *TRAINING_ONLY)


def test_nothing_unpickles(module: tuple[str, Path]) -> None:
    """A model is arrays and JSON; loading one runs no code of it."""
    _, path = module
    assert not imported(path, *UNSAFE)


def test_no_page_or_table_is_written_by_hand(module: tuple[str, Path]) -> None:
    """Neither CSV nor HTML: whoever writes them must quote what messages hold, and a template engine is no part of this.

    REPORT is a file for the person who has the data anyway; tests/training/test_page.py holds that it escapes and runs nothing.
    """
    name, path = module
    if name == REPORT:
        return
    assert not imported(path, "html", "jinja2", "xml")
    assert not [told for told in ("<html", "csv.writer", "dictwriter", "to_csv") if told in path.read_text(encoding="utf-8").lower()]


BLOCKER = f"""
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {TRAINING_ONLY!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocker())
"""


def without_training_extra(code: str) -> subprocess.CompletedProcess[str]:
    """Run code where scikit-learn, SciPy and joblib cannot be imported."""
    return subprocess.run([sys.executable, "-c", BLOCKER + code], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def test_models_and_stream_can_be_imported_without_the_training_extra() -> None:
    names = [name for name in modules() if name.startswith(("models", "stream"))]
    done = without_training_extra(f"import importlib\nfor name in {names!r}: importlib.import_module(name)\n")
    assert done.returncode == 0, done.stderr


def test_the_command_starts_without_the_training_extra() -> None:
    """The offline commands are then missing, or say what to install; the online ones work."""
    done = without_training_extra("sys.argv = ['scamsieve', 'worker', '--help']\nfrom stream.cli import main\nmain()\n")
    assert done.returncode == 0, done.stderr


def test_a_worker_does_not_load_training() -> None:
    code = "import sys\nimport stream.app\nprint(sorted({name.split('.')[0] for name in sys.modules}))\n"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert not {f"'{name}'" for name in ("training", *TRAINING_ONLY)} & set(done.stdout.strip("[]\n").split(", "))
