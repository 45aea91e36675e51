"""The promises that a fake client can show; what needs a broker is in tests/integration/test_worker.py."""

import time
from dataclasses import dataclass, field
from types import SimpleNamespace

import pytest
from confluent_kafka import OFFSET_BEGINNING, OFFSET_INVALID, KafkaError, KafkaException, TopicPartition
from structlog.testing import capture_logs

from stream.delivery import Span, at_least_once, commit, exactly_once, return_to_committed
from stream.errors import BrokerUnavailable, Fenced
from stream.wire import Outgoing

SPANS = [Span("t", 0, 10, 20), Span("t", 1, 5, 6)]
RETRIABLE = KafkaError(KafkaError._TIMED_OUT, "again", False, True, False)
CONFLICT = KafkaError(KafkaError._CONFLICT, "another call is under way", False, True, False)
ABORTABLE = KafkaError(KafkaError.ILLEGAL_GENERATION, "abort", False, False, True)
FATAL = KafkaError(KafkaError._FENCED, "fenced", True, False, False)


@dataclass
class Client:
    """A consumer and a producer in one: remembers what was asked of it, and raises what it was told to."""

    commit_errors: list[KafkaError] = field(default_factory=list)
    abort_errors: list[KafkaError] = field(default_factory=list)
    offset_errors: list[KafkaError] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    sought: list[tuple[int, int]] = field(default_factory=list)
    offsets: list[tuple[int, int]] = field(default_factory=list)
    unanswered: int = 0

    def flush(self, _: float) -> int:
        self.calls.append("flush")
        return self.unanswered

    def purge(self) -> None:
        self.calls.append("purge")

    def commit(self, offsets: list[TopicPartition], asynchronous: bool) -> None:
        assert asynchronous
        self.calls.append("commit later")
        self.offsets = [(place.partition, place.offset) for place in offsets]

    def begin_transaction(self) -> None:
        self.calls.append("begin")

    def produce(self, *_: object, **__: object) -> None:
        self.calls.append("produce")

    def poll(self, _: float) -> None:
        pass

    def send_offsets_to_transaction(self, offsets: list[TopicPartition], metadata: str, _: float) -> None:
        assert metadata == "metadata"
        self.calls.append("offsets")
        if self.offset_errors:
            raise KafkaException(self.offset_errors.pop(0))
        self.offsets = [(place.partition, place.offset) for place in offsets]

    def commit_transaction(self, _: float) -> None:
        self.calls.append("commit")
        if self.commit_errors:
            raise KafkaException(self.commit_errors.pop(0))

    def abort_transaction(self, _: float) -> None:
        self.calls.append("abort")
        if self.abort_errors:
            raise KafkaException(self.abort_errors.pop(0))

    def assignment(self) -> list[TopicPartition]:
        return [TopicPartition("t", 0), TopicPartition("t", 1)]

    def committed(self, places: list[TopicPartition], _: float) -> list[TopicPartition]:
        return [TopicPartition("t", 0, 7), TopicPartition("t", 1, OFFSET_INVALID)]

    def seek(self, place: TopicPartition) -> None:
        self.sought.append((place.partition, place.offset))


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)


def deliver(client: Client) -> bool:
    beats: list[None] = []
    done = exactly_once(client, lambda: beats.append(None))([Outgoing("a", None, b"x")], SPANS, "metadata")  # type: ignore[arg-type]
    assert beats
    return done


def test_records_and_the_offsets_after_the_last_ones_go_into_one_transaction() -> None:
    client = Client()
    assert deliver(client)
    assert client.calls == ["begin", "produce", "offsets", "commit"]
    assert client.offsets == [(0, 20), (1, 6)]


def test_a_commit_that_may_be_tried_again_is_tried_again_as_the_same_transaction() -> None:
    """For as long as it takes: librdkafka refuses to abort (_CONFLICT, at once and for ever) what it has begun to commit."""
    client = Client([RETRIABLE] * 20, [CONFLICT] * 1000, [RETRIABLE] * 20)
    assert deliver(client)
    assert client.calls == ["begin", "produce", *["offsets"] * 21, *["commit"] * 21]


def test_what_cannot_be_committed_is_aborted_and_given_back() -> None:
    client = Client([ABORTABLE])
    assert not deliver(client)
    assert client.calls[-1] == "abort"


def test_the_log_tells_why_a_batch_is_given_back() -> None:
    with capture_logs() as told:
        deliver(Client([ABORTABLE]))
    assert told == [{"event": "delivery failed", "code": ABORTABLE.name(), "why": "abort", "log_level": "warning"}]


def test_while_the_broker_is_away_an_abort_is_tried_for_as_long_as_it_takes() -> None:
    """The worker is not to end for that: nobody has taken over."""
    client = Client([ABORTABLE], [RETRIABLE] * 100)
    assert not deliver(client)
    assert client.calls.count("abort") == 101


def test_what_can_be_neither_committed_nor_aborted_ends_the_worker() -> None:
    with pytest.raises(Fenced):
        deliver(Client([ABORTABLE], [RETRIABLE, FATAL]))


@pytest.mark.parametrize(("unanswered", "done"), [(0, True), (1, False)])
def test_at_least_once_waits_for_the_records_and_not_for_the_offsets(unanswered: int, done: bool) -> None:
    client = Client(unanswered=unanswered)
    assert at_least_once(client, lambda: None)([Outgoing("a", None, b"x")], SPANS, "metadata") == done  # type: ignore[arg-type]
    assert client.calls == ["produce", "flush", *([] if done else ["purge"])]
    commit(client, SPANS)  # type: ignore[arg-type]
    assert client.calls[-1] == "commit later"
    assert client.offsets == [(0, 20), (1, 6)]


def test_the_consumer_goes_back_to_what_is_committed_or_to_the_beginning() -> None:
    client = Client()
    return_to_committed(client)  # type: ignore[arg-type]
    assert client.sought == [(0, 7), (1, OFFSET_BEGINNING)]


def test_an_offset_that_cannot_be_read_is_not_taken_for_none() -> None:
    """It would be read as `nothing committed yet`, and all be judged again."""

    class Failing(Client):
        def committed(self, places: list[TopicPartition], _: float) -> list[TopicPartition]:
            place = SimpleNamespace(topic="t", partition=0, offset=OFFSET_INVALID, error=KafkaError(KafkaError.NOT_COORDINATOR))
            return [place]  # type: ignore[list-item]

    client = Failing()
    with pytest.raises(BrokerUnavailable):
        return_to_committed(client)  # type: ignore[arg-type]
    assert not client.sought


def test_a_fenced_producer_ends_the_worker() -> None:
    client = Client([FATAL])
    with pytest.raises(Fenced):
        deliver(client)
    assert "abort" not in client.calls


def test_a_partition_that_refuses_to_be_put_back_at_first_is_asked_again() -> None:
    refusals = [KafkaError(KafkaError._STATE)] * 3

    class Slow(Client):
        def seek(self, place: TopicPartition) -> None:
            if refusals:
                raise KafkaException(refusals.pop())
            super().seek(place)

    client = Slow()
    return_to_committed(client)  # type: ignore[arg-type]
    assert client.sought == [(0, 7), (1, OFFSET_BEGINNING)]
