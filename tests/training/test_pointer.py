"""The pointer file is replaced in one step, and remembers what it named before."""

import os
from pathlib import Path

import pytest

from models.artifact import ArtifactError
from models.locate import locate
from tests.conftest import write_model
from training import pointer


def test_it_names_a_folder_relative_to_itself_and_keeps_the_one_before(tmp_path: Path) -> None:
    one, two = write_model(tmp_path / "models" / "1"), write_model(tmp_path / "models" / "2")
    live = tmp_path / "etc" / "live"
    live.parent.mkdir()
    pointer.point(live, one)
    assert live.read_text() == "../models/1\n"
    pointer.point(live, two)
    assert locate(str(live)).samefile(two)
    assert pointer.roll_back(live).samefile(one)
    assert locate(str(live)).samefile(one)
    assert pointer.roll_back(live).samefile(two)
    assert sorted(path.name for path in live.parent.iterdir()) == ["live", "live.previous"]


def test_there_is_no_way_back_from_the_first(tmp_path: Path) -> None:
    pointer.point(tmp_path / "live", write_model(tmp_path / "1"))
    with pytest.raises(ArtifactError, match="named no other model before"):
        pointer.roll_back(tmp_path / "live")


def test_a_model_that_is_broken_by_now_is_no_way_back(tmp_path: Path) -> None:
    one, two = write_model(tmp_path / "1"), write_model(tmp_path / "2")
    pointer.point(tmp_path / "live", one)
    pointer.point(tmp_path / "live", two)
    (one / "weights.npz").unlink()
    with pytest.raises(ArtifactError, match="missing"):
        pointer.roll_back(tmp_path / "live")
    assert locate(str(tmp_path / "live")).samefile(two)


def test_a_replacement_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError("no space left")

    (tmp_path / "live").write_text("old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        pointer.replace(tmp_path / "live", b"new")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("live", "old")]
