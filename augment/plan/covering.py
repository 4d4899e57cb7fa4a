"""Which annotated seeds a prompt shows: together they have what is asked for.

Each seed that is chosen has as many as may be of the types that none before it has; of those that
are as good the one least like those already chosen.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

from augment.plan.goal import LabelSet
from augment.protocols import Vectors
from augment.records import SeedSet
from augment.spans.ordering import counted

_DRAWN = 12
"""So many seeds of each type are looked at for one prompt: others for each."""


class Covering:
    """The annotated seeds by their types.

    Args:
        seeds: all of them, for their vectors' sake.
        vectors: unit length, one row each.
        shown: ids of those that may be shown.
    """

    def __init__(self, seeds: SeedSet, vectors: Vectors, *, shown: frozenset[str]) -> None:
        self._ids = [example.id for example in seeds.examples]
        self._vectors = vectors
        self._types = [frozenset(counted(e.target, seeds.task)) for e in seeds.examples]
        self._by_type: dict[str | None, list[int]] = {}
        for row, types in enumerate(self._types):
            if self._ids[row] in shown:
                for name in types or (None,):
                    self._by_type.setdefault(name, []).append(row)

    def draw(self, labels: LabelSet, *, k: int, rng: random.Random) -> tuple[str, ...]:
        """Return ids of up to `k` seeds in random order; none where no seed has these types."""
        drawn: dict[int, None] = {}
        for name in labels or (None,):
            rows = self._by_type.get(name, [])
            drawn.update(dict.fromkeys(rng.sample(rows, min(len(rows), max(_DRAWN, k)))))
        left, chosen = list(drawn), list[int]()
        missing = set(labels)
        while left and len(chosen) < k:
            best = min(left, key=lambda row: self._rank(row, missing, chosen))
            left.remove(best)
            chosen.append(best)
            missing -= self._types[best]
            missing = missing or set(labels)
        rng.shuffle(chosen)
        return tuple(self._ids[row] for row in chosen)

    def draw_exact(self, labels: LabelSet, *, rng: random.Random) -> str | None:
        """Return the id of one seed with all of these types, or None where there is none."""
        rows = self._by_type.get(labels[0] if labels else None, [])
        whole = [row for row in rows if self._types[row] >= set(labels)]
        return self._ids[rng.choice(whole)] if whole else None

    def _rank(self, row: int, missing: set[str], chosen: Sequence[int]) -> tuple[int, float]:
        likeness = self._vectors[list(chosen)] @ self._vectors[row] if chosen else ()
        return -len(missing & self._types[row]), max(map(float, likeness), default=0.0)
