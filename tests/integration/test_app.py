"""The application around the scorer, on a real broker: its pages, its agents, its end."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer, TopicPartition
from kafka import KafkaAdminClient
from prometheus_client import CollectorRegistry

from stream.broker import LOOPBACK, embedded_broker, free_port
from stream.group import look, outsider
from stream.metrics import AgentMetrics
from stream.settings import Settings
from tests.integration.chosen import CHOSEN
from tests.integration.records import PARTITIONS, Topics, create_topics, produce, read

SCAMMER = "+85512345678"  # denied by the policy, so that it is known what is flagged
POLICY = f'operators = ["th-siam"]\n[deny]\nsenders = ["{SCAMMER}"]\n[allow]\nsenders = ["friend"]\n'
NO_BROKER = f"{LOOPBACK}:1"
STOP_SECONDS = 10  # a promise: no worker takes longer to end


@dataclass
class Worker:
    """A running worker, its pages and its log."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    def get(self, page: str) -> tuple[int, str]:
        """Status and body of a page; status 0 while nobody answers."""
        with closing(http.client.HTTPConnection(LOOPBACK, self.port, timeout=5)) as connection:
            try:
                connection.request("GET", page)
                answer = connection.getresponse()
                return answer.status, answer.read().decode()
            except OSError:
                return 0, ""

    def status(self) -> Any:
        return json.loads(self.get("/status")[1])

    def counted(self) -> Any:
        """Alerts of the last hour by operator."""
        told = self.status()["agents"]["alerts_last_hour"]
        return {operator: sum(categories.values()) for operator, categories in told.items()}

    def metric(self, sample: str) -> float:
        found = re.search(rf"^{re.escape(sample)} (\S+)$", self.get("/metrics")[1], re.MULTILINE)
        return float(found.group(1)) if found else -1

    def until(self, told: Callable[[], bool], seconds: float = 60) -> None:
        """Wait until it is so; the worker must not end meanwhile."""
        deadline = time.monotonic() + seconds
        while not told():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, f"{self.get('/readyz')}\n{self.get('/status')}\n{self.log.read_text()}"
            time.sleep(0.1)

    def end(self, how: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        return self.process.wait(STOP_SECONDS)

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().split("\n") if line.startswith('{"')]


@pytest.fixture
def environment(model_folder: Path, tmp_path: Path) -> dict[str, str]:
    """Settings of all workers of a test."""
    (tmp_path / "key").write_text("0123456789abcdef0123456789abcdef")
    (tmp_path / "policy.toml").write_text(POLICY)
    return {
        "GROUP": uuid.uuid4().hex[:12],
        "MODEL": str(model_folder),
        "POLICY": str(tmp_path / "policy.toml"),
        "PSEUDONYM_KEY_FILE": str(tmp_path / "key"),
        "SESSION_TIMEOUT_SECONDS": "6",
        "POLL_INTERVAL_SECONDS": "10",
        "WEB_HOST": LOOPBACK,
    }


@contextmanager
def worker(
    environment: dict[str, str], tmp_path: Path, brokers: str, topics: Topics | None = None, broken: str = "", **changes: str
) -> Iterator[Worker]:
    """A worker process, with something done to it before it runs; killed at the end if it still runs."""
    port, log = free_port(), tmp_path / f"{uuid.uuid4().hex}.log"
    told = {**environment, "BROKERS": brokers, "WEB_PORT": str(port), "INSTANCE": uuid.uuid4().hex[:8]}
    if topics:
        told |= {"MESSAGE_TOPIC": topics.messages, "ALERT_TOPIC": topics.alerts, "DEAD_LETTER_TOPIC": topics.dead_letters}
    variables = {**os.environ, **{f"SCAMSIEVE_{name}": value for name, value in (told | changes).items()}}
    code = f"{broken}\nimport sys; from stream import app, settings; sys.exit(app.run_worker(settings.read()))"
    with log.open("wb") as file:
        process = subprocess.Popen([sys.executable, "-c", code], env=variables, stdout=file, stderr=file)
    try:
        yield Worker(process, port, log)
    finally:
        process.kill()
        process.wait()


def create(bootstrap: str, *names: str) -> None:
    """Topics of given names."""
    layout = {"num_partitions": PARTITIONS, "replication_factor": 1}
    with closing(KafkaAdminClient(bootstrap_servers=bootstrap)) as admin:
        admin.create_topics(dict.fromkeys(names, layout), wait_for_metadata=True)


def message(number: int) -> bytes:
    """A message; one in ten comes from the scammer, half of those to th-siam."""
    return json.dumps(
        {
            "id": f"m-{number}",
            "operator": "th-siam" if number % 20 else "unknown",
            "channel": "sms",
            "text": f"message number {number}",
            "sender": "friend" if number % 10 else SCAMMER,
            "recipient": "+66812345678",
            "sent_at": 1_767_297_600_000,
        }
    ).encode()


def alert(name: str) -> bytes:
    """What the agents read of an alert."""
    return json.dumps({"id": name, "operator": "th-siam", "category": "bank", "detected_at": datetime.now(UTC).isoformat()}).encode()


