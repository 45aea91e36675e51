"""How the C library's allocator behaves: numpy's short-lived arrays of a few megabytes are its worst case."""

import ctypes

# <malloc.h>. Both are dynamic by default, and begin so low that each batch's arrays are mapped, zeroed page by page, and given
# back at once.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
KEPT_BYTES = 64 << 20  # of freed memory at the heap's end: several times what a batch takes; bounds what is kept
LARGEST_BYTES = 32 << 20  # of one block that is taken from the heap; glibc allows no more


def keep_freed_pages() -> bool:
    """Let the process keep freed memory for the next batch; False, and no change, where the C library is not glibc.

    Measured on 2 cores: `scamsieve score` is a third faster with it, and its memory stays where it was.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # macOS, musl, Windows
        return False
    return bool(mallopt(M_MMAP_THRESHOLD, LARGEST_BYTES)) and bool(mallopt(M_TRIM_THRESHOLD, KEPT_BYTES))
