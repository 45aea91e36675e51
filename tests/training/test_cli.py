"""`training.cli`: the commands as a user meets them."""

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import typer
from typer.testing import CliRunner, Result

from models.artifact import Model, load
from training.cli import evaluate, train
from training.data import Row


def run(*words: object) -> Result:
    app = typer.Typer()
    app.command("train")(train)
    app.command("evaluate")(evaluate)
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture
def folder(corpus_slice: list[Row], tmp_path: Path) -> Path:
    """The slice of the corpus as a user's own folder of data."""
    within = tmp_path / "data"
    within.mkdir()
    rows = [{**msgspec.to_builtins(r.message), "label": r.label, "lang": r.lang, "category": r.category} for r in corpus_slice]
    (within / "mine.jsonl").write_bytes(b"".join(msgspec.json.encode(r) + b"\n" for r in rows))
    return within


def test_train_then_evaluate(folder: Path, tmp_path: Path) -> None:
    """A folder of labelled messages becomes a model, and the model is measured on it."""
    out, figures = tmp_path / "0.0.2", tmp_path / "figures.json"
    trained = run("train", "--data", folder, "--out", out, "--licence", "mine=CC0", "--jobs", 1)
    assert trained.exit_code == 0, trained.output
    assert "Out of fold" in trained.stdout
    assert load(out).manifest.training_data[0].licence == "CC0"
    measured = run("evaluate", "--data", folder, "--model", out, "--against", out, "--json", figures)
    assert measured.exit_code == 0, measured.output
    assert "McNemar" in measured.stdout
    told = json.loads(figures.read_text(encoding="utf-8"))
    assert told["model"] == told["against"] == "0.0.2"
    assert told["figures"][-1]["language"] == "all"


def test_folders_may_follow_one_another(folder: Path, write_small: Callable[[Path], Model], tmp_path: Path) -> None:
    """`--data A B` is `--data A --data B`."""
    write_small(tmp_path / "0.0.1")
    other = tmp_path / "more.jsonl"
    other.write_text('{"text": "an extra one", "label": "benign", "lang": "xx"}\n', encoding="utf-8")
    measured = run("evaluate", "--model", tmp_path / "0.0.1", "--data", folder, other)
    assert measured.exit_code == 0, measured.output
    assert "more" in measured.stdout


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("train", "--data", "nowhere", "--out", "m"), "nowhere is not there"),
        (("train", "--out", "m", "--licence", "mine"), "SOURCE=LICENCE"),
        (("evaluate", "--model", "9.9.9"), "no released model 9.9.9"),
    ],
)
def test_a_users_mistake_is_one_line_and_exit_code_2(words: tuple[str, ...], why: str) -> None:
    result = run(*words)
    assert result.exit_code == 2
    (line,) = [line for line in result.stderr.split("\n") if line.startswith("scamsieve: ")]
    assert why in line
    assert "Traceback" not in result.output
