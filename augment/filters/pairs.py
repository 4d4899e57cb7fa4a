"""The pairs of alike texts among a few: each is compared with each.

For a thousand texts that is faster than to file them, and it gives all pairs, where
`augment.filters.join` gives the nearest of each.
"""

# To numba, which compiles this, numpy's numbers are numbers like others.
# pyright: reportArgumentType=false, reportReturnType=false, reportCallIssue=false

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from augment.filters.compiled import compiled
from augment.filters.join import needed_words, ones, shared_words
from augment.filters.sketch import sketched


class Pairs:
    """Texts, and for each of them those before it that are alike.

    Args:
        texts: some thousand at most: time grows with their square.
        floor: the Jaccard similarity from which two are alike, above 0.
    """

    def __init__(self, texts: Sequence[str], *, floor: float) -> None:
        sketches, most = sketched(texts), len(texts) * (len(texts) - 1) // 2
        self._others, self._alike = np.empty(most, np.int32), np.empty(most, np.float64)
        self._same, self._ends = np.empty(most, np.bool_), np.zeros(len(texts) + 1, np.int64)
        _compare(
            sketches.hashes,
            sketches.counts,
            sketches.sequences,
            floor,
            self._others,
            self._alike,
            self._same,
            self._ends,
        )

    def before(self, place: int) -> Iterator[tuple[int, float, bool]]:
        """Yield place, Jaccard similarity, and whether the words and their order are the same."""
        for pair in range(self._ends[place], self._ends[place + 1]):
            yield int(self._others[pair]), float(self._alike[pair]), bool(self._same[pair])


@compiled
def _compare(
    hashes: npt.NDArray[np.uint64],
    counts: npt.NDArray[np.int32],
    sequences: npt.NDArray[np.uint64],
    floor: float,
    others: npt.NDArray[np.int32],
    alike: npt.NDArray[np.float64],
    same: npt.NDArray[np.bool_],
    ends: npt.NDArray[np.int64],
) -> None:
    """Fill in the pairs, by the later text; `ends` tells where those of each one end."""
    starts = np.zeros(len(counts) + 1, np.int64)
    bits = np.zeros(len(counts), np.uint64)
    found = 0
    for one in range(len(counts)):
        n, start = np.int64(counts[one]), starts[one]
        starts[one + 1] = start + n
        for each in range(start, start + n):
            bits[one] |= np.uint64(1) << (hashes[each] >> np.uint64(58))
        for other in range(one):
            m = np.int64(counts[other])
            needed = needed_words(n, m, floor)
            if min(n, m) < needed or ones(bits[one] ^ bits[other]) > n + m - 2 * needed:
                continue
            shared = shared_words(hashes, start, n, starts[other], m, needed)
            similarity = shared / (n + m - shared)
            if shared and similarity >= floor:
                others[found], alike[found] = other, similarity
                same[found] = similarity == 1.0 and sequences[one] == sequences[other]
                found += 1
        ends[one + 1] = found
