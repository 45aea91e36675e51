"""Public sets of labelled messages: what `sources.toml` says of each, and its file turned into the JSONL of `training.data`."""

import csv
import io
import zipfile
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from models.message import Channel
from training.data import DataError

SOURCES = Path(str(files("training"))) / "sources.toml"
MOST = 200 << 20  # bytes of a file, packed or not: no set of short messages is larger

Name = Annotated[str, msgspec.Meta(min_length=1)]


class PublicSet(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One set; the fields are told in the head of `sources.toml`."""

    page: Name
    citation: Name
    licence: Name
    url: Annotated[str, msgspec.Meta(pattern="^https?://")]
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    delimiter: Literal[",", "\t"]
    text: str | int
    label: str | int
    labels: dict[str, Literal["scam", "promo", "benign", ""]]
    lang: Name
    use: Literal["training", "benchmark"]
    member: str = ""
    channel: Channel | None = None


def public_sets(table: Path = SOURCES) -> dict[str, PublicSet]:
    """The sets of a table by name.

    Raises DataError: the table cannot be read, or a set is not described as it must be.
    """
    try:
        return msgspec.toml.decode(table.read_bytes(), type=dict[Annotated[str, msgspec.Meta(pattern="^[a-z0-9_]+$")], PublicSet])
    except (OSError, msgspec.MsgspecError, UnicodeError) as error:
        raise DataError(f"{table}: {error}") from None


def rows(found: bytes, source: PublicSet, name: str) -> Iterator[dict[str, str]]:
    """The labelled messages of a downloaded file, in its order.

    Raises DataError: no such member or column, or a label that is not mapped.
    """
    try:
        yield from _rows(_lines(_unpacked(found, source, name), source), source, name)
    except (zipfile.BadZipFile, csv.Error) as error:
        raise DataError(f"{name}: the file cannot be read: {error}") from None


def _rows(lines: Iterator[list[str]], source: PublicSet, name: str) -> Iterator[dict[str, str]]:
    text, label = _columns(next(lines, []) if isinstance(source.text, str) else [], source, name)
    labels = {theirs.casefold(): ours for theirs, ours in source.labels.items()}
    for number, line in enumerate(lines, start=1):
        if max(text, label) >= len(line):
            continue  # an empty line, or one that was cut
        theirs = line[label].strip().casefold()
        if theirs not in labels:
            raise DataError(f"{name}: message {number} is labelled {theirs[:20]!r}, which is not among its labels in sources.toml")
        if labels[theirs] and line[text].strip():
            row = {"text": line[text], "label": labels[theirs], "lang": source.lang}
            yield row if source.channel is None else {**row, "channel": source.channel}


def _unpacked(found: bytes, source: PublicSet, name: str) -> bytes:
    if not source.member:
        return found
    with zipfile.ZipFile(io.BytesIO(found)) as archive:
        inside = [info for info in archive.infolist() if Path(info.filename).name == source.member]
        if len(inside) != 1 or inside[0].file_size > MOST:
            raise DataError(f"{name}: the archive holds no single {source.member} of at most {MOST >> 20} MB")
        return archive.read(inside[0])


def _lines(found: bytes, source: PublicSet) -> Iterator[list[str]]:
    """Lines cut into columns; bytes that are no UTF-8 become U+FFFD, for such files were often saved twice."""
    text = found.decode("utf-8-sig", "replace")
    if source.delimiter == "\t":
        return (line.split("\t") for line in text.replace("\r\n", "\n").split("\n") if line)
    return csv.reader(io.StringIO(text, newline=""))


def _columns(header: list[str], source: PublicSet, name: str) -> tuple[int, int]:
    """The numbers of the columns of text and label."""
    if isinstance(source.text, int) and isinstance(source.label, int):
        return source.text, source.label
    missing = [column for column in (source.text, source.label) if column not in header]
    if missing:
        raise DataError(f"{name}: no column {missing[0]!r}; there are {', '.join(header)}")
    return header.index(str(source.text)), header.index(str(source.label))
