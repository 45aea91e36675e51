"""The offline commands. Each is a plain function with typer's annotations, offered by the entry-point group `scamsieve.commands`."""

from collections import Counter
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from models.artifact import Model, load, released
from models.locate import locate
from training import assessment, overlap, release, report, reports, tables
from training import evaluate as evaluation
from training.data import CORPUS, DataError, read, without_duplicates
from training.fetch import fetch
from training.fit import Recipe
from training.judges import cross_validate as cross_validated
from training.judges import one
from training.sources import SOURCES, public_sets
from training.terminal import console, plain_errors, progress

_DEFAULT = Recipe()
Folders = Annotated[list[Path] | None, typer.Option("--data", help="Folder or file of labelled JSONL; may be given more than once.")]
More = Annotated[list[Path] | None, typer.Argument(help="Further folders or files, as after --data.")]
Rate = Annotated[float, typer.Option("--false-positive-rate", help="Share of benign messages that may be flagged.", min=0.0, max=0.25)]


def train(
    *,
    out: Annotated[Path, typer.Option("--out", help="Folder to write; its name is the model's version.")],
    data: Folders = None,
    more: More = None,
    false_positive_rate: Rate = 0.005,
    licence: Annotated[list[str] | None, typer.Option("--licence", help="SOURCE=LICENCE of a data set; may be repeated.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the folds and of the choice of golden messages.")] = _DEFAULT.seed,
    jobs: Annotated[int, typer.Option("--jobs", help="Folds to fit at the same time.", min=1)] = _DEFAULT.jobs,
    cache: Annotated[Path | None, typer.Option("--cache", help="Folder to keep features in between runs.")] = None,
) -> None:
    """Train a model on labelled messages (on the project's own corpus without --data) and write its folder."""
    recipe = Recipe(seed=seed, jobs=jobs, cache=cache)
    with plain_errors(), progress() as tell:
        tell("read", 0, 1)
        found = read([*(data or []), *(more or [])] or [CORPUS])
        found.licences.update(_pairs(licence or [], "--licence SOURCE=LICENCE"))
        rows = release.prepare(found, tell)
        trained = release.train(rows, recipe, false_positive_rate, tell)
        tell("write and prove", 0, 1)
        model = release.write(out, trained, rows, found, recipe, datetime.now(UTC).date().isoformat())
        tell("write and prove", 1, 1)
    for line in report.left_out(found.left_out):
        console().print(f"left out: {line}", markup=False)
    lines = [line for line in trained.out_of_fold if line.source == evaluation.ALL]
    console().print(report.figures(lines, false_positive_rate, "Out of fold"))
    console().print(f"{out}: {len(rows)} messages learned, SHA-256 of the weights {model.sha256}", markup=False, soft_wrap=True)
    if not data and not more:
        _tell_missing({row.source for row in rows})


def _tell_missing(sources: set[str]) -> None:
    """Say what the project's own corpus lacks beside the released model."""
    live = load(released())
    lacking = report.missing(sources, live.manifest)
    if lacking:
        there = sorted(public_sets().keys() & {line.partition(":")[0] for line in lacking})
        console().print(f"\nLearned from the project's own corpus alone. Model {live.version} has learned from these, too, and finds more:")
        for line in lacking:
            console().print(f"  {line}", markup=False, soft_wrap=True)
        console().print(f"To fetch some of them: scamsieve data fetch {' '.join(there)} --out DIR; then: scamsieve train --data DIR ...")


