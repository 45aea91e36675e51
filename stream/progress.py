"""A progress bar over messages, on standard error, if that is a terminal."""

import time
from collections.abc import Generator, Iterable

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from stream.feed import Tally
from stream.wire import Event

LOOK_SECONDS = 0.1


def watched(messages: Iterable[Event], tally: Tally, total: int | None) -> Generator[Event]:
    """The same messages, under a bar that tells how many there were and how many a second.

    `total` are the bytes of the files, or None where they are packed.
    """
    columns = (BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[told]}"), TimeElapsedColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=total, told="")
        begin = looked = time.monotonic()
        for message in messages:
            yield message
            now = time.monotonic()
            if now - looked > LOOK_SECONDS:
                progress.update(task, completed=tally.bytes, told=f"{tally.read:,} lines, {tally.read / (now - begin):,.0f}/s")
                looked = now
        progress.update(task, completed=tally.bytes, told=f"{tally.read:,} lines")
