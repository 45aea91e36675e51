"""The offline commands. Each is a plain function with typer's annotations, offered by the entry-point group `scamsieve.commands`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from models.artifact import ArtifactError, Model, load
from models.locate import locate
from training import evaluate as evaluation
from training import release, report
from training.data import CORPUS, DataError, read, without_duplicates
from training.fit import Recipe, Tell
from training.gate import GateError
from training.sign import SigningError

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
    with plain_errors(), _progress() as tell:
        tell("read", 0, 1)
        found = read([*(data or []), *(more or [])] or [CORPUS])
        found.licences.update(_licences(licence or []))
        rows = release.prepare(found, tell)
        trained = release.train(rows, recipe, false_positive_rate, tell)
        tell("write and prove", 0, 1)
        model = release.write(out, trained, rows, found, recipe, datetime.now(UTC).date().isoformat())
        tell("write and prove", 1, 1)
    console = terminal()
    for line in report.left_out(found.left_out):
        console.print(f"left out: {line}", markup=False)
    lines = [line for line in trained.out_of_fold if line.source == evaluation.ALL]
    console.print(report.figures(lines, false_positive_rate, "Out of fold"))
    console.print(f"{out}: {len(rows)} messages learned, SHA-256 of the weights {model.sha256}", markup=False, soft_wrap=True)


def evaluate(
    *,
    data: Folders = None,
    more: More = None,
    model: Annotated[str, typer.Option("--model", help="Released version, model folder, or pointer file.  [default: the newest]")] = "",
    against: Annotated[str, typer.Option("--against", help="Another version, folder or pointer, to compare with pairwise.")] = "",
    false_positive_rate: Rate = 0.005,
    json: Annotated[Path | None, typer.Option("--json", help="Write the figures to this file, too.")] = None,
) -> None:
    """Measure a model on labelled messages: a table by set and language."""
    with plain_errors():
        chosen, other = _model(model), _model(against) if against else None
        found = read([*(data or []), *(more or [])] or [CORPUS])
    rows = without_duplicates(found.rows, found.left_out)
    scored = evaluation.score(rows, chosen)
    lines = evaluation.table(scored, false_positive_rate)
    pairs = evaluation.compare(scored, evaluation.score(rows, other), false_positive_rate) if other else []
    console = terminal()
    for line in report.left_out(found.left_out):
        console.print(f"left out: {line}", markup=False)
    console.print(report.figures(lines, false_positive_rate, f"Model {chosen.version} at its own thresholds"))
    if other:
        console.print(report.comparison(pairs, false_positive_rate, chosen.version, other.version))
    if json:
        whole = {
            "model": chosen.version,
            "sha256": chosen.sha256,
            "figures": lines,
            "against": other and other.version,
            "comparison": pairs,
        }
        json.write_bytes(msgspec.json.format(msgspec.json.encode(whole), indent=2) + b"\n")


def terminal() -> Console:
    """The terminal; a file or pipe gets the tables in their full width."""
    console = Console()
    return console if console.is_terminal else Console(width=160)


def _model(name: str) -> Model:
    """The model of a version, a folder or a pointer file."""
    return load(locate(name))


def _licences(given: list[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in given]
    for text, (source, _, licence) in zip(given, pairs, strict=True):
        if not source or not licence:
            raise DataError(f"--licence {text}: write SOURCE=LICENCE")
    return {source: licence for source, _, licence in pairs}


@contextmanager
def plain_errors() -> Iterator[None]:
    """A user's mistake is one line on stderr and exit code 2."""
    try:
        yield
    except (DataError, ArtifactError, GateError, SigningError, release.TrainingError, OSError) as error:
        print(f"scamsieve: {error}", file=sys.stderr)
        raise typer.Exit(2) from None


@contextmanager
def _progress() -> Iterator[Tell]:
    """One line a stage on stderr; a stage is done when the next one begins."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        tasks: dict[str, TaskID] = {}

        def tell(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                for task in tasks.values():
                    progress.update(task, completed=progress.tasks[task].total)
                tasks[stage] = progress.add_task(stage, total=total)
            progress.update(tasks[stage], completed=done)

        yield tell
