from typing import cast

from confluent_kafka import Message
from hypothesis import given
from hypothesis import strategies as st

from stream.batch import taken
from stream.clients import Record
from stream.delivery import Span
from stream.wire import Place


def record(partition: int, offset: int) -> Record:
    return cast(Record, Message("t", partition, offset, None, b"value", [], None, (1, 1000 * offset + partition), 0.0, 0))


@given(st.lists(st.integers(0, 3), min_size=1, max_size=30))
def test_spans_reach_from_the_first_record_of_each_partition_to_behind_the_last(partitions: list[int]) -> None:
    next_offset = dict.fromkeys(range(4), 100)
    records = []
    for partition in partitions:
        records.append(record(partition, next_offset[partition]))
        next_offset[partition] += 2  # markers of transactions take offsets too
    batch = taken(records, "group")
    assert set(batch.spans) == {Span("t", p, 100, next_offset[p] - 1) for p in set(partitions)}
    assert batch.newest == {p: (1000 * (next_offset[p] - 2) + p) / 1000 for p in set(partitions)}


def test_a_batch_tells_values_times_and_places_by_number() -> None:
    batch = taken([record(1, 5), record(0, 7)], "group")
    assert batch.values() == [b"value", b"value"]
    assert batch.timestamps.tolist() == [5.001, 7.0]
    assert batch.place(1) == Place("t", 0, 7, 7000)
