"""The seeds' classifier, joined by one that has learnt the rows accepted so far as well.

Confident learning over seeds and rows together, for rows that come one after the other: what
judges a row has learnt those accepted before it, and nothing else. That classifier is fitted anew
whenever the accepted rows have doubled, and the mean of both judges, so that rows which confirm
each other never have more of a say than the seeds. What it is worth is measured on the seeds, each
left out of either.

Which rows it has learnt depends on how many were accepted alone: a run that goes on has it as one
that was never interrupted.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from augment.filters.least_squares import LeastSquares
from augment.protocols import Encoder, Vectors

_MOST = 4096
"""Rows that are learnt: a fit to more would be felt."""


class AcceptedRows:
    """Accepted rows, and what they and the seeds teach together.

    Args:
        seeds: the classifier on the seeds alone.
        vectors: of the seeds, in the order in which it was fitted.
        labels: the places of the seeds' labels.
        groups: of seeds that are left out together.
        encoder: gives the rows their vectors.
    """

    def __init__(
        self,
        seeds: LeastSquares,
        vectors: Vectors,
        labels: Sequence[tuple[int, ...]],
        groups: Sequence[Sequence[int]],
        *,
        encoder: Encoder,
    ) -> None:
        self._seeds = seeds
        self._vectors = vectors
        self._labels = labels
        self._groups = groups
        self._encoder = encoder
        self._rows: list[tuple[str, int]] = []
        self._next = max(1, len(labels) // 2)

    @property
    def statement(self) -> str:
        """What a reader of the report must know of it, before any row was accepted."""
        return f"From {self._next} accepted rows on, a classifier that knows them has half the say."

    def vector_of(self, text: str) -> Vectors:
        """Return a row's vector, which the encoder knows by now: shape (1, dimensions)."""
        return self._encoder.encode([text])

    def take(self, text: str, label: int) -> None:
        """Remember an accepted row by the place of its label."""
        if len(self._rows) < _MOST:
            self._rows.append((text, label))

    def learnt(self, *, count: int) -> LeastSquares | None:
        """Return what judges from now on where the rows have doubled since it was last asked.

        Args:
            count: how many labels there are.

        Raises:
            EncoderError: the encoder has died.
        """
        if len(self._rows) < self._next:
            return None
        while self._next * 2 <= len(self._rows):
            self._next *= 2
        rows = self._rows[: self._next]
        self._next *= 2
        vectors = self._encoder.encode([text for text, _ in rows])
        both = LeastSquares(
            np.concatenate([self._vectors, vectors]),
            [*self._labels, *((label,) for _, label in rows)],
            count=count,
            groups=self._groups,
        )
        return self._seeds.averaged(both)
