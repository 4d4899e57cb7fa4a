"""Texts to hashes of their words."""

# To numba, which compiles this, numpy's numbers are numbers like others.
# pyright: reportArgumentType=false, reportReturnType=false, reportCallIssue=false

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from augment.filters.compiled import compiled, mixed, sort

_PRIME = np.uint64(0x100000001B3)
_BASIS = np.uint64(0xCBF29CE484222325)


@compiled
def hash_words(
    text: npt.NDArray[np.uint8],
    ends: npt.NDArray[np.int64],
    kinds: npt.NDArray[np.uint8],
    lower: npt.NDArray[np.uint8],
    hashes: npt.NDArray[np.uint64],
    counts: npt.NDArray[np.int32],
    sequences: npt.NDArray[np.uint64],
) -> int:
    """Hash the distinct words of each text, ascending, one text after the other.

    A text without words, or one that begins with NUL, has the hash of its bytes for its only one.

    Args:
        text: the bytes of all texts.
        ends: where each ends.
        kinds: of each byte: 0 between words, 1 within a word, 2 a word of its own.
        lower: each byte in lower case.
        hashes: filled with the hashes.
        counts: filled with how many each text has.
        sequences: filled with a hash of all words of each text in their order.

    Returns:
        How many hashes there are.
    """
    start, made = 0, 0
    for row in range(len(ends)):
        end, first, place = ends[row], made, start
        sequence = _BASIS
        whole = start < end and text[start] == 0
        while place < end and not whole:
            kind = kinds[text[place]]
            if kind == 0:
                place += 1
                continue
            value = _BASIS
            while place < end and kinds[text[place]] == kind:
                value = (value ^ np.uint64(lower[text[place]])) * _PRIME
                place += 1
                if kind == 2:
                    break
            hashes[made] = mixed(value)
            sequence = mixed(sequence * _PRIME ^ hashes[made])
            made += 1
        if made == first:
            value = _BASIS + np.uint64(1)
            for each in range(start, end):
                value = (value ^ np.uint64(text[each])) * _PRIME
            hashes[made] = sequence = mixed(value)
            made += 1
        words = hashes[first:made]
        sort(words)
        made = first + 1
        for each in range(1, len(words)):
            if words[each] != hashes[made - 1]:
                hashes[made] = words[each]
                made += 1
        counts[row], sequences[row], start = made - first, sequence, end
    return made


@compiled
def shared_counts(
    hashes: npt.NDArray[np.uint64],
    ends: npt.NDArray[np.int64],
    ones: npt.NDArray[np.int64],
    others: npt.NDArray[np.int64],
) -> npt.NDArray[np.int64]:
    """Return how many words the texts of each pair share, of hashes that `hash_words` made."""
    found = np.zeros(len(ones), np.int64)
    for pair in range(len(ones)):
        one, other = ones[pair], others[pair]
        a = ends[one - 1] if one else 0
        b = ends[other - 1] if other else 0
        while a < ends[one] and b < ends[other]:
            x, y = hashes[a], hashes[b]
            found[pair] += x == y
            a += x <= y
            b += y <= x
    return found
