"""Where the time of a message goes, stage by stage, from a record's bytes to those of its alert; no broker.

The very functions that the scorer calls are timed where they are called, batch by batch; what the scorer does between them is
counted as its own stage, `calibrate`.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

from rich.table import Table

from models import classifier, links, ngrams, signals
from models.artifact import Model, load, released
from stream import judge, memory, wire
from stream.judge import Disclosure
from stream.policy import Policy
from stream.wire import Decoder, Event, Limits, Place
from tests.bench import feed

BATCH = 4000
ROUNDS = 3
WITHIN: tuple[tuple[str, Any, str], ...] = (
    ("canonicalise", classifier, "canonicalise"),
    ("links", links, "find"),
    ("signals", signals, "measure"),
    ("n-grams", ngrams, "sums"),
    ("decide", judge, "decide"),
)
"""Stages inside `judge.judge`: name, module and function as it is called there."""
STAGES = ("decode", "canonicalise", "links", "signals", "n-grams", "calibrate", "decide", "explain", "alerts", "encode")


@dataclass(slots=True)
class _Clock:
    """Seconds by stage. A stage within another one counts for the outer one alone."""

    seconds: dict[str, float] = field(default_factory=lambda: dict.fromkeys(STAGES, 0.0))
    busy: bool = False

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time the block."""
        if self.busy:
            yield
            return
        self.busy, begin = True, time.perf_counter()
        try:
            yield
        finally:
            self.busy = False
            self.seconds[name] += time.perf_counter() - begin

    def wrap(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, timed."""

        def timed(*args: Any, **kwargs: Any) -> Any:
            with self.stage(name):
                return function(*args, **kwargs)

        return timed


def table(messages: int) -> Table:
    """Microseconds a message by stage, of the fastest of a few rounds."""
    memory.keep_freed_pages()
    model = load(released())
    raw = feed.lines(messages, model)
    memory.collect_seldom()
    rounds = [_round(model, raw) for _ in range(ROUNDS)]
    seconds = min(rounds, key=lambda one: sum(one.values()))
    whole = sum(seconds.values())
    made = Table(
        "stage", title=f"{messages:,} messages of the demo feed, {feed.RAISED:.0%} raised, model {model.version}", show_footer=True
    )
    made.columns[0].footer = f"all: {messages / whole:,.0f} messages/s"
    made.add_column("µs a message", justify="right", footer=f"{whole / messages * 1e6:.2f}")
    made.add_column("share", justify="right", footer="100 %")
    for name in STAGES:
        made.add_row(name, f"{seconds[name] / messages * 1e6:.2f}", f"{seconds[name] / whole:.1%}")
    return made


def _round(model: Model, raw: Sequence[bytes]) -> dict[str, float]:
    clock = _Clock()
    decoder, policy, disclosure = Decoder(Event, Limits()), Policy(), Disclosure(b"bench" * 4)
    now = datetime.now(UTC)
    with ExitStack() as patched:
        for name, module, function in WITHIN:
            patched.enter_context(patch.object(module, function, clock.wrap(name, getattr(module, function))))
        for begin in range(0, len(raw), BATCH):
            values = raw[begin : begin + BATCH]
            with clock.stage("decode"):
                messages = decoder.decode_all(values).messages
            before, start = sum(clock.seconds.values()), time.perf_counter()
            judgement = judge.judge(model, policy, messages)
            own = sum(clock.seconds.values()) - before
            clock.seconds["calibrate"] += time.perf_counter() - start - own
            with clock.stage("explain"):
                told = judge.explained(judgement, judgement.raised)
            with clock.stage("alerts"):
                places = {i: Place("scam.messages", 0, begin + i, 0) for i in told}
                raised = list(judge.alerts(judgement, told, places, disclosure, now))
            with clock.stage("encode"):
                for alert in raised:
                    wire.encode_alert(alert, "scam.alerts")
    return clock.seconds
