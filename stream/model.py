"""The model that a setting or an option names."""

from pathlib import Path

from models import artifact
from models.artifact import ArtifactError, Model
from stream.errors import ModelError


def open_model(name: str) -> Model:
    """The model of a released version or of a folder; of the empty name, the newest released one. Raises ModelError."""
    folder = Path(name)
    is_folder = len(folder.parts) > 1 or (folder / "manifest.json").exists()
    try:
        return artifact.load(folder if name and is_folder else artifact.released(name))
    except ArtifactError as error:
        raise ModelError(str(error)) from None