def test_alerts_flow_to_status_and_outlive_the_worker(bootstrap: str, topics: Topics, environment: dict[str, str], tmp_path: Path) -> None:
    with worker(environment, tmp_path, bootstrap, topics) as first:
        first.until(lambda: first.get("/readyz")[0] == 200)
        assert first.get("/healthz")[0] == 200
        produce(bootstrap, topics.messages, [message(i) for i in range(1000)])
        first.until(lambda: sum(first.counted().values()) >= 100)
        shown = first.status()
        assert shown["scorer"]["judged"] == 1000
        assert shown["scorer"]["partitions"] == [0, 1, 2, 3]
        assert shown["agents"]["partitions"] == {topics.alerts: [0, 1, 2, 3]}
        assert first.counted() == {"th-siam": 50, "other": 50}
        assert first.metric('scamsieve_agent_alerts_total{outcome="counted"}') == 100
        assert first.end() == 0
    kept = {record.key: json.loads(record.value or b"{}") for record in read(bootstrap, f"{environment['GROUP']}-agents-alerts-changelog")}
    assert sum(sum(minutes.values()) for minutes in kept.values()) == 100
    with worker(environment, tmp_path, bootstrap, topics) as second:
        second.until(lambda: second.get("/readyz")[0] == 200)
        if CHOSEN == "kafka":  # the embedded broker tells wrong ends of topics: a table read back from it may lack its last values
            assert second.counted() == {"th-siam": 50, "other": 50}
        assert second.end(signal.SIGINT) == 0


@pytest.mark.parametrize("roles", ["agents", "scorer,agents"])
def test_without_a_broker_a_worker_lives_waits_and_ends_in_time(roles: str, environment: dict[str, str], tmp_path: Path) -> None:
    with worker(environment, tmp_path, NO_BROKER, ROLES=roles) as waiting:
        waiting.until(lambda: waiting.get("/healthz")[0] == 200)
        waiting.until(lambda: "no broker answers" in waiting.get("/readyz")[1])
        assert waiting.get("/readyz")[0] == 503
        assert waiting.get("/metrics")[0] == 200
        for page in ("/", "/table/", "/router/", "/graph/", "/stats/"):  # Faust's own
            assert waiting.get(page)[0] == 404
        assert waiting.end() == 0
    assert "Traceback" not in waiting.log.read_text()


def test_it_is_ready_once_the_topics_are_there(bootstrap: str, environment: dict[str, str], tmp_path: Path) -> None:
    own = uuid.uuid4().hex[:8]
    missing = Topics(f"{own}.messages", f"{own}.alerts", f"{own}.dead-letters")
    with worker(environment, tmp_path, bootstrap, missing) as waiting:
        waiting.until(lambda: waiting.get("/readyz")[1].count("scamsieve topics create") == 2)
        assert waiting.get("/healthz")[0] == 200
        create(bootstrap, missing.messages, missing.alerts, missing.dead_letters)
        waiting.until(lambda: waiting.get("/readyz")[0] == 200)
        assert waiting.end() == 0


def test_a_worker_whose_broker_is_gone_lives_and_ends_in_time(environment: dict[str, str], tmp_path: Path) -> None:
    with ExitStack() as broker:  # one of its own
        bootstrap = broker.enter_context(embedded_broker())
        topics = create_topics(bootstrap)
        with worker(environment, tmp_path, bootstrap, topics, BATCH_SIZE="100", STOP_SECONDS="4") as left:
            left.until(lambda: left.get("/readyz")[0] == 200)
            produce(bootstrap, topics.messages, [message(i) for i in range(20_000)])
            left.until(lambda: left.status()["scorer"]["judged"] > 0)
            broker.close()
            time.sleep(3)  # in the midst of a transaction that cannot end
            assert left.get("/healthz")[0] == 200
            assert left.end() == 0


def test_aborted_alerts_and_copies_count_once(bootstrap: str, topics: Topics, environment: dict[str, str], tmp_path: Path) -> None:
    producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": uuid.uuid4().hex})
    producer.init_transactions(20)
    for attempt in range(2):
        producer.begin_transaction()
        for i in range(100):
            producer.produce(topics.alerts, alert(f"a-{i}"), b"th-siam")
        producer.flush(20)
        if attempt:
            producer.commit_transaction(20)
        else:
            producer.abort_transaction(20)
    produce(bootstrap, topics.alerts, [alert("a-0"), b"no alert", None, alert("last")])
    with worker(environment, tmp_path, bootstrap, topics, ROLES="agents") as agents:
        agents.until(lambda: agents.metric('scamsieve_agent_alerts_total{outcome="unreadable"}') == 2)
        agents.until(lambda: agents.counted() == {"th-siam": 101})
        assert agents.end() == 0


