"""Day two against a real broker: replay, dead letters and status see what is there, and change nothing that they must not."""

import hashlib
import json
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from msgspec.structs import replace
from typer.testing import CliRunner, Result

from stream import access, clients
from stream.broker import LOOPBACK, free_port
from stream.cli import app
from stream.errors import Fenced, WrongShape
from stream.operations import reading, retry
from stream.operations.letters import Choice, survey
from stream.operations.reading import Bound
from stream.settings import read as read_settings
from stream.wire import Place, encode_dead_letter
from tests.integration.chosen import apache_kafka_only
from tests.integration.records import PARTITIONS, QUICK_JOIN, Raw, Topics, create_topics, produce, read

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SCAMMER = "+85512345678"


def scamsieve(*arguments: object) -> Result:
    """Run a command here."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env={"COLUMNS": "160"})


def message(number: int) -> bytes:
    """A message; every tenth is the scammer's, whom the policy denies."""
    fields = {
        "id": f"m-{number}",
        "operator": "th-siam",
        "channel": "sms",
        "text": f"message number {number}",
        "sender": SCAMMER if number % 10 == 0 else "friend",
        "recipient": "+66812345678",
        "sent_at": 0,
    }
    return json.dumps(fields).encode()


def messages(*numbers: int) -> list[Raw]:
    return [Raw(message(number), partition=number % PARTITIONS) for number in numbers]


