"""A log line is one line, whatever is in it; and logging is never what stops a worker."""

import errno
import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Literal

import pytest
import structlog

from stream import logs

HOSTILE = 'x\n{"event": "forged", "level": "info"}\r\x1b[2K\u2028\u0085\x00'


class Full(io.StringIO):
    """A stream on a full disk."""

    def write(self, _text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Afterwards logging is as it was."""
    root = logging.getLogger()
    handlers, level, told = root.handlers[:], root.level, structlog.get_config()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**told)


@pytest.mark.parametrize("form", ["json", "console"])
def test_nothing_that_is_logged_begins_a_line_of_its_own(form: Literal["json", "console"], capfd: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", form)
    logs.log.warning("something", why=HOSTILE, topic=HOSTILE)
    shown = capfd.readouterr().err
    (line,) = shown.rstrip("\n").split("\n")
    assert "\r" not in line
    assert "\x00" not in line
    assert "\x1b[2K" not in line


def test_a_json_line_gives_back_what_was_logged(capfd: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")
    logs.log.warning("something", why=HOSTILE)
    assert json.loads(capfd.readouterr().err)["why"] == HOSTILE


def test_a_full_disk_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Full())
    logs.configure()
    logs.log.info("said to nobody")
    logging.getLogger("somebody").warning("said to nobody")
