"""Which seeds a prompt shows: spread over what a label's seeds say, and different for each ask.

The seeds of a label are laid in a line by likeness (the first principal component of their
words); an ask cuts the circle that the line's ends make into as many arcs as it shows seeds, at
a place of its own, and draws one seed from each arc. That is systematic sampling (Cochran,
Sampling Techniques, 1977, ch. 8): k alike seeds are drawn only where most seeds are alike, and
a draw costs no more than its k seeds.
"""

from __future__ import annotations

import itertools
import random
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from augment.plan.goal import LabelSet, labels_of
from augment.records import Example, SeedSet
from augment.tokens import words

_BUCKETS = 256
_MOST_WORDS = 2000
_POWER_ROUNDS = 20


class Exemplars:
    """The seeds in order of likeness, by label set."""

    def __init__(self, seeds: SeedSet) -> None:
        by_set: dict[frozenset[str], list[Example[Any]]] = {}
        by_label: dict[str, list[Example[Any]]] = {}
        for example in seeds.examples:
            labels = labels_of(example.target)
            by_set.setdefault(frozenset(labels), []).append(example)
            for label in labels:
                by_label.setdefault(label, []).append(example)
        self._by_set = {labels: in_order_of_likeness(group) for labels, group in by_set.items()}
        self._by_label: Mapping[str, Sequence[str]] = (
            {label: in_order_of_likeness(group) for label, group in by_label.items()}
            if seeds.several
            else {}
        )

    def draw(self, labels: LabelSet, *, k: int, rng: random.Random) -> tuple[str, ...]:
        """Return ids of up to `k` seeds in random order.

        Seeds with exactly these labels come first; where they are too few, seeds that share a
        label with them fill up.
        """
        line = self._by_set.get(frozenset(labels), ())
        drawn = spread(line, k=k, rng=rng)
        for label in labels:
            if len(drawn) >= k:
                break
            more = [seed for seed in self._by_label.get(label, ()) if seed not in drawn]
            drawn += spread(more, k=k - len(drawn), rng=rng)
        rng.shuffle(drawn)
        return tuple(drawn)

    def draw_exact(self, labels: LabelSet, *, rng: random.Random) -> str | None:
        """Return the id of one seed with exactly these labels, or None where there is none."""
        line = self._by_set.get(frozenset(labels), ())
        return line[rng.randrange(len(line))] if line else None


def spread(line: Sequence[str], *, k: int, rng: random.Random) -> list[str]:
    """Draw one from the first half of each of `k` equal arcs of the circle that `line` makes.

    Neighbours on the circle are so at least half an arc apart. All of a line no longer than `k`.
    """
    n = len(line)
    if n <= k or k == 0:
        return list(line)[:k]
    start = rng.randrange(n)
    cuts = [arc * n // k for arc in range(k + 1)]
    halves = [(low, max(1, (high - low) // 2)) for low, high in itertools.pairwise(cuts)]
    return [line[(start + low + rng.randrange(width)) % n] for low, width in halves]


def in_order_of_likeness(examples: Sequence[Example[Any]]) -> list[str]:
    """Return the examples' ids along the first principal component of their words."""
    if len(examples) < 3:
        return [example.id for example in examples]
    counts = np.zeros((len(examples), _BUCKETS), dtype=np.float32)
    for row, example in enumerate(examples):
        for word in words(example.whole[: _MOST_WORDS * 8])[:_MOST_WORDS]:
            counts[row, zlib.crc32(word.encode("utf-8", "replace")) % _BUCKETS] += 1
    counts /= np.maximum(np.linalg.norm(counts, axis=1, keepdims=True), 1)
    counts -= counts.mean(axis=0)
    direction = counts[np.argmax(np.linalg.norm(counts, axis=1))]
    for _ in range(_POWER_ROUNDS):  # no need to be exact: the order is all that is used
        direction = counts.T @ (counts @ direction)
        direction /= max(float(np.linalg.norm(direction)), 1e-12)
    along: npt.NDArray[np.float32] = (counts @ direction).round(4)
    order = sorted(range(len(examples)), key=lambda row: (float(along[row]), row))
    return [examples[row].id for row in order]
