"""A model on disk: arrays and JSON, checked before they are read; nothing is ever unpickled.

A folder holds `weights.npz`, `manifest.json`, `golden.jsonl` (messages of the project's own corpus with the scores that the
training side computed), `CARD.md`, and, once it is signed, `manifest.sig`. `load` refuses a folder whose signature, checksums,
feature set, sizes or shapes are wrong, or whose golden scores it does not reproduce. It may come from anybody: each file is read
once, with a bound, and what was checked is what is used.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np

from models import npz, signature
from models.catalogue import CATALOGUE
from models.classifier import CATEGORIES, CLASSES, Head, ScamClassifier
from models.languages import SCRIPTS
from models.message import Message
from models.ngrams import NgramParameters
from models.npz import Expected
from models.signals import FEATURE_SET
from models.signature import SignatureError, TrustedKeys
from models.thresholds import Share, Thresholds

TOLERANCE = 1e-6  # of golden probabilities; the two sides add the same float32 weights in another order
FORMAT = 1

MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
LARGEST_BYTES: Mapping[str, int] = {"weights.npz": 64 << 20, "golden.jsonl": 8 << 20, "CARD.md": 1 << 20}
"""The other files of a folder, and the most bytes of each; ours have 2.4 MB, 100 kB and 6 kB."""
FILES = (MANIFEST, SIGNATURE, *LARGEST_BYTES)
"""All that a folder may hold."""
LARGEST_MANIFEST_BYTES = 1 << 20  # ours has 22 kB
LARGEST_KEY_BYTES = 16 << 10
MOST_GOLDEN = 10_000  # messages; ours has 211

RELEASED = Path(str(files("models"))) / "released"


class ArtifactError(Exception):
    """A model folder that cannot be used; the text says which file and why."""


Name = Annotated[str, msgspec.Meta(pattern=r"^[\w .+-]{1,64}\Z")]
Names = Annotated[tuple[Name, ...], msgspec.Meta(min_length=1, max_length=64)]
Digest = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]


class Source(msgspec.Struct, frozen=True):
    """A data set that a model has learned from."""

    name: str
    licence: str
    messages: int
    labels: dict[str, int]


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about a model but its weights."""

    format: int = FORMAT
    version: Name
    created: str
    classes: tuple[str, ...] = CLASSES
    feature_set: str = FEATURE_SET
    signals: tuple[str, ...] = tuple(signal.name for signal in CATALOGUE)
    scripts: tuple[str, ...] = SCRIPTS
    ngram_longest: Annotated[int, msgspec.Meta(ge=1, le=8)]
    ngram_bits: Annotated[int, msgspec.Meta(ge=8, le=22)]
    categories: Names
    languages: Names
    thresholds: Thresholds
    score_histogram: Annotated[tuple[Share, ...], msgspec.Meta(min_length=2, max_length=1000)]
    """Shares of the training messages by score, in equal bins from 0 to 1, scored by models that had not seen them."""
    training_data: tuple[Source, ...]
    metrics: dict[str, Any]
    sha256: dict[str, Digest]
    """Checksums of the other files of the folder."""


class Golden(msgspec.Struct, frozen=True):
    """A message and the probabilities that the training side gave it."""

    message: Message
    probabilities: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Model:
    """A loaded model: the classifier, its manifest, and the checksum of its weights."""

    classifier: ScamClassifier
    manifest: Manifest

    @property
    def version(self) -> str:
        """The version its folder is named by."""
        return self.manifest.version

    @property
    def sha256(self) -> str:
        """SHA-256 of the weights."""
        return self.manifest.sha256["weights.npz"]


def released(version: str = "") -> Path:
    """The folder of a released version; of the newest one without a name.

    Raises ArtifactError if there is none.
    """
    versions = sorted((p for p in RELEASED.glob("*") if (p / MANIFEST).exists()), key=_version_key)
    named = [p for p in versions if not version or p.name == version]
    if not named:
        known = ", ".join(p.name for p in versions) or "none"
        raise ArtifactError(f"no released model {version or 'at all'} in {RELEASED} (there: {known})")
    return named[-1]


