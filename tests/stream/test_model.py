"""What a name stands for is followed: what is right is given once, what is wrong is told once."""

import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from models.artifact import Model, released
from stream.errors import ModelError
from stream.model import ModelFile, open_model
from tests.conftest import write_model


@pytest.fixture
def live(tmp_path: Path) -> Path:
    """A pointer to a model."""
    write_model(tmp_path / "1")
    (tmp_path / "live").write_text("1\n")
    return tmp_path / "live"


def version(model: Model | None) -> str | None:
    return model.version if model else None


def test_a_pointer_that_moves_gives_the_new_model_once(live: Path) -> None:
    file = ModelFile(str(live))
    assert file.first().version == "1"
    assert file.poll() is None
    write_model(live.parent / "2", seed=2)
    assert file.poll() is None, "a folder that no pointer names is no release"
    live.write_text("2\n")
    assert version(file.poll()) == "2"
    assert file.poll() is None
    live.write_text("1\n")
    assert version(file.poll()) == "1", "an older release is a change like any other"


def test_a_folder_that_is_written_anew_is_followed(live: Path) -> None:
    file = ModelFile(str(live.parent / "1"))
    first = file.first()
    shutil.rmtree(live.parent / "1")
    write_model(live.parent / "1", seed=2)
    found = file.poll()
    assert found is not None
    assert found.sha256 != first.sha256


@pytest.mark.parametrize("content", ["3\n", "", "\x00", "a\nb\n", None])
def test_a_pointer_to_nowhere_is_refused_once_and_shown_until_it_is_right(live: Path, content: str | None) -> None:
    file = ModelFile(str(live))
    file.first()
    if content is None:
        live.unlink()
    else:
        live.write_text(content)
    with pytest.raises(ModelError):
        file.poll()
    assert file.poll() is None
    assert file.refused is not None
    live.write_text("1\n")
    assert version(file.poll()) == "1"
    assert file.refused is None


def test_a_release_that_is_still_being_copied_is_refused_and_taken_when_it_is_whole(live: Path) -> None:
    file = ModelFile(str(live))
    file.first()
    two = write_model(live.parent / "2", seed=2)
    whole = (two / "weights.npz").read_bytes()
    (two / "weights.npz").write_bytes(whole[:1000])
    live.write_text("2\n")
    with pytest.raises(ModelError, match="SHA-256"):
        file.poll()
    (two / "weights.npz").write_bytes(whole)
    assert version(file.poll()) == "2"


def test_whatever_loading_raises_is_a_refusal(live: Path) -> None:
    """Memory that runs out, say, or a fault of our own; its text may hold anything, so the type is told."""

    def fail(_name: str, _key: str) -> Model:
        raise MemoryError("secret")

    file = ModelFile(str(live), load=fail)
    with pytest.raises(ModelError, match="MemoryError") as told:
        file.poll()
    assert "secret" not in str(told.value)
    assert file.refused is not None


def test_a_released_version_is_not_followed() -> None:
    for name in ("", released().name):
        file = ModelFile(name)
        assert file.first().version == released().name
        assert file.poll() is None


def test_with_a_trusted_key_only_signed_models_are_taken_and_a_new_key_is_noticed(live: Path) -> None:
    old, new = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()

    def trust(key: Ed25519PrivateKey) -> None:
        (live.parent / "trusted").write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))

    def sign(folder: Path, key: Ed25519PrivateKey) -> None:
        (folder / "manifest.sig").write_bytes(key.sign((folder / "manifest.json").read_bytes()))

    trust(old)
    trusted = str(live.parent / "trusted")
    with pytest.raises(ModelError, match="is not signed"):
        open_model(str(live), trusted)
    sign(live.parent / "1", old)
    file = ModelFile(str(live), trusted)
    assert file.first().version == "1"
    sign(write_model(live.parent / "2", seed=2), new)
    live.write_text("2\n")
    with pytest.raises(ModelError, match="not signed by a trusted key"):
        file.poll()
    trust(new)
    assert version(file.poll()) == "2"


def test_a_trusted_key_that_cannot_be_read_is_no_reason_to_trust_everybody(live: Path) -> None:
    with pytest.raises(ModelError, match="missing"):
        open_model(str(live), str(live.parent / "none"))