def evaluate(
    *,
    data: Folders = None,
    more: More = None,
    model: Annotated[str, typer.Option("--model", help="Released version, model folder, or pointer file.  [default: the newest]")] = "",
    against: Annotated[str, typer.Option("--against", help="Another version, folder or pointer, to compare with pairwise.")] = "",
    false_positive_rate: Rate = 0.005,
    out: Annotated[Path | None, typer.Option("--out", help="Folder for report.html and report.json: everything, in a few minutes.")] = None,
    with_texts: Annotated[bool, typer.Option("--with-texts", help="Show the texts of mistakes in report.html.")] = False,
    train_data: Annotated[
        list[Path] | None, typer.Option("--train-data", help="What the model has learned from: near-duplicates of it are left out. Repeat.")
    ] = None,
    baselines: Annotated[bool, typer.Option("--baselines", help="Train usual classifiers on --train-data, and judge them, too.")] = False,
    cross_validate: Annotated[
        int, typer.Option("--cross-validate", help="Measure no model but the pipeline, trained on so many folds of the data.", min=0)
    ] = 0,
    label: Annotated[list[str] | None, typer.Option("--label", help="THEIRS=OURS of labels in the data (spam=scam). Repeat.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of the folds of --cross-validate.")] = _DEFAULT.seed,
    jobs: Annotated[int, typer.Option("--jobs", help="Folds to fit at the same time.", min=1)] = _DEFAULT.jobs,
    json: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file, too.")] = None,
) -> None:
    """Measure a model on labelled messages: a table by set and language; with --out, a report with pictures and attacks."""
    with plain_errors(), progress() as tell:
        if baselines and not (train_data and out):
            raise DataError("--baselines needs --train-data, to learn from, and --out, to write to")
        if cross_validate == 1 or (cross_validate and (against or train_data or model)):
            raise DataError("--cross-validate takes two folds or more, and no --model, --against or --train-data")
        chosen, other = _model(model), _model(against) if against else None
        tell("read", 0, 1)
        found = read([*(data or []), *(more or [])] or [CORPUS], _pairs(label or [], "--label THEIRS=OURS"))
        learned = without_duplicates(read(train_data).rows, Counter()) if train_data else []
        rows, likeness = found.rows, None
        if not cross_validate:
            rows, likeness = overlap.unseen(without_duplicates(rows, found.left_out), learned, tell)
        recipe = Recipe(seed=seed, jobs=jobs)
        judges = cross_validated(rows, cross_validate, recipe, false_positive_rate, tell) if cross_validate else one(chosen, rows)
        scored, told = assessment.assess(judges, rows, false_positive_rate, dict(found.left_out))
        told = msgspec.structs.replace(told, overlap=likeness)
        if other:
            pairs = evaluation.compare(scored, evaluation.score(rows, other), false_positive_rate)
            told = msgspec.structs.replace(told, against=other.version, comparison=pairs)
        if out:
            told = reports.write(out, told, judges, scored, learned if baselines else [], with_texts, tell)
    for line in tables.evaluation(told):
        console().print(line, markup=False) if isinstance(line, str) else console().print(line)
    if json:
        json.write_bytes(reports.as_json(told))


class Action(StrEnum):
    """What `scamsieve data` can do."""

    fetch = "fetch"
    list = "list"


def data(
    action: Annotated[Action, typer.Argument(help="fetch: download, check and convert; list: tell what there is.")],
    names: Annotated[list[str] | None, typer.Argument(help="Of sets.  [default: all that are there to train on]")] = None,
    *,
    out: Annotated[Path, typer.Option("--out", help="Folder to write to.")] = Path("data"),
    sources: Annotated[Path, typer.Option("--sources", help="A table of sets of your own.", show_default=False)] = SOURCES,
) -> None:
    """Fetch public sets of labelled messages from where they were published (needs a network)."""
    with plain_errors():
        known = public_sets(sources)
        unknown = sorted(set(names or []) - known.keys())
        if unknown:
            raise DataError(f"no set {', '.join(unknown)} in {sources} (there: {', '.join(known)})")
        wanted = set(names or [name for name, told in known.items() if action is Action.list or told.use == "training"])
        chosen = {name: told for name, told in known.items() if name in wanted}
        if action is Action.list:
            console().print(tables.public_sets(chosen))
            return
        with progress() as tell:
            counts = {name: fetch(name, told, out, tell) for name, told in chosen.items()}
    for name, count in counts.items():
        console().print(f"{out / name}.jsonl.gz: {count} messages, {chosen[name].licence}; cite {chosen[name].citation}", markup=False)


def _model(name: str) -> Model:
    """The model of a version, a folder or a pointer file."""
    return load(locate(name))


def _pairs(given: list[str], form: str) -> dict[str, str]:
    """What stands before and after the = of each; `form` is the option and how its value is to be written."""
    option, _, value = form.partition(" ")
    parts = [text.partition("=") for text in given]
    for text, (left, _, right) in zip(given, parts, strict=True):
        if not left or not right:
            raise DataError(f"{option} {text}: write {value}")
    return {left: right for left, _, right in parts}
