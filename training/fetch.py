"""Downloads: a file from where it was published, taken only if its bytes are the expected ones."""

import gzip
import hashlib
import http.client
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import msgspec

from training.data import DataError
from training.fit import Tell
from training.sources import MOST, PublicSet, rows

TIMEOUT = 30.0  # seconds without a byte
_BLOCK = 1 << 16


def fetch(name: str, source: PublicSet, folder: Path, tell: Tell) -> int:
    """Write `NAME.jsonl.gz` and its licence into a folder; returns how many messages. The same download gives the same bytes.

    Raises DataError: the file cannot be had, or is not the one that was expected. What was there before stays then.
    """
    found = download(source.url, source.sha256, lambda done, of: tell(name, done, of))
    lines = [msgspec.json.encode(row) + b"\n" for row in rows(found, source, name)]
    if not lines:
        raise DataError(f"{name}: no labelled message in {source.url}")
    folder.mkdir(parents=True, exist_ok=True)
    _replace(folder / f"{name}.jsonl.gz", gzip.compress(b"".join(lines), mtime=0))
    _replace(folder / "LICENCES.tsv", _licences(folder / "LICENCES.tsv", name, source.licence))
    return len(lines)


def download(url: str, sha256: str, tell: Callable[[int, int], None]) -> bytes:
    """The bytes behind a URL (https, or http), if they have the checksum."""
    request = urllib.request.Request(url, headers={"User-Agent": "scamsieve"})  # noqa: S310 the table of sources takes no other scheme
    parts: list[bytes] = []
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310 as above
            expected, done = int(answer.headers.get("Content-Length") or 0), 0
            while block := answer.read(_BLOCK):
                parts.append(block)
                done += len(block)
                tell(done, max(expected, done))
                if done > MOST:
                    raise DataError(f"{url} is larger than {MOST >> 20} MB: not taken")
            if done < expected:
                raise DataError(f"{url} ended after {done} of {expected} bytes: try again")
    except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError) as error:
        raise DataError(f"{url} cannot be downloaded: {error}. Is there a network, and is the address still right?") from None
    found = b"".join(parts)
    got = hashlib.sha256(found).hexdigest()
    if got != sha256:
        raise DataError(f"{url} is not the file that was expected: its SHA-256 is {got}, not {sha256}. Look at it before you change that")
    return found


def _licences(table: Path, name: str, licence: str) -> bytes:
    """The table of licences with one more set, or the set's row exchanged."""
    known = table.read_text(encoding="utf-8").split("\n") if table.is_file() else []
    kept = [line for line in known if line.strip() and line.partition("\t")[0].strip() != name]
    return "".join(f"{line}\n" for line in [*kept, f"{name}\t{licence}"]).encode()


def _replace(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    part.replace(path)
