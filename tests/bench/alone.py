"""The scorer with no broker, beside scikit-learn's on the same messages; the command; then training, a second worker, a long run."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from rich.table import Table

from models.artifact import Model, load, released
from stream import memory
from stream.judge import explained, judge
from stream.policy import Policy
from stream.wire import Decoder, Event, Limits
from tests.bench import feed, learning, pipelines, scaling
from tests.bench.brokers import broker
from tests.bench.compare import Tell
from tests.bench.environments import ROOT

BATCH = 4000
RIVALS = {"word": "TfidfVectorizer, words", "char": "TfidfVectorizer, characters", "hash": "HashingVectorizer, characters"}

Measured = list[tuple[str, str]]


def measure(quick: bool, broker_name: str, soak: int, tell: Tell) -> Measured:
    """What each figure is of, and the figure; each the best of three calls."""
    model = load(released())
    raw = feed.lines(20_000 if quick else feed.DISTINCT, model)
    tell("the model alone")
    measured = [*_model(model, raw), *_command(raw)]
    for kind, name in RIVALS.items():
        tell(f"scikit-learn alone: {name}")
        measured.append((f"scikit-learn, {name}, logistic regression", _rate(_rival(kind, raw[:20_000]), 20_000)))
    measured.extend(learning.measure((1_000,) if quick else (1_000, 10_000, 100_000), tell))
    with broker(broker_name) as address:
        measured.extend(scaling.two_processes(address, raw, 20_000 if quick else 1_000_000, tell))
        if soak:
            measured.extend(scaling.soak(address, raw, soak, tell))
    return measured


def table(measured: Iterable[tuple[str, str]]) -> Table:
    """The figures as a table."""
    made = Table("what", "figure", title="ScamSieve alone")
    for what, figure in measured:
        made.add_row(what, figure)
    return made


def _model(model: Model, raw: Sequence[bytes]) -> Measured:
    memory.keep_freed_pages()
    decoder, policy = Decoder(Event, Limits()), Policy()
    messages = decoder.decode_all(raw).messages
    length = sum(len(message.text) for message in messages) / len(messages)
    batches = [messages[i : i + BATCH] for i in range(0, len(messages), BATCH)]

    def with_reasons() -> None:
        for batch in batches:
            judgement = judge(model, policy, batch)
            explained(judgement, judgement.raised)

    scores = best(lambda: model.classifier.score(messages))
    reasons = best(with_reasons)
    single = best(lambda: [judge(model, policy, [decoder.decode(record)]) for record in raw[:1000]]) / 1000
    return [
        ("messages", f"{len(messages):,} of {length:.0f} characters on average, {feed.RAISED:.0%} raised"),
        ("batch scorer alone", _rate(scores, len(messages))),
        ("scores, decisions, reasons", _rate(reasons, len(messages))),
        ("one message alone, bytes to decision", f"{single * 1000:.2f} ms"),
    ]


def _command(raw: Sequence[bytes]) -> Measured:
    with tempfile.TemporaryDirectory() as folder:
        one, all_of_them = Path(folder) / "one.jsonl", Path(folder) / "all.jsonl"
        one.write_bytes(raw[0] + b"\n")
        all_of_them.write_bytes(b"\n".join(raw) + b"\n")
        start, whole = best(lambda: _score(one)), best(lambda: _score(all_of_them))
    return [
        ("scamsieve score, JSON to JSON, one core, its start included", _rate(whole, len(raw))),
        ("scamsieve score on one message: its start", f"{start:.2f} s"),
    ]


def _score(path: Path) -> None:
    """`scamsieve score` on one core."""
    core = min(os.sched_getaffinity(0))
    command = [sys.executable, "-m", "stream.cli", "score", str(path)]
    with Path(os.devnull).open("wb") as nowhere:
        subprocess.run(command, cwd=ROOT, stdout=nowhere, check=True, preexec_fn=lambda: os.sched_setaffinity(0, {core}))


def _rival(kind: str, raw: Sequence[bytes]) -> float:
    """Seconds of a scikit-learn pipeline on decoded texts, in batches."""
    pipeline = pipelines.fitted(kind)
    texts = [message.text for message in Decoder(Event, Limits()).decode_all(raw).messages]
    return best(lambda: [pipeline.predict_proba(texts[i : i + BATCH]) for i in range(0, len(texts), BATCH)])


def best(work: Callable[[], object], calls: int = 3) -> float:
    """The least seconds of a few calls."""
    return min(_seconds(work) for _ in range(calls))


def _seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def _rate(seconds: float, messages: int) -> str:
    return f"{messages / seconds:,.0f} messages/s"
