"""Where a model lies: by the name of a released version, by its folder, or by a pointer file that names its folder.

A pointer file holds one line: the path of a folder, relative to the file. Whoever changes that line changes the model.
"""

from pathlib import Path

from models.artifact import MANIFEST, ArtifactError, released

LONGEST_POINTER = 4096  # bytes; a path has no more on Linux


def locate(name: str) -> Path:
    """The folder of a model: of the newest released version without a name. Raises ArtifactError."""
    path = Path(name)
    if name and path.is_file():
        return pointed(path)
    is_folder = len(path.parts) > 1 or (path / MANIFEST).is_file()
    return path if name and is_folder else released(name)


def pointed(pointer: Path) -> Path:
    """The folder that a pointer file names. Raises ArtifactError."""
    try:
        with pointer.open("rb") as file:
            line = file.read(LONGEST_POINTER + 1).decode().strip()
    except OSError as error:
        raise ArtifactError(f"{pointer} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        line = ""
    if not 0 < len(line) <= LONGEST_POINTER or not line.isprintable():
        raise ArtifactError(f"{pointer} is no pointer: it must hold one line, the path of a model folder")
    return pointer.parent / line
