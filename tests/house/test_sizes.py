"""A module can be read in one sitting."""

from pathlib import Path

import pytest

from tests.house.source import ROOT, committed

LONGEST = 400  # lines; most have 60 to 180


@pytest.mark.parametrize("path", committed("*.py"), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_grows_past_reading(path: Path) -> None:
    assert path.read_bytes().count(b"\n") <= LONGEST, "cut it where its docstring says `and`"
