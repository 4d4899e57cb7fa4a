"""What is kept of texts to compare them by their words: a set of hashes each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from augment.filters.hashing import hash_words, shared_counts
from augment.tokens import words


def _kind(character: str) -> int:
    """Return what `words` makes of an ASCII character, as the kernel numbers it."""
    found = words(f"a{character}a")
    return {1: 1, 2: 0, 3: 2}[len(found)]


_BYTES = [chr(code) for code in range(128)]
_KINDS = np.array([*map(_kind, _BYTES), *[1] * 128], np.uint8)
_LOWER = np.array([*(ord(each.lower()) for each in _BYTES), *range(128, 256)], np.uint8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketches:
    """Texts as sets of words.

    Attributes:
        hashes: the distinct 64-bit hashes of each text's words, ascending, one text after the
            other; for a text without any word, one hash of the stripped text, so that only the
            same text is similar to it.
        counts: how many hashes each text has.
        sequences: a hash of each text's words in their order.
    """

    hashes: npt.NDArray[np.uint64]
    counts: npt.NDArray[np.int32]
    sequences: npt.NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.counts)

    def similarities(
        self, ones: npt.NDArray[np.int64], others: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float64]:
        """Return the Jaccard similarity of each pair of texts, given by their numbers."""
        shared = shared_counts(self.hashes, np.cumsum(self.counts, dtype=np.int64), ones, others)
        return shared / (self.counts[ones] + self.counts[others] - shared)


def sketched(texts: Sequence[str]) -> Sketches:
    """Return the words of texts, as `augment.tokens.words` finds them."""
    cut = [_cut(text) for text in texts]
    ends = np.cumsum(np.fromiter(map(len, cut), np.int64, len(cut)))
    data = np.frombuffer(b"".join(cut), np.uint8)
    hashes = np.empty(len(data) + len(cut), np.uint64)
    counts = np.empty(len(cut), np.int32)
    sequences = np.empty(len(cut), np.uint64)
    made = hash_words(data, ends, _KINDS, _LOWER, hashes, counts, sequences)
    return Sketches(hashes=hashes[:made].copy(), counts=counts, sequences=sequences)


def _cut(text: str) -> bytes:
    """Return a text as the kernel cuts it: ASCII as it is, other text cut into words already."""
    if text.isascii() and not text.startswith("\0"):
        return text.strip().encode()
    found = " ".join(words(text)) or "\0" + text.strip()
    return found.encode("utf-8", "surrogatepass")
