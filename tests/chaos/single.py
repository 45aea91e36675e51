"""One worker on topics of its own, for the steps of a worker's life."""

import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
from confluent_kafka.admin import AdminClient

from tests.chaos.cluster import Cluster, create_topics
from tests.chaos.feed import Feed, distinct
from tests.chaos.fleet import command, page
from tests.chaos.run import committed, environment

PARTITIONS = 3
SOME = 300  # messages of a step
READY_SECONDS, SEEN_SECONDS = 180.0, 180.0


@dataclass
class Place:
    """One step's topics on the broker."""

    running: Cluster
    name: str

    @property
    def messages(self) -> str:
        return f"messages-{self.name}"

    @property
    def alerts(self) -> str:
        return f"alerts-{self.name}"

    @cached_property
    def admin(self) -> AdminClient:
        return AdminClient({"bootstrap.servers": self.running.bootstrap, "log_level": 2})

    def create(self, *kinds: str) -> None:
        create_topics(self.running.bootstrap, {f"{kind}-{self.name}": PARTITIONS for kind in kinds or ("messages", "alerts", "dead")}, 1)

    def send(self, first: int = 0, partitions: int = PARTITIONS) -> None:
        """SOME messages, numbered from `first` on."""
        feed = Feed(self.running.bootstrap, self.messages, partitions, 0.0, SOME, distinct(), first=first)
        feed.start()
        feed.finish()

    def found(self, field: str) -> list[str]:
        """A field of all committed alerts."""
        decode = msgspec.json.Decoder(dict[str, Any]).decode
        return [decode(record.value() or b"")[field] for record in committed(self.running.bootstrap, self.alerts, PARTITIONS)]

    def judged(self, count: int, seconds: float = SEEN_SECONDS) -> str:
        """Wait for so many alerts; says how many there are, and whether each is there once."""
        deadline, begin = time.monotonic() + seconds, time.monotonic()
        ids: list[str] = []
        while time.monotonic() < deadline and len(ids) < count:
            with suppress(TimeoutError):
                ids = self.found("message_id")
            time.sleep(0.5)
        whole = len(ids) == len(set(ids)) == count
        return f"{len(ids)} of {count} alerts{'' if whole else ', NOT each once'} after {time.monotonic() - begin:.1f} s"


@dataclass
class Worker:
    """A worker process, its port, its log's file."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def page(self, path: str) -> int:
        """The status of a page; 0 if nobody answers."""
        return page(self.port, path)

    def until(self, path: str, status: int, seconds: float = READY_SECONDS) -> bool:
        """Wait until a page answers so."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.process.poll() is None:
            if self.page(path) == status:
                return True
            time.sleep(0.25)
        return False

    def end(self) -> tuple[float, int]:
        """SIGTERM; gives the seconds until it ended, and its code."""
        begin = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(60)
        return time.monotonic() - begin, code

    def events(self) -> str:
        """The codes and events of its warnings and errors, each once."""
        told = []
        for line in self.log.read_bytes().split(b"\n"):
            with suppress(msgspec.DecodeError):
                one = msgspec.json.decode(line, type=dict[str, Any])
                if one.get("level") in ("warning", "error"):
                    told.append(f"{one['event']} ({one['code']})" if "code" in one else str(one["event"]))
        return ", ".join(dict.fromkeys(told)) or "nothing"


@contextmanager
def worker(place: Place, variables: Mapping[str, str] | None = None, stderr: str = "", **changes: str) -> Iterator[Worker]:
    """A worker on a step's topics; `variables` are of its environment, `changes` of its settings."""
    topics = {"MESSAGE_TOPIC": place.messages, "ALERT_TOPIC": place.alerts, "DEAD_LETTER_TOPIC": f"dead-{place.name}", "GROUP": place.name}
    with environment(place.running.bootstrap, **topics, **changes) as told, tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        log = Path(folder) / "log"
        log.touch()
        arguments, variables_of, port = command(told, place.name)
        with open(stderr or log, "ab") as output:
            process = subprocess.Popen(arguments, env={**variables_of, **(variables or {})}, stderr=output)
        try:
            yield Worker(process, port, log)
        finally:
            process.kill()
            process.wait()
