"""Are the accepted rows as long as the seeds?"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

from augment.records import Json

_QUANTILES = {"min": 0.0, "p5": 0.05, "p25": 0.25, "median": 0.5, "p75": 0.75, "p95": 0.95,
              "max": 1.0}  # fmt: skip
_MOST_BINS = 20
_TAIL = 0.99
"""The last bin of the histogram holds what is longer than this quantile of both sets."""


def compare(seeds: Counter[int], accepted: Counter[int]) -> dict[str, Json]:
    """Return quantiles and a common histogram of two sets of lengths in characters.

    Args:
        seeds: how many seeds have which length.
        accepted: how many accepted rows have which length.
    """
    tops = [quantile(lengths, _TAIL) for lengths in (seeds, accepted) if lengths]
    step = _step(max(tops, default=0) + 1)
    bins = max(tops, default=0) // step + 1
    return {
        "unit": "characters",
        "seeds": _quantiles(seeds),
        "accepted": _quantiles(accepted),
        "histogram": {
            "from": [step * place for place in range(bins)],
            "seeds": _binned(seeds, step=step, bins=bins),
            "accepted": _binned(accepted, step=step, bins=bins),
        },
    }


def quantile(lengths: Mapping[int, int], share: float) -> int:
    """Return the smallest length that at least this share of the lengths do not exceed."""
    rank = max(math.ceil(share * sum(lengths.values())), 1)
    passed = 0
    for length in sorted(lengths):
        passed += lengths[length]
        if passed >= rank:
            return length
    raise ValueError("no lengths")


def _quantiles(lengths: Counter[int]) -> dict[str, Json] | None:
    if not lengths:
        return None
    return {name: quantile(lengths, share) for name, share in _QUANTILES.items()}


def _step(span: int) -> int:
    """Return the smallest of 1, 2, 5, 10, 20, 50, ... that needs no more bins than are shown."""
    step, factors = 1, (2, 2.5, 2)
    turn = 0
    while span > step * _MOST_BINS:
        step = int(step * factors[turn % 3])
        turn += 1
    return step


def _binned(lengths: Counter[int], *, step: int, bins: int) -> list[int]:
    counts = [0] * bins
    for length, rows in lengths.items():
        counts[min(length // step, bins - 1)] += rows
    return counts
