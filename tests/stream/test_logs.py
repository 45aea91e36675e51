"""Logging must never be what stops a worker."""

import errno
import io
import logging
import sys
from collections.abc import Iterator

import pytest
import structlog

from stream import logs


class Full(io.StringIO):
    """A stream on a full disk."""

    def write(self, _text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def restored() -> Iterator[None]:
    """The configuration of before."""
    handlers, level, told = logging.root.handlers[:], logging.root.level, structlog.get_config()
    yield
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    structlog.configure(**told)


def test_a_full_disk_stops_nobody(monkeypatch: pytest.MonkeyPatch, restored: None) -> None:
    monkeypatch.setattr(sys, "stderr", Full())
    logs.configure()
    logs.log.info("said to nobody")
    logging.getLogger("somebody").warning("said to nobody")


def test_what_is_logged_is_one_json_object_a_line(capsys: pytest.CaptureFixture[str], restored: None) -> None:
    logs.configure()
    logs.log.info("said", number=1)
    assert '"event": "said"' in capsys.readouterr().err
