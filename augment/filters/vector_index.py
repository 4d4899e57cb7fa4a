"""Unit vectors, to be found by those that point nearly the same way.

The index is exact: what has the least cosine or more is always found. Beside every vector stands
its head, its part in the few directions in which vectors vary most, and the length of what is left.
A cosine is at most the product of the heads and that of the lengths (Cauchy and Schwarz), so that
one narrow product leaves few to be compared in full.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from augment.protocols import Vectors

_HEAD = 32
_SAMPLE = 2_000
"""So many vectors show in which directions they vary."""
_SLACK = 1e-3
"""More than rounding can move a bound, and than half precision moves a cosine."""
_FIRST = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """The nearest of the vectors in an index.

    Attributes:
        id: the one it was added under.
        cosine: to what was looked for.
    """

    id: str
    cosine: float


class VectorIndex:
    """Unit vectors in half precision, to be found by cosine.

    Args:
        least: cosine from which a vector is found.
        directions: those in which vectors vary most (`main_directions`); speed hangs on them, and
            nothing else.
    """

    def __init__(self, *, least: float, directions: Vectors) -> None:
        self._least = least
        self._ids: list[str] = []
        self._directions = directions
        self._rows = np.empty((_FIRST, len(directions)), np.float16)
        self._heads = np.empty((_FIRST, directions.shape[1] + 1), np.float32)

    def __len__(self) -> int:
        """Return how many vectors there are."""
        return len(self._ids)

    def add(self, ids: Sequence[str], vectors: Vectors) -> None:
        """Add unit vectors, one row each."""
        used, total = len(self._ids), len(self._ids) + len(ids)
        if total > len(self._rows):
            self._rows = _larger(self._rows, used, total)
            self._heads = _larger(self._heads, used, total)
        self._rows[used:total] = vectors
        self._heads[used:total] = self._headed(vectors)
        self._ids += ids

    def nearest(self, vector: Vectors, *, but: str | None = None) -> Close | None:
        """Return the nearest vector, the first added of equals; None where none is near enough.

        Args:
            vector: of unit length.
            but: the id of one that it may be near to.
        """
        used = len(self._ids)
        bounds = self._heads[:used] @ self._headed(vector[None])[0]
        places = np.flatnonzero(bounds >= self._least - _SLACK)
        if but is not None:
            places = np.array([place for place in places if self._ids[place] != but], np.intp)
        if not len(places):
            return None
        cosines = self._rows[places].astype(np.float32) @ vector
        best = int(cosines.argmax())
        if cosines[best] < self._least:
            return None
        place = int(places[best])
        return Close(id=self._ids[place], cosine=min(float(cosines[best]), 1.0))

    def _headed(self, vectors: Vectors) -> Vectors:
        """Return what is kept of vectors beside them: head and length of the rest."""
        heads = vectors @ self._directions
        rest = np.sqrt(np.maximum((vectors**2).sum(axis=1) - (heads**2).sum(axis=1), 0))
        return np.concatenate([heads, rest[:, None]], axis=1)


def main_directions(like: Vectors) -> Vectors:
    """Return the directions in which vectors vary most, at right angles, one a column."""
    some = like[:: max(1, -(-len(like) // _SAMPLE))].astype(np.float64)
    _, found = np.linalg.eigh(some.T @ some)
    return found[:, ::-1][:, :_HEAD].astype(np.float32)


def _larger(array: npt.NDArray[np.floating], used: int, least: int) -> npt.NDArray[np.floating]:
    larger = np.empty((max(least, 2 * len(array)), array.shape[1]), array.dtype)
    larger[:used] = array[:used]
    return larger
