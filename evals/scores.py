"""The scores of a run's rows by the filters that were fitted to the seeds, beside the seeds' own.

Scores are counted in fine bins while rows go by, and the bins are joined at the end: a run of any
length takes the memory of the bins.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from augment.records import Calibration, Decision, Json, Verdict

_MOST_BINS = 30
_LEAST_FINE_BINS = 100
"""Over what the seeds' scores and the thresholds span; up to ten times as many."""
_REACH = 20
"""Scores further out than so many spans of the seeds' are counted at that distance."""
_NO_SPAN = 1e-6
"""Seeds' scores that lie closer together, for their size, are one score."""
_FURTHEST = 1e12
"""No score is larger; one that says so is counted there."""


class Scores:
    """Counts the scores that one filter gave, on the scale that its calibration sets."""

    def __init__(self, calibration: Calibration) -> None:
        self._calibration = calibration
        marks = _finite((*calibration.scores, *calibration.thresholds))
        least, most = min(marks, default=0.0), max(marks, default=1.0)
        largest = max(abs(least), abs(most), 1.0)
        span = most - least if most - least > _NO_SPAN * largest else largest
        self._digits = -math.floor(math.log10(span / _LEAST_FINE_BINS))
        self._within = (least - _REACH * span, most + _REACH * span)
        self._seeds = Counter(map(self._bin, _finite(calibration.scores)))
        self._rows: dict[bool, Counter[int]] = {True: Counter(), False: Counter()}

    def judged(self, decision: Decision) -> None:
        """Count a row that was accepted, or that this very filter rejected."""
        for verdict in decision.verdicts:
            ended = decision.accepted or verdict.outcome == "rejected"
            if ended and self._gave(verdict) and verdict.score is not None:
                if math.isfinite(verdict.score):
                    self._rows[decision.accepted][self._bin(verdict.score)] += 1
                return

    def _gave(self, verdict: Verdict) -> bool:
        return verdict.filter == self._calibration.filter

    def _bin(self, score: float) -> int:
        least, most = self._within
        return math.floor(round(min(max(score, least), most) * 10.0**self._digits, 6))

    def figures(self) -> dict[str, Json]:
        """Return what the filter learnt, and a histogram that its scores share with the seeds'."""
        calibration = self._calibration
        return {
            "filter": calibration.filter,
            "basis": calibration.basis,
            "statement": calibration.statement,
            "thresholds": list(_finite(calibration.thresholds)),
            "histogram": self._histogram(),
        }

    def _histogram(self) -> dict[str, Json]:
        sets = {"seeds": self._seeds, "accepted": self._rows[True], "rejected": self._rows[False]}
        marks = map(self._bin, _finite(self._calibration.thresholds))
        filled = {*marks, *(place for counts in sets.values() for place in counts)}
        if not any(sets.values()):
            return {"from": [], "to": None, "seeds": [], "accepted": [], "rejected": []}
        joined = _joined(min(filled), max(filled))
        first, last = min(filled) // joined, max(filled) // joined
        return {
            "from": [self._edge(place * joined) for place in range(first, last + 1)],
            "to": self._edge((last + 1) * joined),
            **{
                name: _counts(counts, joined=joined, places=range(first, last + 1))
                for name, counts in sets.items()
            },
        }

    def _edge(self, place: int) -> float:
        return round(place / 10.0**self._digits, max(self._digits, 0))


def _finite(values: Iterable[float]) -> Sequence[float]:
    return [min(max(float(v), -_FURTHEST), _FURTHEST) for v in values if math.isfinite(v)]


def _joined(first: int, last: int) -> int:
    """Return how many fine bins, of 1, 2, 5, 10, ..., make one of the few that are shown."""
    scale = 1
    while True:
        for step in (scale, 2 * scale, 5 * scale):
            if last // step - first // step < _MOST_BINS:
                return step
        scale *= 10


def _counts(counts: Mapping[int, int], *, joined: int, places: range) -> list[int]:
    found = Counter[int]()
    for place, rows in counts.items():
        found[place // joined] += rows
    return [found[place] for place in places]
