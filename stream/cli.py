"""The `scamsieve` command. What a command needs is imported when it runs, so that the others start at once.

A user's mistake is one line on standard error and exit code 2. The offline commands come from the entry-point group
`scamsieve.commands`, by name: `stream` never imports `training`.
"""
# ruff: noqa: PLC0415 imports inside the commands are the point

import ast
import os
import sys
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, version
from importlib.util import find_spec
from io import BufferedReader
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from typer.core import TyperCommand, TyperGroup

from models.artifact import ArtifactError
from stream import options
from stream.errors import ScamSieveError, SettingsError
from stream.operations import cli as operations
from stream.options import Brokers, ModelName, Reasons

MISTAKE, INTERRUPTED, BROKEN_PIPE = 2, 130, 141  # exit codes; the last two as shells give them


class _Commands(TyperGroup):
    """Runs a command; errors that a user can meet end in one line."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python complains at its end
            raise typer.Exit(BROKEN_PIPE) from None
        except (ScamSieveError, ArtifactError) as error:
            typer.echo(f"scamsieve: {error}", err=True)
            raise typer.Exit(MISTAKE) from None
        except OSError as error:
            typer.echo(f"scamsieve: {f'{error.filename}: {error.strerror}' if error.filename else error}", err=True)
            raise typer.Exit(MISTAKE) from None
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None


class _WithSettings(TyperCommand):
    """A command whose help lists all settings."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        from rich.console import Console
        from rich.padding import Padding
        from rich.text import Text

        from stream.settings import described

        super().format_help(ctx, formatter)
        console = Console()
        for variable, default, text in described():
            console.print(Text.assemble((variable, "bold cyan"), f" = {default}" if default else ""), soft_wrap=True)
            console.print(Padding(Text(text), (0, 0, 0, 4)))


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Flags scam messages in telecom operators' SMS and chat streams. Begin with: scamsieve demo",
)
topics = typer.Typer(no_args_is_help=True, help="Make the topics, or look whether they are as they must be.")
app.add_typer(topics, name="topics")

for _command in operations.COMMANDS:
    app.command()(_command)
