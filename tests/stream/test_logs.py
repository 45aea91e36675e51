"""A log line is one line, whatever is in it."""

import json
import logging
from collections.abc import Iterator
from typing import Literal

import pytest
import structlog

from stream import logs

HOSTILE = 'x\n{"event": "forged", "level": "info"}\r\x1b[2K\u2028\u0085\x00'


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Afterwards logging is as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


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
