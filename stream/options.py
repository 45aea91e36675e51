"""What the commands share: options, and settings with options put first."""

import sys
from collections.abc import Mapping
from typing import Annotated

import typer
from msgspec.structs import replace

from stream.settings import Settings, read

Brokers = Annotated[str, typer.Option("--brokers", help="Bootstrap servers.  [default: SCAMSIEVE_BROKERS]")]
ModelName = Annotated[str, typer.Option("--model", help="Released version, model folder, or pointer file.  [default: the newest]")]
Reasons = Annotated[int, typer.Option("--reasons", help="Most reasons of a verdict.", min=0, max=20)]


def settings(brokers: str = "", **more: str) -> Settings:
    """The settings of the environment; what an option gives (not empty) comes first. Raises SettingsError."""
    return replace(read(), **{name: value for name, value in {"brokers": brokers, **more}.items() if value})


def write(data: bytes) -> None:
    """To standard output, at once."""
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def counts(told: Mapping[str, int]) -> str:
    """Names with their numbers, on one line."""
    return ", ".join(f"{name} {count:,}" for name, count in told.items())
