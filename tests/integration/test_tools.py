"""The command-line tools against a real broker: what one writes the other reads."""

import json
import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # its stub does not name it
from kafka import KafkaAdminClient
from typer.testing import CliRunner, Result

from stream.cli import app
from stream.wire import Alert, AlertReason, Decoder, Event, Indicators, Limits, ModelReference, PolicyReference, encode_alert
from tests.integration.chosen import CHOSEN, apache_kafka_only
from tests.integration.records import Topics, create_topics, read

TEXT = "Make easy money"


@pytest.fixture
def fresh(bootstrap: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The environment of a new installation: a prefix of topics that are not there yet."""
    prefix = uuid.uuid4().hex[:12]
    monkeypatch.setenv("SCAMSIEVE_BROKERS", bootstrap)
    for name, topic in (("MESSAGE", "messages"), ("ALERT", "alerts"), ("DEAD_LETTER", "dead-letters")):
        monkeypatch.setenv(f"SCAMSIEVE_{name}_TOPIC", f"{prefix}.{topic}")
    return prefix


def scamsieve(*arguments: object) -> Result:
    """Run a command here."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "160"})


def alert(identity: str) -> Alert:
    return Alert(
        id=identity,
        message_id=identity,
        operator="th-siam",
        score=0.9871,
        decision="flag",
        category="job",
        reasons=[AlertReason("text", "easy money", 2.1)],
        indicators=Indicators([], [], [], []),
        text=TEXT,
        language="en",
        model=ModelReference("0.1.0", "0"),
        policy=PolicyReference("model", 0.9),
        sender="+66812345678",
        recipient="p_0",
        sent_at=0,
        detected_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    )


def raise_alerts(bootstrap: str, topic: str, *identities: str, commit: bool) -> None:
    """Write alerts in one transaction, as the worker does."""
    producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": uuid.uuid4().hex, "compression.type": "gzip"})
    producer.init_transactions(20)
    producer.begin_transaction()
    for identity in identities:
        out = encode_alert(alert(identity), topic)
        producer.produce(out.topic, out.value, out.key, headers=list(out.headers))
    producer.flush(20)
    producer.commit_transaction(20) if commit else producer.abort_transaction(20)


def test_topics_are_missing_then_created_then_good(fresh: str) -> None:
    missing = scamsieve("topics", "check")
    assert (missing.exit_code, missing.output.count("missing")) == (1, 3)
    made = scamsieve("topics", "create", "--partitions", 3, "--replication", 1)
    assert (made.exit_code, made.output.count("created, 3 partitions")) == (0, 3)
    good = scamsieve("topics", "check")
    assert (good.exit_code, good.output.count("good")) == (0, 3)
    assert all(f"{fresh}.{name}" in good.output for name in ("messages", "alerts", "dead-letters"))
    assert "72 h" in good.output


def test_creating_topics_again_changes_nothing(fresh: str) -> None:
    scamsieve("topics", "create", "--partitions", 3, "--replication", 1)
    again = scamsieve("topics", "create", "--partitions", 5, "--replication", 1)
    assert (again.exit_code, again.output.count("is there already")) == (0, 3)


def test_each_operator_of_the_policy_gets_a_topic(fresh: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bootstrap: str) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('operators = ["th-siam", "vn-delta"]\n', encoding="utf-8")
    monkeypatch.setenv("SCAMSIEVE_POLICY", str(policy))
    monkeypatch.setenv("SCAMSIEVE_ALERT_TOPIC", f"{fresh}.alerts.{{operator}}")
    assert scamsieve("topics", "create", "--partitions", 2, "--replication", 1).exit_code == 0
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    made = {name.removeprefix(f"{fresh}.") for name in admin.list_topics() if name.startswith(fresh)}
    admin.close()
    assert made == {"messages", "dead-letters", "alerts.th-siam", "alerts.vn-delta", "alerts.other"}
    raise_alerts(bootstrap, f"{fresh}.alerts.vn-delta", "a", commit=True)
    raise_alerts(bootstrap, f"{fresh}.alerts.other", "b", commit=True)
    told = scamsieve("alerts", "--from-beginning", "--max", 2, "--json")
    assert {json.loads(line)["id"] for line in told.output.split("\n") if line} == {"a", "b"}


def test_alert_topics_of_unequal_partitions_are_odd(fresh: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bootstrap: str) -> None:
    monkeypatch.setenv("SCAMSIEVE_ALERT_TOPIC", f"{fresh}.alerts.{{operator}}")
    scamsieve("topics", "create", "--partitions", 2, "--replication", 1)
    policy = tmp_path / "policy.toml"
    policy.write_text('operators = ["th-siam"]\n', encoding="utf-8")
    monkeypatch.setenv("SCAMSIEVE_POLICY", str(policy))
    scamsieve("topics", "create", "--partitions", 3, "--replication", 1)
    told = scamsieve("topics", "check")
    assert told.exit_code == 1
    assert "differ in" in told.output


@apache_kafka_only
def test_a_topic_that_takes_less_than_a_worker_may_write_is_odd(fresh: str, bootstrap: str) -> None:
    """A batch is refused whole: the alerts of every record in it would be held back."""
    small = NewTopic(f"{fresh}.alerts", 2, 1, config={"max.message.bytes": "100"})
    admin = AdminClient({"bootstrap.servers": bootstrap})  # named: what nobody holds is gone before it has answered
    admin.create_topics([small])[small.topic].result(20)
    scamsieve("topics", "create", "--partitions", 2, "--replication", 1)
    told = scamsieve("topics", "check")
    assert told.exit_code == 1
    assert "must be 1000000" in " ".join(told.output.split())


def test_a_labelled_file_becomes_messages_on_the_topic(fresh: str, bootstrap: str, tmp_path: Path) -> None:
    scamsieve("topics", "create", "--partitions", 3, "--replication", 1)
    path = tmp_path / "rows.jsonl"
    rows = [{"text": f"message {i}", "label": "scam", "lang": "en", "sender": f"+6681234{i:04}"} for i in range(300)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    done = scamsieve("feed", path)
    assert done.exit_code == 0, done.output
    assert "sent 300 messages" in done.output
    records = read(bootstrap, f"{fresh}.messages", at_least=300)
    decoder = Decoder(Event, Limits())
    messages = [decoder.decode(record.value) for record in records]
    assert {message.text for message in messages} == {row["text"] for row in rows}
    assert {record.key for record in records} == {row["sender"].encode() for row in rows}
    assert all(
        message.language == "en" and b"label" not in (record.value or b"") for message, record in zip(messages, records, strict=True)
    )


def test_feeding_a_topic_that_is_missing_is_told_at_once(fresh: str, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"text":"a"}\n', encoding="utf-8")
    done = scamsieve("feed", tmp_path / "rows.jsonl")
    assert done.exit_code == 2
    assert f"topic {fresh}.messages is missing" in done.output
    assert "scamsieve topics create" in done.output


@pytest.fixture
def alerts_topic(bootstrap: str, topics: Topics, monkeypatch: pytest.MonkeyPatch) -> str:
    """An alert topic with two committed alerts, and a third one that was never committed between them."""
    monkeypatch.setenv("SCAMSIEVE_BROKERS", bootstrap)
    monkeypatch.setenv("SCAMSIEVE_ALERT_TOPIC", topics.alerts)
    raise_alerts(bootstrap, topics.alerts, "first", commit=True)
    raise_alerts(bootstrap, topics.alerts, "aborted", commit=False)
    raise_alerts(bootstrap, topics.alerts, "second", commit=True)
    return topics.alerts


@pytest.mark.skipif(CHOSEN == "embedded", reason="the embedded broker hands out what was aborted, too, to whoever reads")
@pytest.mark.usefixtures("alerts_topic")
def test_only_committed_alerts_are_shown() -> None:
    told = scamsieve("alerts", "--from-beginning", "--max", 2, "--json")
    assert told.exit_code == 0, told.output
    assert [json.loads(line)["id"] for line in told.output.split("\n") if line] == ["first", "second"]


@pytest.mark.usefixtures("alerts_topic")
def test_alerts_are_readable() -> None:
    told = scamsieve("alerts", "--from-beginning", "--max", 2)
    assert told.output.count(TEXT) == 2
    assert "“easy money” +2.1" in told.output


def test_alert_topics_that_are_missing_are_told(fresh: str) -> None:
    told = scamsieve("alerts", "--from-beginning")
    assert told.exit_code == 2
    assert "scamsieve topics create" in told.output


def test_a_topic_with_one_partition_is_enough(bootstrap: str, monkeypatch: pytest.MonkeyPatch) -> None:
    topics = create_topics(bootstrap, partitions=1)
    monkeypatch.setenv("SCAMSIEVE_BROKERS", bootstrap)
    for name, topic in (("MESSAGE", topics.messages), ("ALERT", topics.alerts), ("DEAD_LETTER", topics.dead_letters)):
        monkeypatch.setenv(f"SCAMSIEVE_{name}_TOPIC", topic)
    assert scamsieve("topics", "check").exit_code == 0
