"""`training.page` and `training.pictures`: one file, nothing fetched, nothing of a message unless asked for."""

import re
from pathlib import Path

import msgspec
import pytest

from models.artifact import Model
from tests.training.rows import row, silent
from training import assessment, reports
from training.assessment import Assessment
from training.data import Row
from training.evaluate import Scored
from training.judges import Judges, one

NASTY = "<script>alert('x')</script> & claim your prize \ud800"


@pytest.fixture(scope="module")
def report(small_model: Model, corpus_slice: list[Row], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Assessment]:
    """Two folders, without and with texts, of an evaluation with baselines."""
    rows = [*corpus_slice, row(NASTY, "benign", "<en>", "<set>", sender="Bank"), row("no link here", "scam", category="bank")]
    judges: Judges = one(small_model, rows)
    scored, told = assessment.assess(judges, rows, 0.05, {"duplicates": 3})
    scored = Scored(rows, scored.scores, scored.flagged, scored.reviewed)
    plain, shown_in = tmp_path_factory.mktemp("plain"), tmp_path_factory.mktemp("open")
    whole = reports.write(plain, told, judges, scored, corpus_slice, False, silent)
    reports.write(shown_in, told, judges, scored, [], True, silent)
    return plain, shown_in, whole


def test_the_page_is_one_file_that_fetches_nothing(report: tuple[Path, Path, Assessment]) -> None:
    text = (report[0] / "report.html").read_text(encoding="utf-8")
    assert text.count("<svg") == 6
    assert "<script" not in text
    assert not re.search(r"(?:src|href)=\"(?!#)", text)
    assert "default-src 'none'" in text


def test_texts_stay_out_unless_asked_for_and_are_escaped_then(report: tuple[Path, Path, Assessment]) -> None:
    plain, shown_in, _ = report
    assert "alert(" not in (plain / "report.html").read_text(encoding="utf-8")
    shown = (shown_in / "report.html").read_text(encoding="utf-8")
    assert "<script" not in shown
    assert "no link here" in shown
    for folder in (plain, shown_in):
        assert "no link here" not in (folder / "report.json").read_text(encoding="utf-8")


def test_names_from_data_are_escaped(report: tuple[Path, Path, Assessment]) -> None:
    text = (report[0] / "report.html").read_text(encoding="utf-8")
    assert "<en>" not in text
    assert "&lt;en&gt;" in text


def test_the_json_holds_every_part(report: tuple[Path, Path, Assessment]) -> None:
    plain, _, whole = report
    told = msgspec.json.decode((plain / "report.json").read_bytes(), type=Assessment)
    assert told == whole
    assert told.attacks
    assert told.categories
    assert told.calibration
    assert [line.name for line in told.views][:2] == ["as they are", "links masked"]
    assert len(told.baselines) == 3
    assert told.breakdown[-1].category != "all"