def _version_key(folder: Path) -> tuple[int, ...]:
    return tuple(int(part) if part.isdigit() else 0 for part in folder.name.split("."))


def save(folder: Path, classifier: ScamClassifier, manifest: Manifest, golden: list[Golden], card: str) -> Manifest:
    """Write a model folder; returns the manifest with the checksums filled in."""
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        folder / "weights.npz",
        ngrams=classifier.ngram_weights,
        signals=classifier.signal_weights,
        bias=classifier.bias,
        calibration_scale=classifier.calibration_scale,
        calibration_shift=classifier.calibration_shift,
        category_weights=classifier.category.weights,
        category_bias=classifier.category.bias,
        language_weights=classifier.language.weights,
        language_bias=classifier.language.bias,
    )
    (folder / "golden.jsonl").write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in golden))
    (folder / "CARD.md").write_text(card, encoding="utf-8")
    checksums = {name: _sha256(folder / name) for name in ("weights.npz", "golden.jsonl", "CARD.md")}
    manifest = msgspec.structs.replace(manifest, sha256=checksums)
    (folder / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")
    return manifest


def trusted_keys(path: Path) -> TrustedKeys:
    """The keys of a file, of which one must have signed a model. Raises ArtifactError."""
    try:
        return signature.public_keys(_bounded(path, LARGEST_KEY_BYTES))
    except SignatureError as error:
        raise ArtifactError(f"{path} cannot be used: {error}") from None


def load(folder: Path, trusted: TrustedKeys = ()) -> Model:
    """Load and prove a model folder; with trusted keys, only one that is signed by one of them.

    Raises ArtifactError: the signature is missing or wrong, a file is missing, too large or changed, the model was made for other
    features, an array has the wrong shape, or a golden score is not reproduced.
    """
    if not (folder / MANIFEST).exists():
        there = folder.exists()
        raise ArtifactError(
            f"{folder} {'holds no manifest.json: it is no model folder' if there else 'is not there: no model folder, and no pointer file'}"
        )
    told = _bounded(folder / MANIFEST, LARGEST_MANIFEST_BYTES)
    if trusted:
        _verify(folder, told, trusted)
    manifest = _manifest(folder, told)
    content = {name: _unchanged(folder / name, digest) for name, digest in manifest.sha256.items()}
    model = Model(_classifier(folder / "weights.npz", content["weights.npz"], manifest), manifest)
    _prove(folder, content["golden.jsonl"], model)
    return model


def _bounded(path: Path, most: int) -> bytes:
    """All bytes of a regular file (or of what a link leads to), if they are no more than that."""
    try:
        if not path.is_file():  # a pipe would hang, a device never end
            raise ArtifactError(f"{path} is missing")
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}") from None
    if len(content) > most:
        raise ArtifactError(f"{path} is larger than {most} bytes: no model of ours is")
    return content


def _verify(folder: Path, manifest: bytes, trusted: TrustedKeys) -> None:
    """Before anything is made of the manifest: it may come from anybody."""
    if not (folder / SIGNATURE).is_file():
        raise ArtifactError(f"{folder} is not signed: it has no {SIGNATURE}, and a trusted key is set up")
    try:
        signature.verify(manifest, _bounded(folder / SIGNATURE, signature.BYTES), trusted)
    except SignatureError as error:
        raise ArtifactError(f"{folder / MANIFEST} is refused: {error}") from None


def _unchanged(path: Path, digest: str) -> bytes:
    content = _bounded(path, LARGEST_BYTES[path.name])
    if hashlib.sha256(content).hexdigest() != digest:
        raise ArtifactError(f"{path} is not the file that manifest.json describes (SHA-256 differs)")
    return content


