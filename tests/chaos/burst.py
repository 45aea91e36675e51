"""Back-pressure, measured: a burst, a slow and a refusing alert topic, a flood of dead letters. One broker, one worker as it comes.

The worker has its default settings, but for names and ports: bounds that hold only when tuned are none.
"""

import json
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import chain

import numpy as np
from kafka import KafkaAdminClient
from kafka.protocol.admin.client_quotas import AlterClientQuotasRequest

from models.artifact import load, released
from stream.judge import judge
from stream.policy import Policy
from stream.wire import Decoder, Event, Limits, alert_id
from tests.bench.feed import lines, number, repeated
from tests.chaos import ledger
from tests.chaos.cluster import cluster, configure_topic, create_topics
from tests.chaos.faults import USUAL_BYTES
from tests.chaos.feed import Feed, distinct
from tests.chaos.fleet import Fleet, Life, fleet
from tests.chaos.rows import Row
from tests.chaos.run import committed, environment, place
from tests.chaos.watch import Watch

PARTITIONS = 6
LOOK_SECONDS = 0.5
USUAL_SECONDS, BURST_SECONDS, TIMES = 20.0, 60.0, 10
POISON_EVERY, POISON_AT = 100, 7  # one record of so many cannot be read: none of those that are raised
SLOW_BYTES = 20_000  # a second, which the broker lets the worker write: some 100 alerts, gzipped, of 400 that are due
SLOW_RATE, SLOW_SECONDS, REFUSED_SECONDS = 400.0, 120.0, 40.0
WARM_SECONDS = 5.0
FLOOD, ROUNDS = 200_000, 3
SHARES = (0.0, 0.1, 0.5)  # of the records of a flood that are dead letters
START_SECONDS, DRAIN_SECONDS = 180.0, 600.0
SHIPPED = {"BATCH_SIZE": "10000", "SESSION_TIMEOUT_SECONDS": "10"}
POISON = b'{"id": "m-00000000", "text": 5}'

STEPS = ("burst", "slow", "refused", "flood")

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Sample:
    """What was seen at a time, in seconds since the begin."""

    at: float
    fed: int
    judged: int
    memory_mb: float


