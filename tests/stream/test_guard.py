"""A guarded child ends with its parent, however the parent ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from stream.guard import Child, guarded

PATIENCE_SECONDS = 20.0
SLEEPER = [sys.executable, "-c", "import os, time; print('first\\n\\n' + str(os.getpid()), flush=True); time.sleep(600)"]
PARENT = f"""
import time
from stream.guard import guarded
with guarded({SLEEPER!r}) as child:
    while not child.last_lines(1).strip().isdigit():
        time.sleep(0.01)
    print(child.last_lines(1), flush=True)
    time.sleep(600)
"""


def eventually(condition: Callable[[], bool]) -> bool:
    """Whether it comes true in reasonable time."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def lives(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


def sleeper_of(child: Child) -> int:
    """The process id that the sleeper printed."""
    assert eventually(lambda: child.last_lines(1).strip().isdigit())
    return int(child.last_lines(1))


def test_the_child_ends_with_the_block() -> None:
    with guarded(SLEEPER) as child:
        sleeper = sleeper_of(child)
        assert lives(sleeper)
        assert not child.dead()
    assert child.dead()
    assert not lives(sleeper)


def test_the_child_ends_when_the_block_raises() -> None:
    with pytest.raises(RuntimeError) as told, guarded(SLEEPER) as child:
        raise RuntimeError(sleeper_of(child))
    assert not lives(told.value.args[0])


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_child_ends_with_a_parent_that_a_signal_ends(ending: signal.Signals) -> None:
    """Nobody sweeps up after a killed parent; the guard notices."""
    command = [sys.executable, "-c", PARENT]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=Path(__file__).parents[2]) as parent:
        assert parent.stdout is not None
        sleeper = int(parent.stdout.readline())
        assert lives(sleeper)
        parent.send_signal(ending)
    assert eventually(lambda: not lives(sleeper))


def test_the_child_ends_with_a_terminated_guard() -> None:
    with guarded(SLEEPER) as child:
        sleeper = sleeper_of(child)
        child.process.terminate()
        assert eventually(child.dead)
        assert not lives(sleeper)


def test_a_child_that_ends_by_itself_is_dead_and_its_last_words_are_kept() -> None:
    with guarded([sys.executable, "-c", "print('one\\n\\ntwo\\nthree'); raise SystemExit(3)"]) as child:
        assert eventually(child.dead)
        assert child.process.returncode == 3
        assert child.last_lines(2) == "    two\n    three"


def test_a_silent_child_is_said_to_be_silent() -> None:
    with guarded([sys.executable, "-c", ""]) as child:
        assert eventually(child.dead)
        assert child.last_lines() == "    (it printed nothing)"


def test_a_command_that_does_not_exist_is_a_dead_child_that_says_so() -> None:
    with guarded(["/nowhere/at-all"]) as child:
        assert eventually(child.dead)
        assert "/nowhere/at-all" in child.last_lines()


def test_the_child_gets_the_environment_that_it_is_given() -> None:
    with guarded([sys.executable, "-c", "import os; print(os.environ['COLOUR'])"], {"COLOUR": "blue"}) as child:
        assert eventually(child.dead)
        assert child.last_lines() == "    blue"
