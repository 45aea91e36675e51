"""On Apache Kafka with TLS, passwords and an authoriser: the rights of docs/security.md are enough, and each of them is needed."""

import os
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # its stub does not name all
    AclOperation,
    AdminClient,
    NewTopic,
    ResourceType,
)

from tests.certificates import authority
from tests.house.source import ROOT
from tests.integration.chosen import apache_kafka_only
from tests.integration.records import PARTITIONS, Topics, create_topics, produce, read
from tests.integration.secure import Right, Secure, secure_kafka
from tests.integration.test_app import POLICY, Worker, message, worker
from tests.stream.tokens import token_endpoint, unsigned

pytestmark = apache_kafka_only
MESSAGES = 40  # one in ten is an alert
TOOL_SECONDS = 120
SECRET = "correct-horse-battery"
DOCUMENTED = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secure]:
    with secure_kafka(tmp_path_factory.mktemp("secure")) as broker:
        yield broker


@dataclass(frozen=True)
class Place:
    """A test's own topics, group and user, whose password is in a file."""

    broker: Secure
    topics: Topics
    group: str
    user: str
    environment: dict[str, str]

    @property
    def names(self) -> dict[str, str]:
        """The names of docs/security.md, and what they are here."""
        return {
            "scam.messages": self.topics.messages,
            "scam.alerts": self.topics.alerts,
            "scam.dead-letters": self.topics.dead_letters,
            "scamsieve-agents-alerts-changelog": f"{self.group}-agents-alerts-changelog",
            "scamsieve-agents": f"{self.group}-agents",
            "scamsieve-": f"{self.group}-",
            "scamsieve": self.group,
        }

    def rights(self, *roles: str) -> list[Right]:
        """What the page says that these need, for the names of this test."""
        return [(kind, self.names[name.rstrip("*")] + ("*" if name.endswith("*") else ""), may) for kind, name, may in documented(*roles)]


def documented(*roles: str) -> list[Right]:
    """The rights of the page's table: role, operation, kind, name."""
    rows = re.findall(r"^\| (\w+) \| (\w+) \| (topic|group|transactional id) \| `([^`]+)` \|", DOCUMENTED, re.MULTILINE)
    kinds = {"topic": ResourceType.TOPIC, "group": ResourceType.GROUP, "transactional id": ResourceType.TRANSACTIONAL_ID}
    found = {(kinds[kind], name, AclOperation[may.upper()]): None for role, may, kind, name in rows if role in roles}
    assert found
    return list(found)


@pytest.fixture
def place(secure: Secure, model_folder: Path, tmp_path: Path) -> Place:
    name = uuid.uuid4().hex[:12]
    for file, content in {"key": "0123456789abcdef" * 2, "policy.toml": POLICY, "password": f"{SECRET}-{name}\n"}.items():
        (tmp_path / file).write_text(content)
    secure.user(name, f"{SECRET}-{name}")
    environment = {
        "GROUP": f"g-{name}",
        "MODEL": str(model_folder),
        "POLICY": str(tmp_path / "policy.toml"),
        "PSEUDONYM_KEY_FILE": str(tmp_path / "key"),
        "SESSION_TIMEOUT_SECONDS": "6",
        "WEB_HOST": "127.0.0.1",
        "SECURITY_PROTOCOL": "SASL_SSL",
        "SASL_MECHANISM": "SCRAM-SHA-512",
        "SASL_USERNAME": name,
        "SASL_PASSWORD_FILE": str(tmp_path / "password"),
        "SSL_CA_FILE": str(secure.authority.certificate),
    }
    return Place(secure, create_topics(secure.plain), f"g-{name}", name, environment)


def feed(place: Place) -> None:
    produce(place.broker.plain, place.topics.messages, [message(number) for number in range(MESSAGES)])


