"""One run of one contender: topics and a group of its own, its process, and the way it is told its task."""

import os
import re
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from stream.broker import LOOPBACK, free_port
from stream.guard import Child, guarded
from tests.bench import brokers, processes
from tests.bench.brokers import Committed
from tests.bench.pipelines import Scorer
from tests.bench.roster import Contender

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Task:
    """What a run is about: which contender, by which Python, with what scorer (none for ScamSieve's own), in what batches."""

    contender: Contender
    python: str
    scorer: Scorer | None
    batch: int
    processes: int = 1


@dataclass(frozen=True, slots=True)
class Running:
    """A contender that runs."""

    children: list[Child]
    committed: Committed
    alert_topic: str

    def dead(self) -> bool:
        """Whether any of its processes has ended; none should."""
        return any(child.dead() for child in self.children)

    def stop(self) -> None:
        """End it at once, and leave its topics for a while."""
        for process in self.tree():
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def last_line(self) -> str:
        """What it said last; an error if there is one."""
        ended = next((child for child in self.children if child.dead()), self.children[0])
        said = [line for line in (_CONTROL.sub("", line).strip() for line in ended.last_lines(30).split("\n")) if line]
        return next((line for line in reversed(said) if "Error" in line), said[-1] if said else "nothing")[:300]

    def tree(self) -> list[int]:
        """Its processes, without the guards that end them with us."""
        return [process for child in self.children for process in processes.tree(child.process.pid)[1:]]


@contextmanager
def running(address: str, topic: str, task: Task) -> Iterator[Running]:
    """Run a contender on a topic from its beginning, in a fresh group, as long as the block runs."""
    name = f"{task.contender.name}-{next(_numbers)}"
    made = f"{name}-alerts", f"{name}-dead-letters"
    brokers.create(address, *((one, 1) for one in made))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="scamsieve-bench-")))
        committed = Committed(address, name, topic)
        stack.callback(committed.close)
        told = {**_clean(), **_as_settings(address, topic, name, task, folder), **_as_task(address, topic, name, task, folder)}
        command = [task.python, *task.contender.command]
        if "faust" in task.contender.command[0]:
            command.extend(["worker", "-l", "error", "--without-web"])
        children = []
        for number in range(task.processes):
            own = {"SCAMSIEVE_INSTANCE": f"{name}-{number}", "SCAMSIEVE_WEB_PORT": str(free_port())} if _ours(task) else {}
            children.append(stack.enter_context(guarded(command, {**told, **own})))
            time.sleep(0.1 if task.processes > 1 else 0)
        yield Running(children, committed, made[0])
    brokers.delete(address, *made)


def _ours(task: Task) -> bool:
    return not task.contender.packages


def _clean() -> dict[str, str]:
    """This environment without settings of ScamSieve and of this Python."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SCAMSIEVE_", "PYTHON", "VIRTUAL_ENV"))}
    return {**kept, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}


def _as_settings(address: str, topic: str, name: str, task: Task, folder: Path) -> dict[str, str]:
    """The task as ScamSieve's settings."""
    if not _ours(task):
        return {}
    key = folder / "pseudonym.key"
    key.write_bytes(b"bench" * 8)
    settings = {
        "BROKERS": address,
        "MESSAGE_TOPIC": topic,
        "ALERT_TOPIC": f"{name}-alerts",
        "DEAD_LETTER_TOPIC": f"{name}-dead-letters",
        "GROUP": name,
        "BATCH_SIZE": str(task.batch),
        "PSEUDONYM_KEY_FILE": str(key),
        "SESSION_TIMEOUT_SECONDS": "6",
        "POLL_INTERVAL_SECONDS": "10",
        "WEB_HOST": LOOPBACK,
        "LOG_LEVEL": "warning",
        **task.contender.settings,
    }
    return {f"SCAMSIEVE_{key}": value for key, value in settings.items()}


def _as_task(address: str, topic: str, name: str, task: Task, folder: Path) -> dict[str, str]:
    """The task as the other contenders read it."""
    if task.scorer is None:
        return {}
    return {
        "BENCH_BROKERS": address,
        "BENCH_TOPIC": topic,
        "BENCH_ALERTS": f"{name}-alerts",
        "BENCH_GROUP": name,
        "BENCH_FOLDER": str(folder),
        "BENCH_BATCH": str(task.batch),
        "BENCH_PIPELINE": str(task.scorer.path),
        "BENCH_THRESHOLD": repr(task.scorer.threshold),
    }
