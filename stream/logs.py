"""Structured logs: one event a line, JSON for machines or coloured for people. Events never carry text or numbers of messages."""

import logging
import sys
from contextlib import suppress
from typing import Literal, TextIO, cast

import structlog


class _Forgiving:
    """A stream whose refusals are forgiven: a full disk, or a reader that is gone, or a stream that was closed, must not stop judging."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, or lose the text."""
        with suppress(OSError, ValueError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, or lose what was not yet written."""
        with suppress(OSError, ValueError):
            self._stream.flush()


def configure(level: str = "info", form: Literal["json", "console"] = "json") -> None:
    """Send structlog's events, and what libraries log, to standard error."""
    least = getattr(logging, level.upper())
    shared: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = structlog.processors.JSONRenderer() if form == "json" else structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, _Forgiving(sys.stderr))),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(_Forgiving(sys.stderr))
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=[*shared, structlog.processors.format_exc_info])
    )
    logging.basicConfig(level=max(least, logging.WARNING), handlers=[handler], force=True)


log: structlog.typing.FilteringBoundLogger = structlog.get_logger("scamsieve")
