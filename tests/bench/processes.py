"""A contender's process tree as /proc shows it: CPU time and memory, without asking the contender."""

import os
from collections import defaultdict
from pathlib import Path

PROC = Path("/proc")
_TICK = os.sysconf("SC_CLK_TCK")


def tree(root: int) -> list[int]:
    """A process and all its descendants that live."""
    children: dict[int, list[int]] = defaultdict(list)
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            children[int(fields[1])].append(int(entry.name))
    found = [root]
    for process in found:
        found.extend(children[process])
    return found


def cpu_seconds(processes: list[int]) -> float:
    """User and system time so far, with that of ended children."""
    return sum(sum(map(int, fields[11:15])) for process in processes if (fields := _stat(process))) / _TICK


def memory_mb(processes: list[int], field: str = "VmHWM") -> float:
    """Memory: VmHWM is the most so far, VmRSS the present."""
    total = 0
    for process in processes:
        try:
            status = (PROC / str(process) / "status").read_text(encoding="ascii", errors="replace")
        except OSError:
            continue
        total += next((int(line.split()[1]) for line in status.split("\n") if line.startswith(field + ":")), 0)
    return total / 1024


def _stat(process: int) -> list[str]:
    """The fields of /proc/PID/stat behind the command's name, from the state on; empty if the process is gone."""
    try:
        return (PROC / str(process) / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return []
