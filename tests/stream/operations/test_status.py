"""Who answers what, and what is made of it; a real worker answers in tests/integration/test_operations.py."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import msgspec
import pytest
from confluent_kafka import KafkaError, KafkaException
from rich.console import Console

from stream import group
from stream.errors import SettingsError
from stream.group import Behind
from stream.operations import status
from stream.operations.status import Group, Worker, ask, report
from stream.settings import Settings

STATUS = {
    "software": "1.0",
    "instance": "w-1",
    "roles": ["scorer"],
    "group": "scamsieve",
    "model": {"version": "0.2.0", "sha256": "ab" * 32},
    "policy": {"whatever": "more"},
    "scorer": {"partitions": [0, 1, 2, 5], "judged": 1234, "alerts": 5, "dead_letters": 0, "joined": True},
}
GOOD = {"/healthz": {"live": True}, "/readyz": {"ready": True}, "/status": STATUS}


@pytest.fixture
def answers() -> dict[str, Any]:
    """What the pages answer; a test may change it."""
    return dict(GOOD)


@pytest.fixture
def address(answers: dict[str, Any]) -> Iterator[str]:
    """A server of these pages."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            told = answers[self.path]
            self.wfile.write(told if isinstance(told, bytes) else json.dumps(told).encode())

        def log_message(self, *_: object) -> None:
            """Nothing to say."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class Closed:
    def close(self) -> None:
        """Closed already."""


@pytest.fixture(autouse=True)
def lag(monkeypatch: pytest.MonkeyPatch) -> dict[int, Behind]:
    """The group's lag, as a broker would tell it."""
    found = {0: Behind(5, 0.5), 1: Behind(0, 0.0)}
    monkeypatch.setattr(group, "outsider", lambda _: Closed())
    monkeypatch.setattr(group, "behind", lambda _consumer, _topic, _seconds: found)
    return found


def of(address: str) -> Worker:
    host, _, port = address.partition(":")
    return ask(host, int(port), 5)


def test_a_good_worker_and_a_group_that_keeps_up_are_healthy(address: str) -> None:
    told = report(Settings(), [address, f"http://{address}/"], 5, 60)
    assert told.healthy
    assert [(worker.address, worker.trouble) for worker in told.workers] == [(address, "")] * 2
    assert told.group == Group("scamsieve", "", 5, 0.5, 2)
    assert told.notes == []


@pytest.mark.parametrize(
    ("page", "answer", "trouble"),
    [
        ("/healthz", {"live": False, "stalled_seconds": {"scorer": 31.5}}, "not live: scorer 31.5 s"),
        ("/readyz", {"ready": False, "waiting": {"scorer": "no broker answers"}}, "not ready: scorer: no broker answers"),
        ("/status", {"software": 1}, "answers, but not as a ScamSieve worker does"),
        ("/healthz", b"<html>", "answers, but not as a ScamSieve worker does"),
        ("/healthz", b"[" * 2_000_000, "answers, but not as a ScamSieve worker does"),
    ],
)
def test_what_is_wrong_with_a_worker(page: str, answer: Any, trouble: str, answers: dict[str, Any], address: str) -> None:
    answers[page] = answer
    assert of(address).trouble == trouble
    assert not report(Settings(), [address], 5, 60).healthy


def test_nobody_there_is_trouble() -> None:
    assert of("127.0.0.1:1").trouble == "does not answer: Connection refused"


def test_a_group_that_is_behind_is_trouble(lag: dict[int, Behind]) -> None:
    lag[1] = Behind(1000, 61.0)
    told = report(Settings(), [], 5, 60)
    assert not told.healthy
    assert (told.group.messages, told.group.trouble) == (1005, "the oldest unread message is 61 s old, more than 60 s")


def test_a_broker_that_is_away_and_a_topic_that_is_missing_are_trouble(lag: dict[int, Behind], monkeypatch: pytest.MonkeyPatch) -> None:
    lag.clear()
    assert "scam.messages is missing" in report(Settings(), [], 5, 60).group.trouble

    def away(*_: object) -> None:
        raise KafkaException(KafkaError(KafkaError._TRANSPORT))

    monkeypatch.setattr(group, "behind", away)
    assert "cannot be read" in report(Settings(), [], 5, 60).group.trouble


def test_workers_that_differ_are_noted() -> None:
    def worker(**changes: Any) -> Worker:
        return Worker("a", "", msgspec.convert({**STATUS, **changes}, status.Status))

    other = worker(model={"version": "0.3.0", "sha256": "cd" * 32}, software="2.0", group="other")
    told = status.notes([worker(), other, Worker("b", "does not answer")], "scamsieve")
    assert told == [
        "the workers judge by 2 models: 0.2.0 (abababab), 0.3.0 (cdcdcdcd)",
        "the workers run 2 releases: 1.0, 2.0",
        "some workers are of other groups than scamsieve: other",
    ]


@pytest.mark.parametrize("address", ["", "https://a", "a:b", "a/b", "a:99999999", "http://[::1"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(SettingsError, match="no address of a worker"):
        report(Settings(), [address], 5, 60)


def test_the_table_shows_no_control_characters_and_obeys_no_markup(address: str, answers: dict[str, Any]) -> None:
    answers["/status"] = {**STATUS, "instance": "[red]w[/red]\x1b[31m\u202e"}
    console = Console(width=200)
    with console.capture() as shown:
        console.print(status.table(report(Settings(), [address], 5, 60)))
    assert "[red]w[/red][31m" in shown.get()
    assert "0-2, 5" in shown.get()
    assert "1,234" in shown.get()
    assert "5 messages behind, the oldest 0.5 s old" in shown.get()
    assert "\u202e" not in shown.get()
