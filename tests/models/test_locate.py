"""A model is named by version, by folder or by a pointer file."""

from pathlib import Path

import pytest

from models.artifact import ArtifactError, load, released
from models.locate import locate
from tests.conftest import write_model


def test_a_version_no_name_and_a_folder(model_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert locate("") == released()
    assert locate(released().name) == released()
    assert locate(str(model_folder)) == model_folder
    monkeypatch.chdir(model_folder.parent)
    assert locate(model_folder.name).resolve() == model_folder


def test_a_pointer_names_a_folder_relative_to_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_model(tmp_path / "releases" / "1")
    (tmp_path / "live").write_text("releases/1\n")
    assert locate(str(tmp_path / "live")).samefile(folder)
    (tmp_path / "live").write_text(str(folder))
    assert locate(str(tmp_path / "live")) == folder
    monkeypatch.chdir(tmp_path)
    assert locate("live").samefile(folder)


@pytest.mark.parametrize("content", [b"", b"\n", b"a\nb\n", b"a\x00b", b"\xff\xfe", b"x" * 5000])
def test_a_file_that_is_no_pointer_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "live").write_bytes(content)
    with pytest.raises(ArtifactError, match="is no pointer"):
        locate(str(tmp_path / "live"))


def test_a_path_with_nothing_there_is_told_so(tmp_path: Path) -> None:
    """A mistyped pointer file is no folder without a manifest."""
    with pytest.raises(ArtifactError, match=r"liev is not there: no model folder, and no pointer file"):
        load(locate(str(tmp_path / "liev")))


def test_an_unknown_version_is_told() -> None:
    with pytest.raises(ArtifactError, match=r"no released model 9\.9\.9"):
        locate("9.9.9")
