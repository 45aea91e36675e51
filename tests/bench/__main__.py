"""The batch scorer alone, `scamsieve score` from JSON to JSON, one message alone, and a worker on the embedded broker.

Messages are those of the demo feed, in ten languages, repeated; each figure is the best of a few rounds in one run.
"""

import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # its stub does not name it
from prometheus_client import CollectorRegistry
from rich.console import Console
from rich.table import Table

from models.artifact import Model, load, released
from stream import logs, memory
from stream.broker import embedded_broker
from stream.judge import Disclosure, explained, judge
from stream.metrics import Metrics
from stream.policy import Policy
from stream.scorer import Scorer
from stream.settings import Settings
from stream.wire import Decoder, Event, Limits

FEED = Path(__file__).parents[2] / "stream" / "demo"
MESSAGES = 200_000
RAISED = 0.02  # of the messages
WORKER_MESSAGES = 1_000_000
PARTITIONS = 12


def lines(count: int, model: Model) -> list[bytes]:
    """So many JSON messages, of which RAISED are flagged or to be reviewed, as in a telecom's traffic; each with its own id."""
    rows = [json.loads(line) for path in sorted(FEED.glob("*.jsonl")) for line in path.read_bytes().split(b"\n") if line]
    for row in rows:
        row["language"] = row.pop("lang")
        for name in ("label", "kind", "category"):
            row.pop(name, None)
    decode = Decoder(Event, Limits()).decode
    raised = set(judge(model, Policy(), [decode(json.dumps(row).encode()) for row in rows]).raised)
    few = [row for i, row in enumerate(rows) if i in raised]
    most = [row for i, row in enumerate(rows) if i not in raised]
    every = round(1 / RAISED)
    chosen = (few[i // every % len(few)] if i % every == 0 else most[i % len(most)] for i in range(count))
    return [json.dumps({**row, "id": f"m-{i:08}"}, ensure_ascii=False).encode() for i, row in enumerate(chosen)]


def best(rounds: int, work: Callable[[], float]) -> float:
    """The least seconds of a few rounds."""
    return min(work() for _ in range(rounds))


def timed(work: Callable[[], object]) -> float:
    """Seconds of one call."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def score_command(path: Path) -> float:
    """Seconds of `scamsieve score` on one core, its start included."""
    command = [sys.executable, "-m", "stream.cli", "score", str(path)]
    core = min(os.sched_getaffinity(0))
    with Path(os.devnull).open("wb") as nowhere:
        return timed(lambda: subprocess.run(command, stdout=nowhere, check=True, preexec_fn=lambda: os.sched_setaffinity(0, {core})))


def worker(model: Model, records: Iterable[bytes], count: int) -> tuple[float, float]:
    """Messages a second of one scorer with transactions on the embedded broker, and its alerts' share."""
    with embedded_broker() as brokers:
        settings = Settings(brokers=brokers, session_timeout_seconds=6, poll_interval_seconds=10, instance="bench")
        admin = AdminClient({"bootstrap.servers": brokers})
        topics = [
            NewTopic(settings.message_topic, PARTITIONS, 1),
            NewTopic(settings.alert_topic, 1, 1),
            NewTopic(settings.dead_letter_topic, 1, 1),
        ]
        for future in admin.create_topics(topics).values():
            future.result()
        producer = Producer(
            {"bootstrap.servers": brokers, "linger.ms": 50, "compression.type": "lz4", "queue.buffering.max.messages": 2_000_000}
        )
        for i, record in enumerate(records):
            producer.produce(settings.message_topic, record, partition=i % PARTITIONS)
            if i % 1000 == 0:
                producer.poll(0)
        producer.flush()
        policy = Policy()
        scorer = Scorer(settings, model, policy, Disclosure(b"bench" * 4), Metrics(CollectorRegistry(), model, policy))
        thread = threading.Thread(target=scorer.run)
        thread.start()
        while scorer.state.judged == 0:
            time.sleep(0.001)
        begin, first = time.perf_counter(), scorer.state.judged
        while scorer.state.judged < count and thread.is_alive():
            time.sleep(0.01)
        seconds = time.perf_counter() - begin
        scorer.stop()
        thread.join()
        return (scorer.state.judged - first) / seconds, scorer.state.raised / scorer.state.judged


def main() -> None:
    """Measure, and print a table."""
    console = Console()
    memory.keep_freed_pages()
    logs.configure("warning")
    model = load(released())
    policy = Policy()
    raw = lines(MESSAGES, model)
    decode = Decoder(Event, Limits()).decode
    messages = [decode(record) for record in raw]
    length = sum(len(message.text) for message in messages) / len(messages)
    table = Table("what", "figure", title=f"ScamSieve, model {model.version}, {platform.machine()}, {os.cpu_count()} cores")
    table.add_row("messages", f"{len(messages):,} of {length:.0f} characters on average")
    seconds = best(3, lambda: timed(lambda: model.classifier.score(messages)))
    table.add_row("batch scorer alone", f"{len(messages) / seconds:,.0f} messages/s")
    batches = [messages[i : i + 4000] for i in range(0, len(messages), 4000)]
    seconds = best(3, lambda: timed(lambda: [explained(one, one.raised) for one in (judge(model, policy, batch) for batch in batches)]))
    table.add_row("scores, decisions, reasons", f"{len(messages) / seconds:,.0f} messages/s")
    seconds = best(3, lambda: timed(lambda: [judge(model, policy, [decode(record)]) for record in raw[:1000]])) / 1000
    table.add_row("one message alone, bytes to decision", f"{seconds * 1000:.2f} ms")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "messages.jsonl"
        path.write_bytes(b"\n".join(raw) + b"\n")
        seconds = best(3, lambda: score_command(path))
    table.add_row("scamsieve score, JSON to JSON, one core", f"{len(messages) / seconds:,.0f} messages/s")
    rate, share = worker(model, (raw[i % len(raw)] for i in range(WORKER_MESSAGES)), WORKER_MESSAGES)
    table.add_row(f"worker, transactions, embedded broker, {share:.1%} raised", f"{rate:,.0f} messages/s")
    table.add_row(
        "most memory of this process, all of the above in it", f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB"
    )
    console.print(table)


if __name__ == "__main__":
    main()
