"""What a worker promises, on a real broker: nothing lost, nothing twice, nothing stalled, a quick end."""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # its stub does not name it

from stream.broker import free_port
from stream.wire import Alert, error_of
from tests.integration.chosen import apache_kafka_only

SCAMMER = "+85512345678"  # the policy of these tests denies it, so which messages are flagged is known
EVERY = 10  # one message of so many is the scammer's
PARTITIONS = 4


@dataclass(frozen=True)
class Place:
    """The topics of one test, and the environment of its workers."""

    bootstrap: str
    messages: str
    alerts: str
    dead: str
    environment: dict[str, str]


@pytest.fixture
def place(bootstrap: str, tmp_path: Path) -> Place:
    """Fresh topics, a policy and a key."""
    tag = uuid.uuid4().hex[:8]
    names = [f"{kind}-{tag}" for kind in ("messages", "alerts", "dead")]
    admin = AdminClient({"bootstrap.servers": bootstrap})
    for future in admin.create_topics([NewTopic(name, PARTITIONS, 1) for name in names]).values():
        future.result(30)
    (tmp_path / "key").write_text("0123456789abcdef0123456789abcdef")
    (tmp_path / "policy.toml").write_text(f'[deny]\nsenders = ["{SCAMMER}"]\n[allow]\nsenders = ["friend"]\n')
    environment = {
        "BROKERS": bootstrap,
        "MESSAGE_TOPIC": names[0],
        "ALERT_TOPIC": names[1],
        "DEAD_LETTER_TOPIC": names[2],
        "GROUP": f"group-{tag}",
        "INSTANCE": f"instance-{tag}",
        "ROLES": "scorer",
        "POLICY": str(tmp_path / "policy.toml"),
        "PSEUDONYM_KEY_FILE": str(tmp_path / "key"),
        "SESSION_TIMEOUT_SECONDS": "6",
        "POLL_INTERVAL_SECONDS": "10",
        "BATCH_SIZE": "500",
        "WEB_HOST": "127.0.0.1",
    }
    return Place(bootstrap, names[0], names[1], names[2], environment)


