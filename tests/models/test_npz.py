"""What an archive claims is checked before memory is given for it; whatever is wrong with it is a ValueError."""

import io
import struct
import tracemalloc
import zipfile
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from models import npz
from models.npz import Expected, read

EXPECTED = {"a": Expected(np.float32, (3,)), "b": Expected(np.float64, ((1, 4), 2))}
ARRAYS: dict[str, Any] = {"a": np.arange(3, dtype=np.float32), "b": np.arange(4, dtype=np.float64).reshape(2, 2)}


def packed(compressed: bool = True, **changes: Any) -> bytes:
    file = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(file, **{**ARRAYS, **changes})
    return file.getvalue()


def npy(array: NDArray[Any], header: dict[str, Any] | None = None) -> bytes:
    """An array as a member of an archive; with a header that may say anything."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, header or np.lib.format.header_data_from_array_1_0(array))
    return file.getvalue() + array.tobytes()


def zipped(**members: bytes) -> bytes:
    return archived(members, zipfile.ZIP_DEFLATED)


def archived(members: dict[str, bytes], method: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return file.getvalue()


WHOLE = {name: npy(array) for name, array in ARRAYS.items()}


@pytest.mark.parametrize("compressed", [True, False])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_come_back_as_they_were_and_cannot_be_changed(compressed: bool, order: Any) -> None:
    found = read(packed(compressed, b=np.array(ARRAYS["b"], order=order)), EXPECTED)
    for name, array in ARRAYS.items():
        assert (found[name] == array).all()
        assert not found[name].flags.writeable


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"a": np.zeros(4, np.float32)}, "'a' is float32"),
        ({"a": np.zeros((3, 1), np.float32)}, "'a' is float32"),
        ({"a": np.zeros(3, np.float64)}, "'a' is float64"),
        ({"a": np.zeros(3, ">f4")}, "'a' is >f4"),
        ({"a": np.array([None] * 3)}, "'a' is object"),
        ({"a": np.array(["x"] * 3)}, "'a' is <U1"),
        ({"b": np.zeros((0, 2))}, "'b' is float64"),
        ({"b": np.zeros((5, 2))}, "'b' is float64"),
        ({"a": np.array([0, np.nan, 0], np.float32)}, "not finite"),
        ({"a": np.array([0, -np.inf, 0], np.float32)}, "not finite"),
        ({"a": np.array([0, 1e30, 0], np.float32)}, "larger than"),
        ({"c": np.zeros(1)}, "lists 3 arrays"),
    ],
)
def test_an_array_of_another_type_shape_or_value_is_refused(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read(packed(**changes), EXPECTED)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (zipped(a=WHOLE["a"], c=WHOLE["b"]), "other arrays"),
        (zipped(a=WHOLE["a"]), "lists 1 arrays"),
        (zipped(a=WHOLE["a"], b=WHOLE["b"], **{f"m{i}": b"" for i in range(5000)}), "lists 5002 arrays"),
        (archived(WHOLE, zipfile.ZIP_BZIP2), "packed in a way"),
        (zipped(a=WHOLE["a"] + b"\0", b=WHOLE["b"]), "its header tells"),
        (zipped(a=WHOLE["a"][:-1], b=WHOLE["b"]), "its header tells"),
        (zipped(a=WHOLE["a"][:20], b=WHOLE["b"]), "."),
        (zipped(a=b"", b=WHOLE["b"]), "."),
        (zipped(a=b"\x93NUMPY\x02\x00" + b"\xff" * 4, b=WHOLE["b"]), "version 2.0"),
        (zipped(a=npy(ARRAYS["a"], {"descr": "<f4", "fortran_order": False, "shape": (1 << 40,)}), b=WHOLE["b"]), "'a' is float32"),
        (zipped(a=npy(ARRAYS["a"], {"descr": "<f4", "fortran_order": False, "shape": (-3,)}), b=WHOLE["b"]), "'a' is float32"),
        (b"", "no plain"),
        (b"PK\x05\x06" + bytes(18), "lists 0 arrays"),
        (packed()[:-1], "no plain"),
        (packed()[10:], "."),
        (packed() + b"comment", "no plain"),
    ],
)
def test_an_archive_that_is_not_as_numpy_writes_it_is_refused(data: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read(data, EXPECTED)


def test_a_name_that_leads_elsewhere_is_just_another_name() -> None:
    """Nothing is unpacked to a disk, and only what is expected is read."""
    with pytest.raises(ValueError, match="other arrays"):
        read(zipped(**{"a": WHOLE["a"], "../../etc/b": WHOLE["b"]}), EXPECTED)


def test_what_is_within_bounds_array_by_array_may_still_be_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(npz, "LARGEST_TOTAL_BYTES", sum(map(len, WHOLE.values())) - 1)
    with pytest.raises(ValueError, match="the archive unpacks to"):
        read(packed(), EXPECTED)


@pytest.mark.parametrize("claim", [False, True])
def test_a_bomb_is_not_unpacked(claim: bool) -> None:
    """64 MB of zeros in 64 kB; also one whose directory claims to unpack to little: what is unpacked ends with the claim."""
    data = zipped(a=WHOLE["a"] + bytes(64 << 20), b=WHOLE["b"])
    if claim:
        size = struct.pack("<I", len(WHOLE["a"]) + (64 << 20))
        assert data.count(size) == 2
        data = data.replace(size, struct.pack("<I", len(WHOLE["a"])))
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"broken" if claim else "unpacks to"):
        read(data, EXPECTED)
    assert tracemalloc.get_traced_memory()[1] < 4 << 20
    tracemalloc.stop()


@settings(deadline=None)  # a busy machine is no fault
@given(st.integers(0, len(packed()) - 1), st.integers(0, 255))
def test_any_changed_byte_gives_arrays_or_a_value_error(place: int, value: int) -> None:
    data = bytearray(packed())
    data[place] = value
    try:
        found = read(bytes(data), EXPECTED)
    except ValueError:
        return
    assert {name: array.shape for name, array in found.items()} == {"a": (3,), "b": found["b"].shape}


@settings(deadline=None)  # a busy machine is no fault
@given(st.binary(max_size=200))
def test_any_bytes_are_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        read(data, EXPECTED)
