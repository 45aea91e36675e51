"""Certificates for tests: an authority, and what it vouches for. Made anew for each run, valid for an hour or as told."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

LIFE = timedelta(hours=1)


@dataclass(frozen=True)
class Files:
    """A certificate and its key, in PEM, each in a file; `both` holds them together, as Kafka wants them."""

    certificate: Path
    key: Path
    both: Path


@dataclass(frozen=True)
class Authority:
    """Signs certificates."""

    name: str
    folder: Path
    key: ec.EllipticCurvePrivateKey
    certificate: Path

    def issue(self, name: str, *, life: timedelta = LIFE, password: bytes = b"") -> Files:
        """A certificate for clients, and for servers on loopback; its key under a password, if there is one."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
        built = _builder(name, self.name, key, life).add_extension(x509.SubjectAlternativeName(names), critical=False)
        certificate = built.sign(self.key, hashes.SHA256()).public_bytes(Encoding.PEM)
        encryption = BestAvailableEncryption(password) if password else NoEncryption()
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)
        files = Files(*(self.folder / f"{name}.{ending}" for ending in ("crt", "key", "pem")))
        files.certificate.write_bytes(certificate)
        files.key.write_bytes(secret)
        files.both.write_bytes(secret + certificate)
        return files


def authority(folder: Path, name: str = "authority", life: timedelta = LIFE) -> Authority:
    """A new authority, whose files are in a folder."""
    key = ec.generate_private_key(ec.SECP256R1())
    built = _builder(name, name, key, life).add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    path = folder / f"{name}.ca.crt"
    path.write_bytes(built.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    return Authority(name, folder, key, path)


def _builder(name: str, issuer: str, key: ec.EllipticCurvePrivateKey, life: timedelta) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + life)
    )


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
