"""Mutated records through a live worker: it must not fall, and each record must be a verdict or a dead letter."""

import json
import tempfile
import time
import uuid
from collections import Counter
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from stream.broker import LOOPBACK, embedded_broker
from stream.errors import RecordError
from stream.wire import Decoder, Event, Limits, error_of
from tests.fuzz.mutants import records
from tests.integration.kafka import apache_kafka
from tests.integration.records import create_topics, produce, read
from tests.integration.test_app import Worker, worker

ROUND = 100_000  # records sent before the worker is waited for: bounds the memory of the embedded broker's reader
SECONDS = 600.0  # of one round


@dataclass(frozen=True, slots=True)
class Result:
    """What came of the records, as the worker counts and as the topics hold."""

    sent: int
    judged: int
    dead: int
    codes: dict[str, int]
    alerts: int
    seconds: float


def run(count: int, seed: int, apache: bool = False) -> Result:
    """Send so many; raises AssertionError if a promise does not hold."""
    broker: AbstractContextManager[str] = apache_kafka() if apache else embedded_broker()
    begin = time.monotonic()
    with broker as bootstrap, tempfile.TemporaryDirectory(prefix="scamsieve-fuzz-") as name:
        folder = Path(name)
        (folder / "key").write_text("0123456789abcdef")
        topics = create_topics(bootstrap)
        environment = {
            "GROUP": uuid.uuid4().hex,
            "PSEUDONYM_KEY_FILE": str(folder / "key"),
            "SESSION_TIMEOUT_SECONDS": "6",
            "ROLES": "scorer",
            "WEB_HOST": LOOPBACK,
        }
        expected: Counter[str] = Counter()
        with worker(environment, folder, bootstrap, topics) as running:
            running.until(lambda: running.get("/readyz")[0] == 200, SECONDS)
            for first in range(0, count, ROUND):
                values = list(records(min(ROUND, count - first), seed + first))
                expected += _expected(values)
                produce(bootstrap, topics.messages, values)
                running.until(partial(_done, running, first + len(values)), SECONDS)
            told = running.status()["scorer"]
            assert running.end() == 0, running.log.read_text()
            lines = running.log.read_text()
        letters = Counter(error_of(letter.headers) for letter in read(bootstrap, topics.dead_letters, told["dead_letters"], limit=SECONDS))
        alerts = len(read(bootstrap, topics.alerts, told["alerts"], limit=SECONDS))
    assert "Traceback" not in lines, lines
    assert not [line for line in lines.split("\n") if '"error"' in line], lines
    assert told["judged"] == expected.pop("", 0)
    assert letters == expected
    assert alerts == told["alerts"]
    return Result(count, told["judged"], told["dead_letters"], dict(letters.most_common()), alerts, round(time.monotonic() - begin, 1))


def _done(running: Worker, sent: int) -> bool:
    status, body = running.get("/status")
    if status != 200:  # it may be busy; whether it still runs is asked all the same
        return False
    scorer = json.loads(body)["scorer"]
    return bool(scorer["judged"] + scorer["dead_letters"] == sent)


def _expected(values: list[bytes | None]) -> Counter[str]:
    """How many are messages (under the empty name), and how many are to be dead letters, by code."""
    decoder, found = Decoder(Event, Limits()), Counter[str]()
    for value in values:
        try:
            decoder.decode(value)
            found[""] += 1
        except RecordError as error:
            found[error.code] += 1
    return found


def tell(result: Result) -> str:
    """A line of JSON."""
    return json.dumps({name: getattr(result, name) for name in Result.__slots__})
