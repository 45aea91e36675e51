"""The comparison: contenders alternate, round after round, on one broker and one preloaded topic."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median

import msgspec

from models.artifact import Model, load, released
from tests.bench import brokers, feed, pipelines
from tests.bench.environments import FOLDER, NotInstalled, python_of
from tests.bench.latency import MOST_PER_SECOND, latency
from tests.bench.machine import Calibration, machine
from tests.bench.measure import Failed, Speed, speed
from tests.bench.pipelines import Scorer
from tests.bench.results import Results, Row
from tests.bench.roster import SCAMSIEVE, Contender
from tests.bench.run import Task

TOPIC = "bench.messages"
WITHIN = 2.0  # times more or fewer alerts than expected: beyond that it does not do the work
FIXED_RATE = 20_000.0

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    contenders: Sequence[Contender]
    broker: str
    messages: int
    rounds: int
    batches: Sequence[int]
    seconds: float
    """Most of one run, from its first commit on."""
    latency_seconds: float


@dataclass(slots=True)
class _Standing:
    """A contender in the course of the comparison."""

    contender: Contender
    row: Row
    python: str = ""
    scorer: Scorer | None = None
    expected: float = feed.RAISED
    """The share of the messages that it should raise."""
    speeds: dict[int, list[Speed]] = field(default_factory=dict)

    def best(self) -> int:
        """The batch size that was fastest so far."""
        return max(self.speeds, key=lambda batch: median(one.messages_per_second for one in self.speeds[batch]))

    def task(self, batch: int) -> Task:
        return Task(self.contender, self.python, self.scorer, batch)


def compare(plan: Plan, calibration: Calibration, tell: Tell) -> Results:
    """Measure all contenders of the plan. One that cannot run is a row that says so."""
    calibration.take()
    model = load(released())
    tell(f"messages: {plan.messages:,} of the demo feed")
    distinct = feed.lines(min(plan.messages, feed.DISTINCT), model)
    standings = _ready(plan.contenders, model, distinct, tell)
    tell(f"broker: {plan.broker}")
    with brokers.broker(plan.broker) as address:
        brokers.create(address, (TOPIC, brokers.PARTITIONS))
        brokers.send(address, TOPIC, feed.repeated(distinct, plan.messages))
        brokers.read_through(address, TOPIC)
        for number in range(plan.rounds):
            for standing in standings:
                _race(standing, plan, address, number, tell)
                calibration.take()
        for standing in standings:
            _sum_up(standing)
            if standing.speeds:
                _time(standing, plan, address, distinct, tell)
                calibration.take()
    steady = min(calibration.taken), max(calibration.taken)
    return Results(machine(), steady, _name(plan.broker), plan.messages, [standing.row for standing in standings])


def _name(broker: str) -> str:
    return {"kafka": "Apache Kafka 4, one node", "embedded": "the embedded broker (Tansu)"}[broker]


def _ready(contenders: Sequence[Contender], model: Model, distinct: Sequence[bytes], tell: Tell) -> list[_Standing]:
    """Scorers and environments of the contenders."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    standings = [_Standing(contender, Row(contender.name, contender.what)) for contender in contenders]
    texts = [msgspec.json.decode(line)["text"] for line in distinct[: 50 * 1000]]
    scorers: dict[str, Scorer] = {}
    for standing in standings:
        kind, name = standing.contender.scoring, standing.contender.name
        if kind == "scamsieve":
            standing.row.recall = pipelines.own_recall(model)
        elif kind != "none":
            if kind not in scorers:
                tell(f"training: scikit-learn, {kind}")
                scorers[kind] = pipelines.prepare(kind, FOLDER, model)
            standing.scorer = scorers[kind]
            standing.row.recall = standing.scorer.recall
            standing.expected = sum(text in standing.scorer.flags for text in texts) / len(texts)
        try:
            tell(f"{name}: its environment")
            standing.python = python_of(name.split("-")[0], standing.contender.packages)
        except NotInstalled as error:
            standing.row.failed = f"cannot be installed: {error}"
            tell(f"{name}: {standing.row.failed}")
    return standings


