"""A model is taken only if a trusted key has signed its manifest, byte by byte."""

import subprocess
from pathlib import Path
from shutil import which

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as elliptic
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from models.artifact import ArtifactError, load, trusted_keys
from models.signature import SignatureError, public_keys, verify
from tests.conftest import write_model


def pem(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture
def key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


@pytest.fixture
def folder(tmp_path: Path, key: Ed25519PrivateKey) -> Path:
    """A signed model."""
    written = write_model(tmp_path / "1")
    (written / "manifest.sig").write_bytes(key.sign((written / "manifest.json").read_bytes()))
    return written


def test_a_signed_model_is_taken_and_one_of_several_keys_is_enough(folder: Path, key: Ed25519PrivateKey, tmp_path: Path) -> None:
    (tmp_path / "trusted.pub").write_bytes(pem(Ed25519PrivateKey.generate().public_key()) + pem(key.public_key()))
    assert load(folder, trusted_keys(tmp_path / "trusted.pub")).version == "1"


def test_a_model_by_another_key_is_refused(folder: Path) -> None:
    with pytest.raises(ArtifactError, match="not signed by a trusted key"):
        load(folder, [Ed25519PrivateKey.generate().public_key()])


def test_an_unsigned_model_is_refused_and_without_a_trusted_key_it_is_not(folder: Path, key: Ed25519PrivateKey) -> None:
    (folder / "manifest.sig").unlink()
    with pytest.raises(ArtifactError, match="is not signed"):
        load(folder, [key.public_key()])
    assert load(folder)


@pytest.mark.parametrize("content", [b"", b"x" * 63, b"x" * 64])
def test_a_signature_that_is_none_is_refused(folder: Path, key: Ed25519PrivateKey, content: bytes) -> None:
    (folder / "manifest.sig").write_bytes(content)
    with pytest.raises(ArtifactError, match="not signed by a trusted key"):
        load(folder, [key.public_key()])


def test_a_signature_that_is_too_long_is_refused(folder: Path, key: Ed25519PrivateKey) -> None:
    (folder / "manifest.sig").write_bytes(b"x" * 65)
    with pytest.raises(ArtifactError, match="larger than"):
        load(folder, [key.public_key()])


@pytest.mark.parametrize("name", ["manifest.json", "weights.npz", "golden.jsonl", "CARD.md"])
def test_a_signed_model_of_which_any_file_was_changed_is_refused(folder: Path, key: Ed25519PrivateKey, name: str) -> None:
    (folder / name).write_bytes((folder / name).read_bytes() + b"\n")
    with pytest.raises(ArtifactError, match="not signed by a trusted key" if name == "manifest.json" else "SHA-256 differs"):
        load(folder, [key.public_key()])


def test_the_signature_is_verified_before_the_manifest_is_read(folder: Path, key: Ed25519PrivateKey) -> None:
    (folder / "manifest.json").write_bytes(b"no json")
    with pytest.raises(ArtifactError, match="not signed by a trusted key"):
        load(folder, [key.public_key()])


@pytest.mark.parametrize("content", [b"", b"no key", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
def test_a_file_without_keys_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "trusted.pub").write_bytes(content)
    with pytest.raises(ArtifactError, match="no Ed25519 public key"):
        trusted_keys(tmp_path / "trusted.pub")


def test_a_key_of_another_kind_is_refused(key: Ed25519PrivateKey) -> None:
    other = elliptic(SECP256R1()).public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    with pytest.raises(SignatureError, match="something else beside it"):
        public_keys(pem(key.public_key()) + other)


def test_nobody_trusted_means_nothing_verifies(key: Ed25519PrivateKey) -> None:
    """`load` asks for no signature then; `verify` itself never passes by default."""
    with pytest.raises(SignatureError):
        verify(b"x", key.sign(b"x"), [])


@pytest.mark.skipif(which("openssl") is None, reason="there is no openssl on the PATH")
def test_openssl_makes_keys_and_signatures_that_are_taken(folder: Path, tmp_path: Path) -> None:
    """The commands of the module's docstring."""
    for command in (
        "openssl genpkey -algorithm ed25519 -out release.key",
        "openssl pkey -in release.key -pubout -out release.pub",
        "openssl pkeyutl -sign -rawin -inkey release.key -in 1/manifest.json -out 1/manifest.sig",
    ):
        subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
    assert load(folder, trusted_keys(tmp_path / "release.pub"))
