"""Lines of JSON from files and pipes, plain or gzipped, however long: block by block, split at newlines only."""

import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress

from stream.errors import ScamSieveError

BLOCK_BYTES = 1 << 20  # some thousands of messages; also the largest pipe that an ordinary user gets
LINES = 20_000  # most lines handed over at once: bounds the memory that blocks of tiny lines take
GZIP_MAGIC = b"\x1f\x8b"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"

Read = Callable[[int], bytes]
"""Gives at most so many bytes, as soon as there are any; none at the end."""


def reader(file: io.BufferedReader) -> Read:
    """How to read a file or a pipe, unpacked if it is gzipped. Reading damaged gzip data raises ScamSieveError."""
    if file.peek(2)[:2] != GZIP_MAGIC:
        _widen(file)
        return file.read1  # what one system call gives: a slow pipe's lines do not wait for a full block
    unpacked = gzip.GzipFile(fileobj=file)

    def read(size: int) -> bytes:
        try:
            return unpacked.read(size)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise ScamSieveError(f"{file.name}: the gzip data is damaged or cut off ({error})") from None

    return read


def _widen(file: io.BufferedReader) -> None:
    """Let a pipe hold a whole block, where the system can: 64 KiB are only 150 messages, and small batches are slow."""
    with suppress(ImportError, AttributeError, OSError):
        import fcntl  # noqa: PLC0415 not on every system

        fcntl.fcntl(file, fcntl.F_SETPIPE_SZ, BLOCK_BYTES)


def blocks(read: Read, longest: int) -> Iterator[list[bytes]]:
    """The whole lines of each block; never an empty list. Texts hold other line separators than the newline.

    Of a line that is longer than `longest` one byte more than that is kept: enough to refuse it, and no more memory.
    """
    rest, mark = b"", BYTE_ORDER_MARK
    while block := read(BLOCK_BYTES):
        if len(rest) > longest:
            end = block.find(b"\n")
            rest, block = rest[: len(mark) + longest + 1], block[end:] if end >= 0 else b""
        *lines, rest = (rest + block).split(b"\n")
        if lines:
            lines[0], mark = lines[0].removeprefix(mark)[: longest + 1], b""
        for begin in range(0, len(lines), LINES):
            yield lines[begin : begin + LINES]
    if last := rest.removeprefix(mark)[: longest + 1]:
        yield [last]