def test_one_topic_an_operator(bootstrap: str, environment: dict[str, str], tmp_path: Path) -> None:
    own = uuid.uuid4().hex[:8]
    topics = Topics(f"{own}.messages", f"{own}.alerts.{{operator}}", f"{own}.dead-letters")
    create(bootstrap, topics.messages, topics.dead_letters, f"{own}.alerts.th-siam", f"{own}.alerts.other")
    with worker(environment, tmp_path, bootstrap, topics) as both:
        both.until(lambda: both.get("/readyz")[0] == 200)
        produce(bootstrap, topics.messages, [message(i) for i in range(200)])
        both.until(lambda: both.counted() == {"th-siam": 10, "other": 10})
        assert set(both.status()["agents"]["partitions"]) == {f"{own}.alerts.th-siam", f"{own}.alerts.other"}
        assert both.end() == 0


def test_the_policy_is_reloaded_and_a_wrong_one_refused(environment: dict[str, str], tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    with worker(environment, tmp_path, NO_BROKER, ROLES="agents") as running:
        running.until(lambda: running.get("/healthz")[0] == 200)
        policy.write_text("[deny")
        running.until(lambda: running.metric('scamsieve_policy_reloads_total{outcome="refused"}') == 1)
        assert running.status()["policy"]["operators"] == ["th-siam"]
        policy.write_text('operators = ["vn-delta"]')
        running.until(lambda: running.status()["policy"]["operators"] == ["vn-delta"])
        assert running.metric('scamsieve_policy_reloads_total{outcome="taken"}') == 1
        assert running.end() == 0


def test_a_fenced_scorer_ends_its_worker_with_one_line(bootstrap: str, topics: Topics, environment: dict[str, str], tmp_path: Path) -> None:
    with worker(environment, tmp_path, bootstrap, topics, INSTANCE="same") as old:
        old.until(lambda: old.get("/readyz")[0] == 200)
        Producer({"bootstrap.servers": bootstrap, "transactional.id": f"{environment['GROUP']}-same"}).init_transactions(20)
        produce(bootstrap, topics.messages, [message(i) for i in range(100)])
        assert old.process.wait(60) == 1
    failures = [event for event in old.events() if event["level"] == "error"]
    assert [(event["event"], event["part"], event["code"]) for event in failures] == [("failed", "scorer", "fenced")]
    assert "Traceback" not in old.log.read_text()


def test_a_scorer_whose_client_never_comes_back_ends_its_worker(
    bootstrap: str, topics: Topics, environment: dict[str, str], tmp_path: Path
) -> None:
    hanging = "import time; from stream import delivery; delivery.exactly_once = lambda *_: lambda *_: time.sleep(600)"
    with worker(environment, tmp_path, bootstrap, topics, hanging, ROLES="scorer", STALL_SECONDS="2", STOP_SECONDS="2") as hung:
        hung.until(lambda: hung.get("/readyz")[0] == 200)
        produce(bootstrap, topics.messages, [message(1)])
        assert hung.process.wait(60) == 1
    failures = [event for event in hung.events() if event["level"] == "error"]
    assert [(event["event"], event["part"], event["code"]) for event in failures] == [("failed", "scorer", "hung")]


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"MODEL": "99.99.99"}, "no released model"),
        ({"PSEUDONYM_KEY_FILE": ""}, "head -c 32"),
        ({"POLICY": "/nowhere/policy.toml"}, "cannot be read"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_code_2(
    changes: dict[str, str], word: str, environment: dict[str, str], tmp_path: Path
) -> None:
    with worker(environment | changes, tmp_path, NO_BROKER) as refused:
        assert refused.process.wait(30) == 2
    (event,) = refused.events()
    assert word in event["why"]
    assert refused.log.read_text().count("\n") == 1


def test_the_lag_of_the_group_is_seen_from_outside_and_markers_are_none(bootstrap: str, topics: Topics) -> None:
    registry = CollectorRegistry()
    settings = Settings(brokers=bootstrap, message_topic=topics.messages, group=uuid.uuid4().hex)
    metrics = AgentMetrics(registry)

    def seen(partition: int) -> tuple[float | None, float | None]:
        labels = {"partition": str(partition)}
        names = ("scamsieve_group_lag_messages", "scamsieve_group_oldest_unread_seconds")
        return registry.get_sample_value(names[0], labels), registry.get_sample_value(names[1], labels)

    producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": uuid.uuid4().hex})
    producer.init_transactions(20)
    producer.begin_transaction()
    long_ago = int((time.time() - 1000) * 1000)
    for _ in range(10):
        producer.produce(topics.messages, b"x", partition=1, timestamp=long_ago)
    producer.commit_transaction(20)
    with closing(outsider(settings)) as consumer:
        look(consumer, topics.messages, metrics)
        assert seen(0) == (0, 0)
        unread, age = seen(1)
        assert unread is not None
        assert unread >= 10  # and the marker
        assert age == pytest.approx(1000, abs=100)
        consumer.commit(offsets=[TopicPartition(topics.messages, 1, 10)], asynchronous=False)  # all that is left is the marker
        look(consumer, topics.messages, metrics)
        assert seen(1) == (0, 0)
