import gzip
import io
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.errors import ScamSieveError
from stream.lines import BLOCK_BYTES, LINES, blocks, reader

LONGEST = 20


def read_all(chunks: list[bytes], longest: int = LONGEST) -> list[bytes]:
    """The lines of an input that comes in these pieces."""
    left = iter(chunks)
    return [line for lines in blocks(lambda _: next(left, b""), longest) for line in lines]


@given(st.lists(st.binary(min_size=1, max_size=30)))
def test_lines_do_not_depend_on_how_the_input_comes(chunks: list[bytes]) -> None:
    """Split at newlines only, and a line that is too long is cut to one byte more than is allowed."""
    whole = b"".join(chunks).removeprefix(b"\xef\xbb\xbf").split(b"\n")
    expected = [line[: LONGEST + 1] for line in (whole[:-1] if whole[-1] == b"" else whole)]
    found = read_all(chunks)
    assert len(found) == len(expected)
    for line, wanted in zip(found, expected, strict=True):
        assert line == wanted or (len(line) > LONGEST and line.startswith(wanted))


def test_separators_that_texts_hold_split_no_line() -> None:
    text = "a\u2028b\u0085c\x0bd\r".encode()
    assert read_all([text + b"\n" + text]) == [text, text]


def test_a_line_without_end_takes_no_more_memory_than_is_allowed() -> None:
    endless = iter([b"x" * 1000] * 1000 + [b"\nshort\n"])
    found = [line for lines in blocks(lambda _: next(endless, b""), LONGEST) for line in lines]
    assert [len(line) for line in found] == [LONGEST + 1, 5]


def test_tiny_lines_are_handed_over_in_parts() -> None:
    assert max(len(lines) for lines in blocks(io.BytesIO(b"\n" * 3 * LINES).read, LONGEST)) == LINES


def test_a_byte_order_mark_is_no_part_of_the_first_line() -> None:
    assert read_all([b"\xef\xbb\xbfa\nb"]) == [b"a", b"b"]
    assert read_all([b"\xef\xbb\xbfa"]) == [b"a"]
    assert read_all([b"\xef\xbb\xbf"]) == []


def test_gzip_is_known_by_its_first_bytes(tmp_path: Path) -> None:
    path = tmp_path / "packed"
    path.write_bytes(gzip.compress(b"a\nb\n"))
    with path.open("rb") as file:
        assert list(blocks(reader(file), LONGEST)) == [[b"a", b"b"]]


def test_damaged_gzip_is_told_in_a_line(tmp_path: Path) -> None:
    path = tmp_path / "packed"
    path.write_bytes(gzip.compress(os.urandom(1000))[:-300])
    with path.open("rb") as file, pytest.raises(ScamSieveError, match=r"packed.*damaged or cut off"):
        list(blocks(reader(file), LONGEST))


def test_a_slow_pipe_gives_what_it_has() -> None:
    out, into = os.pipe()
    with open(out, "rb") as file, open(into, "wb", buffering=0) as writer:
        writer.write(b"one\ntwo\nthr")
        read = blocks(reader(file), LONGEST)
        assert next(read) == [b"one", b"two"]
        writer.write(b"ee\n")
        assert next(read) == [b"three"]


def test_a_block_is_no_larger_than_a_pipe_may_be() -> None:
    """Linux lets an ordinary user's pipe hold 1 MiB."""
    assert BLOCK_BYTES <= 1 << 20