def _race(standing: _Standing, plan: Plan, address: str, number: int, tell: Tell) -> None:
    """One round of a contender: all batch sizes in the first round, then the fastest one."""
    name, row = standing.contender.name, standing.row
    if row.failed and not standing.speeds:
        return
    for batch in _sizes(standing, plan.batches):
        step = f"round {number + 1} of {plan.rounds}, {name}" + (f", batches of {batch:,}" if batch else "")
        try:
            found = speed(address, TOPIC, plan.messages, standing.task(batch), plan.seconds)
        except Exception as error:  # noqa: BLE001 whatever a contender does, the others are measured
            row.failed = _line(error)
            tell(f"{step}: {row.failed}")
            continue
        standing.speeds.setdefault(batch, []).append(found)
        tell(f"{step}: {found.messages_per_second:,.0f} messages/s, {found.alerts:,} alerts of {found.done:,} messages")


def _sizes(standing: _Standing, wanted: Sequence[int]) -> Sequence[int]:
    """The batch sizes of a round; 0 where there is none to choose."""
    if standing.speeds:
        return [standing.best()]
    if not standing.contender.batches:
        return [0]
    return [size for size in wanted if size <= standing.contender.largest] or [standing.contender.largest]


def _sum_up(standing: _Standing) -> None:
    """Write the figures of the fastest batch size into the row."""
    row = standing.row
    if not standing.speeds:
        return
    batch = standing.best()
    runs = standing.speeds[batch]
    rates = [run.messages_per_second for run in runs]
    middle = min(runs, key=lambda run: abs(run.messages_per_second - median(rates)))
    row.failed = ""
    row.messages_per_second, row.spread, row.rounds = median(rates), (min(rates), max(rates)), len(runs)
    row.batch_size = batch or None
    row.cpu_seconds_per_million = median(run.cpu_seconds_per_million for run in runs)
    row.peak_memory_mb = median(run.peak_memory_mb for run in runs)
    row.alerts, row.alerts_expected = middle.alerts, round(middle.done * standing.expected)
    if not row.alerts_expected / WITHIN <= row.alerts <= row.alerts_expected * WITHIN:
        row.failed = f"{row.alerts:,} alerts where {row.alerts_expected:,} were expected"


def _time(standing: _Standing, plan: Plan, address: str, distinct: Sequence[bytes], tell: Tell) -> None:
    """Latency at half of the contender's own speed, and for ScamSieve at a fixed rate too."""
    row = standing.row
    rates = [min((row.messages_per_second or 0) / 2, MOST_PER_SECOND), *([FIXED_RATE] if standing.contender.scoring == "scamsieve" else [])]
    for rate in rates:
        step = f"latency, {row.contender}, at {rate:,.0f} messages/s"
        try:
            found = latency(address, distinct, standing.task(standing.best()), rate, plan.latency_seconds)
        except Exception as error:  # noqa: BLE001 as above
            row.latency_failed = f"at {rate:,.0f}/s: {_line(error)}"
            tell(f"{step}: {row.latency_failed}")
            continue
        tell(f"{step}: {found.p50_ms:.0f} ms at the median, p99 {found.p99_ms:.0f} ms")
        if rate is rates[0]:
            row.latency_rate, row.latency_p50_ms, row.latency_p99_ms = found.rate, found.p50_ms, found.p99_ms
        else:
            row.latency_20000_p50_ms, row.latency_20000_p99_ms = found.p50_ms, found.p99_ms


def _line(error: Exception) -> str:
    said = str(error).strip().split("\n")[0]
    return said if isinstance(error, Failed) else f"{type(error).__name__}: {said}"


def fastest_first(rows: Sequence[Row]) -> list[Row]:
    """Rows by speed, those without at the end."""
    return sorted(rows, key=lambda row: -(row.messages_per_second or 0))


def ratio(row: Row, rows: Sequence[Row]) -> float | None:
    """Its speed in terms of ScamSieve's."""
    ours = next((one.messages_per_second for one in rows if one.contender == SCAMSIEVE), None)
    return row.messages_per_second / ours if row.messages_per_second and ours else None
