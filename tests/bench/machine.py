"""The machine that the figures are of, and how fast it is at the moment: a virtual one may swing by a factor of nearly two."""

import os
import platform
import re
import time
from importlib.metadata import version
from pathlib import Path

LOOP_STEPS = 1_000_000
SOFTWARE = ("confluent-kafka", "faust-streaming", "numpy", "scikit-learn")


class Calibration:
    """Milliseconds of a loop of a million steps in plain Python, taken now and then during the run."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    def take(self) -> float:
        """Take it once more; returns it."""
        begin = time.perf_counter()
        total = 0
        for i in range(LOOP_STEPS):
            total += i
        self.taken.append((time.perf_counter() - begin) * 1000)
        return self.taken[-1]

    @property
    def line(self) -> str:
        """It as a sentence."""
        return f"a loop of a million steps in Python took {min(self.taken):.0f} to {max(self.taken):.0f} ms over the run"


def machine() -> dict[str, str | int]:
    """Processor, cores, memory, kernel and versions."""
    return {
        "processor": _line("/proc/cpuinfo", r"model name\s*:\s*(.+)") or platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_mb": int(_line("/proc/meminfo", r"MemTotal:\s*(\d+)") or 0) // 1024,
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        **{name: version(name) for name in SOFTWARE},
    }


def _line(path: str, pattern: str) -> str:
    try:
        found = re.search(pattern, Path(path).read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return ""
    return found.group(1).strip() if found else ""
