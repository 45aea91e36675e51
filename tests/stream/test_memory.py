import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
GROWTH = 32 << 10  # kilobytes; what one batch takes

CODE = f"""
import resource, sys
from stream import memory
from stream.lines import blocks
from stream.policy import Policy
from stream.model import open_model
from stream.score import score

memory.keep_freed_pages()
model = open_model(sys.argv[1])
memory.collect_seldom()
block = b'{{"text":"Free loan, click bit.ly/x1 now"}}\\n' * 2000
peaks = []

def read(_):
    peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return block if len(peaks) <= 20 else b""

score(model, Policy(), read, lambda _: None)
grown = peaks[-1] - peaks[3]
assert grown < {GROWTH}, f"memory grew by {{grown}} kB between the third batch and the twentieth"
"""


def test_memory_does_not_grow_with_the_input(model_folder: Path) -> None:
    """The allocator and the collector, set up for speed, give back what a batch took."""
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(model_folder)], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
