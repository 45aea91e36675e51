"""A model on disk: arrays and JSON, checked before they are read; nothing is ever unpickled.

A folder holds `weights.npz`, `manifest.json`, `golden.jsonl` (messages of the project's own corpus with the scores that the
training side computed) and `CARD.md`. `load` refuses a folder whose checksums, feature set or shapes are wrong, or whose
golden scores it does not reproduce.
"""

import hashlib
import zipfile
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.classifier import CLASSES, Head, ScamClassifier
from models.languages import SCRIPTS
from models.message import Message
from models.ngrams import NgramParameters
from models.signals import CATALOGUE, FEATURE_SET

TOLERANCE = 1e-6  # of golden probabilities; the two sides add the same float32 weights in another order
FORMAT = 1

RELEASED = Path(str(files("models"))) / "released"


class ArtifactError(Exception):
    """A model folder that cannot be used; the text says which file and why."""


class Thresholds(msgspec.Struct, frozen=True):
    """Scores from which on a message is flagged or reviewed: by script, `default` for the others."""

    flag: dict[str, float]
    review: dict[str, float]
    false_positive_rate: float
    review_false_positive_rate: float

    def by_script(self) -> NDArray[np.float64]:
        """(scripts, 2): flag and review, in the order of SCRIPTS."""
        return np.array([[t.get(script, t["default"]) for t in (self.flag, self.review)] for script in SCRIPTS])


class Source(msgspec.Struct, frozen=True):
    """A data set that a model has learned from."""

    name: str
    licence: str
    messages: int
    labels: dict[str, int]


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about a model but its weights."""

    format: int = FORMAT
    version: str
    created: str
    classes: tuple[str, ...] = CLASSES
    feature_set: str = FEATURE_SET
    signals: tuple[str, ...] = tuple(signal.name for signal in CATALOGUE)
    scripts: tuple[str, ...] = SCRIPTS
    ngram_longest: int
    ngram_bits: int
    categories: tuple[str, ...]
    languages: tuple[str, ...]
    thresholds: Thresholds
    score_histogram: tuple[float, ...]
    """Shares of the training messages by score, in equal bins from 0 to 1, scored by models that had not seen them."""
    training_data: tuple[Source, ...]
    metrics: dict[str, Any]
    sha256: dict[str, str]
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
    versions = sorted((p for p in RELEASED.glob("*") if (p / "manifest.json").exists()), key=_version_key)
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
    (folder / "manifest.json").write_bytes(msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")
    return manifest


def load(folder: Path) -> Model:
    """Load and prove a model folder.

    Raises ArtifactError: a file is missing or changed, the model was made for other features, an array has the wrong shape,
    or a golden score is not reproduced.
    """
    manifest = _manifest(folder)
    for name, expected in manifest.sha256.items():
        if Path(name).name != name or not (folder / name).is_file():
            raise ArtifactError(f"{folder / name} is missing")
        if _sha256(folder / name) != expected:
            raise ArtifactError(f"{folder / name} is not the file that manifest.json describes (SHA-256 differs)")
    try:
        model = Model(_classifier(folder, manifest), manifest)
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise ArtifactError(f"{folder / 'weights.npz'} cannot be read: {error}") from None
    _prove(folder, model)
    return model


def _manifest(folder: Path) -> Manifest:
    try:
        manifest = msgspec.json.decode((folder / "manifest.json").read_bytes(), type=Manifest)
    except FileNotFoundError:
        raise ArtifactError(f"{folder} holds no manifest.json: it is no model folder") from None
    except msgspec.DecodeError as error:
        raise ArtifactError(f"{folder / 'manifest.json'} cannot be read: {error}") from None
    if manifest.format != FORMAT or manifest.feature_set != FEATURE_SET:
        raise ArtifactError(
            f"{folder} was made for features {manifest.feature_set!r} (format {manifest.format}); "
            f"this version computes {FEATURE_SET!r} (format {FORMAT}): retrain it or install the version it was made with"
        )
    if (manifest.classes, manifest.signals, manifest.scripts) != (CLASSES, tuple(s.name for s in CATALOGUE), SCRIPTS):
        raise ArtifactError(f"{folder} lists other classes, signals or scripts than this version knows")
    if not {"weights.npz", "golden.jsonl"} <= manifest.sha256.keys():
        raise ArtifactError(f"{folder / 'manifest.json'} gives no checksum of weights.npz and golden.jsonl")
    return manifest


def _classifier(folder: Path, manifest: Manifest) -> ScamClassifier:
    """The arrays, each with the shape and type it must have."""
    parameters = NgramParameters(manifest.ngram_longest, manifest.ngram_bits)
    scripts = len(SCRIPTS)
    with np.load(folder / "weights.npz", allow_pickle=False) as arrays:

        def array(name: str, kind: Any, *shape: int) -> NDArray[Any]:
            if name not in arrays:
                raise ArtifactError(f"{folder / 'weights.npz'} has no array {name!r}")
            found: NDArray[Any] = arrays[name]
            fits = found.ndim == len(shape) and all(want in (-1, got) for want, got in zip(shape, found.shape, strict=True))
            if not fits or found.dtype != kind or not np.isfinite(found).all():
                raise ArtifactError(f"{folder / 'weights.npz'}: array {name!r} is {found.dtype}{found.shape}, not finite {kind}{shape}")
            found.flags.writeable = False
            return found

        def head(name: str, names: tuple[str, ...]) -> Head:
            weights = array(f"{name}_weights", np.float32, -1, len(names))
            if len(weights).bit_count() != 1 or len(weights) > parameters.buckets:
                raise ArtifactError(f"{folder / 'weights.npz'}: {name}_weights has {len(weights)} rows, not a power of two")
            return Head(names, weights, array(f"{name}_bias", np.float32, len(names)))

        return ScamClassifier(
            parameters,
            array("ngrams", np.complex64, parameters.buckets),
            array("signals", np.float64, len(CATALOGUE), 2),
            array("bias", np.float64, 2),
            array("calibration_scale", np.float64, scripts),
            array("calibration_shift", np.float64, scripts, 2),
            head("category", manifest.categories),
            head("language", manifest.languages),
        )


def _prove(folder: Path, model: Model) -> None:
    """Score the golden messages and compare."""
    lines = (folder / "golden.jsonl").read_bytes().split(b"\n")
    golden = [msgspec.json.decode(line, type=Golden) for line in lines if line]
    if not golden:
        raise ArtifactError(f"{folder / 'golden.jsonl'} is empty: a model without proof is not served")
    got = model.classifier.score([row.message for row in golden]).probabilities
    gap = np.abs(got - np.array([row.probabilities for row in golden])).max()
    if not gap <= TOLERANCE:
        raise ArtifactError(f"{folder} scores its golden messages otherwise than its training did (by {gap:.2g}, allowed {TOLERANCE:g})")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
