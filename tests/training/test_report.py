"""`training.report`: what people read."""

from io import StringIO

import pytest
from rich.console import Console

from models.artifact import Model
from training import report
from training.evaluate import Comparison, Figures


@pytest.mark.parametrize(("share", "text"), [(None, "-"), (0.0, "0.0 %"), (0.0049, "0.49 %"), (0.125, "12.5 %"), (1.0, "100.0 %")])
def test_small_shares_keep_two_digits(share: float | None, text: str) -> None:
    assert report.percent(share) == text


def test_the_table_has_a_cell_for_each_figure() -> None:
    line = Figures("one", "en", 1, 2, 3, 0.5, 0.75, 0.004, None, 0.25, 0.9, 0.95)
    console = Console(width=160, record=True, file=StringIO())
    console.print(report.figures([line], 0.005, "Title"))
    text = console.export_text()
    assert all(cell in text for cell in ("Title", "one", "50.0 %", "75.0 %", "0.40 %", "25.0 %", "0.900", "recall@0.50 %"))


def test_a_comparison_names_both_models() -> None:
    console = Console(width=160, record=True, file=StringIO())
    console.print(report.comparison([Comparison("en", 10, 0.9, 0.3, 7, 1, 0.0703)], 0.005, "0.2.0", "0.1.0"))
    text = console.export_text()
    assert all(cell in text for cell in ("only 0.2.0", "recall 0.1.0", "90.0 %", "0.0703"))


def test_what_a_run_lacks_of_a_models_data_is_told_with_its_licence(small_model: Model) -> None:
    known = small_model.manifest.training_data
    assert report.missing({source.name for source in known}, small_model.manifest) == []
    first, *others = known
    lacking = f"{first.name}: {first.messages} messages, {first.licence}"
    assert report.missing({source.name for source in others}, small_model.manifest) == [lacking]
