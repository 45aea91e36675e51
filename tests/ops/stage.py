"""What the operations' checks play with: topics of their own on a broker, workers on them, and a feed whose rate can be turned."""

import json
import os
import random
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from confluent_kafka import Producer

from stream.broker import LOOPBACK
from stream.guard import Child, guarded
from tests.bench.feed import rows
from tests.integration.records import Topics, create_topics
from tests.ops.prometheus import NotShown, answers

OPERATORS = ("th-siam", "vn-delta", "ph-isles", "sg-north", "cn-east")  # named in the policy; the demo's others are `other`
NO_BROKER = f"{LOOPBACK}:1"
TICK_SECONDS = 0.1
READY_SECONDS = 120.0  # 5 s on an idle machine
BROKEN = (b"{", b"\xff\xfe", b'{"id": "m"}', b"[" * 500, b"", b"7")
SCAMS = 0.02  # of the messages, as in a telecom's traffic
ODD = 0.004  # messages with an optional field that cannot be read, or with a clock that is ahead


@dataclass(frozen=True, slots=True)
class Stage:
    """A broker, topics, and settings of all workers on them."""

    bootstrap: str
    topics: Topics
    folder: Path
    settings: Mapping[str, str]


def stage(bootstrap: str, folder: Path, **settings: str) -> Stage:
    """Topics of its own and the files that workers need."""
    folder.mkdir(parents=True, exist_ok=True)
    topics = create_topics(bootstrap)
    (folder / "pseudonym.key").write_text("0123456789abcdef0123456789abcdef", encoding="ascii")
    (folder / "policy.toml").write_text(f"operators = {json.dumps(OPERATORS)}\n", encoding="utf-8")
    told = {
        "BROKERS": bootstrap,
        "MESSAGE_TOPIC": topics.messages,
        "ALERT_TOPIC": topics.alerts,
        "DEAD_LETTER_TOPIC": topics.dead_letters,
        "GROUP": topics.messages.partition(".")[0],
        "POLICY": str(folder / "policy.toml"),
        "PSEUDONYM_KEY_FILE": str(folder / "pseudonym.key"),
        "WEB_HOST": LOOPBACK,
    }
    return Stage(bootstrap, topics, folder, told | settings)


@contextmanager
def worker(place: Stage, port: int, code: str = "", ready: bool = True, **changes: str) -> Iterator[Child]:
    """A worker with its pages on a port, while the block runs, from when it is ready; killed at the end.

    `code` runs in its process first: how a fault is put in. Raises NotShown if it does not become ready.
    """
    told = {**place.settings, "WEB_PORT": str(port), "INSTANCE": f"worker-{port}", **changes}
    environment = {**os.environ, **{f"SCAMSIEVE_{name}": value for name, value in told.items()}}
    run = f"{code}\nimport sys\nfrom stream import app, settings\nsys.exit(app.run_worker(settings.read()))"
    with guarded([sys.executable, "-c", run], environment) as child:
        if ready:
            _await(child, f"http://{LOOPBACK}:{port}/readyz")
        yield child


def _await(child: Child, page: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not answers(page):
        if child.dead() or time.monotonic() > deadline:
            raise NotShown(f"a worker does not become ready; its last lines:\n{child.last_lines(10)}")
        time.sleep(0.2)


class Feed:
    """Writes the demo's messages to a topic, as if they were sent now. All but the place may be changed while it runs."""

    def __init__(self, place: Stage, rate: float) -> None:
        """`rate` is in messages a second."""
        self.rate, self.scams, self.broken, self.late = rate, SCAMS, 0.0, 0.0
        """Shares of scams and of broken records; seconds that a record's timestamp lies in the past."""
        self.sent = 0
        self._topic = place.topics.messages
        self._producer = Producer({"bootstrap.servers": place.bootstrap, "linger.ms": 5, "log_level": 0})
        self._chance = random.Random(7)
        every = rows()
        self._kinds = [[row for row in every if (row["label"] == "scam") is scam] for scam in (False, True)]
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Feed":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()
        self._producer.flush(10)

    def _run(self) -> None:
        due, before = 0.0, time.monotonic()
        while not self._stopping.wait(TICK_SECONDS):
            now = time.monotonic()
            due, before = due + self.rate * (now - before), now
            for _ in range(int(due)):
                self._send()
            due -= int(due)
            self._producer.poll(0)

    def _send(self) -> None:
        stamp = int((time.time() - self.late) * 1000)
        broken = self._chance.random() < self.broken
        value = self._chance.choice(BROKEN) if broken else json.dumps(self.message(stamp), ensure_ascii=False).encode()
        try:
            self._producer.produce(self._topic, value, timestamp=stamp)
            self.sent += 1
        except BufferError:  # the broker is away: what is due now is not sent later
            self._producer.poll(0.1)

    def message(self, stamp: int) -> dict[str, Any]:
        """The next one."""
        row = dict(self._chance.choice(self._kinds[self._chance.random() < self.scams]))
        row |= {"id": f"m-{self.sent:08}", "language": row["lang"], "sent_at": stamp - int(self._chance.expovariate(1 / 400))}
        if self._chance.random() < ODD:
            row |= {"conversation": 7} if self._chance.random() < 0.5 else {"sent_at": stamp + 60_000}
        return row
