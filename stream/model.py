"""The model that a setting or an option names."""

from pathlib import Path

from models import artifact
from models.artifact import ArtifactError, Model
from models.locate import locate
from stream.errors import ModelError


def open_model(name: str, trusted_key_file: str = "") -> Model:
    """The model of a released version, a folder or a pointer file; of the empty name, the newest released one.

    With a file of trusted keys, only one that is signed. Raises ModelError.
    """
    try:
        trusted = artifact.trusted_keys(Path(trusted_key_file)) if trusted_key_file else ()
        return artifact.load(locate(name), trusted)
    except ArtifactError as error:
        raise ModelError(str(error)) from None
