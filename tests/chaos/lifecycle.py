"""What a worker lives through, each scripted on one broker: late brokers, topics that come and go, rights revoked, clocks, signals.

Each step is a function that gives a row: what was done, what was seen, whether that is as promised.
"""

import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext, suppress
from pathlib import Path

from confluent_kafka.admin import AclOperation, NewPartitions  # type: ignore[attr-defined]  # its stub does not name them

from tests.chaos.clock import clock
from tests.chaos.cluster import CALL_SECONDS, Cluster, cluster
from tests.chaos.feed import Feed, distinct
from tests.chaos.rights import AUTHORIZER, revoked
from tests.chaos.rows import Row
from tests.chaos.single import PARTITIONS, SOME, Place, Worker, worker

AWAY_SECONDS = 120.0
RETURN_SECONDS = 20.0  # in which a worker whose transaction is gone has found that out
STOP_SECONDS = 8.0  # the setting's default: what SCAMSIEVE_STOP_SECONDS promises
DAY = 86_400
AHEAD_SECONDS = 15.0

Tell = Callable[[str], None]


def late_broker(running: Cluster, tell: Tell) -> Row:
    """The worker is there first."""
    place = Place(running, "late")
    place.create()
    place.send()
    running.kill(1)
    with worker(place) as one:
        live = one.until("/healthz", 200)
        waiting = one.page("/readyz")
        running.start(1)
        begin = time.monotonic()
        ready = one.until("/readyz", 200)
        waited, seen = time.monotonic() - begin, place.judged(SOME)
        kept = live and waiting == 503 and ready and "NOT" not in seen
        return Row(
            "Started before the broker", f"live, not ready; ready {waited:.1f} s after the broker; {seen}; said: {one.events()}", kept
        )


def away(running: Cluster, tell: Tell, seconds: float = AWAY_SECONDS) -> Row:
    """The broker is gone for long, in the middle of judging."""
    place = Place(running, "away")
    place.create()
    place.send()
    with worker(place) as one:
        place.judged(SOME)
        feed = Feed(running.bootstrap, place.messages, PARTITIONS, 50.0, 0, distinct(), first=SOME)
        feed.start()
        time.sleep(2)
        running.kill(1)
        tell(f"the broker is away for {seconds:g} s")
        lived, deadline = True, time.monotonic() + seconds
        while time.monotonic() < deadline:
            lived &= one.page("/healthz") == 200
            time.sleep(2)
        running.start(1)
        sent = SOME + feed.finish()
        # The broker may have ended the transaction meanwhile: then the worker ends, and is started again as by a supervisor.
        with suppress(subprocess.TimeoutExpired):
            one.process.wait(RETURN_SECONDS)
        code = one.process.poll()
        with worker(place) if code is not None else nullcontext():
            seen = place.judged(sent)
        told = f"{'live' if lived else 'NOT live'} all the time; {_survived(code)}; {seen}"
        kept = lived and code in (None, 1) and "NOT" not in seen
        return Row(f"Broker lost for {_span(seconds)}, under load", f"{told}; said: {one.events()}", kept)


def missing_topic(running: Cluster, tell: Tell) -> Row:
    """First only one of three topics is there."""
    place = Place(running, "missing")
    place.create("messages")
    place.send()
    with worker(place) as one:
        live, waiting = one.until("/healthz", 200), one.page("/readyz")
        time.sleep(3)
        place.create("alerts", "dead")
        ready, seen = one.until("/readyz", 200), place.judged(SOME)
        kept = live and waiting == 503 and ready and "NOT" not in seen
        return Row("Two topics missing, made later", f"live, not ready, then ready; {seen}; said: {one.events()}", kept)


def topic_made_anew(running: Cluster, tell: Tell) -> Row:
    """Deleted with what was in it, and made again under the same name."""
    place = Place(running, "anew")
    place.create()
    place.send()
    with worker(place) as one:
        place.judged(SOME)
        for future in place.admin.delete_topics([place.messages], operation_timeout=CALL_SECONDS).values():
            future.result(CALL_SECONDS)
        time.sleep(5)
        place.create("messages")
        place.send(SOME)
        seen = place.judged(2 * SOME)
        kept = one.process.poll() is None and "NOT" not in seen
        return Row("Message topic deleted and made again", f"{seen}; said: {one.events()}", kept)


def more_partitions(running: Cluster, tell: Tell) -> Row:
    """As many again; the worker looks for them as often as its client is set to."""
    place = Place(running, "more")
    place.create()
    place.send()
    with worker(place, KAFKA_CONFIG="topic.metadata.refresh.interval.ms=10000") as one:
        place.judged(SOME)
        for future in place.admin.create_partitions([NewPartitions(place.messages, 2 * PARTITIONS)]).values():
            future.result(CALL_SECONDS)
        time.sleep(2)
        place.send(SOME, 2 * PARTITIONS)
        seen = place.judged(2 * SOME)
        return Row(
            "Partitions of the message topic doubled (metadata asked for every 10 s)", f"{seen}; said: {one.events()}", "NOT" not in seen
        )


def revoked_right(running: Cluster, tell: Tell) -> Row:
    """The right to write alerts is taken away, and given back."""
    place = Place(running, "revoked")
    place.create()
    place.send()
    with worker(place) as one:
        place.judged(SOME)
        with revoked(running.bootstrap, place.alerts, AclOperation.WRITE):
            time.sleep(2)
            place.send(SOME)
            time.sleep(20)
            lived, before = one.page("/healthz"), len(place.found("message_id"))
        seen, code = place.judged(2 * SOME, 60), one.process.poll()
        if code is not None:
            with worker(place) as second:
                seen = place.judged(2 * SOME)
                second.end()
        kept = before == SOME and "NOT" not in seen
        return Row(
            "Right to write alerts revoked for 20 s",
            f"{_survived(code)} (/healthz {lived}); {before - SOME} alerts meanwhile; {seen}; said: {one.events()}",
            kept,
        )


