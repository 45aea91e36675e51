"""Worker processes, and a supervisor that starts again what ended, as an operator's platform would."""

import os
import signal
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from stream.guard import Child, guarded
from tests.bench.processes import memory_mb, tree
from tests.chaos.cluster import quiet_port

TEND_SECONDS = 0.5
STOP_SECONDS = 30.0
ALIVE_SECONDS = 60.0  # of a Python process to be seen under its guard, on a busy machine


@dataclass
class Life:
    """One process of a worker, from its start to its end."""

    name: str
    child: Child
    begun: float
    port: int
    pid: int = 0
    ended: float | None = None
    code: int | None = None
    asked: bool = False
    """Whether we ended it."""
    lines: list[Mapping[str, Any]] = field(default_factory=list)
    """What it logged, once it has ended."""

    def log(self) -> list[Mapping[str, Any]]:
        """What it has logged so far: its JSON lines, those that are whole."""
        return self.lines if self.lines or self.ended else logged(self.child)

    def memory_mb(self, what: str = "VmRSS") -> float:
        return memory_mb([self.pid], what)


def page(port: int, path: str) -> int:
    """The status of a worker's page; 0 if nobody answers."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def logged(child: Child) -> list[Mapping[str, Any]]:
    """The JSON lines of a process's output; `at` is their time since the epoch."""
    descriptor = child.log.fileno()
    found: list[Mapping[str, Any]] = []
    for line in os.pread(descriptor, os.fstat(descriptor).st_size, 0).split(b"\n"):
        try:
            told = msgspec.json.decode(line, type=dict[str, Any])
        except msgspec.DecodeError:
            told = {"event": line.decode(errors="replace").strip()} if line.strip() else {}
        if told:
            stamp = told.get("timestamp")
            found.append({**told, "at": datetime.fromisoformat(stamp).timestamp() if isinstance(stamp, str) else None})
    return found


class Fleet:
    """Workers by name. What is not held frozen and was not removed is started again when it ends."""

    def __init__(self, environment: Mapping[str, str], mutant: str = "") -> None:
        self._environment, self._mutant = environment, mutant
        self.lives: list[Life] = []
        self._stacks: dict[str, ExitStack] = {}
        self._present: dict[str, Life] = {}
        self._lock = threading.RLock()
        self._stopping = threading.Event()
        self._number = 0

    @property
    def names(self) -> list[str]:
        """The workers that should be there."""
        with self._lock:
            return sorted(self._present)

    def present(self, name: str) -> Life:
        """The process of a worker."""
        with self._lock:
            return self._present[name]

    def add(self) -> str:
        """Start a further worker; returns its name."""
        with self._lock:
            self._number += 1
            name = f"w{self._number}"
            self._start(name)
            return name

    def kill(self, name: str) -> None:
        """`kill -9`; the supervisor starts it again."""
        self.signal(name, signal.SIGKILL)

    def signal(self, name: str, number: signal.Signals) -> None:
        """Send a signal to a worker's process."""
        with self._lock:
            life = self._present[name]
            life.asked |= number in (signal.SIGKILL, signal.SIGTERM)
            os.kill(life.pid, number)

    def remove(self, name: str) -> int:
        """SIGTERM, and not started again; returns the exit code."""
        with self._lock:
            life = self._present.pop(name)
        life.asked = True
        os.kill(life.pid, signal.SIGTERM)
        try:
            life.child.process.wait(STOP_SECONDS)
        finally:
            self._bury(life)
        return life.code if life.code is not None else -1

    def supervise(self) -> None:
        """Start again what has ended, until stopped; a thread's work."""
        while not self._stopping.wait(TEND_SECONDS):
            with self._lock:
                for name, life in list(self._present.items()):
                    if life.child.dead():
                        self._bury(life)
                        self._start(name)

    def _start(self, name: str) -> None:
        arguments, environment, port = command(self._environment, name, self._mutant)
        stack = ExitStack()
        child = stack.enter_context(guarded(arguments, environment))
        life = Life(name, child, time.time(), port)
        life.pid = _below(child)
        self._stacks[name], self._present[name] = stack, life
        self.lives.append(life)

    def _bury(self, life: Life) -> None:
        life.code, life.ended = life.child.process.poll(), time.time()
        life.lines = logged(life.child)
        self._stacks.pop(life.name).close()

    def calm(self, seconds: float, patience: float) -> bool:
        """Wait until all workers have said for so many seconds in a row that they live; False if that is not so in time.

        That a call of librdkafka's hangs shows on /healthz only after SCAMSIEVE_STALL_SECONDS.
        """
        deadline = time.monotonic() + patience
        since = time.monotonic()
        while time.monotonic() < deadline:
            with self._lock:
                ports = [life.port for life in self._present.values()]
            if any(page(port, "/healthz") != 200 for port in ports):
                since = time.monotonic()
            if time.monotonic() - since >= seconds:
                return True
            time.sleep(TEND_SECONDS)
        return False

    def stop(self) -> dict[str, int]:
        """End all with SIGTERM; returns their exit codes."""
        self._stopping.set()
        return {name: self.remove(name) for name in self.names}

    def end(self) -> None:
        """End all by force."""
        self._stopping.set()
        with self._lock:
            for stack in self._stacks.values():
                stack.close()


def command(told: Mapping[str, str], name: str, mutant: str = "") -> tuple[list[str], dict[str, str], int]:
    """How a worker of this name is started, in which environment, and the port of its pages."""
    port = quiet_port()
    variables = {f"SCAMSIEVE_{key}": value for key, value in {**told, "INSTANCE": name, "WEB_PORT": str(port)}.items()}
    module = ["tests.chaos.mutants", mutant] if mutant else ["stream.cli", "worker"]
    return [sys.executable, "-m", *module], {**os.environ, **variables}, port


@contextmanager
def fleet(environment: Mapping[str, str], workers: int, mutant: str = "") -> Iterator[Fleet]:
    """So many supervised workers while the block runs; each variable without its prefix."""
    made = Fleet(environment, mutant)
    supervisor = threading.Thread(target=made.supervise, name="supervisor", daemon=True)
    try:
        for _ in range(workers):
            made.add()
        supervisor.start()
        yield made
    finally:
        made.end()


def _below(child: Child) -> int:
    """The process that a guard has started."""
    deadline = time.monotonic() + ALIVE_SECONDS
    while time.monotonic() < deadline:
        if len(found := tree(child.process.pid)) > 1:
            return found[1]
        time.sleep(0.02)
    raise TimeoutError(f"the guard started nothing:\n{child.last_lines()}")
