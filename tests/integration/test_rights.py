"""The rights in deploy/k8s/kafka are enough: workers of each role, and what KEDA asks, with no others, before Apache Kafka's authorizer."""

import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # its stub does not name them
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    NewTopic,
    ResourcePatternType,
    ResourceType,
)

from stream.broker import LOOPBACK, free_port
from tests.integration.chosen import apache_kafka_only
from tests.integration.kafka import apache_kafka
from tests.integration.records import produce, read
from tests.integration.test_app import POLICY, message, worker

MANIFESTS = Path(__file__).parents[2] / "deploy" / "k8s" / "kafka"
TYPES = {"topic": ResourceType.TOPIC, "group": ResourceType.GROUP, "transactionalId": ResourceType.TRANSACTIONAL_ID}
PATTERNS = {"literal": ResourcePatternType.LITERAL, "prefix": ResourcePatternType.PREFIXED}
PARTITIONS = 4
AUTHORIZED = """\
listeners=PLAINTEXT://{{host}}:{{port}},SASL://{{host}}:{sasl},CONTROLLER://{{host}}:{{controller}}
advertised.listeners=PLAINTEXT://{{host}}:{{port}},SASL://{{host}}:{sasl}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT
sasl.enabled.mechanisms=PLAIN
listener.name.sasl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required {users};
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
"""  # who comes by the plain listener is nobody, and may do all: the operators' side; of two lines for a property the later counts


@dataclass(frozen=True, slots=True)
class Guarded:
    """A broker that knows the users of the manifests."""

    plain: str
    sasl: str

    def config(self, user: str) -> dict[str, str]:
        """librdkafka's properties of a user, whose password is its name."""
        return {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanisms": "PLAIN", "sasl.username": user, "sasl.password": user}


def manifests(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((MANIFESTS / name).read_text(encoding="utf-8")))


def rights(user: dict[str, Any]) -> Iterator[AclBinding]:
    for acl in user["spec"]["authorization"]["acls"]:
        resource, principal = acl["resource"], f"User:{user['metadata']['name']}"
        for operation in acl["operations"]:
            pattern, right = PATTERNS[resource["patternType"]], AclOperation[operation.upper()]
            yield AclBinding(TYPES[resource["type"]], resource["name"], pattern, principal, "*", right, AclPermissionType.ALLOW)


@pytest.fixture
def guarded() -> Iterator[Guarded]:
    """Apache Kafka with the topics, users and rights of the manifests."""
    users, port = manifests("users.yaml"), free_port()
    names = " ".join(f'user_{user["metadata"]["name"]}="{user["metadata"]["name"]}"' for user in users)
    with apache_kafka(more=AUTHORIZED.format(sasl=port, users=names)) as plain:
        admin = AdminClient({"bootstrap.servers": plain})
        layout = [NewTopic(topic["metadata"]["name"], PARTITIONS, 1) for topic in manifests("topics.yaml")]
        for made in (admin.create_topics(layout), admin.create_acls([right for user in users for right in rights(user)])):
            for future in made.values():
                future.result()
        yield Guarded(plain, f"{LOOPBACK}:{port}")


@pytest.fixture
def environment(model_folder: Path, tmp_path: Path) -> dict[str, str]:
    """Settings as in the manifests, where they matter here."""
    (tmp_path / "key").write_text("0123456789abcdef0123456789abcdef")
    (tmp_path / "policy.toml").write_text(POLICY)
    return {
        "MODEL": str(model_folder),
        "POLICY": str(tmp_path / "policy.toml"),
        "PSEUDONYM_KEY_FILE": str(tmp_path / "key"),
        "WEB_HOST": LOOPBACK,
        "INSTANCE": f"scamsieve-scorer-{uuid.uuid4().hex[:5]}",
    }


def proof(user: str, folder: Path) -> dict[str, str]:
    """Settings of a worker that comes as a user."""
    password = folder / f"{user}.password"
    password.write_text(user)
    return {"SECURITY_PROTOCOL": "SASL_PLAINTEXT", "SASL_MECHANISM": "PLAIN", "SASL_USERNAME": user, "SASL_PASSWORD_FILE": str(password)}


@apache_kafka_only
def test_each_role_needs_no_right_but_its_own(guarded: Guarded, environment: dict[str, str], tmp_path: Path) -> None:
    """Messages become alerts and dead letters, alerts are counted, the group's lag is seen, KEDA may ask for the lag, and no more."""
    scorer = {"ROLES": "scorer", **proof("scamsieve-scorer", tmp_path)}
    agents = {"ROLES": "agents", **proof("scamsieve-agents", tmp_path), "INSTANCE": "scamsieve-agents-1"}
    with (
        worker(environment, tmp_path, guarded.sasl, None, **scorer) as judge,
        worker(environment, tmp_path, guarded.sasl, None, **agents) as counter,
    ):
        for one in (judge, counter):
            one.until(lambda one=one: one.get("/readyz")[0] == 200)  # type: ignore[misc]
        produce(guarded.plain, "scam.messages", [*(message(i) for i in range(100)), b"no message"])
        judge.until(lambda: judge.status()["scorer"]["judged"] == 100 and judge.status()["scorer"]["dead_letters"] == 1)
        counter.until(lambda: sum(counter.counted().values()) == 10)
        counter.until(lambda: counter.metric('scamsieve_group_lag_messages{partition="0"}') == 0)
        assert judge.end() == counter.end() == 0
    assert len(read(guarded.plain, "scam.dead-letters", 1)) == 1
    asking = {"bootstrap.servers": guarded.sasl, "group.id": "scamsieve", **guarded.config("scamsieve-autoscaler")}
    with closing(Consumer(asking)) as autoscaler:
        places = [TopicPartition("scam.messages", number, 0) for number in range(PARTITIONS)]
        committed = autoscaler.committed(places, timeout=10)
        assert [autoscaler.get_watermark_offsets(place, timeout=10)[1] - place.offset for place in committed] == [0] * PARTITIONS
        autoscaler.assign(places)
        (record, *_) = autoscaler.consume(1, timeout=20)
        refused = record.error()
        assert refused is not None
        assert refused.name() == "TOPIC_AUTHORIZATION_FAILED"