def revoked_reading(running: Cluster, tell: Tell) -> Row:
    """The right to read messages is taken away, and given back; whoever writes them has it all the time."""
    place = Place(running, "unread")
    place.create()
    place.send()
    with worker(place) as one:
        place.judged(SOME)
        with revoked(running.bootstrap, place.messages, AclOperation.READ):
            place.send(SOME)
            unready = one.until("/readyz", 503, 30)
            lived, before = one.page("/healthz"), len(place.found("message_id"))
        seen, ready = place.judged(2 * SOME, 60), one.until("/readyz", 200, 30)
        kept = unready and ready and lived == 200 and one.process.poll() is None and "NOT" not in seen
        return Row(
            "Right to read messages revoked until it said so",
            f"{'not ready' if unready else 'READY'} meanwhile, then {'ready' if ready else 'NOT ready'}; {before - SOME} alerts meanwhile; "
            f"{seen}; said: {one.events()}",
            kept,
        )


def full_disk(running: Cluster, tell: Tell) -> Row:
    """Standard error takes no byte."""
    place = Place(running, "full")
    place.create()
    place.send()
    with worker(place, stderr="/dev/full") as one:
        ready, seen = one.until("/readyz", 200), place.judged(SOME)
        seconds, code = one.end()
        return Row(
            "Disk full for logs",
            f"{seen}; SIGTERM: ended after {seconds:.1f} s with code {code}",
            ready and "NOT" not in seen and code == 0,
        )


def clock_jumps(running: Cluster, tell: Tell) -> Row:
    """The clock of the worker's machine jumps a day ahead, then two back, then is right again; clocks that only count go on.

    A broker takes no record from more than an hour ahead (`message.timestamp.after.max.ms`): alerts wait until the clock is right.
    """
    place = Place(running, "clock")
    place.create()
    place.send()
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        time_of_day = clock(Path(folder))
        with worker(place, time_of_day.variables) as one:
            place.judged(SOME)
            lived, seen = True, []
            for turn, (what, jump) in enumerate({"a day behind": -DAY, "a day ahead": DAY, "right again": 0}.items(), start=1):
                time_of_day.jump(jump)
                time.sleep(3)
                place.send(SOME * turn)
                if jump == DAY:
                    time.sleep(AHEAD_SECONDS)
                    seen.append(f"{what}: {len(place.found('message_id')) - SOME * turn} alerts within {AHEAD_SECONDS:g} s")
                else:
                    seen.append(f"{what}: {place.judged(SOME * (turn + 1))}")
                lived &= one.page("/healthz") == 200
            told = f"{'live' if lived else 'NOT live'}; {'; '.join(seen)}; said: {one.events()}"
            return Row("Clock a day behind, a day ahead, right again", told, lived and "NOT" not in told)


def terminated(running: Cluster, tell: Tell) -> Iterator[Row]:
    """SIGTERM in each state; the broker is away in the last ones."""
    place = Place(running, "sigterm")
    place.create()
    none = Place(running, "sigterm-none")
    with worker(place) as one:
        yield _ended(one, "while Python starts", (0, -signal.SIGTERM))
    with worker(none) as one:
        one.until("/healthz", 200)
        time.sleep(2)
        yield _ended(one, "while it waits for topics")
    with worker(place) as one:
        one.until("/readyz", 200)
        yield _ended(one, "idle")
    feed = Feed(running.bootstrap, place.messages, PARTITIONS, 300.0, 0, distinct())
    feed.start()
    with worker(place) as one:
        place.judged(SOME)
        yield _ended(one, "while it judges")
    with worker(place) as one:
        one.until("/readyz", 200)
        time.sleep(2)
        running.kill(1)
        time.sleep(2)
        yield _ended(one, "2 s after the broker was lost, in a transaction")
    running.start(1)
    with worker(place) as one:
        one.until("/readyz", 200)
        time.sleep(2)
        running.kill(1)
        time.sleep(40)
        yield _ended(one, "40 s after the broker was lost")
    with worker(place) as one:
        one.until("/healthz", 200)
        time.sleep(2)
        yield _ended(one, "while it waits for the broker")
    running.start(1)
    feed.finish()


def _ended(one: Worker, state: str, codes: tuple[int, ...] = (0,)) -> Row:
    seconds, code = one.end()
    return Row(f"SIGTERM {state}", f"ended after {seconds:.1f} s with code {code}", code in codes and seconds < STOP_SECONDS + 4)


def _survived(code: int | None) -> str:
    return "the worker lived on" if code is None else f"the worker ended with code {code} and was started again"


def _span(seconds: float) -> str:
    return f"{seconds / 60:g} minutes" if seconds >= 60 else f"{seconds:g} s"


STEPS: dict[str, Callable[[Cluster, Tell], Row]] = {
    "late-broker": late_broker,
    "away": away,
    "missing-topic": missing_topic,
    "topic-made-anew": topic_made_anew,
    "more-partitions": more_partitions,
    "revoked-right": revoked_right,
    "revoked-reading": revoked_reading,
    "full-disk": full_disk,
    "clock-jumps": clock_jumps,
}


def trial(steps: Iterable[str], tell: Tell, away_seconds: float = AWAY_SECONDS) -> Iterator[Row]:
    """The steps by name, each on the same broker; `sigterm` for the signals in each state."""
    with cluster(1, AUTHORIZER) as running:
        for name in steps:
            tell(name)
            if name == "sigterm":
                yield from terminated(running, tell)
            elif name == "away":
                yield away(running, tell, away_seconds)
            else:
                yield STEPS[name](running, tell)
