"""Which script a message is in (a look-up, for all), and which language that means where the script alone tells it."""

import numpy as np
from numpy.typing import NDArray

from models.characters import LATIN, C
from models.text import Ints

SCRIPTS = ("latin", "vietnamese", "han", "thai", "lao", "khmer", "myanmar", "other")
"""Groups of messages that are calibrated, and have thresholds, of their own."""

LATIN_SCRIPT = SCRIPTS.index("latin")
UNDETERMINED = "und"
LANGUAGE_OF_SCRIPT = {"vietnamese": "vi", "han": "zh", "thai": "th", "lao": "lo", "khmer": "km", "myanmar": "my"}

_VIETNAMESE_SHARE = 0.05  # of the Latin letters; without accents Vietnamese counts as Latin


def scripts(counts: Ints) -> NDArray[np.intp]:
    """The number in SCRIPTS of each message, from its counts of character classes (N, CLASSES).

    The script with the most letters wins. Han letters count double, for each says as much as a word's half; with kana or
    hangul beside them they are no Chinese.
    """
    latin = counts[:, LATIN].sum(axis=1)
    han = 2 * counts[:, C.HAN]
    abroad = counts[:, C.KANA_HANGUL] * 2 + counts[:, C.ALPHABET] + counts[:, C.INDIC]
    votes = np.stack([latin, np.zeros_like(latin), han, *(counts[:, c] for c in (C.THAI, C.LAO, C.KHMER, C.MYANMAR)), abroad], axis=1)
    votes[:, 2] = np.where(counts[:, C.KANA_HANGUL] * 4 > counts[:, C.HAN], 0, votes[:, 2])
    best = np.where(votes.max(axis=1) > 0, votes.argmax(axis=1), SCRIPTS.index("other"))
    vietnamese = (best == LATIN_SCRIPT) & (counts[:, C.VIETNAMESE] > _VIETNAMESE_SHARE * latin)
    return np.where(vietnamese, SCRIPTS.index("vietnamese"), best)
