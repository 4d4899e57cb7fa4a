"""Texts as vectors of their character n-grams: what compares texts in any script, by form alone.

Runs of two to four characters within words, hashed into a fixed number of places, each counted by
1 + log(count). No vocabulary, no weights, nothing to load.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from augment.tokens import words

NAME = "character n-grams"
DIMENSIONS = 1024
_LENGTHS = (2, 3, 4)
_MOST_WORDS = 2_000
_LONGEST_WORD = 100
_REMEMBERED = 8192
_MOST_COUNTED = 10_000
_WEIGHTS = np.r_[0, 1 + np.log(np.arange(1, _MOST_COUNTED + 1))].astype(np.float32)


def ngram_vectors(texts: Sequence[str]) -> npt.NDArray[np.float32]:
    """Return unit-length vectors, one row per text: shape (len(texts), DIMENSIONS).

    A text without any word is all zeros: it is like nothing.
    """
    vectors = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
    for row, text in zip(vectors, texts, strict=True):
        places = [_places(word[:_LONGEST_WORD]) for word in words(text)[:_MOST_WORDS]]
        if places:
            counts = np.bincount(np.concatenate(places), minlength=DIMENSIONS)
            row[:] = _WEIGHTS[np.minimum(counts, _MOST_COUNTED)]
            row /= np.linalg.norm(row)
    return vectors


@lru_cache(maxsize=_REMEMBERED)
def _places(word: str) -> npt.NDArray[np.uint16]:
    """Return the places of a word's n-grams, its edges marked; most words come again."""
    edged = f" {word} ".encode("utf-32-le")
    return np.array(
        [
            zlib.crc32(edged[start : start + 4 * length]) % DIMENSIONS
            for length in _LENGTHS
            for start in range(0, len(edged) - 4 * length + 1, 4)
        ],
        dtype=np.uint16,
    )
