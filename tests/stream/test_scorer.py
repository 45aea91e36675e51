"""What the loop promises, shown with a fake client; what needs a broker is in tests/integration/test_worker.py."""

import threading
from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, cast

import msgspec
import pytest
from confluent_kafka import OFFSET_BEGINNING, KafkaError, KafkaException, TopicPartition
from confluent_kafka import Message as KafkaMessage
from prometheus_client import CollectorRegistry

from models.artifact import Model
from stream import answer as answering
from stream import scorer as module
from stream.answer import Answer, answer
from stream.batch import Judged, taken
from stream.clients import Record
from stream.errors import NotAuthorized, TopicError
from stream.judge import Disclosure, explained, judge
from stream.metrics import Metrics
from stream.policy import Listed, Policy
from stream.scorer import Delivered, Scorer
from stream.settings import Settings
from stream.wire import error_of
from tests.stream.consumer import Client, record

SCAMMER = "+85512345678"
POLICY = Policy(deny=Listed(senders=frozenset({SCAMMER})), allow=Listed(senders=frozenset({"friend"})))
DISCLOSURE = Disclosure(b"0123456789abcdef")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def scorer(model: Model, monkeypatch: pytest.MonkeyPatch) -> Scorer:
    monkeypatch.setattr("stream.access.check", lambda *_: None)  # there is no broker to ask
    return Scorer(Settings(), model, POLICY, DISCLOSURE, Metrics(CollectorRegistry(), model, POLICY))


def run(scorer: Scorer, client: Client, outcomes: list[bool]) -> list[Judged]:
    """Let the loop judge all that the client has; each delivery has the next outcome. Gives what was handed over."""
    handed: list[Judged] = []

    def hand_over(judged: Judged) -> Future[Delivered]:
        handed.append(judged)
        future: Future[Delivered] = Future()
        told = answer(judged, scorer.settings, scorer.disclosure, NOW)
        future.set_result(Delivered(outcomes.pop(0), told, {}, 0.0))
        if not client.batches:
            scorer.stop()
        return future

    scorer._judge_all(cast(Any, client), hand_over)
    return handed


def test_what_is_judged_is_counted_when_it_is_delivered(scorer: Scorer) -> None:
    client = Client([[record(0, 1), record(0, 2, SCAMMER)], [record(1, 7)]])
    handed = run(scorer, client, [True, True])
    assert [judged.taken.group for judged in handed] == ["generation 1"] * 2
    assert (scorer.state.judged, scorer.state.raised) == (3, 1)


def test_alerts_are_counted_by_route_and_deals_of_partitions_too(scorer: Scorer) -> None:
    """The route is that of the alert's own message, whatever is passed before it."""
    abroad = msgspec.json.decode(record(0, 3, SCAMMER).value() or b"") | {"origin": {"route": "international"}}
    told = cast(Record, KafkaMessage("t", 0, 3, None, msgspec.json.encode(abroad), [], None, (1, 1000), 0.0, 0))
    run(scorer, Client([[record(0, 1), record(0, 2, SCAMMER), told]]), [True])
    scorer._assigned(cast(Any, None), [])
    by_route = dict.fromkeys(("international", "unknown", "p2p", "a2p"), 0.0)
    for sample in next(iter(scorer.metrics.seen.collect())).samples:
        by_route[sample.labels["route"]] += sample.value
    assert by_route == {"international": 1, "unknown": 1, "p2p": 0, "a2p": 0}
    assert [sample.value for sample in next(iter(scorer.metrics.rebalances.collect())).samples] == [1]


def test_at_least_once_the_thread_that_consumes_commits_what_was_delivered(scorer: Scorer) -> None:
    """Also within a rebalance: the client would let no other thread do it meanwhile."""
    committed: list[tuple[int, threading.Thread]] = []
    scorer._commit = lambda spans: committed.append((spans[0].end, threading.current_thread()))
    run(scorer, Client([[record(0, 7)], [record(0, 8)], [], [record(0, 8)]]), [True, False, True])
    assert committed == [(8, threading.current_thread()), (9, threading.current_thread())]


