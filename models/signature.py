"""Signatures of models: Ed25519 (RFC 8032) over the bytes of `manifest.json`, which holds the checksum of every other file.

Keys are PEM and signatures 64 plain bytes, so that OpenSSL can do the same:

    openssl genpkey -algorithm ed25519 -out release.key && openssl pkey -in release.key -pubout -out release.pub
    openssl pkeyutl -sign -rawin -inkey release.key -in manifest.json -out manifest.sig
"""

from collections.abc import Sequence

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

BYTES = 64  # of a signature
END = b"-----END PUBLIC KEY-----"

TrustedKeys = Sequence[Ed25519PublicKey]
"""Any of them may have signed; none at all: no signature is asked for."""


class SignatureError(Exception):
    """A key that is none, or a signature that is missing or not by a trusted key."""


def public_keys(pem: bytes) -> TrustedKeys:
    """The keys of a PEM file: one, or several while one takes over from another. Raises SignatureError."""
    blocks = [block + END for block in pem.split(END)[:-1]]
    try:
        keys = [load_pem_public_key(block.strip()) for block in blocks]
    except (ValueError, UnsupportedAlgorithm):
        keys = []
    ours = [key for key in keys if isinstance(key, Ed25519PublicKey)]
    if not ours or len(ours) != len(keys):
        raise SignatureError("it holds no Ed25519 public key in PEM, or something else beside it")
    return ours


def verify(manifest: bytes, signature: bytes, trusted: TrustedKeys) -> None:
    """Raise SignatureError unless one of the keys has signed these bytes."""
    for key in trusted:
        try:
            return key.verify(signature, manifest)
        except InvalidSignature:
            continue
    raise SignatureError("it is not signed by a trusted key, or was changed since")
