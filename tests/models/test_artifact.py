import hashlib
import io
import os
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from models.artifact import LARGEST_BYTES, ArtifactError, Golden, load, released
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


@pytest.mark.parametrize("name", ["../1/manifest.json", "/etc/hostname", "manifest.json", "more.bin"])
def test_a_checksum_cannot_name_another_file(tmp_path: Path, name: str) -> None:
    folder = write_model(tmp_path / "1")
    manifest = msgspec.json.decode((folder / "manifest.json").read_bytes())
    rewrite(folder, sha256={**manifest["sha256"], name: "0" * 64})
    with pytest.raises(ArtifactError, match="gives checksums of other files"):
        load(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"ngram_bits": 31},
        {"ngram_longest": 1000},
        {"version": "x\ny"},
        {"languages": ["x"] * 65},
        {"categories": ["unheard_of"]},
        {"score_histogram": []},
        {"thresholds": {"flag": {"default": 0.5}, "review": {}, "false_positive_rate": 0.1, "review_false_positive_rate": 0.2}},
        {"thresholds": {"flag": {"default": 9}, "review": {"default": 0}, "false_positive_rate": 0.1, "review_false_positive_rate": 0.2}},
        {"sha256": {"weights.npz": "0"}},
    ],
)
def test_a_manifest_out_of_bounds_is_refused(tmp_path: Path, changes: dict[str, object]) -> None:
    folder = write_model(tmp_path / "1")
    rewrite(folder, **changes)
    with pytest.raises(ArtifactError, match=r"manifest\.json"):
        load(folder)


@pytest.mark.parametrize("content", [b"", b"{" * 10, b"[" * 500_000, b'{"metrics":' + b"[" * 500_000, b"\xff\xfe", b" " * (2 << 20)])
def test_a_manifest_that_is_huge_deep_or_no_json_is_refused(tmp_path: Path, content: bytes) -> None:
    folder = write_model(tmp_path / "1")
    (folder / "manifest.json").write_bytes(content)
    with pytest.raises(ArtifactError, match=r"manifest\.json"):
        load(folder)


@pytest.mark.parametrize("name", LARGEST_BYTES)
def test_a_file_that_is_too_large_is_not_read_to_its_end(tmp_path: Path, name: str) -> None:
    """A sparse file of a terabyte: reading it, or its checksum, would take for ever."""
    folder = write_model(tmp_path / "1")
    with (folder / name).open("r+b") as file:
        file.truncate(1 << 40)
    with pytest.raises(ArtifactError, match="larger than"):
        load(folder)


def test_a_pipe_in_place_of_a_file_does_not_hang(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "1")
    (folder / "weights.npz").unlink()
    os.mkfifo(folder / "weights.npz")
    with pytest.raises(ArtifactError, match="missing"):
        load(folder)


def replace_weights(folder: Path, content: bytes) -> None:
    """Other weights, with a manifest that vouches for them."""
    (folder / "weights.npz").write_bytes(content)
    manifest = msgspec.json.decode((folder / "manifest.json").read_bytes())
    rewrite(folder, sha256={**manifest["sha256"], "weights.npz": hashlib.sha256(content).hexdigest()})


def repack(folder: Path, **changes: Any) -> None:
    with np.load(folder / "weights.npz") as arrays:
        whole = dict(arrays) | changes
    packed = io.BytesIO()
    np.savez_compressed(packed, **whole)
    replace_weights(folder, packed.getvalue())


def test_pickled_arrays_are_refused(tmp_path: Path) -> None:
    """Loading must never run code that a file brings."""
    folder = write_model(tmp_path / "1")
    repack(folder, bias=np.array([print, print], dtype=object))
    with pytest.raises(ArtifactError, match="'bias' is object"):
        load(folder)


def test_weights_for_more_than_the_manifest_says_are_refused(tmp_path: Path) -> None:
    """A gigabyte of zeros takes a megabyte on disk; what the manifest asks for is known before it is unpacked."""
    folder = write_model(tmp_path / "1")
    repack(folder, ngrams=np.zeros(1 << 24, np.complex64))
    assert (folder / "weights.npz").stat().st_size < 1 << 20
    with pytest.raises(ArtifactError, match="unpacks to"):
        load(folder)


def test_a_weight_for_what_crosses_messages_is_refused(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "1")
    repack(folder, ngrams=np.ones(1 << 12, np.complex64))
    with pytest.raises(ArtifactError, match="bucket 0"):
        load(folder)


def test_a_head_with_rows_that_are_no_power_of_two_is_refused(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "1")
    repack(folder, language_weights=np.zeros((100, 3), np.float32))
    with pytest.raises(ArtifactError, match="power of two"):
        load(folder)


@pytest.mark.parametrize("content", [b"no json\n", b"[" * 100_000, b"{}\n", b"\n", b"{}\n" * 20_000])
def test_golden_messages_that_are_none_are_refused(tmp_path: Path, content: bytes) -> None:
    folder = write_model(tmp_path / "1")
    (folder / "golden.jsonl").write_bytes(content)
    manifest = msgspec.json.decode((folder / "manifest.json").read_bytes())
    rewrite(folder, sha256={**manifest["sha256"], "golden.jsonl": hashlib.sha256(content).hexdigest()})
    with pytest.raises(ArtifactError, match=r"golden\.jsonl"):
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
