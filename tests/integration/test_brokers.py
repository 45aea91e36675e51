"""What all other integration tests take for granted of the broker that they run on."""

import uuid
from collections import Counter

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from tests.integration.records import PARTITIONS, QUICK_JOIN, Raw, Topics, create_topics, produce, read

CALL_SECONDS = 20.0


def transactional(bootstrap: str, name: str) -> Producer:
    """A producer of transactions that has introduced itself."""
    producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": name, "transaction.timeout.ms": 10_000, "log_level": 2})
    producer.init_transactions(CALL_SECONDS)
    return producer


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
    """What the first has not committed is never seen, and it learns that it must end."""
    name = uuid.uuid4().hex
    first = transactional(bootstrap, name)
    first.begin_transaction()
    first.produce(topics.alerts, b"of the first", partition=0)
    first.flush(CALL_SECONDS)
    second = transactional(bootstrap, name)
    second.begin_transaction()
    second.produce(topics.alerts, b"of the second", partition=0)
    second.commit_transaction(CALL_SECONDS)
    with pytest.raises(KafkaException) as told:
        first.commit_transaction(CALL_SECONDS)
    assert told.value.args[0].code() in (KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH)
    assert values(read(bootstrap, topics.alerts, 1)) == {b"of the second": 1}


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
