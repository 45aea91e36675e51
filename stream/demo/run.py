"""The demo, step by step."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.live import Live

from stream import admin
from stream.broker import embedded_broker
from stream.demo import screen
from stream.demo.material import messages, samples
from stream.demo.screen import Now
from stream.demo.service import Service, service
from stream.demo.watch import Outcome, send, watch
from stream.policy import Policy
from stream.settings import Settings
from stream.tail import card

PARTITIONS = 4
LOOK_SECONDS = 0.2  # between two looks at what has come
PLAIN_SECONDS = 5.0  # between two lines where there is no terminal
PATIENCE_SECONDS = 30.0  # without anything new, before what is missing is given up
INCOMPLETE = 1  # exit code


def run(count: int = 0, rate: float = 75.0, model: str = "", stay: bool = False, svg: Path | None = None) -> int:
    """Broker, topics, worker, feed; shows what comes of it. Returns the exit code: 0 if every record is accounted for."""
    console = Console(highlight=False, soft_wrap=True)
    told = samples(count)
    outcome = Outcome({sample.identity: sample for sample in told})
    with _steps(console) as step:
        step("starting the embedded broker")
        with embedded_broker() as bootstrap:
            # Short timeouts: the embedded broker lets a group wait that long before it begins.
            settings = Settings(brokers=bootstrap, model=model, session_timeout_seconds=6, poll_interval_seconds=10, log_format="console")
            step("creating the topics")
            admin.create(settings, Policy(), PARTITIONS, 1, lambda _: None)
            step("starting the worker")
