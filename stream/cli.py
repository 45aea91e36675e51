"""The `scamsieve` command. What a command needs is imported when it runs, so that the others start at once.

A user's mistake is one line on standard error and exit code 2. The offline commands come from the entry-point group
`scamsieve.commands`, by name: `stream` never imports `training`.
"""

import os
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from models.artifact import ArtifactError
from stream.errors import ScamSieveError, SettingsError

if TYPE_CHECKING:
    from rich.console import Console

    from stream.feed import Tally
    from stream.settings import Settings

MISTAKE, INTERRUPTED, BROKEN_PIPE = 2, 130, 141  # exit codes; the last two as shells give them


class _Commands(TyperGroup):
    """Runs a command; errors that a user can meet end in one line."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains at its end
            raise typer.Exit(BROKEN_PIPE) from None
        except (ScamSieveError, ArtifactError, OSError) as error:
            typer.echo(f"scamsieve: {error}", err=True)
            raise typer.Exit(MISTAKE) from None
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None


class _WithSettings(TyperCommand):
    """A command whose help lists all settings."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        from rich.console import Console

        from stream.settings import described

        super().format_help(ctx, formatter)
        console = Console()
        for variable, default, text in described():
            console.print(f" [bold cyan]{variable}[/]" + (f" = {default}" if default else ""), highlight=False, soft_wrap=True)
            console.print(f"     {text}", highlight=False, markup=False)


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Flags scam messages in telecom operators' SMS and chat streams. Begin with: scamsieve demo",
)
topics = typer.Typer(no_args_is_help=True, help="Make the topics, or look whether they are as they must be.")
app.add_typer(topics, name="topics")

Brokers = Annotated[str, typer.Option("--brokers", help="Bootstrap servers.  [default: SCAMSIEVE_BROKERS]")]
ModelName = Annotated[str, typer.Option("--model", help="Released version, or a model folder.  [default: the newest]")]
Reasons = Annotated[int, typer.Option("--reasons", help="Most reasons of a verdict.", min=0, max=20)]


def main() -> None:
    """The console script."""
    app(prog_name="scamsieve")


def _tell_version(wanted: bool) -> None:
    if wanted:
        try:
            typer.echo(f"scamsieve {version('scamsieve')}")
        except PackageNotFoundError:
            typer.echo("scamsieve, not installed")
        raise typer.Exit


@app.callback()
def _scamsieve(_version: Annotated[bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Tell the version.")] = False) -> None:
    """Options of all commands."""


@app.command()
def demo(
    messages: Annotated[int, typer.Option("--messages", help="How many; 0: each message of the feed once.", min=0)] = 0,
    rate: Annotated[float, typer.Option("--rate", help="Messages a second.", min=1)] = 75,
    model: ModelName = "",
    stay: Annotated[bool, typer.Option("--stay", help="Keep everything running at the end.")] = False,
    svg: Annotated[Path | None, typer.Option("--svg", help="Write a picture of the run.", dir_okay=False)] = None,
) -> None:
    """Broker, worker and a sample feed on this machine: watch scams being flagged."""
    from stream.demo.run import run

    raise typer.Exit(run(messages, rate, model, stay, svg))


@app.command(cls=_WithSettings)
def worker() -> None:
    """The service: reads messages from Kafka, writes alerts. Set up by the SCAMSIEVE_ variables below."""
    settings = _settings()
    from stream import memory
    from stream.app import run_worker

    memory.keep_freed_pages()
    raise typer.Exit(run_worker(settings))


@app.command()
def score(
    file: Annotated[Path, typer.Argument(help="JSON lines, plain or gzipped; - is standard input.", allow_dash=True)] = Path("-"),
    model: ModelName = "",
    policy: Annotated[str, typer.Option("--policy", help="policy.toml to decide by.  [default: the model's thresholds]")] = "",
    reasons: Reasons = 5,
) -> None:
    """Judge messages, one JSON a line: one JSON verdict a line, in the same order. Only `text` is needed."""
    from stream import lines, memory, scoring
    from stream.policy import read

    memory.keep_freed_pages()
    judged_by, rules = scoring.open_model(model), read(policy)
    with sys.stdin.buffer if str(file) == "-" else file.open("rb") as source:
        tally = scoring.score(judged_by, rules, lines.reader(source), _write, reasons)
    if tally.ignored:
        told = ", ".join(f"{name} {count}" for name, count in tally.ignored.items())
        typer.echo(f"scamsieve: optional fields that could not be read, left out: {told}", err=True)
    if tally.bad:
        typer.echo(f"scamsieve: {tally.bad} of {tally.lines} lines are no messages; each has an error in its place", err=True)
        raise typer.Exit(1)
