"""What the catalogue of signals must be; docs/reasons.md is held to it in tests/house/test_docs.py."""

from models.catalogue import CATALOGUE, INDEX


def test_names_are_unique_and_described() -> None:
    assert len(INDEX) == len(CATALOGUE)
    assert all(signal.description for signal in CATALOGUE)
