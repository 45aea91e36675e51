"""What a comparison gives: one row a contender, as build/bench.json holds it."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import msgspec


@dataclass(slots=True)
class Row:
    """A contender's figures: medians over the rounds, at its best batch size; None where there is none, `failed` says why."""

    contender: str
    what: str
    messages_per_second: float | None = None
    spread: tuple[float, float] | None = None
    """Least and most messages/s of the rounds."""
    rounds: int = 0
    batch_size: int | None = None
    cpu_seconds_per_million: float | None = None
    peak_memory_mb: float | None = None
    latency_rate: float | None = None
    """Messages/s of the paced feed: half of its own."""
    latency_p50_ms: float | None = None
    latency_p99_ms: float | None = None
    latency_20000_p50_ms: float | None = None
    """The same at 20,000 messages/s; ScamSieve's rows only."""
    latency_20000_p99_ms: float | None = None
    latency_failed: str = ""
    recall: float | None = None
    """Of the demo feed's scams, at 1 % of its benign messages."""
    alerts: int | None = None
    alerts_expected: int | None = None
    failed: str = ""


@dataclass(slots=True)
class Results:
    """A whole comparison."""

    machine: dict[str, str | int]
    calibration_ms: tuple[float, float]
    """Least and most of a million-step loop over the run."""
    broker: str
    messages: int
    rows: list[Row] = field(default_factory=list)

    def write(self, path: Path, **more: Any) -> None:
        """As JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(msgspec.json.format(msgspec.json.encode({**asdict(self), **more}), indent=2) + b"\n")
