"""Labelled messages from JSONL files, plain or gzipped: one object a line, cut at line feeds only.

A line needs `text`, `label` (scam, promo or benign) and `lang`; it may have `category` and any field of a Message. The first line
of a file may be a heading instead: an object with `about`, which says where the messages come from. A folder may hold
`LICENCES.tsv`: the name of a source (a file's name without its endings), a tab, its licence.
"""

import gzip
import unicodedata
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import msgspec

from models.message import Message

CORPUS = (Path(str(files("training"))) / "corpus").resolve()
"""The labelled messages that were written for this project."""
OWN = "corpus/"
"""What the names of its files as sources begin with."""

CORPUS_LICENCE = "CC BY 4.0"
UNSTATED = "not stated"
HEADING = b'{"about"'
ENDINGS = (".jsonl", ".jsonl.gz")
METADATA = ("operator", "channel", "sender", "sender_type", "recipient", "sent_at", "origin")
"""Fields of a Message that a label may be learned from. The language is none of them: the model must not be told."""

_TYPES = {f.name: f.type for f in msgspec.structs.fields(Message)}


class DataError(Exception):
    """Labelled data that cannot be used; the text says which file and line, and why."""


class Row(msgspec.Struct, frozen=True):
    """One labelled message and where it comes from."""

    message: Message
    label: Literal["scam", "promo", "benign"]
    lang: str
    source: str
    category: str | None = None


class _Labels(msgspec.Struct):
    """What a line must hold, and its category."""

    text: str
    label: Literal["scam", "promo", "benign"]
    lang: str
    category: str | None = None


@dataclass(slots=True)
class Found:
    """Rows, the licence of each source, and what was left out on the way (what -> how many)."""

    rows: list[Row] = field(default_factory=list)
    licences: dict[str, str] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)


def read(paths: Sequence[Path], labels: Mapping[str, str] | None = None) -> Found:
    """All labelled messages of files, and of folders' files; `labels` tells ours by what else a file calls them (spam: scam).

    Raises DataError: nothing there, a file that cannot be read, or a line without what it needs.
    """
    found = Found()
    for path in paths:
        for file in _files(path):
            source = source_of(file)
            if file.resolve().is_relative_to(CORPUS):
                found.licences[source] = CORPUS_LICENCE
            found.rows.extend(_rows(file, source, found.left_out, labels or {}))
        found.licences.update(_licences(path / "LICENCES.tsv"))
    if not found.rows:
        raise DataError(f"no labelled messages in {', '.join(map(str, paths)) or 'nothing'}")
    return found


def source_of(file: Path) -> str:
    """The name of a data set: the file's, without its endings; those of the project's corpus are `corpus/...`."""
    name = file.name.removesuffix(".gz").removesuffix(".jsonl")
    return f"{OWN}{name}" if file.resolve().is_relative_to(CORPUS) else name


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise DataError(f"{path} is not there: give a folder of .jsonl or .jsonl.gz files, or such a file")
    within = sorted(file for file in path.rglob("*") if file.name.endswith(ENDINGS))
    if not within:
        raise DataError(f"{path} holds no .jsonl or .jsonl.gz file")
    return within


def _licences(table: Path) -> dict[str, str]:
    if not table.is_file():
        return {}
    lines = [line for line in table.read_text(encoding="utf-8").split("\n") if line.strip() and not line.startswith("#")]
    for number, line in enumerate(lines, start=1):
        if line.count("\t") != 1:
            raise DataError(f"{table}: row {number} is not a source, one tab and a licence")
    return {source.strip(): licence.strip() for source, licence in (line.split("\t") for line in lines)}


def _rows(file: Path, source: str, left_out: Counter[str], names: Mapping[str, str]) -> Iterator[Row]:
    opened = gzip.open if file.suffix == ".gz" else open
    try:
        with opened(file, "rb") as stream:
            for number, line in enumerate(stream, start=1):
                if line.strip() and not (number == 1 and line.startswith(HEADING)):
                    try:
                        yield _row(line, source, left_out, names)
                    except (msgspec.MsgspecError, UnicodeError) as error:
                        raise DataError(f"{file}, line {number}: {error}") from None
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{file} cannot be read: {error}") from None


def _row(line: bytes, source: str, left_out: Counter[str], names: Mapping[str, str]) -> Row:
    """One line. A metadata field that cannot be read is left out, as the stream does, and counted."""
    given = msgspec.json.decode(line, type=dict[str, Any])
    given["label"] = names.get(str(given.get("label")), given.get("label"))
    labels = msgspec.convert(given, _Labels)
    metadata: dict[str, Any] = {}
    for name in METADATA:
        if given.get(name) not in (None, "", {}):
            try:
                metadata[name] = msgspec.convert(given[name], _TYPES[name])
            except msgspec.ValidationError:
                left_out[f"{source}: {name} that cannot be read"] += 1
    return Row(Message(text=labels.text, **metadata), labels.label, labels.lang, source, labels.category)


def without_duplicates(rows: Sequence[Row], left_out: Counter[str]) -> list[Row]:
    """The first of the rows whose texts are one once digits and punctuation are folded; counts the others."""
    first: dict[str, Row] = {}
    for row in rows:
        folded = fold(row.message.text)
        if folded not in first:
            first[folded] = row
        elif first[folded].label == row.label:
            left_out["duplicates"] += 1
        else:
            left_out["duplicates with another label (the first one was kept)"] += 1
    return list(first.values())


def fold(text: str) -> str:
    """The text in small letters with 0 for every digit, without punctuation, signs and spaces; the text itself if none is left."""
    return "".join(map(_fold, text.casefold())) or text


@cache
def _fold(char: str) -> str:
    category = unicodedata.category(char)
    return "0" if category == "Nd" else "" if category[0] in "PZCS" else char


def text_only(row: Row) -> Row:
    """The row without metadata."""
    return msgspec.structs.replace(row, message=Message(text=row.message.text))