app.add_typer(operations.dead_letters, name="dead-letters")


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
def _scamsieve(
    _version: Annotated[bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Tell the version.")] = False,
) -> None:
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
    settings = options.settings()
    from stream import memory
    from stream.app import run_worker

    memory.keep_freed_pages()
    memory.collect_seldom()
    raise typer.Exit(run_worker(settings))


@app.command()
def score(
    file: Annotated[Path, typer.Argument(help="JSON lines, plain or gzipped; - is standard input.", allow_dash=True)] = Path("-"),
    model: ModelName = "",
    policy: Annotated[str, typer.Option("--policy", help="policy.toml to decide by.  [default: the model's thresholds]")] = "",
    reasons: Reasons = 5,
) -> None:
    """Judge messages, one JSON a line: one JSON verdict a line, in the same order. Only `text` is needed.

    With SCAMSIEVE_TRUSTED_KEY_FILE only a signed model judges.
    """
    from stream import lines, memory
    from stream.model import open_model
    from stream.policy import read
    from stream.score import score as judge_all

    memory.keep_freed_pages()
    # As by a worker of this environment: where it would refuse a model, none of its verdicts is told here either.
    judged_by, rules = open_model(model, options.settings().trusted_key_file), read(policy)
    memory.collect_seldom()
    with _opened(file) as source:
        tally = judge_all(judged_by, rules, lines.reader(source), options.write, reasons)
    if tally.ignored:
        typer.echo(f"scamsieve: optional fields that could not be read, left out: {options.counts(tally.ignored)}", err=True)
    if tally.bad:
        typer.echo(f"scamsieve: {tally.bad} of {tally.lines} lines are no messages; each has an error in its place", err=True)
        raise typer.Exit(1)


@app.command()
def feed(
    paths: Annotated[list[Path], typer.Argument(help="Labelled JSON lines, plain or gzipped; or folders of such files.", exists=True)],
    brokers: Brokers = "",
    topic: Annotated[str, typer.Option("--topic", help="Topic to send to.  [default: SCAMSIEVE_MESSAGE_TOPIC]")] = "",
    rate: Annotated[float, typer.Option("--rate", help="Messages a second; 0: as fast as it goes.", min=0)] = 0,
    out: Annotated[Path | None, typer.Option("--out", help="Write what would be sent to this file instead.", dir_okay=False)] = None,
) -> None:
    """Turn labelled files into messages and send them. Labels are never sent; what is missing gets a neutral value."""
    from contextlib import closing

    from stream import feed as feeding
    from stream.progress import watched

    settings, tally, files = options.settings(brokers, message_topic=topic), feeding.Tally(), feeding.files(paths)
    total = None if any(file.suffix == ".gz" for file in files) else sum(file.stat().st_size for file in files)
    with closing(watched(feeding.paced(feeding.events(files, tally), rate), tally, total)) as messages:
        sent = feeding.write(messages, out) if out else feeding.send(messages, settings)
    typer.echo(f"read {tally.read} lines, {'wrote' if out else 'sent'} {sent} messages to {out or settings.message_topic}", err=True)
    for told, counts in (
        ("neutral values for what was missing", tally.neutral),
        ("left out, for it could not be read", tally.unreadable),
        ("refused, for they are no messages", tally.refused),
    ):
        if counts:
            typer.echo(f"{told}: {options.counts(counts)}", err=True)


@app.command()
def alerts(
    brokers: Brokers = "",
    beginning: Annotated[bool, typer.Option("--from-beginning", help="Show what is there already, too.")] = False,
    most: Annotated[int, typer.Option("--max", help="End after so many alerts; 0: never.", min=0)] = 0,
    raw: Annotated[bool, typer.Option("--json", help="Alerts as they are, one JSON a line.")] = False,
) -> None:
    """Show alerts as they come."""
    from itertools import islice

    from rich.console import Console

    from stream import tail

    console = Console(highlight=False, soft_wrap=not sys.stdout.isatty())  # a file takes lines of any length
    for value in islice(tail.alerts(options.settings(brokers), beginning), most or None):
        if raw:
            options.write(value + b"\n")
        elif alert := tail.read(value):
            console.print(tail.card(alert))
        else:
            typer.echo("scamsieve: a record on the alert topic is no alert of this version", err=True)


@topics.command("create")
def create_topics(
    brokers: Brokers = "",
    partitions: Annotated[int, typer.Option("--partitions", help="Of each topic: the most workers that can share the work.", min=1)] = 12,
    replication: Annotated[int, typer.Option("--replication", help="Copies of each partition; -1: as the broker is set up.", min=-1)] = -1,
) -> None:
    """Make the topics of the settings; those that are there stay as they are."""
    from stream import admin, policy

    settings = options.settings(brokers)
    admin.create(settings, policy.read(settings.policy), partitions, replication, typer.echo)


@topics.command("check")
def check_topics(brokers: Brokers = "") -> None:
    """Show the topics of the settings; exit code 1 if one is missing or not as it must be."""
    from rich.console import Console

    from stream import admin, policy

    settings = options.settings(brokers)
    found = admin.check(settings, policy.read(settings.policy))
    Console(width=None if sys.stdout.isatty() else 160).print(admin.table(found))
    if any(topic.odd for topic in found):
        raise typer.Exit(1)


def _opened(file: Path) -> BufferedReader:
    return cast(BufferedReader, sys.stdin.buffer) if str(file) == "-" else file.open("rb")


def _offer(entry: EntryPoint) -> None:
    """Make a command of an entry point. It is loaded when it runs: scikit-learn takes a second, and may not be installed."""

    @app.command(
        entry.name,
        help=_first_line(entry) + " (offline)",
        add_help_option=False,
        context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    )
    def run(ctx: typer.Context) -> None:
        try:
            offered = entry.load()
        except ModuleNotFoundError as error:
            raise SettingsError(f"`scamsieve {entry.name}` needs {error.name}: pip install 'scamsieve[training]'") from None
        command = offered
        if not isinstance(offered, typer.Typer):
            command = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
            command.command()(offered)
        command(args=ctx.args, prog_name=f"scamsieve {entry.name}")


def _first_line(entry: EntryPoint) -> str:
    """The first line of a function's docstring, else of its module's, read from the source without running that."""
    found = find_spec(entry.module)
    if not found or not found.origin:
        return ""
    module = ast.parse(Path(found.origin).read_text(encoding="utf-8"))
    functions = [node for node in module.body if isinstance(node, ast.FunctionDef) and node.name == entry.attr]
    return (ast.get_docstring(functions[0] if functions else module) or "").partition("\n")[0]


for _entry in sorted(entry_points(group="scamsieve.commands"), key=lambda entry: entry.name):
    _offer(_entry)


if __name__ == "__main__":
    main()