@pytest.fixture
def installed(bootstrap: str, topics: Topics, model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Topics:
    """Topics, a policy, a key and the environment of the commands."""
    (tmp_path / "key").write_text("0123456789abcdef0123456789abcdef")
    (tmp_path / "policy.toml").write_text(f'[deny]\nsenders = ["{SCAMMER}"]\n[allow]\nsenders = ["friend"]\n')
    told = {
        "BROKERS": bootstrap,
        "MESSAGE_TOPIC": topics.messages,
        "ALERT_TOPIC": topics.alerts,
        "DEAD_LETTER_TOPIC": topics.dead_letters,
        "GROUP": f"group-{topics.messages}",
        "MODEL": str(model_folder),
        "POLICY": str(tmp_path / "policy.toml"),
        "PSEUDONYM_KEY_FILE": str(tmp_path / "key"),
    }
    for name, value in told.items():
        monkeypatch.setenv(f"SCAMSIEVE_{name}", value)
    return topics


def verdicts(path: Path) -> list[str]:
    """The ids of a file's verdicts, in the order of their numbers."""
    found = [json.loads(line) for line in path.read_bytes().split(b"\n") if line]
    return sorted((one["id"] for one in found), key=lambda told: int(told[2:]))


def test_a_replay_of_everything_judges_each_record_once(installed: Topics, bootstrap: str, tmp_path: Path) -> None:
    produce(bootstrap, installed.messages, [*messages(*range(500)), Raw(b"bad", partition=1), Raw(None, partition=2)])
    out = tmp_path / "verdicts.jsonl"
    done = scamsieve("replay", "--out", out)
    assert done.exit_code == 0, done.output
    found = [json.loads(line) for line in out.read_bytes().split(b"\n") if line]
    assert sorted(one["id"] for one in found if "id" in one) == sorted(f"m-{i}" for i in range(500))
    assert sorted((one["error"]["code"], one["partition"]) for one in found if "error" in one) == [("not_json", 1), ("null_value", 2)]
    assert "judged 500 messages" in done.output
    assert "not_json 1, null_value 1" in done.output or "null_value 1, not_json 1" in done.output


def test_a_range_of_offsets_in_one_partition(installed: Topics, bootstrap: str, tmp_path: Path) -> None:
    produce(bootstrap, installed.messages, messages(*range(400)))
    done = scamsieve("replay", "--out", tmp_path / "out", "--partition", 1, "--since", 10, "--until", 15)
    assert done.exit_code == 0, done.output
    assert verdicts(tmp_path / "out") == [f"m-{i * PARTITIONS + 1}" for i in range(10, 15)]
    assert "read up to: 1:15" in done.output


def test_a_range_of_time(installed: Topics, bootstrap: str, tmp_path: Path) -> None:
    moments = []
    for begin in (0, 100, 200):
        produce(bootstrap, installed.messages, messages(*range(begin, begin + 100)))
        time.sleep(0.02)
        moments.append(datetime.now(UTC).isoformat())
        time.sleep(0.02)
    done = scamsieve("replay", "--out", tmp_path / "out", "--since", moments[0], "--until", moments[1])
    assert done.exit_code == 0, done.output
    assert verdicts(tmp_path / "out") == [f"m-{i}" for i in range(100, 200)]


def test_alerts_go_to_a_topic_of_their_own_and_not_to_the_live_one(installed: Topics, bootstrap: str) -> None:
    produce(bootstrap, installed.messages, messages(*range(100)))
    refused = scamsieve("replay", "--to", installed.alerts)
    assert refused.exit_code == 2
    assert "live alert topic" in refused.output
    again = create_topics(bootstrap).alerts
    done = scamsieve("replay", "--to", again)
    assert done.exit_code == 0, done.output
    assert "sent 10 alerts" in done.output
    first = {json.loads(one.value or b"")["id"] for one in read(bootstrap, again, at_least=10)}
    assert len(first) == 10
    assert not read(bootstrap, installed.alerts)
    assert scamsieve("replay", "--to", installed.alerts, "--live").exit_code == 0
    assert {json.loads(one.value or b"")["id"] for one in read(bootstrap, installed.alerts, at_least=10)} == first, "copies are known"
    assert not read(bootstrap, installed.dead_letters)


def test_a_topic_that_is_missing_is_told(installed: Topics) -> None:
    for arguments in (["--to", "nowhere-at-all"], ["--out", "-", "--topic", "nowhere-at-all"]):
        done = scamsieve("replay", *arguments)
        assert (done.exit_code, "nowhere-at-all is missing" in done.output) == (2, True), done.output


def test_a_replay_neither_joins_the_workers_group_nor_commits(installed: Topics, bootstrap: str, tmp_path: Path) -> None:
    """A member of the group keeps its partitions through a replay, and its committed offsets stay what they were."""
    produce(bootstrap, installed.messages, messages(*range(100)))
    group = f"group-{installed.messages}"
    shared = {"bootstrap.servers": bootstrap, "group.id": group, "enable.auto.commit": False, "auto.offset.reset": "earliest"}
    member = Consumer({**shared, **QUICK_JOIN})
    rebalances: list[int] = []
    member.subscribe([installed.messages], on_assign=lambda _, places: rebalances.append(len(places)))
    deadline = time.monotonic() + 60
    while not (found := member.poll(0.2)) and time.monotonic() < deadline:
        pass
    assert found
    assert found.partition() is not None
    place = TopicPartition(installed.messages, found.partition() or 0, 7)
    member.commit(offsets=[place], asynchronous=False)
    assert scamsieve("replay", "--out", tmp_path / "out").exit_code == 0
    member.poll(1.0)
    assert rebalances == [PARTITIONS]
    asked = [TopicPartition(installed.messages, number) for number in range(PARTITIONS)]
    committed = {told.partition: told.offset for told in member.committed(asked, timeout=20)}
    assert committed == {number: 7 if number == place.partition else -1001 for number in range(PARTITIONS)}
    member.close()


def letters(*numbers: int) -> list[Raw]:
    """Dead letters, as the worker writes them: of JSON that lacks a field, and of a message that is none the less one."""
    found = []
    for number in numbers:
        place = Place("", number % PARTITIONS, number, 0)
        out = encode_dead_letter("", place, b"key", message(number), [("own", b"1")], WrongShape("required field 'id' is missing"), NOW)
        found.append(Raw(out.value, out.key, tuple(out.headers), number % PARTITIONS))
    return found


def fill(installed: Topics, bootstrap: str, *numbers: int) -> None:
    """Dead letters that say that they came from the message topic of this test."""
    of = "__streams.errors.topic"
    told = [
        Raw(
            one.value,
            one.key,
            tuple((name, installed.messages.encode() if name == of else value) for name, value in one.headers),
            one.partition,
        )
        for one in letters(*numbers)
    ]
    produce(bootstrap, installed.dead_letters, told)


def test_dead_letters_are_counted_and_listed_without_their_bytes(installed: Topics, bootstrap: str) -> None:
    fill(installed, bootstrap, *range(20))
    told = scamsieve("dead-letters", "list")
    assert (told.exit_code, told.output.count("wrong_shape"), "20 dead letters" in told.output) == (0, PARTITIONS, True), told.output
    each = [json.loads(line) for line in scamsieve("dead-letters", "list", "--json", "--partition", 1).output.split("\n") if line]
    assert [one["source_offset"] for one in each] == [1, 5, 9, 13, 17]
    assert {one["state"] for one in each} == {"waiting"}
    assert "0 dead letters" in scamsieve("dead-letters", "list", "--code", "internal").output
    assert "message number" not in told.output


def test_one_dead_letter_is_shown_and_its_bytes_only_when_asked_for(installed: Topics, bootstrap: str) -> None:
    fill(installed, bootstrap, *range(20))
    told = scamsieve("dead-letters", "show", "1:2")
    assert told.exit_code == 0, told.output
    assert f"SHA-256: {hashlib.sha256(message(9)).hexdigest()}" in told.output
    assert "message number" not in told.output
    assert "message number 9" in scamsieve("dead-letters", "show", "1:2", "--bytes", "escaped").output
    assert "6d 65 73 73 61 67 65" in scamsieve("dead-letters", "show", "1:2", "--bytes", "hex").output
    missing = scamsieve("dead-letters", "show", "1:99")
    assert (missing.exit_code, "no record at 1:99" in missing.output) == (2, True)


def test_each_dead_letter_is_sent_again_once(installed: Topics, bootstrap: str) -> None:
    fill(installed, bootstrap, *range(20))
    dry = scamsieve("dead-letters", "retry", "--partition", 1)
    assert (dry.exit_code, "would send 5 records" in dry.output) == (0, True), dry.output
    assert not read(bootstrap, installed.messages)
    assert "sent 5 of 5 records" in scamsieve("dead-letters", "retry", "--partition", 1, "--yes").output
    rest = scamsieve("dead-letters", "retry", "--yes")
    assert "left where they are: sent again 5" in rest.output
    assert "sent 15 of 15 records" in rest.output
    assert "sent 0 of 0 records" in scamsieve("dead-letters", "retry", "--yes").output
    found = read(bootstrap, installed.messages, at_least=20)
    assert sorted(one.value or b"" for one in found) == sorted(message(number) for number in range(20))
    assert {one.key for one in found} == {b"key"}
    origins = {dict(one.headers)["scamsieve.retry-of"].decode() for one in found}
    assert len(origins) == 20
    assert all(origin.startswith(f"{installed.dead_letters}/") for origin in origins)
    assert {name for one in found for name, _ in one.headers} == {"own", "scamsieve.retry-of"}
    states = [json.loads(line)["state"] for line in scamsieve("dead-letters", "list", "--json").output.split("\n") if line]
    assert states == ["sent again"] * 20


def test_status_tells_a_good_worker_from_one_that_is_gone(installed: Topics, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    for name, value in {"WEB_HOST": LOOPBACK, "WEB_PORT": str(port), "ROLES": "scorer", "SESSION_TIMEOUT_SECONDS": "6"}.items():
        monkeypatch.setenv(f"SCAMSIEVE_{name}", value)
    process = subprocess.Popen([sys.executable, "-m", "stream.cli", "worker"], stderr=subprocess.PIPE)
    try:
        deadline = time.monotonic() + 90
        while (told := scamsieve("status", f"{LOOPBACK}:{port}", "--json")).exit_code and time.monotonic() < deadline:
            assert process.poll() is None
            time.sleep(0.5)
        found = json.loads(told.output)
        assert found["healthy"], told.output
        assert found["workers"][0]["status"]["scorer"]["partitions"] == list(range(PARTITIONS))
        assert (found["group"]["messages"], found["group"]["partitions"]) == (0, PARTITIONS)
        shown = scamsieve("status", f"{LOOPBACK}:{port}")
        assert (shown.exit_code, "0-3" in shown.output, installed.messages in shown.output) == (0, True, True), shown.output
        page = urlopen(Request(f"http://{LOOPBACK}:{port}/status", headers={"Accept": "text/html"}), timeout=10)
        with page:
            assert page.headers["Content-Type"] == "text/html; charset=utf-8"
            assert b"<table>" in page.read()
    finally:
        process.kill()
        print(process.communicate()[1].decode())
    gone = scamsieve("status", f"{LOOPBACK}:{port}")
    assert (gone.exit_code, "does not answer" in gone.output) == (1, True), gone.output


@apache_kafka_only
def test_of_two_retries_at_once_the_first_ends_and_nothing_is_sent_twice(installed: Topics, bootstrap: str) -> None:
    """Both have looked at the same letters; the second has shut out the first by then, and reads marks written before that."""
    fill(installed, bootstrap, *range(8))
    settings = read_settings()

    def begin() -> tuple[Producer, retry.Plan]:
        producer = clients.producer(replace(settings, instance=retry.INSTANCE))
        access.start(producer, settings)
        with closing(clients.outsider(settings)) as consumer:
            within = reading.ranges(consumer, settings.dead_letter_topic, [], Bound(), Bound())
            return producer, retry.plan(survey(consumer, settings.dead_letter_topic, within, Choice()), settings.message_topic, False)

    first, letters_of_first = begin()
    second, letters_of_second = begin()
    assert len(letters_of_first.letters) == len(letters_of_second.letters) == 8
    with closing(clients.outsider(settings)) as consumer:
        with pytest.raises(Fenced, match="another retry"):
            list(retry.send(consumer, first, settings, letters_of_first.letters))
        assert sum(retry.send(consumer, second, settings, letters_of_second.letters)) == 8
    assert len(read(bootstrap, installed.messages, at_least=8)) == 8