@contextmanager
def worker(place: Place, **changes: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process; killed at the end if it still runs."""
    told = {**place.environment, "WEB_PORT": str(free_port()), **changes}
    environment = {**os.environ, **{f"SCAMSIEVE_{name}": value for name, value in told.items()}}
    process = subprocess.Popen([sys.executable, "-m", "stream.cli", "worker"], env=environment, stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        print(process.communicate()[1].decode())  # pytest shows it if the test fails


def message(number: int, **changes: object) -> bytes:
    """A message; one of EVERY comes from the scammer."""
    fields = {
        "id": f"m-{number}",
        "operator": "a",
        "channel": "sms",
        "text": f"message number {number} with some words in it",
        "sender": SCAMMER if number % EVERY == 0 else "friend",
        "recipient": "+66812345678",
        "sent_at": 1_767_297_600_000,
    }
    return json.dumps({**fields, **changes}, ensure_ascii=False).encode()


def send(place: Place, values: list[bytes | None]) -> None:
    """Produce records, spread over the partitions."""
    producer = Producer({"bootstrap.servers": place.bootstrap, "linger.ms": 20, "queue.buffering.max.messages": 1_000_000})
    for i, value in enumerate(values):
        producer.produce(place.messages, value, partition=i % PARTITIONS)
        if i % 1000 == 0:
            producer.poll(0)
    assert producer.flush(60) == 0


def received(place: Place, topic: str, expected: int, seconds: float = 60.0, linger: float = 2.0) -> list[object]:
    """Committed records of a topic: waits for as many as expected, then a moment longer for any too many."""
    consumer = Consumer(
        {
            "bootstrap.servers": place.bootstrap,
            "group.id": uuid.uuid4().hex,
            "isolation.level": "read_committed",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        }
    )
    consumer.assign([TopicPartition(topic, number, 0) for number in range(PARTITIONS)])
    found: list[object] = []
    deadline = time.monotonic() + seconds
    late = None
    while time.monotonic() < (late or deadline):
        taken = consumer.consume(1000, 0.2)
        found += [record for record in taken if record.error() is None]
        if len(found) >= expected and late is None:
            if not linger:
                break
            late = time.monotonic() + linger
    consumer.close()
    return found


def alert_ids(place: Place, expected: int, seconds: float = 60.0) -> list[str]:
    """The message ids of the committed alerts."""
    return [msgspec.json.decode(record.value(), type=Alert).message_id for record in received(place, place.alerts, expected, seconds)]  # type: ignore[attr-defined]


def expected_ids(count: int) -> set[str]:
    """The ids of the scammer's messages among so many."""
    return {f"m-{i}" for i in range(0, count, EVERY)}


def wait_for(place: Place, count: int) -> None:
    """Until so many alerts are committed."""
    assert len(received(place, place.alerts, count, linger=0)) >= count


BROKEN: list[tuple[bytes | None, str]] = [
    (b"no json at all", "not_json"),
    (b'{"id": "x\xe2\x80\xa8', "not_json"),
    (message(1, text=5), "wrong_shape"),
    (message(1, sent_at="yesterday"), "wrong_shape"),
    (b"[]", "wrong_shape"),
    (message(1, text="x" * 17_000), "text_too_long"),
    (message(1, text="x" * 70_000), "record_too_long"),
    (b"", "empty_value"),
    (message(1).replace(b"words", b"\xff\xfe"), "not_utf8"),
    (None, "null_value"),
    (b'{"bomb":' + b"[" * 20_000 + b"]" * 20_000 + b"}", "too_deep"),
    (b'{"specversion":"1.0","data":{}}', "bad_envelope"),
]


def test_every_good_record_is_judged_and_every_broken_one_is_a_dead_letter_with_its_code(place: Place) -> None:
    count, repeats = 10_000, 42
    values: list[bytes | None] = [message(i, text=f"number {i} \u2028 and \u0085 inside") for i in range(count)]
    for i in range(repeats):
        for k, (value, _) in enumerate(BROKEN):
            values.insert((i * len(BROKEN) + k) * 19, value)
    send(place, values)
    with worker(place) as process:
        ids = alert_ids(place, count // EVERY)
        letters = received(place, place.dead, repeats * len(BROKEN))
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert Counter(ids) == Counter(expected_ids(count))
    codes = Counter(error_of(letter.headers()) for letter in letters)  # type: ignore[attr-defined]
    assert codes == Counter(code for _, code in BROKEN * repeats)
    assert Counter(letter.value() for letter in letters) == Counter(value for value, _ in BROKEN * repeats)  # type: ignore[attr-defined]


def test_sigterm_under_load_ends_in_time_and_nothing_is_judged_twice(place: Place) -> None:
    count = 100_000
    send(place, [message(i) for i in range(count)])
    with worker(place) as process:
        wait_for(place, 100)
        begin = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert time.monotonic() - begin < 10
    assert len(received(place, place.alerts, 0, linger=1)) < count // EVERY, "it was done before it was told to stop: this tested nothing"
    with worker(place):
        ids = alert_ids(place, count // EVERY)
    assert Counter(ids) == Counter(expected_ids(count))


@apache_kafka_only
def test_kill_under_load_loses_no_alert_and_repeats_none(place: Place) -> None:
    count = 100_000
    send(place, [message(i) for i in range(count)])
    with worker(place) as process:
        wait_for(place, 100)
        process.kill()
        process.wait()
    assert len(received(place, place.alerts, 0, linger=1)) < count // EVERY, "it was done before it was killed: this tested nothing"
    with worker(place, INSTANCE="another"):
        ids = alert_ids(place, count // EVERY, 90)
    assert Counter(ids) == Counter(expected_ids(count))


def test_at_least_once_judges_everything(place: Place) -> None:
    count = 5_000
    send(place, [message(i) for i in range(count)])
    with worker(place, DELIVERY="at_least_once") as process:
        ids = alert_ids(place, count // EVERY)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert set(ids) == expected_ids(count)


def test_at_least_once_a_worker_that_joins_stops_nobody(place: Place) -> None:
    """The partitions change hands while batches are under way: the first worker finishes and commits them, and goes on."""
    count = 120_000
    with worker(place, DELIVERY="at_least_once", BATCH_SIZE="200"):
        send(place, [message(i) for i in range(count)])
        received(place, place.alerts, 10, linger=0)
        with worker(place, DELIVERY="at_least_once", INSTANCE="second", BATCH_SIZE="200"):
            ids = alert_ids(place, count // EVERY)
    assert set(ids) == expected_ids(count)


def test_two_workers_share_the_partitions_and_judge_each_message_once(place: Place) -> None:
    count = 40_000
    with worker(place), worker(place, INSTANCE="second"):
        time.sleep(5)
        send(place, [message(i) for i in range(count)])
        ids = alert_ids(place, count // EVERY)
    assert Counter(ids) == Counter(expected_ids(count))
