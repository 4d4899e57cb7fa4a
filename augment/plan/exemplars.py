"""Which seeds a prompt shows: typical of their label, unlike each other, and others for each ask.

Maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998): an ask draws some of the label's
seeds and one of them as a start; what is shown with it is, one after the other, the seed that is
most like the label as a whole and least like those already chosen. The likeness to the whole keeps
out the odd seed that is unlike everything because it is wrong.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np

from augment.plan.goal import LabelSet
from augment.protocols import Vectors
from augment.records import SeedSet, labels_of

RELEVANCE = 0.5
"""Weight of the likeness to the label; the rest is that of the unlikeness to what is chosen."""
_MOST_DRAWN = 16
_SMALL = 64


class Exemplars:
    """The seeds of each label set, with their likeness to each other."""

    def __init__(self, seeds: SeedSet, vectors: Vectors) -> None:
        """Take the seeds with their unit vectors, one row each."""
        by_set: dict[frozenset[str], list[int]] = {}
        by_label: dict[str, list[int]] = {}
        for row, example in enumerate(seeds.examples):
            labels = labels_of(example.target)
            by_set.setdefault(frozenset(labels), []).append(row)
            for label in labels:
                by_label.setdefault(label, []).append(row)
        self._ids = [example.id for example in seeds.examples]
        self._by_set = {labels: _Group(rows, vectors) for labels, rows in by_set.items()}
        self._by_label = by_label if seeds.several else {}
        self._vectors = vectors

    def draw(self, labels: LabelSet, *, k: int, rng: random.Random) -> tuple[str, ...]:
        """Return ids of up to `k` seeds in random order.

        Seeds with exactly these labels come first; where they are too few, seeds that share a
        label with them fill up.
        """
        own = self._by_set.get(frozenset(labels))
        drawn = [] if own is None else own.draw(k, rng)
        for label in labels:
            if len(drawn) >= k:
                break
            more = [row for row in self._by_label.get(label, ()) if row not in drawn]
            drawn += _Group(more, self._vectors).draw(k - len(drawn), rng) if more else []
        rng.shuffle(drawn)
        return tuple(self._ids[row] for row in drawn)

    def draw_exact(self, labels: LabelSet, *, rng: random.Random) -> str | None:
        """Return the id of one seed with exactly these labels, or None where there is none."""
        own = self._by_set.get(frozenset(labels))
        return None if own is None else self._ids[own.rows[rng.randrange(len(own.rows))]]


class _Group:
    """Seeds among which a draw is spread; of a small group the likeness is computed once."""

    def __init__(self, rows: Sequence[int], vectors: Vectors) -> None:
        self.rows = rows
        self._vectors = vectors[rows]
        middle = self._vectors.mean(axis=0, dtype=np.float32)
        middle /= max(float(np.linalg.norm(middle)), 1e-12)  # shorter, it would count for less
        self._relevance: list[float] = (self._vectors @ middle).tolist()
        small = len(rows) <= _SMALL
        self._likeness = (self._vectors @ self._vectors.T).tolist() if small else None

    def draw(self, k: int, rng: random.Random) -> list[int]:
        n = len(self.rows)
        if n <= k or k == 0:
            return list(self.rows)[:k]
        drawn = rng.sample(range(n), min(n, max(2 * k, min(_MOST_DRAWN, n // 2))))
        relevance = [self._relevance[place] for place in drawn]
        chosen = spread(self._likeness_of(drawn), relevance, k=k)
        return [self.rows[drawn[place]] for place in chosen]

    def _likeness_of(self, drawn: Sequence[int]) -> list[list[float]]:
        if self._likeness is not None:
            return [
                [line[place] for place in drawn] for line in map(self._likeness.__getitem__, drawn)
            ]
        vectors = self._vectors[drawn]
        return (vectors @ vectors.T).tolist()


def spread(likeness: Sequence[Sequence[float]], relevance: Sequence[float], *, k: int) -> list[int]:
    """Choose `k` of n by maximal marginal relevance, beginning with the first.

    In plain Python: for a few dozen seeds that is faster than array operations.

    Args:
        likeness: of each to each, n rows of n.
        relevance: of each.
        k: at most n.
    """
    chosen = [0]
    nearest = list(likeness[0])
    left = list(range(1, len(relevance)))
    while len(chosen) < k:
        gain = [
            RELEVANCE * like - (1 - RELEVANCE) * near
            for like, near in zip(relevance, nearest, strict=True)
        ]
        best = max(left, key=gain.__getitem__)
        left.remove(best)
        chosen.append(best)
        nearest = list(map(max, nearest, likeness[best]))
    return chosen