def _manifest(folder: Path, content: bytes) -> Manifest:
    path = folder / MANIFEST
    try:
        manifest = msgspec.json.decode(content, type=Manifest)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ArtifactError(f"{path} cannot be read: {error}") from None
    if manifest.format != FORMAT or manifest.feature_set != FEATURE_SET:
        raise ArtifactError(
            f"{folder} was made for features {manifest.feature_set[:80]!r} (format {manifest.format}); "
            f"this version computes {FEATURE_SET!r} (format {FORMAT}): retrain it or install the version it was made with"
        )
    if (manifest.classes, manifest.signals, manifest.scripts) != (CLASSES, tuple(s.name for s in CATALOGUE), SCRIPTS):
        raise ArtifactError(f"{folder} lists other classes, signals or scripts than this version knows")
    if not {"weights.npz", "golden.jsonl"} <= manifest.sha256.keys() <= LARGEST_BYTES.keys():
        raise ArtifactError(f"{path} gives checksums of other files than {', '.join(LARGEST_BYTES)}")
    if not set(manifest.categories) <= set(CATEGORIES):
        raise ArtifactError(f"{path} lists categories that this version does not know")
    if not all("default" in limits for limits in (manifest.thresholds.flag, manifest.thresholds.review)):
        raise ArtifactError(f"{path} gives no default threshold")
    return manifest


def _classifier(path: Path, content: bytes, manifest: Manifest) -> ScamClassifier:
    """The arrays, each with the shape and type that it must have by the manifest."""
    parameters = NgramParameters(manifest.ngram_longest, manifest.ngram_bits)
    scripts, rows = len(SCRIPTS), (1, parameters.buckets)
    expected = {
        "ngrams": Expected(np.complex64, (parameters.buckets,)),
        "signals": Expected(np.float64, (len(CATALOGUE), 2)),
        "bias": Expected(np.float64, (2,)),
        "calibration_scale": Expected(np.float64, (scripts,)),
        "calibration_shift": Expected(np.float64, (scripts, 2)),
        "category_weights": Expected(np.float32, (rows, len(manifest.categories))),
        "category_bias": Expected(np.float32, (len(manifest.categories),)),
        "language_weights": Expected(np.float32, (rows, len(manifest.languages))),
        "language_bias": Expected(np.float32, (len(manifest.languages),)),
    }
    try:
        arrays = npz.read(content, expected)
    except ValueError as error:
        raise ArtifactError(f"{path} cannot be read: {error}") from None

    if any(arrays[name][0].any() for name in ("ngrams", "category_weights", "language_weights")):
        raise ArtifactError(f"{path}: bucket 0 has a weight; what crosses from one message into the next would count")

    def head(name: str, names: tuple[str, ...]) -> Head:
        weights = arrays[f"{name}_weights"]
        if len(weights).bit_count() != 1:
            raise ArtifactError(f"{path}: {name}_weights has {len(weights)} rows, not a power of two")
        return Head(names, weights, arrays[f"{name}_bias"])

    return ScamClassifier(
        parameters,
        arrays["ngrams"],
        arrays["signals"],
        arrays["bias"],
        arrays["calibration_scale"],
        arrays["calibration_shift"],
        head("category", manifest.categories),
        head("language", manifest.languages),
    )


def _prove(folder: Path, content: bytes, model: Model) -> None:
    """Score the golden messages and compare."""
    lines = [line for line in content.split(b"\n", MOST_GOLDEN) if line]
    try:
        golden = [msgspec.json.decode(line, type=Golden) for line in lines]
    except (msgspec.DecodeError, RecursionError) as error:
        raise ArtifactError(f"{folder / 'golden.jsonl'} cannot be read, or has more than {MOST_GOLDEN} lines: {error}") from None
    if not golden:
        raise ArtifactError(f"{folder / 'golden.jsonl'} is empty: a model without proof is not served")
    got = model.classifier.score([row.message for row in golden]).probabilities
    gap = np.abs(got - np.array([row.probabilities for row in golden])).max()
    if not gap <= TOLERANCE:
        raise ArtifactError(f"{folder} scores its golden messages otherwise than its training did (by {gap:.2g}, allowed {TOLERANCE:g})")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
