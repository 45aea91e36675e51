"""What is sent again and what is left; that each goes once is shown on a broker in tests/integration/test_operations.py."""

from typing import Any, cast

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka import Message as KafkaMessage

from stream.errors import BrokerUnavailable, Fenced
from stream.operations.letters import Letter, Survey
from stream.operations.retry import plan, send
from stream.settings import Settings
from stream.wire import RETRY_OF


def letter(offset: int, **changes: Any) -> Letter:
    told = {"partition": 2, "offset": offset, "time": 1000, "code": "not_json", "topic": "scam.messages", "source": 7, "source_offset": 42}
    return Letter(**{**told, "size": 3, "cut": False, "retry_of": "", **changes})


LETTERS = [letter(0), letter(1), letter(2, cut=True), letter(3, topic="other"), letter(4, retry_of="scam.dead-letters/2/0")]


@pytest.mark.parametrize(("again", "chosen"), [(False, [0]), (True, [0, 4])])
def test_only_letters_that_wait_are_sent_again(again: bool, chosen: list[int]) -> None:
    found = plan(Survey(LETTERS, {(2, 1)}), "scam.messages", again)
    assert [one.offset for one in found.letters] == chosen
    left = {"sent again": 1, "cut": 1, "from another topic": 1}
    assert found.left == (left if again else {**left, "failed again": 1})


class Client:
    """A consumer of partition 2."""

    def __init__(self, *offsets: int) -> None:
        headers: Any = [("own", b"1"), ("scamsieve.code", b"not_json")]
        self.found: list[Any] = [KafkaMessage("scam.dead-letters", 2, i, b"k", b"v%d" % i, headers, None, (1, 0), 0.0, 0) for i in offsets]

    def assign(self, _: Any) -> None:
        """As told."""

    pause = assign

    def consume(self, _size: int, _seconds: float) -> list[Any]:
        found, self.found = self.found, []
        return found


class Outlet:
    """A transactional producer that remembers what it committed, and refuses to if told so."""

    def __init__(self, refusal: int = 0) -> None:
        self.refusal = refusal
        self.open: list[Any] = []
        self.done: list[Any] = []

    def begin_transaction(self) -> None:
        self.open = []

    def produce(self, topic: str, value: bytes | None, key: bytes | None, partition: int, *_: Any, headers: Any) -> None:
        self.open.append((topic, value, key, partition, dict(headers)))

    def poll(self, _: float) -> None:
        """Nothing to tell."""

    def commit_transaction(self, _: float) -> None:
        if self.refusal:
            raise KafkaException(KafkaError(self.refusal))
        self.done += self.open

    def abort_transaction(self, _: float) -> None:
        self.open = []


def sent(outlet: Outlet, client: Client) -> list[int]:
    return list(send(cast(Consumer, client), cast(Producer, outlet), Settings(), [letter(3), letter(5)]))


def test_a_record_and_its_mark_go_in_one_transaction() -> None:
    outlet = Outlet()
    assert sent(outlet, Client(3, 4, 5, 6)) == [2]
    assert [(topic, value, key, partition) for topic, value, key, partition, _ in outlet.done] == [
        ("scam.messages", b"v3", b"k", -1),
        ("scam.dead-letters", None, None, 2),
        ("scam.messages", b"v5", b"k", -1),
        ("scam.dead-letters", None, None, 2),
    ]
    assert outlet.done[0][4] == {"own": b"1", RETRY_OF: b"scam.dead-letters/2/3"}
    assert outlet.done[1][4][RETRY_OF] == b"scam.dead-letters/2/3"


def test_what_the_broker_does_not_take_is_not_there() -> None:
    outlet = Outlet(KafkaError._TIMED_OUT)
    with pytest.raises(BrokerUnavailable, match="none of them is there"):
        sent(outlet, Client(3, 5))
    assert outlet.done == []


def test_another_retry_ends_this_one() -> None:
    with pytest.raises(Fenced, match="another retry"):
        sent(Outlet(KafkaError._FENCED), Client(3, 5))
