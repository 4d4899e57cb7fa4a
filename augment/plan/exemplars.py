"""Which seeds a prompt shows: typical of their label, unlike each other, and others for each ask.

Maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998): an ask draws some of the label's
seeds and one of them as a start; what is shown with it is, one after the other, the seed that is
most like the label as a whole and least like those already chosen. The likeness to the whole keeps
out the odd seed that is unlike everything because it is wrong.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import numpy as np

from augment.plan.goal import LabelSet
from augment.protocols import Vectors
from augment.records import SeedSet, labels_of

RELEVANCE = 0.5
"""Weight of the likeness to the label; the rest is that of the unlikeness to what is chosen."""
_MOST_DRAWN = 16


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
        self._vectors = vectors
        self._by_set = by_set
        self._by_label: Mapping[str, Sequence[int]] = by_label if seeds.several else {}
        self._middles = {labels: _middle(vectors[rows]) for labels, rows in by_set.items()}

    def draw(self, labels: LabelSet, *, k: int, rng: random.Random) -> tuple[str, ...]:
        """Return ids of up to `k` seeds in random order.

        Seeds with exactly these labels come first; where they are too few, seeds that share a
        label with them fill up.
        """
        own = frozenset(labels)
        drawn = self._spread(self._by_set.get(own, ()), self._middles.get(own), k=k, rng=rng)
        for label in labels:
            if len(drawn) >= k:
                break
            more = [row for row in self._by_label.get(label, ()) if row not in drawn]
            middle = _middle(self._vectors[more]) if more else None
            drawn += self._spread(more, middle, k=k - len(drawn), rng=rng)
        rng.shuffle(drawn)
        return tuple(self._ids[row] for row in drawn)

    def draw_exact(self, labels: LabelSet, *, rng: random.Random) -> str | None:
        """Return the id of one seed with exactly these labels, or None where there is none."""
        rows = self._by_set.get(frozenset(labels), ())
        return self._ids[rows[rng.randrange(len(rows))]] if rows else None

    def _spread(
        self, rows: Sequence[int], middle: Vectors | None, *, k: int, rng: random.Random
    ) -> list[int]:
        if len(rows) <= k or k == 0 or middle is None:
            return list(rows)[:k]
        drawn = rng.sample(rows, min(len(rows), max(2 * k, min(_MOST_DRAWN, len(rows) // 2))))
        vectors = self._vectors[drawn]
        likeness, relevance = (vectors @ vectors.T).tolist(), (vectors @ middle).tolist()
        return [drawn[place] for place in spread(likeness, relevance, k=k)]


def _middle(vectors: Vectors) -> Vectors:
    """Return their mean at unit length: shorter, it would count less than what is chosen."""
    mean = vectors.mean(axis=0, dtype=np.float32)
    return mean / max(float(np.linalg.norm(mean)), 1e-12)


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
        best = max(left, key=lambda at: RELEVANCE * relevance[at] - (1 - RELEVANCE) * nearest[at])
        left.remove(best)
        chosen.append(best)
        nearest = list(map(max, nearest, likeness[best]))
    return chosen