def reads_all(place: Place, brokers: str, tmp_path: Path, **changes: str) -> Worker:
    """A worker of both roles judges everything, counts its alerts, and ends well."""
    feed(place)
    with worker(place.environment, tmp_path, brokers, place.topics, **changes) as running:
        running.until(lambda: running.get("/readyz")[0] == 200, 120)
        running.until(lambda: sum(running.counted().values()) == MESSAGES // 10)
        running.until(lambda: running.metric('scamsieve_group_lag_messages{partition="0"}') == 0)
        status = running.get("/status")[1] + running.get("/metrics")[1]
        arguments = Path(f"/proc/{running.process.pid}/cmdline").read_bytes().decode()
        assert running.end() == 0
    for shown in (status, arguments, running.log.read_text()):
        assert SECRET not in shown
    assert len(read(place.broker.plain, place.topics.alerts, MESSAGES // 10)) == MESSAGES // 10
    return running


def tool(place: Place, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """A command of `scamsieve`, as this place's user."""
    told = {**place.environment, "BROKERS": place.broker.scram, "MESSAGE_TOPIC": place.topics.messages}
    told |= {"ALERT_TOPIC": place.topics.alerts, "DEAD_LETTER_TOPIC": place.topics.dead_letters, **changes}
    variables = {**os.environ, **{f"SCAMSIEVE_{name}": value for name, value in told.items()}}
    command = [sys.executable, "-m", "stream.cli", *arguments]
    return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=TOOL_SECONDS, check=False)


def test_a_worker_with_the_documented_rights_works_from_end_to_end(place: Place, tmp_path: Path) -> None:
    place.broker.grant(place.user, place.rights("scorer", "agents"))
    reads_all(place, place.broker.scram, tmp_path)


@pytest.mark.parametrize(("role", "missing"), [(role, i) for role in ("scorer", "agents") for i in range(len(documented(role)))])
def test_with_one_right_fewer_a_line_names_it_and_once_granted_the_worker_goes_on(
    place: Place, tmp_path: Path, role: str, missing: int
) -> None:
    rights = place.rights(role)
    kind, name, operation = left_out = rights[missing]
    place.broker.grant(place.user, [right for right in rights if right != left_out])
    if operation in (AclOperation.READ, AclOperation.WRITE) and kind == ResourceType.TOPIC and name.endswith("changelog"):
        create_changelog(place)  # else the worker would still have to make it
    kinds = {ResourceType.TOPIC: "topic", ResourceType.GROUP: "group", ResourceType.TRANSACTIONAL_ID: "transactional id"}
    what = f"{operation.name} on {kinds[kind]} {name.rstrip('*')}"
    line = f"user {place.user} lacks the right {what}"
    with worker(place.environment, tmp_path, place.broker.scram, place.topics, ROLES=role) as running:
        running.until(lambda: line in running.log.read_text(), 120)
        assert running.get("/readyz")[0] == 503
        assert line in running.get("/readyz")[1]
        place.broker.grant(place.user, [left_out])
        running.until(lambda: running.get("/readyz")[0] == 200, 120)
        assert running.end() == 0


def create_changelog(place: Place) -> None:
    admin = AdminClient({"bootstrap.servers": place.broker.plain})
    wanted = NewTopic(place.names["scamsieve-agents-alerts-changelog"], PARTITIONS, 1, config={"cleanup.policy": "compact"})
    for future in admin.create_topics([wanted]).values():
        future.result(30)


def test_a_right_that_is_taken_away_is_told_and_once_granted_again_nothing_is_lost(place: Place, tmp_path: Path) -> None:
    place.broker.grant(place.user, place.rights("scorer"))
    taken = [right for right in place.rights("scorer") if right[1] == place.topics.alerts]
    with worker(place.environment, tmp_path, place.broker.scram, place.topics, ROLES="scorer") as running:
        running.until(lambda: running.get("/readyz")[0] == 200, 120)
        place.broker.revoke(place.user, taken)
        feed(place)
        running.until(lambda: f"lacks the right WRITE on topic {place.topics.alerts}" in running.log.read_text(), 120)
        place.broker.grant(place.user, taken)
        running.until(lambda: running.status()["scorer"]["judged"] == MESSAGES, 120)
        assert running.end() == 0
    assert len(read(place.broker.plain, place.topics.alerts, MESSAGES // 10)) == MESSAGES // 10


def test_the_tools_work_with_their_documented_rights_and_say_which_they_lack(place: Place, tmp_path: Path) -> None:
    (tmp_path / "some.jsonl").write_text('{"text": "hello there", "label": "benign", "lang": "en"}\n')
    refused = tool(place, "feed", str(tmp_path / "some.jsonl"))
    assert refused.returncode == 2
    assert place.user in refused.stderr or place.topics.messages in refused.stderr
    assert refused.stderr.count("\n") == 1
    place.broker.grant(place.user, place.rights("feeder"))
    assert tool(place, "feed", str(tmp_path / "some.jsonl")).returncode == 0
    assert len(read(place.broker.plain, place.topics.messages, 1)) == 1
    place.broker.grant(place.user, place.rights("administrator"))
    assert tool(place, "topics", "check").returncode == 0


def test_mutual_tls_proves_who_a_worker_is(place: Place, tmp_path: Path) -> None:
    files = place.broker.authority.issue(place.user, password=SECRET.encode())
    (tmp_path / "key-password").write_text(SECRET)
    place.broker.grant(place.user, place.rights("scorer", "agents"))
    changes = {
        "SECURITY_PROTOCOL": "SSL",
        "SASL_MECHANISM": "",
        "SASL_USERNAME": "",
        "SASL_PASSWORD_FILE": "",
        "SSL_CERTIFICATE_FILE": str(files.certificate),
        "SSL_KEY_FILE": str(files.key),
        "SSL_KEY_PASSWORD_FILE": str(tmp_path / "key-password"),
    }
    reads_all(place, place.broker.mutual, tmp_path, **changes)


WRONG = {
    "password": ({"SASL_PASSWORD_FILE": "wrong"}, "scram", "SCAMSIEVE_SASL_PASSWORD_FILE"),
    "user": ({"SASL_USERNAME": "nobody"}, "scram", "SCAMSIEVE_SASL_USERNAME"),
    "authority": ({"SSL_CA_FILE": "other"}, "scram", "SCAMSIEVE_SSL_CA_FILE"),
    "no client certificate": (
        {"SECURITY_PROTOCOL": "SSL", "SASL_MECHANISM": "", "SASL_USERNAME": "", "SASL_PASSWORD_FILE": ""},
        "mutual",
        "SCAMSIEVE_SSL_CERTIFICATE_FILE",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_who_cannot_be_believed_is_told_so_in_one_line_and_waits(what: str, place: Place, tmp_path: Path) -> None:
    """The worker goes on as soon as it is set right on the broker's side; a tool ends at once, with the same line and code 2."""
    (tmp_path / "wrong").write_text("wrong")
    other = str(authority(tmp_path, "other").certificate)
    changes, listener, told = WRONG[what]
    changes = {name: {"wrong": str(tmp_path / "wrong"), "other": other}.get(value, value) for name, value in changes.items()}
    brokers = getattr(place.broker, listener)
    with worker(place.environment, tmp_path, brokers, place.topics, **changes) as running:
        running.until(lambda: told in running.log.read_text(), 120)
        running.until(lambda: "again_in_seconds" in running.log.read_text())
        assert running.get("/healthz")[0] == 200
        assert running.get("/readyz")[0] == 503
        assert {event["code"] for event in running.events() if event["event"].endswith("waiting")} == {"authentication"}
        assert running.end() == 0
    ended = tool(place, "topics", "check", BROKERS=brokers, **changes)
    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
    assert told in ended.stderr


def test_a_worker_whose_password_is_set_right_goes_on(place: Place, tmp_path: Path) -> None:
    place.broker.grant(place.user, place.rights("scorer"))
    password = Path(place.environment["SASL_PASSWORD_FILE"])
    right = password.read_text()
    password.write_text("wrong")
    with worker(place.environment, tmp_path, place.broker.scram, place.topics, ROLES="scorer") as running:
        running.until(lambda: "SCAMSIEVE_SASL_PASSWORD_FILE" in running.log.read_text(), 120)
        password.write_text(right)
        running.until(lambda: running.get("/readyz")[0] == 200, 120)
        assert running.end() == 0


def test_tokens_let_a_worker_in(place: Place, tmp_path: Path) -> None:
    """With Kafka's own unsigned tokens, from an endpoint on this machine."""
    place.broker.grant(place.user, place.rights("scorer", "agents"))
    with token_endpoint() as endpoint:
        now = time.time()
        endpoint.answer = {"access_token": unsigned(sub=place.user, iat=now, exp=now + 600), "expires_in": 600}
        changes = {
            "SECURITY_PROTOCOL": "SASL_PLAINTEXT",
            "SASL_MECHANISM": "OAUTHBEARER",
            "SASL_USERNAME": "",
            "SASL_PASSWORD_FILE": "",
            "SSL_CA_FILE": "",
            "OAUTH_TOKEN_ENDPOINT": endpoint.address,
            "OAUTH_CLIENT_ID": place.user,
            "OAUTH_CLIENT_SECRET_FILE": place.environment["SASL_PASSWORD_FILE"],
        }
        reads_all(place, place.broker.token, tmp_path, **changes)
        reader = replace(place, environment={**place.environment, **changes})
        reader.broker.grant(place.user, place.rights("administrator"))
        assert tool(reader, "topics", "check", BROKERS=place.broker.token).returncode == 0
        endpoint.status = 401
        ended = tool(reader, "topics", "check", BROKERS=place.broker.token)
        assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)
        assert "SCAMSIEVE_OAUTH" in ended.stderr