def test_a_batch_given_back_takes_the_one_behind_it_along(scorer: Scorer) -> None:
    """Both are read again, from what is committed; nothing of them is counted."""
    client = Client([[record(0, 7), record(0, 8)], [record(0, 9), record(1, 5)], [record(0, 7)]])
    handed = run(scorer, client, [False, True])
    assert client.sought == [(0, 7), (1, OFFSET_BEGINNING)]
    assert [judged.taken.spans[0].first for judged in handed] == [7, 7]
    assert scorer.state.judged == 1


def test_what_is_refused_again_and_again_is_tried_ever_more_patiently(scorer: Scorer, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(scorer._stopping, "wait", waited.append)
    run(scorer, Client([[record(0, 7)], [], [record(0, 7)], [], [record(0, 7)]]), [False, False, True])
    assert waited == [0.1, 0.2]


def test_a_refusal_to_let_it_read_is_waited_out_and_told(scorer: Scorer, monkeypatch: pytest.MonkeyPatch) -> None:
    """librdkafka tells of it once, and nothing when it is over: until then the worker asks, reads nothing, and says why."""
    refusals = [NotAuthorized("user a lacks the right READ on topic t")]
    told: list[str] = []

    def check(*_: object) -> None:
        told.append(scorer.state.trouble)
        if refusals:
            raise refusals.pop()

    monkeypatch.setattr("stream.access.check", check)
    monkeypatch.setattr(module, "RETURN_SECONDS", 0.0)
    refused = KafkaMessage("t", 0, 8, None, b"", [], KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED), (0, 0), 0.0, 0)
    client = Client([[record(0, 7)], [cast(Record, refused)], [record(0, 8)]])
    handed = run(scorer, client, [True, True])
    assert told == ["", "user a lacks the right READ on topic t"]
    assert client.sought == [(0, 7), (1, OFFSET_BEGINNING)]
    assert [judged.taken.spans[0].first for judged in handed] == [7, 8]
    assert scorer.state.trouble == ""


def test_after_a_batch_was_given_back_the_next_ones_are_smaller_and_grow_again(scorer: Scorer) -> None:
    """A slow alert topic could not take a whole one before its transaction's time is over: it would be tried for ever."""
    batches = [[record(0, i) for i in range(8)], [], [record(0, 0)], [record(0, 1)]]
    client = Client(batches)
    run(scorer, client, [False, True, True])
    # The second batch is asked for before the first is settled.
    assert client.asked == [10_000, 10_000, 4, 4]
    assert scorer._most == 204


def test_before_partitions_go_the_batch_under_way_is_settled(scorer: Scorer) -> None:
    client = Client()
    judged = scorer._process(taken([record(0, 10), record(1, 20)], "generation 1"))
    future: Future[Delivered] = Future()
    scorer._under_way = judged, future
    threading.Timer(0.05, lambda: future.set_result(Delivered(True, Answer([], [], {}, []), {}, 0.0))).start()
    scorer._revoked(cast(Any, client), [TopicPartition("t", 0)])
    assert scorer._under_way is None
    assert scorer.state.judged == 2


