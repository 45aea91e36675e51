"""A module can be read in one sitting."""

from pathlib import Path

import pytest

from tests.house.source import committed

LONGEST = 350  # lines; most have 60 to 180


@pytest.mark.parametrize("path", committed("*.py"), ids=str)
def test_no_module_grows_past_reading(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").split("\n")) <= LONGEST, "cut it where its docstring says `and`"
