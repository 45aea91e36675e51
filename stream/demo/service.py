"""The demo's worker: the real one, in a process of its own, with a key made for this run."""

import base64
import os
import secrets
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError

import msgspec

from stream.broker import LOOPBACK, free_port
from stream.errors import ScamSieveError
from stream.guard import Child, guarded
from stream.settings import PREFIX, Settings

READY_SECONDS = 60.0  # it takes 5 s: 2 to start, 3 to join the group; a slow machine takes longer
ASK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Service:
    """A running worker and where its pages are."""

    child: Child
    pages: str

    def status(self) -> dict[str, Any]:
        """The page /status. Raises ScamSieveError if the worker has ended."""
        try:
            return dict(msgspec.json.decode(self._get("/status")))
        except (URLError, OSError) as error:
            self.check()
            raise ScamSieveError(f"the worker's page {self.pages}/status does not answer: {error}") from None

    def check(self) -> None:
        """Raise ScamSieveError if the worker has ended."""
        if self.child.dead():
            raise ScamSieveError(f"the worker has ended; its last lines:\n{self.child.last_lines()}")

    def await_ready(self, tell: Callable[[str], None]) -> None:
        """Wait until it has joined its groups; `tell` hears what it waits for."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            self.check()
            try:
                self._get("/readyz")
                return
            except HTTPError as error:
                waiting = msgspec.json.decode(error.read()).get("waiting", {})
                tell("; ".join(f"{role}: {why}" for role, why in waiting.items()))
            except (URLError, OSError):
                tell("loading the model")
            time.sleep(0.1)
        raise ScamSieveError(f"the worker was not ready within {READY_SECONDS:g} s; its last lines:\n{self.child.last_lines()}")

    def _get(self, page: str) -> bytes:
        with urllib.request.urlopen(self.pages + page, timeout=ASK_SECONDS) as answer:  # noqa: S310 our own loopback address
            return bytes(answer.read())


@contextmanager
def service(settings: Settings, operators: list[str]) -> Iterator[Service]:
    """Run a worker with these settings while the block runs. It has a web port, a key and a policy of its own."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="scamsieve-demo-") as name:
        key, policy = Path(name) / "pseudonym.key", Path(name) / "policy.toml"
        key.write_bytes(base64.b64encode(secrets.token_bytes(32)))
        policy.write_text(f"operators = {operators}\n", encoding="utf-8")
        own = {"web_host": LOOPBACK, "web_port": port, "pseudonym_key_file": key, "policy": policy}
        with guarded([sys.executable, "-m", "stream.cli", "worker"], environment(settings, own)) as child:
            yield Service(child, f"http://{LOOPBACK}:{port}")


def environment(settings: Settings, own: Mapping[str, object]) -> dict[str, str]:
    """The environment of this process, with all settings as variables; those of `own` come first."""
    values = msgspec.to_builtins(settings) | dict(own)
    others = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    return others | {PREFIX + name.upper(): str(value) for name, value in values.items()}
