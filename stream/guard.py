"""A child process that ends with its parent, whichever way the parent ends.

The child is started by a small guard: this file, run as a script. The guard waits on a pipe that the parent holds; when the
parent ends, be it by `kill -9`, the operating system closes the pipe, and the guard ends the child. Unlike PR_SET_PDEATHSIG this
works on every POSIX system and from any thread, and needs no code between fork and exec.

Child and guard are in a session of their own: Ctrl-C reaches the parent alone, which may still need the child to end well.
"""

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO

STOP_SECONDS = 10.0  # the guard kills its child, it does not ask: 0.02 s on an idle machine
TAIL_BYTES = 4000


@dataclass(frozen=True, slots=True)
class Child:
    """A running command: its guard's process, and what it printed (stdout and stderr)."""

    process: subprocess.Popen[bytes]
    log: IO[bytes]

    def dead(self) -> bool:
        """Whether the command has ended."""
        return self.process.poll() is not None

    def last_lines(self, count: int = 5) -> str:
        """The last lines that the command printed, indented to stand under an error message."""
        # By pread: the file's position is shared with the command, which goes on writing.
        size = os.fstat(self.log.fileno()).st_size
        tail = os.pread(self.log.fileno(), TAIL_BYTES, max(0, size - TAIL_BYTES)).decode(errors="replace")
        lines = [line for line in tail.split("\n") if line.strip()][-count:]
        return "\n".join("    " + line for line in lines) or "    (it printed nothing)"


@contextmanager
def guarded(command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> Iterator[Child]:
    """Run a command until the block, or this process, ends. Raises OSError if there is no room for its log."""
    guard = [sys.executable, "-I", "-S", __file__, *map(str, command)]
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(  # noqa: S603 - a list, never a shell
            guard, stdin=subprocess.PIPE, stdout=log, stderr=log, env=environment, start_new_session=True
        )
        try:
            yield Child(process, log)
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Tell the guard to end its child, and wait for both."""
    try:
        # A byte, not only the closed pipe: a fork of this process may hold the pipe open.
        process.communicate(b"\n", STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _guard(command: Sequence[str]) -> int:
    """Run the command; end it when standard input gives a byte or ends. Returns the command's exit code."""
    try:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603 - a list, never a shell
    except OSError as error:
        print(error, file=sys.stderr)
        return 127

    def end_child(_signal: int = 0, _frame: FrameType | None = None) -> None:
        child.kill()

    def wait_for_parent() -> None:
        os.read(sys.stdin.fileno(), 1)  # not sys.stdin.read, which would hold a lock that Python wants at its exit
        end_child()

    signal.signal(signal.SIGTERM, end_child)
    threading.Thread(target=wait_for_parent, daemon=True).start()
    return child.wait()


if __name__ == "__main__":
    sys.exit(_guard(sys.argv[1:]))
