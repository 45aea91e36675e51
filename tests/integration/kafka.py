"""Apache Kafka itself, for the tests that make promises: one node, broker and controller in one, in KRaft mode on loopback.

The jars come from Maven Central by the pom beside this file, once, into build/kafka. For a broker to play with, or to measure on:

    python -m tests.integration.kafka --port 9092
"""

import argparse
import hashlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from stream.broker import LOOPBACK, await_broker, free_port
from stream.errors import BrokerUnavailable
from stream.guard import Child, guarded

POM = Path(__file__).with_name("pom.xml")
JARS = Path(__file__).parents[2] / "build" / "kafka"
DOWNLOAD_SECONDS = 600.0
FORMAT_SECONDS = 180.0
START_SECONDS = 180.0  # 3 s on an idle machine of 2 cores; much more where others work beside it
ATTEMPTS = 3  # each on other ports
JAVA_OPTIONS = (
    "-Xmx512m",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-XX:+UseSerialGC",  # one heap of 512 MB on two cores that the tests need too
)
PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@{host}:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}
advertised.listeners=PLAINTEXT://{host}:{port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
"""


@contextmanager
def apache_kafka(port: int = 0, more: str = "") -> Iterator[str]:
    """Run Apache Kafka while the block runs, on `port` or on a free one; gives its bootstrap address.

    `more` are further lines of its properties, which may name {host}, {port} and {controller}. Its data are in a temporary folder and
    go with it. Raises BrokerUnavailable, with one line if Java or Maven is missing.
    """
    java, jars = _command("java", "Java 17 or newer"), _jars()
    with ExitStack() as running:
        yield _start(running, [java, "-cp", f"{jars}/*", *JAVA_OPTIONS], port, PROPERTIES + more)


def _start(running: ExitStack, java: list[str], port: int, properties: str) -> str:
    for _ in range(1 if port else ATTEMPTS):
        address, cluster_id = f"{LOOPBACK}:{port or free_port()}", uuid.uuid4().hex
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="kafka-", ignore_cleanup_errors=True)))
        config = _format(java, folder, address, cluster_id, properties)
        child = running.enter_context(guarded([*java, "kafka.Kafka", config]))
        if await_broker(address, cluster_id, child, START_SECONDS):
            return address
    raise BrokerUnavailable(f"Apache Kafka ended at once; its last lines:\n{_cause(child)}")


def _cause(child: Child) -> str:
    """Its last lines without Java's stack."""
    return "\n".join(line for line in child.last_lines(30).split("\n") if not line.lstrip().startswith(("at ", "...")))


def _format(java: list[str], folder: Path, address: str, cluster_id: str, properties: str) -> Path:
    """Write the properties of a node, and make its data folder ready; returns the properties' file."""
    host, _, port = address.partition(":")
    config = folder / "server.properties"
    told = properties.format(host=host, port=port, controller=free_port(), data=folder / "data")
    config.write_text(told, encoding="utf-8")
    _run([*java, "kafka.tools.StorageTool", "format", "--config", str(config), "--cluster-id", cluster_id], FORMAT_SECONDS)
    return config


def _jars() -> Path:
    """The folder with Kafka's jars; filled by Maven if it is not there for this very pom."""
    folder = JARS / hashlib.sha256(POM.read_bytes()).hexdigest()[:12]
    if not folder.is_dir():
        maven = _command("mvn", "Maven")
        JARS.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=JARS) as half:  # renamed when whole: an interrupted download is no download
            target = Path(half) / "jars"
            copy = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={target}"]
            _run([maven, "-q", "-B", "-f", str(POM), *copy], DOWNLOAD_SECONDS)
            target.rename(folder)
    return folder


def _command(name: str, what: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise BrokerUnavailable(f"Apache Kafka cannot be started: there is no `{name}` on the PATH; install {what}")
    return found


def _run(command: list[str], seconds: float) -> None:
    """Run a command to its end. Raises BrokerUnavailable with its last lines if it fails."""
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired:
        raise BrokerUnavailable(f"`{Path(command[0]).name}` did not end within {seconds:g} s: {' '.join(command)}") from None
    if done.returncode:
        last = "\n".join(done.stdout.decode(errors="replace").rstrip().split("\n")[-5:])
        raise BrokerUnavailable(f"`{Path(command[0]).name}` failed: {' '.join(command)}\n{last}")


def main() -> None:
    """Run a broker in the foreground."""
    parser = argparse.ArgumentParser(prog="python -m tests.integration.kafka", description="Apache Kafka in the foreground, until Ctrl-C")
    parser.add_argument("--port", type=int, default=9092, help="loopback port; 0 takes a free one (default: 9092)")
    port: int = parser.parse_args().port
    for ending in (signal.SIGINT, signal.SIGTERM):  # SIGINT too: a shell starts background jobs with it ignored
        signal.signal(ending, signal.default_int_handler)
    try:
        with apache_kafka(port) as bootstrap:
            print(f"Apache Kafka at {bootstrap}; Ctrl-C ends it", flush=True)
            threading.Event().wait()
    except BrokerUnavailable as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