class Samples:
    """Takes samples of a feed and a worker until stopped."""

    def __init__(self, feed: Feed, watch: Watch, workers: Fleet) -> None:
        self.taken: list[Sample] = []
        self._feed, self._watch, self._workers = feed, watch, workers
        self._begin, self._stopping = time.time(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="samples", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()

    def memory(self, begin: float = 0.0, end: float = 1e9) -> float:
        """The most MB between two times."""
        return max((sample.memory_mb for sample in self.taken if begin <= sample.at <= end), default=0.0)

    @property
    def now(self) -> float:
        """Seconds since the begin."""
        return time.time() - self._begin

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            judged = int(self._watch.looks[-1].offsets.sum()) if self._watch.looks else 0
            memory = sum(life.memory_mb() for life in self._workers.lives if not life.ended)
            self.taken.append(Sample(self.now, self._feed.sent, judged, memory))


@dataclass
class Stage:
    """A worker at work on a feed."""

    bootstrap: str
    feed: Feed
    watch: Watch
    workers: Fleet
    samples: Samples

    @property
    def worker(self) -> Life:
        return self.workers.lives[-1]

    def drained(self) -> float:
        """Finish the feed, wait until all is judged; gives the seconds that took. Raises TimeoutError."""
        self.feed.finish()
        begin = time.time()
        if not self.watch.past(self.feed.ends, begin, DRAIN_SECONDS):
            raise TimeoutError(f"not drained within {DRAIN_SECONDS:g} s")
        return time.time() - begin


@contextmanager
def stage(bootstrap: str, name: str, rate: float, records: Sequence[bytes], **changes: str) -> Iterator[Stage]:
    """Topics of its own, a worker, and a feed that has begun at this rate; the block begins when the worker judges."""
    topics = {f"{kind}-{name}": PARTITIONS for kind in ("messages", "alerts", "dead")}
    create_topics(bootstrap, topics, replicas=1)
    messages, alerts, dead = topics
    names = {"MESSAGE_TOPIC": messages, "ALERT_TOPIC": alerts, "DEAD_LETTER_TOPIC": dead, "GROUP": name, **SHIPPED, **changes}
    feed = Feed(bootstrap, messages, PARTITIONS, rate, 0, records)
    watch = Watch(bootstrap, name, messages, PARTITIONS)
    with environment(bootstrap, **names) as told, fleet(told, 1) as workers:
        samples = Samples(feed, watch, workers)
        watch.start()
        feed.start()
        if not watch.past(np.ones(PARTITIONS, np.int64), 0.0, START_SECONDS):
            raise TimeoutError(f"{name}: nothing judged within {START_SECONDS:g} s")
        samples.start()
        try:
            yield Stage(bootstrap, feed, watch, workers, samples)
        finally:
            samples.stop()
            watch.stop()


def usual_then_burst(bootstrap: str, rate: float, tell: Tell) -> tuple[Row, list[Sample], float]:
    """A minute of ten times the usual rate, one record of a hundred broken; gives the samples and when the burst began."""
    model = load(released())
    records = lines(20_000, model)
    for i in range(POISON_AT, len(records), POISON_EVERY):
        records[i] = POISON
    with stage(bootstrap, "burst", rate, records, POLICY="") as on:
        time.sleep(USUAL_SECONDS)
        begin, before = on.samples.now, on.samples.memory()
        tell(f"{rate:g} messages/s for {USUAL_SECONDS:g} s; now {TIMES} times as many for {BURST_SECONDS:g} s")
        on.feed.rate = rate * TIMES
        time.sleep(BURST_SECONDS)
        on.feed.rate = rate
        end, ends = on.samples.now, on.feed.ends.copy()
        if not on.watch.past(ends, time.time(), DRAIN_SECONDS):
            raise TimeoutError("the burst was not drained")
        drain, during = on.samples.now - end, on.samples.memory(begin)
        time.sleep(USUAL_SECONDS)
        after = on.samples.taken[-1].memory_mb
        on.drained()
        found = _against_the_model(on.bootstrap, on.feed.sent, records)
        lag = max(sample.fed - sample.judged for sample in on.samples.taken)
        seen = (
            f"{on.feed.sent:,} records, {found}; most {lag:,} behind, drained {drain:.1f} s after the burst; "
            f"memory {before:.0f} MB before, at most {during:.0f} MB during, {after:.0f} MB after"
        )
        return (
            Row(f"{rate * TIMES:,.0f} messages/s for a minute, {rate:,.0f} before and after", seen, "lost 0, doubled 0" in seen),
            on.samples.taken,
            begin,
        )


def _against_the_model(bootstrap: str, sent: int, records: Sequence[bytes]) -> str:
    """Alerts and dead letters against what is due by the model's own thresholds."""
    decode, model = Decoder(Event, Limits()).decode, load(released())
    good = [i for i, record in enumerate(records) if record is not POISON]
    raised = {good[i] for i in judge(model, Policy(), [decode(records[i]) for i in good]).raised}
    due, letters = [], 0
    for record in committed(bootstrap, "messages-burst", PARTITIONS):
        told = json.loads(record.value() or b"")["id"]
        numbered = number(told)
        if numbered % len(records) in raised:
            due.append((numbered, alert_id(place(record), told)))
        letters += numbered % len(records) % POISON_EVERY == POISON_AT
    alerts = [json.loads(record.value() or b"")["id"] for record in committed(bootstrap, "alerts-burst", PARTITIONS)]
    dead = sum(1 for _ in committed(bootstrap, "dead-burst", PARTITIONS))
    found = ledger.compare([one for one, _ in due], due, alerts)
    odd = f" (of {letters:,} due)" if dead != letters else ""
    lost, doubled = found.lost + abs(letters - dead), found.doubled + found.strange
    return f"{found.alerts:,} alerts, {dead:,} dead letters{odd}: lost {lost}, doubled {doubled}"


def slow_alerts(bootstrap: str, tell: Tell) -> Row:
    """Every message gives an alert, and the broker lets the worker write a fraction of them; then it lets it go."""
    with stage(bootstrap, "slow", SLOW_RATE, distinct()) as on:
        time.sleep(WARM_SECONDS)
        before = on.samples.memory()
        tell(f"the broker lets the worker write {SLOW_BYTES:,} bytes/s for {SLOW_SECONDS:g} s")
        quota(bootstrap, SLOW_BYTES)
        begin, judged = on.samples.now, on.samples.taken[-1].judged
        time.sleep(SLOW_SECONDS)
        slow = (on.samples.taken[-1].judged - judged) / SLOW_SECONDS
        lag = on.samples.taken[-1].fed - on.samples.taken[-1].judged
        quota(bootstrap, None)
        drain = on.drained()
        seen = (
            f"it judged {slow:.0f} messages/s of {SLOW_RATE:.0f}, {lag:,} behind in the end, drained in {drain:.1f} s; "
            f"memory {before:.0f} MB before, at most {on.samples.memory(begin):.0f} MB; {_unbidden(on)}"
        )
        return Row(f"The broker takes {SLOW_BYTES:,} bytes of alerts a second", seen, 0 < slow < SLOW_RATE and bool(on.worker.code is None))


def refused_alerts(bootstrap: str, tell: Tell) -> Row:
    """The alert topic takes nothing (no alert is as short as it asks for), then it takes alerts again."""
    with stage(bootstrap, "refused", SLOW_RATE, distinct()) as on:
        time.sleep(WARM_SECONDS)
        before = on.samples.memory()
        tell(f"the alert topic takes nothing for {REFUSED_SECONDS:g} s")
        configure_topic(bootstrap, "alerts-refused", "max.message.bytes", "100")
        begin = on.samples.now
        time.sleep(REFUSED_SECONDS)
        lag = on.samples.taken[-1].fed - on.samples.taken[-1].judged
        configure_topic(bootstrap, "alerts-refused", "max.message.bytes", USUAL_BYTES)
        drain = on.drained()
        seen = (
            f"{lag:,} behind in the end, drained in {drain:.1f} s; memory {before:.0f} MB before, "
            f"at most {on.samples.memory(begin):.0f} MB; {_unbidden(on)}"
        )
        held = lag > SLOW_RATE * REFUSED_SECONDS / 2 and on.worker.code is None
        return Row(f"The alert topic takes nothing for {REFUSED_SECONDS:g} s", seen, held)


def flood(bootstrap: str, tell: Tell) -> Row:
    """Good messages a second out of a backlog, with ever more dead letters among them; the middle one of some rounds."""
    records = lines(20_000, load(released()))
    speeds: dict[float, list[float]] = {share: [] for share in SHARES}
    for turn in range(ROUNDS):
        for share in SHARES:
            speeds[share].append(_good_a_second(bootstrap, f"flood-{turn}-{share:g}", records, share))
            tell(f"{share:.0%} dead letters: {speeds[share][-1]:,.0f} good messages/s")
    middle = {share: statistics.median(found) for share, found in speeds.items()}
    told = "; ".join(f"{share:.0%} dead letters: {middle[share]:,.0f} good messages/s" for share in SHARES)
    return Row("A flood of dead letters among a backlog of good messages", told, middle[SHARES[1]] >= 0.9 * middle[0.0])


def _good_a_second(bootstrap: str, name: str, records: Sequence[bytes], share: float) -> float:
    """The worker meets a whole backlog; its first second is not counted: it starts."""
    bad = round(FLOOD * share / (1 - share))
    every = FLOOD // bad if bad else 0
    mixed = list(
        chain.from_iterable([record, POISON] if every and i % every == 0 else [record] for i, record in enumerate(repeated(records, FLOOD)))
    )
    topics = {f"{kind}-{name}": PARTITIONS for kind in ("messages", "alerts", "dead")}
    create_topics(bootstrap, topics, replicas=1)
    messages, alerts, dead = topics
    sender = Feed(bootstrap, messages, PARTITIONS, 0.0, len(mixed), mixed)
    sender.start()
    sender.finish()
    watch = Watch(bootstrap, name, messages, PARTITIONS)
    names = {"MESSAGE_TOPIC": messages, "ALERT_TOPIC": alerts, "DEAD_LETTER_TOPIC": dead, "GROUP": name, "POLICY": "", **SHIPPED}
    with environment(bootstrap, **names) as told, fleet(told, 1):
        watch.start()
        try:
            if not watch.past(sender.ends, 0.0, DRAIN_SECONDS):
                raise TimeoutError(f"{name}: not drained within {DRAIN_SECONDS:g} s")
        finally:
            watch.stop()
    moved = [look for look in watch.looks if look.offsets.any()]
    done = next(look for look in moved if (look.offsets >= sender.ends).all())
    part = 1 - moved[0].offsets.sum() / sender.ends.sum()
    return float(FLOOD * part / max(done.at - moved[0].at, 0.25))


def quota(bootstrap: str, bytes_a_second: float | None) -> None:
    """What the broker lets any client of the worker's name write; None for all it can."""
    entity = AlterClientQuotasRequest.EntryData.EntityData(entity_type="client-id", entity_name="scamsieve-w1")
    op = AlterClientQuotasRequest.EntryData.OpData(key="producer_byte_rate", value=bytes_a_second or 0.0, remove=bytes_a_second is None)
    request = AlterClientQuotasRequest(entries=[AlterClientQuotasRequest.EntryData(entity=[entity], ops=[op])], validate_only=False)
    with closing(KafkaAdminClient(bootstrap_servers=bootstrap)) as admin:
        # kafka-python knows the request, but has no method for it.
        told = admin._manager.run(admin._manager.send, request)
    if any(entry.error_code for entry in told.entries):
        raise RuntimeError(f"the quota was refused: {told}")


def _unbidden(on: Stage) -> str:
    """How often the worker ended by itself, and gave a batch back."""
    ends = sum(1 for life in on.workers.lives if life.ended and not life.asked)
    back = sum(1 for life in on.workers.lives for line in life.log() if line.get("event") == "batch given back")
    return f"batches given back {back}, ended and started again {ends}"


def trial(rate: float, only: Sequence[str], tell: Tell) -> tuple[list[Row], list[Sample], float]:
    """All of it; the rows, and the samples of the burst and when it began."""
    rows: list[Row] = []
    samples: list[Sample] = []
    begin = 0.0

    def add(row: Row) -> None:
        tell(f"{row.what}: {row.seen}")
        rows.append(row)

    with cluster(1) as running:
        if "burst" in only:
            row, samples, begin = usual_then_burst(running.bootstrap, rate, tell)
            add(row)
        for name, step in (("slow", slow_alerts), ("refused", refused_alerts), ("flood", flood)):
            if name in only:
                add(step(running.bootstrap, tell))
    return rows, samples, begin
