"""One trial: a cluster, workers, a feed; faults one after the other; then the ledger."""

import random
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import msgspec
import numpy as np
from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from stream.clients import Record
from stream.wire import Place, alert_id
from tests.bench.environments import ROOT
from tests.bench.feed import number
from tests.chaos import ledger
from tests.chaos.cluster import cluster, create_topics
from tests.chaos.faults import World, plan
from tests.chaos.feed import Feed
from tests.chaos.fleet import Fleet, fleet
from tests.chaos.ledger import Ledger
from tests.chaos.report import Outcome, Struck
from tests.chaos.watch import Offsets, Watch, longest_pause

LOGS = ROOT / "build" / "chaos-logs"
PARTITIONS = {"messages": 12, "alerts": 6, "dead": 3}
WORKERS = 2  # at the beginning; three at most
SECONDS_A_FAULT = 25.0  # what one takes at the middle, with the rest before the next: it makes the feed's rate
REST_SECONDS = (1.0, 8.0)
HEELS = 0.25  # of the faults strike before the one before is overcome
CALM_SECONDS = 35.0  # longer than SCAMSIEVE_STALL_SECONDS
START_SECONDS, RECOVER_SECONDS, DRAIN_SECONDS, READ_SECONDS = 300.0, 180.0, 900.0, 30.0
POLICY = """\
[[threshold]]
name = "everything"
flag = 0.0
review = 0.0
"""  # so that each message gives one alert, and a loss cannot hide among the unflagged
ENVIRONMENT = {
    "MESSAGE_TOPIC": "messages",
    "ALERT_TOPIC": "alerts",
    "DEAD_LETTER_TOPIC": "dead",
    "GROUP": "chaos",
    "ROLES": "scorer",
    "SESSION_TIMEOUT_SECONDS": "6",
    "POLL_INTERVAL_SECONDS": "60",
    "BATCH_SIZE": "2000",  # a lag must be caught up also on a busy machine, where a transaction takes a second whatever its size
    "WEB_HOST": "127.0.0.1",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do."""

    messages: int
    faults: int
    seed: int
    delivery: str
    blackout_seconds: float
    mutant: str = ""
    only: tuple[str, ...] = ()
    """Kinds of faults; none means all."""


class _Shown(msgspec.Struct):
    """What the ledger reads of a message or an alert."""

    id: str


@contextmanager
def environment(bootstrap: str, **changes: str) -> Iterator[dict[str, str]]:
    """The variables of a worker, with a policy by which everything is flagged, and a key."""
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        policy, key = Path(folder) / "policy.toml", Path(folder) / "key"
        policy.write_text(POLICY, encoding="utf-8")
        key.write_text(uuid.uuid4().hex, encoding="utf-8")
        yield {**ENVIRONMENT, "BROKERS": bootstrap, "POLICY": str(policy), "PSEUDONYM_KEY_FILE": str(key), **changes}


def trial(given: Plan, tell: Callable[[str], None]) -> Outcome:
    """Run it. Raises BrokerUnavailable, KafkaException, TimeoutError where the trial itself fails, which proves nothing."""
    begun = time.time()
    tell("starting three brokers")
    with cluster() as running, environment(running.bootstrap, DELIVERY=given.delivery) as told:
        create_topics(running.bootstrap, PARTITIONS)
        rate = given.messages / (given.faults * SECONDS_A_FAULT)
        feed = Feed(running.bootstrap, "messages", PARTITIONS["messages"], rate, given.messages)
        watch = Watch(running.bootstrap, "chaos", "messages", PARTITIONS["messages"])
        with fleet(told, WORKERS, given.mutant) as workers:
            watch.start()
            feed.start()
            _await_start(watch)
            tell(f"judging; {rate:.0f} messages/s")
            world = World(running, workers, random.Random(given.seed), "alerts", given.blackout_seconds)
            struck = list(_strike(given, world, feed, watch, tell))
            sent = feed.finish()
            tell(f"{sent} messages sent; draining")
            drained = watch.past(feed.ends, time.time(), DRAIN_SECONDS)
            if not given.mutant:
                tell("waiting until all workers live")
                workers.calm(CALM_SECONDS, DRAIN_SECONDS)
            codes = workers.stop()
            watch.stop()
            tell("comparing ids")
            found = compare(running.bootstrap, sent)
            dead = sum(1 for _ in committed(running.bootstrap, "dead", PARTITIONS["dead"]))
            behind = _behind(watch, feed.ends)
            _write_logs(workers)
            table = [_with_rest(one, watch, workers) for one in struck]
        return Outcome(
            ledger=found,
            delivery=given.delivery,
            seed=given.seed,
            mutant=given.mutant,
            faults=table,
            dead_letters=dead,
            behind=behind,
            drained=drained,
            exit_codes=codes,
            seconds=time.time() - begun,
            rate=rate,
        )


def _write_logs(workers: Fleet) -> None:
    """All that the workers logged, one file a process, for whoever looks into a red trial."""
    shutil.rmtree(LOGS, ignore_errors=True)
    LOGS.mkdir(parents=True)
    for i, life in enumerate(workers.lives):
        (LOGS / f"{i:02}-{life.name}.jsonl").write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in life.log()))


def _strike(given: Plan, world: World, feed: Feed, watch: Watch, tell: Callable[[str], None]) -> Iterator[Struck]:
    """One fault after the other; mostly the next one waits until all that was there when the one before ended is judged."""
    first = time.time()
    for kind, fault in plan(given.faults, world.random, given.only):
        at = time.time()
        what = fault(world)
        over = time.time()
        ends = feed.ends.copy()
        if world.random.random() < HEELS:
            time.sleep(world.random.uniform(*REST_SECONDS))
            tell(f"{at - first:4.0f} s  {what}; the next one follows at once")
        else:
            recovered = watch.past(ends, over, RECOVER_SECONDS)
            tell(f"{at - first:4.0f} s  {what}; {'caught up' if recovered else 'NOT caught up'} after {time.time() - at:.0f} s")
            time.sleep(world.random.uniform(*REST_SECONDS))
        yield Struck(kind, what, at - first, at, over, ends)


def _with_rest(one: Struck, watch: Watch, workers: Fleet) -> Struck:
    """A fault with what is known of it afterwards: when all from before its end was judged, the longest pause, the logs."""
    done = next((look.at for look in watch.looks if look.at > one.over and bool((look.offsets >= one.ends).all())), None)
    end = done or watch.looks[-1].at
    one.caught_up = end - one.begun if done else None
    one.paused = longest_pause(watch.looks, one.begun, end)
    for life in workers.lives:
        if life.ended and one.begun <= life.ended <= end and not life.asked:
            one.events.append(f"{life.name} ended with code {life.code}")
        one.events += [_event(line) for line in life.log() if line["at"] and one.begun <= line["at"] <= end]
    return one


def _event(told: Mapping[str, object]) -> str:
    code = told.get("code") or told.get("exception")
    return f"{told.get('event')} ({code})" if code else str(told.get("event"))


def _await_start(watch: Watch) -> None:
    """Until something of every partition is judged."""
    if not watch.past(np.ones(PARTITIONS["messages"], np.int64), 0.0, START_SECONDS):
        raise TimeoutError(f"the workers judged nothing within {START_SECONDS:g} s")


def _behind(watch: Watch, ends: Offsets) -> int:
    """Records between the committed offsets and the ends; the feed is not transactional, so there are no markers between."""
    return int((ends - watch.looks[-1].offsets).clip(0).sum())


def compare(bootstrap: str, sent: int) -> Ledger:
    """The ledger of so many messages: the topic's records, and the committed alerts."""
    decode = msgspec.json.Decoder(_Shown).decode
    records = ((decode(record.value() or b"").id, record) for record in committed(bootstrap, "messages", PARTITIONS["messages"]))
    due = ((number(told), alert_id(place(record), told)) for told, record in records)
    return ledger.compare(
        range(sent), due, (decode(alert.value() or b"").id for alert in committed(bootstrap, "alerts", PARTITIONS["alerts"]))
    )


def place(record: Record) -> Place:
    """Where a record stands."""
    return Place(record.topic(), record.partition(), record.offset(), record.timestamp()[1])


def committed(bootstrap: str, topic: str, partitions: int) -> Iterator[Record]:
    """All committed records of a topic, to the end of each partition. Raises TimeoutError if one is not reached."""
    settings = {
        "bootstrap.servers": bootstrap,
        "group.id": "ledger",
        "isolation.level": "read_committed",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "queued.max.messages.kbytes": 32_768,
    }
    with closing(Consumer(settings)) as consumer:
        places = [TopicPartition(topic, number, 0) for number in range(partitions)]
        ends = {at.partition: consumer.get_watermark_offsets(at, timeout=READ_SECONDS)[1] for at in places}
        consumer.assign(places)
        deadline = time.monotonic() + READ_SECONDS
        while ends:
            for record in cast(list[Record], consumer.consume(10_000, 0.5)):
                error = record.error()
                if error is None:
                    deadline = time.monotonic() + READ_SECONDS
                    yield record
                elif error.code() != KafkaError._PARTITION_EOF:
                    raise KafkaException(error)
                # The end that a committed reader meets lies before a transaction that is still open: then it is no end.
                elif record.offset() >= ends.get(record.partition(), 0):
                    ends.pop(record.partition(), None)
            if ends and time.monotonic() > deadline:
                raise TimeoutError(f"{topic}: the ends of partitions {sorted(ends)} were not reached: a transaction is still open")
