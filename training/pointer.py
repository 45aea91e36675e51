"""The pointer file that names the live model: one line, the path of a model folder, relative to the file.

Workers follow it (SCAMSIEVE_MODEL). It is replaced in one step, so they read the old line or the new one. The line before stands in a
second file beside it, so that a release can be taken back.
"""

import os
import tempfile
from pathlib import Path

from models import artifact
from models.artifact import ArtifactError
from models.locate import pointed
from models.signature import TrustedKeys

PREVIOUS = ".previous"  # added to the pointer's name


def point(pointer: Path, folder: Path) -> None:
    """Let a pointer name a folder from now on, and keep what it named before."""
    line = os.path.relpath(folder.resolve(), pointer.parent.resolve()) + "\n"
    if pointer.exists():
        replace(_previous(pointer), pointer.read_bytes())
    replace(pointer, line.encode())


def roll_back(pointer: Path, trusted: TrustedKeys = ()) -> Path:
    """Let a pointer name what it named before; a second time undoes that. Gives the folder.

    Raises ArtifactError if there is none, or if workers would refuse it.
    """
    if not _previous(pointer).is_file():
        raise ArtifactError(f"{pointer} named no other model before: there is no {_previous(pointer)}")
    folder = pointed(_previous(pointer))
    artifact.load(folder, trusted)
    now, before = pointer.read_bytes(), _previous(pointer).read_bytes()
    replace(pointer, before)
    replace(_previous(pointer), now)
    return folder


def replace(path: Path, content: bytes) -> None:
    """Write a file in one step: whoever reads it sees all of the old content or all of the new."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            os.chmod(file.name, 0o644)
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise


def _previous(pointer: Path) -> Path:
    return pointer.with_name(pointer.name + PREVIOUS)
