"""The model that a setting or an option names; followed, where a worker runs on it.

A pointer file and a folder are followed: when what they hold changes, it is loaded and proven anew. A released version comes with the
software and stays as it is. The files' identities are compared (number, size, time of change), not which is newer: Kubernetes swaps
mounted files by renaming a link, and a release that was taken back is older than the one before it.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from models import artifact
from models.artifact import FILES, ArtifactError, Model
from models.locate import locate
from stream.errors import ModelError

Seen = tuple[object, ...]
"""What a look at a model's files tells of them."""


def open_model(name: str, trusted_key_file: str = "") -> Model:
    """The model of a released version, a folder or a pointer file; of the empty name, the newest released one.

    With a file of trusted keys, only one that is signed. Raises ModelError.
    """
    try:
        trusted = artifact.trusted_keys(Path(trusted_key_file)) if trusted_key_file else ()
        return artifact.load(locate(name), trusted)
    except ArtifactError as error:
        raise ModelError(str(error)) from None
    except OSError as error:
        raise ModelError(f"{error.filename or name} cannot be read: {error.strerror}") from None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a model was not taken, and when."""

    why: str
    at: datetime


class ModelFile:
    """What a name stands for by and by. `poll` is for one thread; the rest may be read from any."""

    def __init__(self, name: str, trusted_key_file: str = "", load: Callable[[str, str], Model] = open_model) -> None:
        """Nothing is read yet."""
        self.name, self.trusted_key_file = name, trusted_key_file
        self.refused: Refusal | None = None
        self._load = load
        self._followed = bool(name) and (Path(name).exists() or len(Path(name).parts) > 1)
        self._seen: Seen | None = None

    def first(self) -> Model:
        """The model as it is now. Raises ModelError."""
        self._seen = self._look()
        return self._load(self.name, self.trusted_key_file)

    def poll(self) -> Model | None:
        """The model, if it has changed since the last look or there was none. Raises ModelError, once, if it cannot be served."""
        seen = self._look()
        if seen == self._seen:
            return None
        self._seen = seen
        try:
            model = self._load(self.name, self.trusted_key_file)
        except Exception as error:  # noqa: BLE001 whatever it is, the model that judges goes on
            told = error if isinstance(error, ModelError) else ModelError(f"reading {self.name} raised {type(error).__name__}")
            self.refused = Refusal(str(told), datetime.now(UTC))
            raise told from None
        self.refused = None
        return model

    def _look(self) -> Seen:
        if not self._followed:
            return ()
        try:
            folder = locate(self.name)
        except (ArtifactError, OSError) as error:
            return (str(error),)
        return (str(folder), *map(_identity, [folder / name for name in FILES]), _identity(Path(self.trusted_key_file)))


def _identity(path: Path) -> Seen | None:
    """What changes with a file; None where there is none."""
    try:
        told = os.stat(path)
    except OSError:
        return None
    return told.st_dev, told.st_ino, told.st_size, told.st_mtime_ns
