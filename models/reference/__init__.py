"""Small tables, read once at import: look-alike letters, shorteners, brands, calling codes."""

from importlib.resources import files


def read_table(name: str) -> list[list[str]]:
    """The rows of a table of this folder: tab-separated columns, `#` starts a comment line."""
    lines = (files(__name__) / name).read_text(encoding="utf-8").split("\n")
    return [line.split("\t") for line in lines if line and not line.startswith("#")]
