"""What a scripted trial has to tell: rows of what was done and what was seen."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.machine import machine


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table: what was tried, what was seen, whether that is as promised."""

    what: str
    seen: str
    kept: bool


def load() -> str:
    """How busy the machine was, and is; the trial's own processes are part of that."""
    return f"load average of the last 15 minutes {os.getloadavg()[2]:.1f}"


def markdown(rows: Sequence[Row]) -> str:
    """The rows for the page."""
    of = machine()
    head = ["| What was done | What was seen | As promised |", "| --- | --- | --- |"]
    told = [f"| {row.what} | {row.seen} | {'yes' if row.kept else '**no**'} |" for row in rows]
    python = f"Python {of['python']}"
    where = f"On {of['cores']} cores of {of['processor']} that worker, broker and feed share, {of['kernel']}, {python}; {load()}."
    return "\n".join([where, "", *head, *told])
