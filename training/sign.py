"""Keys and signatures of models; what is signed here is verified by `models.signature`."""

import os
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat, load_pem_private_key

from models import artifact
from models.artifact import MANIFEST, SIGNATURE, Model
from training.pointer import replace


class SigningError(Exception):
    """A key or a file that signing cannot use; the text says which."""


def generate(private: Path, public: Path) -> None:
    """Make a pair of keys; the private one is readable by its owner only. Raises SigningError if one of the files is there."""
    for path in (private, public):
        if path.exists():
            raise SigningError(f"{path} is there already: a key is never written over")
    key = Ed25519PrivateKey.generate()
    descriptor = os.open(private, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def sign(folder: Path, private: Path) -> Model:
    """Write `manifest.sig` into a model folder that loads and proves itself, and give the model.

    Raises ArtifactError if it does not, SigningError if the key cannot be used.
    """
    artifact.load(folder)
    key = _private_key(private)
    replace(folder / SIGNATURE, key.sign((folder / MANIFEST).read_bytes()))
    return artifact.load(folder, [key.public_key()])


def _private_key(path: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise SigningError(f"{path} holds no Ed25519 private key in PEM (without a password)")
    return key
