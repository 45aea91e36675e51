"""`training.cli`: the commands as a user meets them."""

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import typer
from typer.testing import CliRunner, Result

from models.artifact import Model, load
from training.cli import data, evaluate, train
from training.data import Row


def run(*words: object) -> Result:
    app = typer.Typer()
    app.command("train")(train)
    app.command("evaluate")(evaluate)
    app.command("data")(data)
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


def test_a_report_leaves_out_what_was_learned_and_compares_with_usual_classifiers(
    folder: Path, write_small: Callable[[Path], Model], tmp_path: Path
) -> None:
    """The test set holds one message that the model has not learned from; what else is in it is left out."""
    write_small(tmp_path / "0.0.1")
    more = tmp_path / "more.jsonl"
    new = ("please confirm that you are at home for the piano on friday", "claim the lottery money you won at http://a.top right now")
    lines = [{"text": text, "label": label, "lang": "en"} for text, label in zip(new, ("benign", "scam"), strict=True)]
    more.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    words = ("--model", tmp_path / "0.0.1", "--train-data", folder, "--baselines", "--out", tmp_path / "report")
    measured = run("evaluate", "--data", folder, "--data", more, *words)
    assert measured.exit_code == 0, measured.output
    assert all(part in measured.stdout for part in ("Attacks", "naive Bayes", "near-duplicates", "links masked"))
    told = json.loads((tmp_path / "report" / "report.json").read_text(encoding="utf-8"))
    assert told["messages"] == 2
    assert told["overlap"]["nearest"] < 0.5
    assert (tmp_path / "report" / "report.html").is_file()


def test_the_pipeline_is_cross_validated_on_labels_of_others(folder: Path, tmp_path: Path) -> None:
    rows = [json.loads(line) for line in (folder / "mine.jsonl").read_text(encoding="utf-8").split("\n") if line]
    theirs = {"scam": "spam", "benign": "ham"}
    kept = [{"text": row["text"], "label": theirs[row["label"]], "lang": row["lang"]} for row in rows if row["label"] in theirs]
    file = tmp_path / "theirs.jsonl"
    file.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in kept))
    words = ("--cross-validate", 2, "--data", file, "--label", "spam=scam", "--label", "ham=benign", "--jobs", 1)
    measured = run("evaluate", *words, "--json", tmp_path / "told.json")
    assert measured.exit_code == 0, measured.output
    assert "2-fold cross-validation" in measured.stdout
    told = json.loads((tmp_path / "told.json").read_text(encoding="utf-8"))
    assert (told["folds"], told["messages"]) == (2, len(kept))
    assert told["accuracy"] > 0.6


def test_public_sets_are_listed_with_their_licence() -> None:
    listed = run("data", "list")
    assert listed.exit_code == 0, listed.output
    assert "CC BY 4.0" in listed.stdout


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("train", "--data", "nowhere", "--out", "m"), "nowhere is not there"),
        (("train", "--out", "m", "--licence", "mine"), "SOURCE=LICENCE"),
        (("evaluate", "--model", "9.9.9"), "no released model 9.9.9"),
        (("evaluate", "--baselines"), "--baselines needs --train-data"),
        (("evaluate", "--cross-validate", "1"), "two folds or more"),
        (("evaluate", "--label", "spam"), "THEIRS=OURS"),
        (("data", "fetch", "nothing"), "no set nothing"),
    ],
)
def test_a_users_mistake_is_one_line_and_exit_code_2(words: tuple[str, ...], why: str) -> None:
    result = run(*words)
    assert result.exit_code == 2
    (line,) = [line for line in result.stderr.split("\n") if line.startswith("scamsieve: ")]
    assert why in line
    assert "Traceback" not in result.output
