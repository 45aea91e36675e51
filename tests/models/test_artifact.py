import hashlib
from pathlib import Path

import msgspec
import numpy as np
import pytest

from models.artifact import ArtifactError, Golden, load, released
from tests.conftest import write_model


def rewrite(folder: Path, **changes: object) -> None:
    manifest = msgspec.json.decode((folder / "manifest.json").read_bytes())
    (folder / "manifest.json").write_bytes(msgspec.json.encode({**manifest, **changes}))


def test_a_saved_model_loads(model_folder: Path) -> None:
    assert load(model_folder).version == "0.0.1"


def test_a_folder_without_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"no manifest\.json"):
        load(tmp_path)


@pytest.mark.parametrize("name", ["weights.npz", "golden.jsonl", "CARD.md"])
def test_a_changed_or_missing_file_is_refused(tmp_path: Path, name: str) -> None:
    folder = write_model(tmp_path / "1")
    (folder / name).write_bytes((folder / name).read_bytes() + b" ")
    with pytest.raises(ArtifactError, match="SHA-256"):
        load(folder)
    (folder / name).unlink()
    with pytest.raises(ArtifactError, match="missing"):
        load(folder)


def test_a_model_for_other_features_is_refused(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "1")
    rewrite(folder, feature_set="words-v9")
    with pytest.raises(ArtifactError, match="words-v9"):
        load(folder)


def test_a_manifest_that_is_none_is_refused(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "1")
    (folder / "manifest.json").write_text("[]")
    with pytest.raises(ArtifactError, match="cannot be read"):
        load(folder)


def test_a_checksum_cannot_name_a_file_elsewhere(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "1")
    manifest = msgspec.json.decode((folder / "manifest.json").read_bytes())
    rewrite(folder, sha256={**manifest["sha256"], "../1/manifest.json": "0"})
    with pytest.raises(ArtifactError, match="missing"):
        load(folder)


def test_pickled_arrays_are_refused(tmp_path: Path) -> None:
    """Loading must never run code that a file brings."""
    folder = write_model(tmp_path / "1")
    np.savez(folder / "weights.npz", ngrams=np.array([print], dtype=object))
    manifest = msgspec.json.decode((folder / "manifest.json").read_bytes())
    digest = hashlib.sha256((folder / "weights.npz").read_bytes()).hexdigest()
    rewrite(folder, sha256={**manifest["sha256"], "weights.npz": digest})
    with pytest.raises(ArtifactError, match="cannot be read"):
        load(folder)


def test_golden_scores_that_are_not_reproduced_are_refused(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "1")
    rows = [msgspec.json.decode(line, type=Golden) for line in (folder / "golden.jsonl").read_bytes().split(b"\n") if line]
    wrong = msgspec.structs.replace(rows[0], probabilities=(0.1, 0.2, 0.7))
    (folder / "golden.jsonl").write_bytes(msgspec.json.encode(wrong) + b"\n")
    manifest = msgspec.json.decode((folder / "manifest.json").read_bytes())
    rewrite(folder, sha256={**manifest["sha256"], "golden.jsonl": hashlib.sha256((folder / "golden.jsonl").read_bytes()).hexdigest()})
    with pytest.raises(ArtifactError, match="otherwise than its training"):
        load(folder)


def test_the_newest_released_model_loads_and_proves_itself() -> None:
    assert load(released()).version == released().name


def test_an_unknown_version_is_told_with_the_known_ones() -> None:
    with pytest.raises(ArtifactError, match=released().name):
        released("99.9")
