"""`scamsieve demo`, whole: it starts a broker and a worker of its own."""

import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stream.cli import INTERRUPTED
from stream.demo.material import malformed

ROOT = Path(__file__).parents[2]
MESSAGES = 150


@contextmanager
def demo(*arguments: str) -> Iterator["subprocess.Popen[str]"]:
    """A running demo; killed at the end, should it still run."""
    command = [sys.executable, "-u", "-m", "stream.cli", "demo", "--messages", str(MESSAGES), "--rate", "500", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def lines(process: "subprocess.Popen[str]", last: str) -> list[str]:
    """What it prints up to a line that holds `last`."""
    assert process.stdout
    told = []
    for line in process.stdout:
        told.append(line)
        if last in line:
            break
    return told


def descendants(root: int) -> set[int]:
    """The processes that descend from one (Linux)."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1])
        except OSError:
            continue  # it has ended meanwhile
    found, new = set[int](), {root}
    while new:
        new = {child for child, parent in parents.items() if parent in new}
        found |= new
    return found


def await_end(processes: set[int]) -> bool:
    """Whether they all end soon."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if not any(Path(f"/proc/{number}").exists() for number in processes):
            return True
        time.sleep(0.05)
    return False


def test_the_demo_accounts_for_every_record_and_stays_up(tmp_path: Path) -> None:
    """Every message judged, every malformed record a dead letter with its code; the pages up until Ctrl-C; nothing left behind."""
    with demo("--stay", "--svg", str(tmp_path / "demo.svg")) as process:
        told = lines(process, "Ctrl-C ends it all")
        whole = "".join(told)
        assert f"{MESSAGES} of {MESSAGES} messages were judged" in whole, whole + process.communicate()[1]
        assert f"{len(malformed())} of {len(malformed())} malformed records became dead letters" in whole
        assert "because: " in whole
        assert "Found against what is known" in whole
        assert "\x1b" not in whole, "no terminal, no escape codes"
        pages = [line.strip() for line in told if line.strip().startswith("http://127.0.0.1:")]
        for page in pages:
            with urllib.request.urlopen(page, timeout=10) as answer:
                assert answer.status == 200
        assert len(pages) == 4
        assert (tmp_path / "demo.svg").read_text(encoding="utf-8").startswith("<svg")
        started = descendants(process.pid)
        assert len(started) >= 4, "broker and worker, each with its guard"
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert process.stderr
        assert process.stderr.read() == ""
        assert await_end(started)


def test_ctrl_c_ends_everything_without_a_traceback() -> None:
    with demo() as process:
        lines(process, "starting the worker")
        time.sleep(1)
        started = descendants(process.pid)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == INTERRUPTED
        assert process.stderr
        assert process.stderr.read() == ""
        assert await_end(started)


def test_a_model_that_is_missing_ends_the_demo_with_the_workers_own_words() -> None:
    with demo("--model", "9.9.9") as process:
        _, told = process.communicate(timeout=60)
        assert process.returncode == 2
        assert "no released model 9.9.9" in told
        assert "Traceback" not in told