def test_while_the_broker_is_away_the_way_back_is_tried_again_and_nothing_is_read(scorer: Scorer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETURN_SECONDS", 0.0)
    client = Client([[record(0, 7)], [record(0, 7)]])
    committed, failures = client.committed, [KafkaException(KafkaError(KafkaError._TIMED_OUT))] * 3

    def away(places: list[TopicPartition], seconds: float) -> list[TopicPartition]:
        if failures:
            assert len(client.batches) == 1
            raise failures.pop()
        return committed(places, seconds)

    monkeypatch.setattr(client, "committed", away)
    scorer._astray = True
    client.batches.pop()
    run(scorer, client, [True])
    assert not failures
    assert scorer.state.judged == 1


def test_records_read_across_a_rebalance_are_read_again_from_what_is_committed(scorer: Scorer) -> None:
    """Not from the first of them: a batch before them may just have been given back."""
    client = Client([[record(0, 10), record(0, 11)]])
    client.before = lambda: scorer._assigned(cast(Any, client), client.assignment())
    assert scorer._take(cast(Any, client)) is None
    assert scorer._return(cast(Any, client))
    assert client.sought == [(0, 7), (1, OFFSET_BEGINNING)]


def test_what_judging_raises_on_becomes_a_dead_letter_alone(scorer: Scorer, monkeypatch: pytest.MonkeyPatch) -> None:

    def fragile(model: Model, policy: Policy, messages: Any) -> Any:
        if any(message.text == "poison" for message in messages):
            raise ZeroDivisionError
        return judge(model, policy, messages)

    monkeypatch.setattr(module, "judge", fragile)
    judged = scorer._process(taken([record(0, 1), record(0, 2, text="poison"), record(0, 3, SCAMMER)], "g"))
    told = answer(judged, scorer.settings, DISCLOSURE, NOW)
    assert [message.id for message in judged.decoded.messages] == ["m-1", "m-3"]
    assert [alert.message_id for alert in told.alerts] == ["m-3"]
    assert {number: error.code for number, error in told.dead.items()} == {1: "internal"}


def test_a_batch_that_only_raises_as_a_whole_is_judged_one_by_one(scorer: Scorer, monkeypatch: pytest.MonkeyPatch) -> None:
    """No message is to blame: none becomes a dead letter, and the loop goes on."""

    def narrow(model: Model, policy: Policy, messages: Any) -> Any:
        if len(messages) > 1:
            raise MemoryError
        return judge(model, policy, messages)

    monkeypatch.setattr(module, "judge", narrow)
    judged = scorer._process(taken([record(0, 1), record(0, 2, SCAMMER), record(0, 3)], "g"))
    assert [message.id for message in judged.decoded.messages] == ["m-1", "m-2", "m-3"]
    assert judged.judgement.raised == [1]
    assert not judged.decoded.dead


def test_a_batch_of_which_all_raise_is_dead_letters(scorer: Scorer, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(module, "judge", broken)
    judged = scorer._process(taken([record(0, 1), record(0, 2, SCAMMER)], "g"))
    assert not judged.decoded.messages
    assert {error.code for error in answer(judged, scorer.settings, DISCLOSURE, NOW).dead.values()} == {"internal"}


def test_while_a_delivery_computes_the_loop_shows_that_it_is_alive(scorer: Scorer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BEAT_SECONDS", 0.001)
    judged = scorer._process(taken([record(0, 10)], "g"))
    future: Future[Delivered] = Future()
    scorer._under_way = judged, future
    beats: list[None] = []

    def beat() -> None:
        beats.append(None)
        if len(beats) == 3:
            future.set_result(Delivered(True, Answer([], [], {}, []), {}, 0.0))

    monkeypatch.setattr(scorer, "_beat", beat)
    scorer._settle()
    assert scorer.state.judged == 1


def test_a_delivery_that_never_ends_is_not_taken_for_alive_for_ever(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """Longer than the group waits for a worker nobody may: then /healthz says so, and the platform starts it again."""
    monkeypatch.setattr(module, "BEAT_SECONDS", 0.001)
    impatient = Settings(poll_interval_seconds=0.01)
    scorer = Scorer(impatient, model, POLICY, DISCLOSURE, Metrics(CollectorRegistry(), model, POLICY))
    future: Future[Delivered] = Future()
    scorer._under_way = scorer._process(taken([record(0, 10)], "g")), future
    thread = threading.Thread(target=scorer._settle, daemon=True)
    thread.start()
    thread.join(0.5)
    turned = scorer.state.turned
    thread.join(0.1)
    assert scorer.state.turned == turned
    future.set_result(Delivered(True, Answer([], [], {}, []), {}, 0.0))
    thread.join()


def test_what_explaining_raises_on_becomes_a_dead_letter_alone(scorer: Scorer, monkeypatch: pytest.MonkeyPatch) -> None:

    def fragile(judgement: Any, numbers: Any, reasons: int) -> Any:
        if any(judgement.messages[i].text == "poison" for i in numbers):
            raise ZeroDivisionError
        return explained(judgement, numbers, reasons)

    monkeypatch.setattr(answering, "explained", fragile)
    judged = scorer._process(taken([record(0, 1), record(0, 2, SCAMMER, "poison"), record(0, 3, SCAMMER)], "g"))
    told = answer(judged, scorer.settings, DISCLOSURE, NOW)
    assert [alert.message_id for alert in told.alerts] == ["m-3"]
    assert [error_of(letter.headers) for letter in told.outgoing] == ["", "internal"]


def test_headers_that_cannot_be_read_do_no_harm(scorer: Scorer) -> None:
    """A header's name that is no UTF-8 makes the client raise SystemError."""

    class Headless:
        def __init__(self, whole: Record) -> None:
            self.whole = whole

        def __getattr__(self, name: str) -> Any:
            return getattr(self.whole, name)

        def headers(self) -> None:
            raise SystemError("returned a result with an exception set")

    judged = scorer._process(taken([record(0, 1, SCAMMER), record(0, 2, SCAMMER)], "g"))
    records = [cast(Record, Headless(one)) for one in judged.taken.records]
    headless = replace(judged, taken=replace(judged.taken, records=records))
    assert len(answer(headless, scorer.settings, DISCLOSURE, NOW).outgoing) == 2


def test_a_batch_is_judged_explained_and_counted_by_one_model_even_if_another_comes_meanwhile(
    scorer: Scorer, flagging: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new one comes in the midst of judging, where a poison message has the batch judged once more, one by one."""
    old, used = scorer.model, []

    def fragile(model: Model, policy: Policy, messages: Any) -> Any:
        used.append(model)
        scorer.serve(flagging)
        if any(message.text == "poison" for message in messages):
            raise ZeroDivisionError
        return judge(model, policy, messages)

    monkeypatch.setattr(module, "judge", fragile)
    batches = [[record(0, 1, SCAMMER), record(0, 2, text="poison"), record(0, 3)], [record(0, 4, SCAMMER)]]
    first, second = run(scorer, Client(batches), [True, True])
    assert {id(model) for model in used[:-1]} == {id(old)}
    assert (first.judgement.model, second.judgement.model) == (old, flagging)
    versions = [[alert.model.version for alert in answer(one, scorer.settings, DISCLOSURE, NOW).alerts] for one in (first, second)]
    assert versions == [[old.version], [flagging.version]]


def test_the_shadow_sees_what_was_delivered_and_only_that(scorer: Scorer) -> None:
    seen: list[int] = []

    class Looking:
        def look(self, judged: Judged) -> None:
            seen.append(judged.taken.spans[0].first)

    scorer.shadow = cast(Any, Looking())
    for offset, done in ((1, True), (2, False)):
        judged = scorer._process(taken([record(0, offset, SCAMMER)], "g"))
        assert scorer._deliver(lambda *_, done=done: done, judged).done is done
    assert seen == [1]


TRACE = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize(
    ("sent", "passed_on"), [(TRACE, True), (TRACE + b"\r\nX-Evil: 1", False), (b"x" * 100_000, False), (b"\xff", False), (b"", False)]
)
def test_a_trace_is_passed_on_only_if_it_is_one(scorer: Scorer, sent: bytes, passed_on: bool) -> None:
    """A header of the sender's choice becomes a header of an alert."""

    class Traced:
        def __init__(self, whole: Record) -> None:
            self.whole = whole

        def __getattr__(self, name: str) -> Any:
            return getattr(self.whole, name)

        def headers(self) -> list[tuple[str, bytes]]:
            return [("traceparent", sent), ("ce_type", b"forged"), ("content-type", b"text/html")]

    judged = scorer._process(taken([record(0, 1, SCAMMER)], "g"))
    traced = replace(judged, taken=replace(judged.taken, records=[cast(Record, Traced(judged.taken.records[0]))]))
    (alert,) = answer(traced, scorer.settings, DISCLOSURE, NOW).outgoing
    assert dict(alert.headers).get("traceparent") == (sent if passed_on else None)
    assert dict(alert.headers)["content-type"] == b"application/json"
    assert b"forged" not in dict(alert.headers).values()


def test_a_batch_is_given_back_for_want_of_a_right_only_once_it_is_granted_reading_goes_on(
    scorer: Scorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would be judged and given back again and again."""
    refusals: list[Exception | None] = [
        NotAuthorized("user x lacks the right WRITE on topic alerts"),
        TopicError("topic alerts is missing"),
        None,
    ]

    def check(*_: object) -> None:
        if refusal := refusals.pop(0):
            raise refusal

    monkeypatch.setattr("stream.access.check", check)
    monkeypatch.setattr("stream.scorer.RETURN_SECONDS", 0.0)
    client = Client([[record(0, 7)], [record(0, 8)], [record(0, 7)]])
    run(scorer, client, [False, True])
    assert refusals == []
    assert scorer.state.judged == 1
