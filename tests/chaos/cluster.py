"""Three nodes of Apache Kafka on loopback, broker and controller in one each; any of them can be killed and started again."""

import random
import socket
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from confluent_kafka.admin import (  # type: ignore[attr-defined]  # its stub does not name them
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
)

from stream.broker import LOOPBACK, await_broker
from stream.errors import BrokerUnavailable
from stream.guard import Child, guarded
from tests.integration.kafka import FORMAT_SECONDS, JAVA_OPTIONS, _command, _jars, _run

NODES = (1, 2, 3)
START_SECONDS = 180.0  # 6 s on an idle machine of 2 cores; all three at once, and whatever else runs there, take longer
CALL_SECONDS = 60.0
PROPERTIES = """\
process.roles=broker,controller
node.id={node}
controller.quorum.voters={voters}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
default.replication.factor={replicas}
min.insync.replicas={in_sync}
group.initial.rebalance.delay.ms=0
offsets.topic.num.partitions=4
offsets.topic.replication.factor={replicas}
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor={replicas}
transaction.state.log.min.isr={in_sync}
share.coordinator.state.topic.replication.factor={replicas}
share.coordinator.state.topic.min.isr={in_sync}
"""


@dataclass
class Cluster:
    """The nodes, by number: their addresses, how each is started, and the processes that run."""

    cluster_id: str
    addresses: Mapping[int, str]
    commands: Mapping[int, list[str]]
    running: dict[int, ExitStack] = field(default_factory=dict)
    children: dict[int, Child] = field(default_factory=dict)

    @property
    def bootstrap(self) -> str:
        return ",".join(self.addresses.values())

    def kill(self, *nodes: int) -> None:
        """`kill -9`."""
        for node in nodes:
            self.running.pop(node).close()
            del self.children[node]

    def start(self, *nodes: int) -> None:
        """Start nodes, and wait until each answers. Raises BrokerUnavailable."""
        for node in nodes:
            self.running[node] = ExitStack()
            self.children[node] = self.running[node].enter_context(guarded(self.commands[node]))
        for node in nodes:
            if not await_broker(self.addresses[node], self.cluster_id, self.children[node], START_SECONDS):
                raise BrokerUnavailable(f"broker {node} ended; its last lines:\n{self.children[node].last_lines(20)}")


@contextmanager
def cluster(nodes: int = len(NODES), more: str = "") -> Iterator[Cluster]:
    """Run so many nodes while the block runs; `more` are further lines of their properties. Raises BrokerUnavailable."""
    java = [_command("java", "Java 17 or newer"), "-cp", f"{_jars()}/*", *JAVA_OPTIONS]
    with tempfile.TemporaryDirectory(prefix="chaos-", ignore_cleanup_errors=True) as folder:
        made = _made(java, Path(folder), NODES[:nodes], more)
        try:
            made.start(*made.addresses)
            yield made
        finally:
            made.kill(*list(made.running))


def _made(java: list[str], folder: Path, nodes: tuple[int, ...], more: str) -> Cluster:
    """Write the properties of all nodes and make their data folders ready."""
    cluster_id = uuid.uuid4().hex
    ports = {node: (quiet_port(), quiet_port()) for node in nodes}
    told = {
        "voters": ",".join(f"{node}@{LOOPBACK}:{controller}" for node, (_, controller) in ports.items()),
        "host": LOOPBACK,
        "replicas": len(nodes),
        "in_sync": max(len(nodes) - 1, 1),
    }
    configs = {node: folder / f"{node}.properties" for node in nodes}
    for node, (port, controller) in ports.items():
        text = PROPERTIES.format(node=node, port=port, controller=controller, data=folder / str(node), **told)
        configs[node].write_text(text + more, encoding="utf-8")

    def format_one(config: Path) -> None:
        _run([*java, "kafka.tools.StorageTool", "format", "--config", str(config), "--cluster-id", cluster_id], FORMAT_SECONDS)

    with ThreadPoolExecutor() as together:
        list(together.map(format_one, configs.values()))
    addresses = {node: f"{LOOPBACK}:{port}" for node, (port, _) in ports.items()}
    return Cluster(cluster_id, addresses, {node: [*java, "kafka.Kafka", str(config)] for node, config in configs.items()})


def quiet_port() -> int:
    """A free port outside the range that the system gives to outgoing connections.

    A port of that range could be taken while its broker is down; a client that keeps knocking may even meet itself there.
    """
    while True:
        port = random.SystemRandom().randrange(15_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return port


def create_topics(bootstrap: str, partitions: Mapping[str, int], replicas: int = len(NODES), **config: str) -> None:
    """Make topics, each with so many partitions, once all their replicas can be placed."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 2})
    wanted = [NewTopic(name, number, replicas, config=config) for name, number in partitions.items()]
    for future in admin.create_topics(wanted, operation_timeout=CALL_SECONDS, request_timeout=CALL_SECONDS).values():
        future.result(CALL_SECONDS)


def configure_topic(bootstrap: str, topic: str, name: str, value: str) -> None:
    """Set one configuration of a topic while it is used."""
    entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 2})
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[entry])
    for future in admin.incremental_alter_configs([resource]).values():
        future.result(CALL_SECONDS)
