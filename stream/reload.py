"""The policy file, followed while the worker runs: what is right is taken, what is wrong is refused and the old one stays.

The content is compared, not the time of change: Kubernetes swaps a mounted file by renaming a link, and a restored file can
be older than the one before it.
"""

import threading
from collections.abc import Callable
from pathlib import Path

from stream import policy
from stream.errors import PolicyError
from stream.logs import log
from stream.metrics import Metrics
from stream.policy import Policy

POLL_SECONDS = 2.0


class PolicyFile:
    """The policy in force, and the file it comes from; without a path, the one without rules for ever."""

    def __init__(self, path: str) -> None:
        """Read the file for the first time. Raises PolicyError."""
        self.path = path
        self._content = self._read()
        self.current: Policy = policy.read(path)

    def label(self, operator: str) -> str:
        """The operator as the policy in force labels it."""
        return self.current.label(operator)

    def poll(self, metrics: Metrics) -> Policy | None:
        """The new policy, if the file has changed and is right. A wrong one is told once, and counted."""
        content = self._read()
        if content == self._content:
            return None
        self._content = content
        try:
            self.current = policy.read(self.path)
        except PolicyError as error:
            metrics.reloads.labels("refused").inc()
            log.error("policy refused, the old one stays", code=error.code, why=str(error))
            return None
        metrics.reloads.labels("taken").inc()
        log.info("policy taken", path=self.path, thresholds=len(self.current.threshold), operators=self.current.operators)
        return self.current

    def _read(self) -> bytes | None:
        """The bytes of the file; None where there is none that can be read."""
        try:
            return Path(self.path).read_bytes() if self.path else None
        except OSError:
            return None


class Every:
    """A call made every so many seconds, in a thread of its own (`run`), until it is told to stop.

    Models are followed so: reading one takes longer than the worker's event loop may stand still.
    """

    def __init__(self, seconds: float, call: Callable[[], None]) -> None:
        self._seconds, self._call = seconds, call
        self._stopping = threading.Event()

    def run(self) -> None:
        """Call, until stopped."""
        while not self._stopping.wait(self._seconds):
            self._call()

    def stop(self) -> None:
        """End after the call at hand."""
        self._stopping.set()
