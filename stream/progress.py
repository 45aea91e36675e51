"""A progress bar over messages, on standard error, if that is a terminal."""

import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from stream.feed import Tally
from stream.wire import Event

LOOK_SECONDS = 0.1
COLUMNS = (BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[told]}"), TimeElapsedColumn(), TimeRemainingColumn())


def watched(messages: Iterable[Event], tally: Tally, total: int | None) -> Generator[Event]:
    """The same messages, under a bar that tells how many there were and how many a second.

    `total` are the bytes of the files, or None where they are packed.
    """
    console = Console(stderr=True)
    with Progress(*COLUMNS, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=total, told="")
        begin = looked = time.monotonic()
        for message in messages:
            yield message
            now = time.monotonic()
            if now - looked > LOOK_SECONDS:
                progress.update(task, completed=tally.bytes, told=f"{tally.read:,} lines, {tally.read / (now - begin):,.0f}/s")
                looked = now
        progress.update(task, completed=tally.bytes, told=f"{tally.read:,} lines")


@contextmanager
def counted(total: int, of: str) -> Iterator[Callable[[int], None]]:
    """A bar while the block runs; gives what tells it how many of the `total` are done."""
    console = Console(stderr=True)
    with Progress(*COLUMNS, console=console, disable=not console.is_terminal) as progress:
        task, begin = progress.add_task("", total=total, told=""), time.monotonic()

        def done(number: int) -> None:
            seconds = max(time.monotonic() - begin, LOOK_SECONDS)
            progress.update(task, completed=number, told=f"{number:,} {of}, {number / seconds:,.0f}/s")

        yield done
