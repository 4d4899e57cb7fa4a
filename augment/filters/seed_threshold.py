"""From which similarity on two texts are near-duplicates, among texts like the seeds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from augment.filters.near_index import FLOOR
from augment.filters.sketch import sketched
from augment.records import Example, labels_of

_MAX_SHARE = 0.01
_MAX_PAIRS = 20_000


def seed_threshold(seeds: Sequence[Example[Any]]) -> float:
    """Return the similarity that at most 1 % of the distinct seed pairs of one label reach."""
    return calibrated_threshold(by_label(seeds, [seed.whole for seed in seeds]))


def by_label(seeds: Sequence[Example[Any]], texts: Sequence[str]) -> list[list[str]]:
    """Return the texts of the seeds of each label.

    A seed with several labels counts under each; those without a label are a group of their own.
    """
    groups: dict[str | None, list[str]] = {}
    for seed, text in zip(seeds, texts, strict=True):
        for label in labels_of(seed.target) or (None,):
            groups.setdefault(label, []).append(text)
    return list(groups.values())


def calibrated_threshold(groups: Sequence[Sequence[str]]) -> float:
    """Return the least Jaccard similarity, from FLOOR on, that hardly any distinct pair reaches.

    At most 1 % of the pairs within a group reach it. Pairs with the same words are not distinct
    and are left out; of more than 20,000 pairs an evenly spaced part is taken. The threshold can
    be 1.0, where only texts with the same words reach it.
    """
    pairs = np.array([*_spaced_pairs([len(group) for group in groups])], np.int64).reshape(-1, 2)
    sketches = sketched([text for group in groups for text in group])
    similarities = sketches.similarities(pairs[:, 0], pairs[:, 1])
    distinct = np.sort(similarities[similarities < 1])[::-1]
    allowed = math.floor(len(distinct) * _MAX_SHARE)
    if len(distinct) <= allowed or distinct[allowed] < FLOOR:
        return FLOOR
    return math.nextafter(float(distinct[allowed]), 1.0)


def _spaced_pairs(sizes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield pairs within groups of these sizes, every n-th of them in one count through all."""
    total = sum(math.comb(size, 2) for size in sizes)
    step = max(1, math.ceil(total / _MAX_PAIRS))
    number = first = 0
    for size in sizes:
        count = math.comb(size, 2)
        while number < count:
            # Pairs are counted (0, 1), (0, 2), (1, 2), (0, 3) ...: row j begins at j (j - 1) / 2.
            later = (1 + math.isqrt(1 + 8 * number)) // 2
            yield first + number - math.comb(later, 2), first + later
            number += step
        number -= count
        first += size
