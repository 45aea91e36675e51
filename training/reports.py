"""report.json and report.html of an evaluation, written to a folder."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from training import assessment
from training.assessment import Assessment
from training.baselines import baselines
from training.data import Row
from training.evaluate import Scored
from training.fit import Tell
from training.judges import Judges
from training.page import page


def write(folder: Path, told: Assessment, judges: Judges, scored: Scored, learned: Sequence[Row], texts: bool, tell: Tell) -> Assessment:
    """Complete the assessment, with baselines that learn from `learned` if there is any, and write both files; returns it complete."""
    others = baselines(learned, told.false_positive_rate, tell) if learned else {}
    told = assessment.complete(told, judges, scored, others, tell)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_bytes(as_json(told))
    drawn = page(told, scored, {name: judge(scored.rows) for name, judge in others.items()}, texts)
    (folder / "report.html").write_text(drawn, encoding="utf-8")
    return told


def as_json(told: Assessment) -> bytes:
    """The content of report.json: figures only, no text of a message."""
    return msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n"
