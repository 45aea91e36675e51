"""How the offline commands speak: tables on stdout, progress and mistakes on stderr."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from models.artifact import ArtifactError
from training.data import DataError
from training.fit import Tell
from training.gate import GateError
from training.release import TrainingError
from training.sign import SigningError


def console() -> Console:
    """The terminal; a file or pipe gets the tables in their full width."""
    terminal = Console()
    return terminal if terminal.is_terminal else Console(width=160)


@contextmanager
def plain_errors() -> Iterator[None]:
    """A user's mistake is one line on stderr and exit code 2."""
    try:
        yield
    except (DataError, ArtifactError, GateError, SigningError, TrainingError, OSError) as error:
        print(f"scamsieve: {error}", file=sys.stderr)
        raise typer.Exit(2) from None


@contextmanager
def progress() -> Iterator[Tell]:
    """One line a stage on stderr; a stage is done when the next one begins."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as shown:
        tasks: dict[str, TaskID] = {}

        def tell(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                for task in tasks.values():
                    shown.update(task, completed=shown.tasks[task].total)
                tasks[stage] = shown.add_task(stage, total=total)
            shown.update(tasks[stage], completed=done)

        yield tell
