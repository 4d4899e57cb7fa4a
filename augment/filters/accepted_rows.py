"""The seeds' classifier, joined by one that has learnt the rows accepted so far as well.

Confident learning over seeds and rows together, for rows that come one after the other: what
judges a row has learnt those accepted before it, and nothing else. As many rows are learnt of each
label, the first of each, so that no label gains by coming early; anew whenever the label that has
the fewest has twice as many. The mean of both judges, so that rows which confirm each other never
have more of a say than the seeds. What it is worth is measured on the seeds, each left out of
either, and with it the rows nearest to it, which may have been made from it.

Which rows it has learnt is a function of the rows accepted so far and their order alone: a run that
goes on decides as one that was never interrupted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from augment.filters.least_squares import LeastSquares
from augment.protocols import Encoder, Vectors

_MOST = 4096
"""Rows that are learnt at most, of all labels: a fit to more would be felt."""


class AcceptedRows:
    """Accepted rows, and what they and the seeds teach together.

    Args:
        seeds: the classifier on the seeds alone.
        vectors: of the seeds, in the order in which it was fitted.
        labels: the places of the seeds' labels.
        groups: of seeds that are left out together.
        judged: the places of the labels whose rows are learnt.
        encoder: gives the rows their vectors.
    """

    def __init__(
        self,
        seeds: LeastSquares,
        vectors: Vectors,
        labels: Sequence[tuple[int, ...]],
        groups: Sequence[Sequence[int]],
        *,
        judged: Sequence[int],
        encoder: Encoder,
    ) -> None:
        self._seeds = seeds
        self._vectors = vectors
        self._labels = labels
        self._groups = groups
        self._encoder = encoder
        self._texts: dict[int, list[str]] = {label: [] for label in judged}
        self._most = _MOST // len(judged)
        self._next = -(-len(labels) // (2 * len(judged)))

    @property
    def within_reach(self) -> bool:
        """Whether there can be enough of them to be learnt."""
        return self._next <= self._most

    @property
    def statement(self) -> str:
        """What a reader of the report must know of it, before any row was accepted."""
        return (
            f"From {self._next} accepted rows a label on, one that has learnt them too has half "
            "the say, at a margin measured anew."
        )

    def vector_of(self, text: str) -> Vectors:
        """Return a row's vector, which the encoder knows by now: shape (1, dimensions)."""
        return self._encoder.encode([text])

    def take(self, text: str, label: int) -> None:
        """Remember an accepted row by the place of its label."""
        if len(self._texts[label]) < self._most:
            self._texts[label].append(text)

    def learnt(self, *, count: int) -> LeastSquares | None:
        """Return what judges from now on where the rows have doubled since it was last asked.

        Args:
            count: how many labels there are.

        Raises:
            EncoderError: the encoder has died.
        """
        fewest = min(map(len, self._texts.values()))
        if fewest < self._next:
            return None
        while self._next * 2 <= fewest:
            self._next *= 2
        each, self._next = self._next, self._next * 2
        rows = [(text, label) for label, own in self._texts.items() for text in own[:each]]
        vectors = self._encoder.encode([text for text, _ in rows])
        both = LeastSquares(
            np.concatenate([self._vectors, vectors]),
            [*self._labels, *((label,) for _, label in rows)],
            count=count,
            groups=self._families(vectors),
        )
        return self._seeds.averaged(both)

    def _families(self, rows: Vectors) -> list[list[int]]:
        """Return the places left out together: of a seed, or its group, and the rows nearest it."""
        head = {at: own[0] for own in self._groups for at in own}
        families: dict[int, list[int]] = defaultdict(list)
        for at in range(len(self._vectors)):
            families[head.get(at, at)].append(at)
        nearest = (rows @ self._vectors.T).argmax(axis=1)
        for at, seed in enumerate(map(int, nearest), start=len(self._vectors)):
            families[head.get(seed, seed)].append(at)
        return [own for own in families.values() if len(own) > 1]
