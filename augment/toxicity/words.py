"""What a text's words look like to the model: runs of characters in them, by their place."""

from __future__ import annotations

import unicodedata
import zlib
from functools import lru_cache

import numpy as np
import numpy.typing as npt

PLACES = 1 << 15
_LENGTHS = (1, 2, 3, 4, 5)
_LONGEST_WORD = 40
_MOST_WORDS = 2_000
_REMEMBERED = 1 << 14


def words(text: str) -> list[str]:
    """Return what stands between white space, case-folded; names and addresses as such.

    Punctuation stays: what is written around a word, or in place of its letters, tells.
    """
    found = unicodedata.normalize("NFKC", text).casefold().split()[:_MOST_WORDS]
    return [_plain(word) for word in found]


def _plain(word: str) -> str:
    if word.startswith("@"):
        return "@"
    return "http" if word.startswith("http") else word[:_LONGEST_WORD]


@lru_cache(_REMEMBERED)
def places(word: str) -> npt.NDArray[np.int64]:
    """Return the places of a word's character runs, its edges marked; most words come again."""
    edged = f" {word} ".encode("utf-32-le", "surrogatepass")
    return np.array(
        [
            zlib.crc32(edged[start : start + 4 * length]) % PLACES
            for length in _LENGTHS
            for start in range(0, len(edged) - 4 * length + 1, 4)
        ],
        dtype=np.int64,
    )
