"""`scamsieve topics`: make the topics that ScamSieve needs, and say whether they are as they must be."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource
from kafka.errors import KafkaError, TopicAlreadyExistsError, for_code
from rich.table import Table

from stream import clients
from stream.connect import connection, plain_errors
from stream.errors import TopicError
from stream.policy import Policy
from stream.settings import Settings

HOUR = 3_600_000  # milliseconds
LEAST_RETENTION = HOUR
"""A topic that forgets sooner loses records in a short outage."""
BATCH_BYTES = 1_000_000
"""What librdkafka sends in one batch at most; a broker measures `max.message.bytes` by the batch, and refuses a larger one whole."""
NOT_TOLD = "not told"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A topic that ScamSieve needs, and how it is made."""

    name: str
    use: str
    retention_hours: int


@dataclass(frozen=True, slots=True)
class Found:
    """A topic as it is. `configs` holds only what the broker tells; `odd` is what must be mended."""

    wanted: Wanted
    partitions: int
    replicas: int
    configs: Mapping[str, str]
    odd: list[str]


def wanted(settings: Settings, policy: Policy) -> list[Wanted]:
    """The topics by the settings; `{operator}` in the alert topic stands for each operator of the policy, and `other`."""
    return [
        Wanted(settings.message_topic, "messages", 72),  # people's messages: long enough for a weekend's outage, no longer
        *(Wanted(name, "alerts", 30 * 24) for name in clients.alert_topics(settings, policy)),
        Wanted(settings.dead_letter_topic, "dead letters", 14 * 24),  # time to look at them; they hold original bytes
    ]


def alert_topics(settings: Settings) -> re.Pattern[str]:
    """What the names of alert topics look like."""
    return re.compile(re.escape(settings.alert_topic).replace(re.escape("{operator}"), "[A-Za-z0-9._-]+"))


def create(settings: Settings, policy: Policy, partitions: int, replication: int, tell: Callable[[str], None]) -> None:
    """Make the topics that are not there; the others stay as they are. Raises BrokerUnavailable, TopicError."""
    topics = {
        topic.name: {
            "num_partitions": partitions,
            "replication_factor": replication,
            "configs": {"retention.ms": str(topic.retention_hours * HOUR), "cleanup.policy": "delete"},
        }
        for topic in wanted(settings, policy)
    }
    with _admin(settings) as admin:
        for topic in admin.create_topics(topics, raise_errors=False)["topics"]:
            error = for_code(topic["error_code"])
            if error is TopicAlreadyExistsError:
                tell(f"{topic['name']}: is there already")
            elif topic["error_code"]:
                raise TopicError(f"{topic['name']} cannot be created: {topic['error_message'] or error.__name__}")
            else:
                tell(f"{topic['name']}: created, {partitions} partitions")
        admin.wait_for_topics(list(topics))  # a topic that is created may take a moment until it has leaders


def check(settings: Settings, policy: Policy) -> list[Found]:
    """Look at every topic that ScamSieve needs. Raises BrokerUnavailable."""
    topics = wanted(settings, policy)
    with _admin(settings) as admin:
        described = {topic["name"]: topic for topic in admin.describe_topics([topic.name for topic in topics])}
        there = [name for name, topic in described.items() if not topic["error_code"]]
        configs = _configs(admin, there)
    found = [_found(topic, described.get(topic.name), configs.get(topic.name, {})) for topic in topics]
    numbers = {topic.partitions for topic in found if topic.wanted.use == "alerts" and topic.partitions}
    for topic in found:
        if topic.wanted.use == "alerts" and len(numbers) > 1:
            topic.odd.append("alert topics differ in partitions: one agents' table covers them all")
    return found


def table(found: Iterable[Found]) -> Table:
    """The topics as a table."""
    shown = Table("topic", "of", "partitions", "replicas", "retention", "largest record", "verdict")
    for topic in found:
        retention = topic.configs.get("retention.ms", NOT_TOLD)
        hours = f"{int(retention) // HOUR} h" if retention.isdigit() else {"-1": "for ever"}.get(retention, retention)
        size, verdict = topic.configs.get("max.message.bytes", NOT_TOLD), "; ".join(topic.odd) or "good"
        shown.add_row(topic.wanted.name, topic.wanted.use, str(topic.partitions), str(topic.replicas), hours, size, verdict)
    return shown


@contextmanager
def _admin(settings: Settings) -> Iterator[Any]:
    """A client that administers; its errors are ours."""
    with plain_errors(settings), closing(KafkaAdminClient(**connection(settings))) as client:
        yield client


def _configs(admin: Any, names: list[str]) -> dict[str, dict[str, str]]:
    """What the broker tells of the topics' configuration; some brokers tell little, some nothing."""
    if not names:
        return {}
    try:
        told = admin.describe_configs([ConfigResource("TOPIC", name) for name in names], config_filter="all")
    except KafkaError:
        return {}
    return {
        name: {key: str(config["value"]) for key, config in configs.items() if config["value"] is not None}
        for name, configs in told.get("topic", {}).items()
    }


def _found(topic: Wanted, described: Mapping[str, Any] | None, configs: Mapping[str, str]) -> Found:
    """One topic, and what is odd about it."""
    if described is None or described["error_code"]:
        return Found(topic, 0, 0, {}, ["missing: run `scamsieve topics create`"])
    partitions = described["partitions"]
    odd = []
    if leaderless := [part["partition_index"] for part in partitions if part["leader_id"] < 0]:
        odd.append(f"partitions without a leader: {', '.join(map(str, leaderless))}")
    if behind := [part["partition_index"] for part in partitions if len(part["isr_nodes"]) < len(part["replica_nodes"])]:
        odd.append(f"replicas out of step in partitions {', '.join(map(str, behind))}")
    if "compact" in configs.get("cleanup.policy", ""):
        odd.append("cleanup.policy must be delete: compaction drops records of the same key")
    if 0 <= int(configs.get("retention.ms", -1)) < LEAST_RETENTION:
        odd.append("retention.ms is less than an hour: a short outage loses records")
    if topic.use != "messages" and int(configs.get("max.message.bytes", BATCH_BYTES)) < BATCH_BYTES:
        odd.append(f"max.message.bytes must be {BATCH_BYTES} or more: a worker may write so much at once")
    return Found(topic, len(partitions), min((len(part["replica_nodes"]) for part in partitions), default=0), configs, odd)
