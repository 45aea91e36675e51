"""Arrays of an .npz archive from outside, read with bounds: what a file claims is checked before memory is given for it.

An archive that is small and unpacks to gigabytes, one with a million members, an array whose header asks for more than is there:
each is refused by its claims. What is unpacked is cut off where the claim ends, so a false claim gains nothing. Arrays are taken
from plain bytes; there is no way from here to a pickle.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

HEADER_BYTES = 1024  # of an array; numpy writes 128
DIRECTORY_BYTES = 256  # of one member in the archive's directory; numpy writes some 60
END = struct.Struct("<4s4H2IH")  # PKWARE's "end of central directory" record, without a comment
ZIP64_END = b"PK\x06\x07"
LARGEST_TOTAL_BYTES = 256 << 20  # unpacked; ours have 2.6 MB. Honest zeros shrink a thousandfold, so this is the bound and no ratio
LARGEST = 1e6  # of a weight; the longest text adds up some 10^5, and so stays far below what 32 bits can hold


@dataclass(frozen=True, slots=True)
class Expected:
    """What an array must be: its type, and its shape, where a pair is the least and the most of a dimension."""

    dtype: type[np.generic]
    shape: tuple[int | tuple[int, int], ...]

    @property
    def most_bytes(self) -> int:
        """Of the largest array that fits."""
        size = np.dtype(self.dtype).itemsize
        for most in (told if isinstance(told, int) else told[1] for told in self.shape):
            size *= most
        return size

    def fits(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> bool:
        """Whether an array with this shape and type is one of those."""
        bounds = [(told, told) if isinstance(told, int) else told for told in self.shape]
        within = len(shape) == len(bounds) and all(low <= size <= high for size, (low, high) in zip(shape, bounds, strict=True))
        return within and dtype == np.dtype(self.dtype)


def read(data: bytes, expected: Mapping[str, Expected]) -> dict[str, NDArray[Any]]:
    """The arrays of an archive, read-only: these and no others.

    Raises ValueError, which tells the array: one is missing or too many, of another type, shape or size, truncated, or not finite.
    """
    _check_directory(data, len(expected))
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if sorted(member.filename for member in members) != sorted(f"{name}.npy" for name in expected):
                raise ValueError(f"the archive holds other arrays than {', '.join(expected)}")
            if (total := sum(member.file_size for member in members)) > LARGEST_TOTAL_BYTES:
                raise ValueError(f"the archive unpacks to {total} bytes, allowed {LARGEST_TOTAL_BYTES}")
            for name, wanted in expected.items():
                _check_member(name, archive.getinfo(f"{name}.npy"), wanted)
            return {name: _array(name, archive, wanted) for name, wanted in expected.items()}
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, OSError, RuntimeError, NotImplementedError, zlib.error) as error:
        raise ValueError(f"the archive is broken: {error}") from None


def _check_directory(data: bytes, count: int) -> None:
    """Look at the archive's last record, for zipfile makes an object of each member that the directory lists."""
    end = len(data) - END.size
    if end < 0 or data[end : end + 4] != b"PK\x05\x06" or data[end - 20 : end - 16] == ZIP64_END:
        raise ValueError("it is no plain .npz archive")
    *_, members, size, _, comment = END.unpack(data[end:])
    if members != count or size > count * DIRECTORY_BYTES or comment:
        raise ValueError(f"the archive lists {members} arrays in {size} bytes, not {count}")


def _check_member(name: str, member: zipfile.ZipInfo, wanted: Expected) -> None:
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or member.flag_bits & 1:
        raise ValueError(f"array {name!r} is packed in a way that is not read here")
    if member.file_size > wanted.most_bytes + HEADER_BYTES:
        raise ValueError(f"array {name!r} unpacks to {member.file_size} bytes, allowed {wanted.most_bytes + HEADER_BYTES}")


def _array(name: str, archive: zipfile.ZipFile, wanted: Expected) -> NDArray[Any]:
    """Header first; the values only if it fits, exactly as many as it says."""
    with archive.open(f"{name}.npy") as member:
        shape, fortran, dtype = _header(name, member)
        if not wanted.fits(shape, dtype):
            raise ValueError(f"array {name!r} is {dtype}{shape}, not {np.dtype(wanted.dtype)}{wanted.shape}")
        size = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        values = member.read(size)
        if len(values) != size or member.read(1):
            raise ValueError(f"array {name!r} does not hold the values that its header tells")
    array = np.frombuffer(values, dtype).reshape(shape, order="F" if fortran else "C").copy(order="K")
    if not (np.isfinite(array).all() and np.abs(array).max(initial=0) <= LARGEST):
        raise ValueError(f"array {name!r} holds values that are not finite, or larger than {LARGEST:g}")
    array.flags.writeable = False
    return array


def _header(name: str, file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, order and type of an array; the file then stands at its values."""
    version = np.lib.format.read_magic(file)
    if version != (1, 0):
        raise ValueError(f"array {name!r} has a header of version {version[0]}.{version[1]}, not 1.0")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(file, max_header_size=HEADER_BYTES)
    return shape, fortran, dtype
