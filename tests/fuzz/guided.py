"""The coverage-guided part: libFuzzer (by atheris) looks for inputs that reach further into our code. Runs in a process of its own.

What it has found interesting stays in build/fuzz/corpus; an input that breaks a promise is written beside it.
"""

import json
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["models", "stream"]):
    from tests.fuzz import target
    from tests.fuzz.mutants import HOSTILE, records

SEEDS = 400
SLOWEST_SECONDS = 10  # of one input of at most LONGEST bytes; the machine may be busy
LONGEST = 4096
INPUTS = 10_000
"""Of one process. Of arrays that instrumented code compares, atheris lets none go: some 160 KB a text, and none without instruments."""


def run(folder: Path, seconds: int) -> None:
    """Fuzz for so many seconds, or INPUTS; ends the process, with another code than 0 if something was found."""
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, value in enumerate(records(SEEDS, seed=1)):
        if value is not None and len(value) <= LONGEST:
            (corpus / f"seed-{number}").write_bytes(bytes([0, *value]))
    words = folder / "words"
    words.write_text("".join(f"{_quoted(word)}\n" for word in _words()), encoding="ascii")
    target.model()
    atheris.Setup(
        [
            sys.argv[0],
            str(corpus),
            f"-max_total_time={seconds}",
            f"-runs={INPUTS}",
            f"-max_len={LONGEST}",
            f"-timeout={SLOWEST_SECONDS}",
            f"-dict={words}",
            f"-artifact_prefix={folder}/",
            "-print_final_stats=1",
            "-verbosity=0",
        ],
        target.any_bytes,
    )
    atheris.Fuzz()


def _words() -> list[bytes]:
    """What JSON, messages and links are made of, and short hostile things."""
    known = ["id", "operator", "channel", "sms", "text", "sender", "recipient", "sent_at", "origin", "route", "specversion", "data"]
    text = [value for value in HOSTILE if isinstance(value, str) and len(value) <= 40 and value != "\ud800"]
    return [word.encode() for word in (*known, *text, "http://", "bit.ly/", ".top", "+855", "\\ud83d", json.dumps(2**63)) if word]


def _quoted(word: bytes) -> str:
    """As libFuzzer's dictionaries want it."""
    return '"' + "".join(f"\\x{byte:02x}" for byte in word) + '"'


if __name__ == "__main__":
    run(Path(sys.argv[1]), int(sys.argv[2]))
