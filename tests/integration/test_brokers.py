"""What all other integration tests take for granted of the broker that they run on."""

import subprocess
import sys
import uuid
from collections import Counter
from pathlib import Path

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from tests.integration.chosen import CHOSEN, apache_kafka_only
from tests.integration.records import PARTITIONS, QUICK_JOIN, Raw, Topics, create_topics, produce, read

CALL_SECONDS = 20.0
ROOT = Path(__file__).parents[2]


def transactional(bootstrap: str, name: str, timeout_ms: int = 10_000) -> Producer:
    """A producer of transactions that has introduced itself. log_level 0: being fenced, it would say so at length."""
    producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": name, "transaction.timeout.ms": timeout_ms, "log_level": 0})
    producer.init_transactions(CALL_SECONDS)
    return producer


def leave_open(bootstrap: str, topic: str, name: str, timeout_ms: int = 10_000) -> None:
    """Begin a transaction in another process, write one record in it, and kill the process."""
    code = (
        "import sys, time\n"
        "from tests.integration.test_brokers import transactional\n"
        "bootstrap, topic, name, timeout = sys.argv[1:]\n"
        "producer = transactional(bootstrap, name, int(timeout))\n"
        "producer.begin_transaction()\n"
        "producer.produce(topic, b'of the killed', partition=0)\n"
        "print(producer.flush(20), flush=True)\n"
        "time.sleep(600)\n"
    )
    command = [sys.executable, "-c", code, bootstrap, topic, name, str(timeout_ms)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"0\n"
        process.kill()


def assert_fenced(error: KafkaException) -> None:
    assert error.args[0].code() in (KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH)
    assert error.args[0].fatal()


def values(records: list[Raw]) -> Counter[bytes | None]:
    return Counter(record.value for record in records)


def test_what_is_written_is_read(bootstrap: str, topics: Topics) -> None:
    """Bytes, key, headers, and a null value come back as they were."""
    written = [
        Raw(b"\x00\xff plain", b"key", (("a", b"1"), ("a", b"2")), 3),
        Raw(None, b"tombstone", (), 1),
        Raw(b"", None, (), 0),
    ]
    produce(bootstrap, topics.messages, written)
    found = read(bootstrap, topics.messages, len(written))
    assert {(r.value, r.key, r.headers, r.partition) for r in found} == {(r.value, r.key, r.headers, r.partition) for r in written}


def test_order_within_a_partition_is_kept(bootstrap: str, topics: Topics) -> None:
    produce(bootstrap, topics.messages, (Raw(str(i).encode(), partition=i % PARTITIONS) for i in range(2_000)))
    found = read(bootstrap, topics.messages, 2_000)
    for partition in range(PARTITIONS):
        assert [int(r.value or b"") for r in found if r.partition == partition] == list(range(partition, 2_000, PARTITIONS))


def test_topics_have_the_partitions_that_were_asked_for(bootstrap: str) -> None:
    made = create_topics(bootstrap, partitions=7)
    known = Producer({"bootstrap.servers": bootstrap}).list_topics(made.alerts, timeout=CALL_SECONDS)
    assert len(known.topics[made.alerts].partitions) == 7


@pytest.mark.xfail(CHOSEN == "embedded", reason="the embedded broker shows aborted records to everybody", strict=True)
def test_a_committed_transaction_is_seen_and_an_aborted_one_is_not(bootstrap: str, topics: Topics) -> None:
    producer = transactional(bootstrap, uuid.uuid4().hex)
    for value, end in ((b"first", "commit"), (b"never", "abort"), (b"last", "commit")):
        producer.begin_transaction()
        for partition in range(PARTITIONS):
            producer.produce(topics.alerts, value, partition=partition)
        assert producer.flush(CALL_SECONDS) == 0  # so that it does reach the broker before it is aborted
        if end == "commit":
            producer.commit_transaction(CALL_SECONDS)
        else:
            producer.abort_transaction(CALL_SECONDS)
    assert values(read(bootstrap, topics.alerts, 2 * PARTITIONS)) == {b"first": PARTITIONS, b"last": PARTITIONS}
    assert values(read(bootstrap, topics.alerts, 3 * PARTITIONS, isolation="read_uncommitted"))[b"never"] == PARTITIONS


def test_a_second_producer_of_the_same_name_fences_the_first(bootstrap: str, topics: Topics) -> None:
    """What the first writes from then on is never seen, and it learns that it must end."""
    name = uuid.uuid4().hex
    first = transactional(bootstrap, name)
    second = transactional(bootstrap, name)
    first.begin_transaction()
    first.produce(topics.alerts, b"of the first", partition=0)
    with pytest.raises(KafkaException) as told:
        first.commit_transaction(CALL_SECONDS)
    assert_fenced(told.value)
    second.begin_transaction()
    second.produce(topics.alerts, b"of the second", partition=0)
    second.commit_transaction(CALL_SECONDS)
    assert values(read(bootstrap, topics.alerts, 1)) == {b"of the second": 1}


@apache_kafka_only
def test_what_a_fenced_producer_had_begun_is_aborted(bootstrap: str, topics: Topics) -> None:
    name = uuid.uuid4().hex
    first = transactional(bootstrap, name)
    first.begin_transaction()
    first.produce(topics.alerts, b"of the first", partition=0)
    assert first.flush(CALL_SECONDS) == 0
    second = transactional(bootstrap, name)
    second.begin_transaction()
    second.produce(topics.alerts, b"of the second", partition=0)
    second.commit_transaction(CALL_SECONDS)
    with pytest.raises(KafkaException) as told:
        first.commit_transaction(CALL_SECONDS)
    assert_fenced(told.value)
    assert values(read(bootstrap, topics.alerts, 1)) == {b"of the second": 1}


@apache_kafka_only
def test_what_a_killed_producer_had_begun_is_aborted_by_its_successor_at_once(bootstrap: str, topics: Topics) -> None:
    """Why a restarted worker should keep its name: readers need not wait for the transaction's time-out."""
    name = uuid.uuid4().hex
    leave_open(bootstrap, topics.alerts, name, timeout_ms=600_000)
    successor = transactional(bootstrap, name)
    successor.begin_transaction()
    successor.produce(topics.alerts, b"of the successor", partition=0)
    successor.commit_transaction(CALL_SECONDS)
    assert values(read(bootstrap, topics.alerts, 1, limit=20)) == {b"of the successor": 1}


@apache_kafka_only
def test_what_a_killed_producer_had_begun_is_aborted_after_its_time_out(bootstrap: str, topics: Topics) -> None:
    """Until then readers wait at its first record; Kafka looks for such transactions every 10 s."""
    leave_open(bootstrap, topics.alerts, uuid.uuid4().hex, timeout_ms=1_000)
    produce(bootstrap, topics.alerts, [Raw(b"behind", partition=0)])
    assert values(read(bootstrap, topics.alerts, 1)) == {b"behind": 1}


def test_offsets_of_a_committed_transaction_are_the_groups_and_those_of_an_aborted_one_are_not(bootstrap: str, topics: Topics) -> None:
    produce(bootstrap, topics.messages, (Raw(b"x", partition=0) for _ in range(10)))
    group = uuid.uuid4().hex
    settings = {
        "bootstrap.servers": bootstrap,
        "group.id": group,
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
        **QUICK_JOIN,
    }
    consumer = Consumer(settings)
    consumer.subscribe([topics.messages])
    try:
        assert consumer.consume(10, timeout=40)
        producer = transactional(bootstrap, group)
        for offset, end in ((4, producer.commit_transaction), (9, producer.abort_transaction)):
            producer.begin_transaction()
            place = TopicPartition(topics.messages, 0, offset)
            producer.send_offsets_to_transaction([place], consumer.consumer_group_metadata(), CALL_SECONDS)
            end(CALL_SECONDS)
            assert consumer.committed([TopicPartition(topics.messages, 0)], timeout=CALL_SECONDS)[0].offset == 4
    finally:
        consumer.close()
