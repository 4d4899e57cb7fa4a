"""A linear classifier that knows how it would do on each example without having seen it.

Ridge regression on indicator columns, one per label (Hastie, Tibshirani and Friedman, The Elements
of Statistical Learning, 2009, sections 3.4.1 and 4.2). For least squares the score of an example
left out follows from the fit with it: its residual divided by one minus its leverage (Allen,
Technometrics 16, 1974), so that leaving out each of n examples costs no n fits; for examples left
out together it is the block of the hat matrix that takes the place of the leverage.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Matrix: TypeAlias = npt.NDArray[np.float64]

_PENALTIES = (0.3, 1.0, 3.0, 10.0)
"""For unit vectors; below the first, ten seeds a label are fitted too closely."""


_BLOCK = 8
"""Rows multiplied at once, always as many: how BLAS adds up depends on how many there are."""


class LeastSquares:
    """The classifier, fitted; the penalty is the one of least squared error on what is left out.

    Attributes:
        left_out: the scores of each example without itself and its group: shape (examples, labels).
    """

    def __init__(
        self,
        vectors: npt.NDArray[np.float32],
        labels: Sequence[tuple[int, ...]],
        *,
        count: int,
        groups: Sequence[Sequence[int]] = (),
    ) -> None:
        """Fit.

        Args:
            vectors: unit vectors, one row per example.
            labels: which of the `count` labels each example has.
            count: how many labels there are.
            groups: rows that are left out together; the others are left out one by one.
        """
        truth = np.zeros((len(vectors), count))
        for row, own in zip(truth, labels, strict=True):
            row[list(own)] = 1.0
        self._middle: Matrix = vectors.mean(axis=0, dtype=np.float64)
        self._share: Matrix = truth.mean(axis=0)
        left, strengths, axes = np.linalg.svd(vectors - self._middle, full_matrices=False)
        inner = left.T @ (truth - self._share)
        least = np.inf
        for penalty in _PENALTIES:
            shrunk = strengths**2 / (strengths**2 + penalty)
            fitted = left @ (shrunk[:, None] * inner) + self._share
            leverage = (left**2) @ shrunk + 1 / len(vectors)
            without = truth - (truth - fitted) / np.maximum(1 - leverage, 1e-9)[:, None]
            for rows in groups:
                own = left[rows]
                hat = (own * shrunk) @ own.T + 1 / len(vectors)
                held = np.eye(len(rows)) * (1 + 1e-9) - hat
                without[rows] = truth[rows] - np.linalg.solve(held, truth[rows] - fitted[rows])
            error = float(((truth - without) ** 2).mean())
            if error < least:
                least, self.left_out = error, without
                weights = strengths / (strengths**2 + penalty)
                self._weights: Matrix = axes.T @ (weights[:, None] * inner)

    def scores(self, vectors: npt.NDArray[np.float32]) -> Matrix:
        """Return how much each row is like each label, 0 to 1 or so: shape (rows, labels).

        A row has the same scores, to the last bit, whatever rows it comes with.
        """
        found = np.empty((len(vectors), len(self._share)))
        block = np.zeros((_BLOCK, len(self._middle)))
        for start in range(0, len(vectors), _BLOCK):
            rows = found[start : start + _BLOCK]
            block[: len(rows)] = vectors[start : start + _BLOCK] - self._middle
            rows[:] = (block @ self._weights)[: len(rows)] + self._share
        return found

    def averaged(self, other: LeastSquares) -> LeastSquares:
        """Return the classifier whose scores are the mean of both's.

        Its examples are those of `self`, with which the other's must begin.
        """
        made = copy(self)
        made._middle = np.zeros_like(self._middle)
        made._weights = (self._weights + other._weights) / 2
        made._share = (self._at_zero + other._at_zero) / 2
        made.left_out = (self.left_out + other.left_out[: len(self.left_out)]) / 2
        return made

    @property
    def _at_zero(self) -> Matrix:
        return self._share - self._middle @ self._weights
