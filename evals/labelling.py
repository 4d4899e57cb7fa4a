"""Labels that an engine gave to texts, held against the classifier trained on the seeds."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter

from augment.records import Candidate, Decision, Json
from evals.subject import Subject
from evals.tally import Row

CLASSIFIER = "agreement"
"""The filter whose score is how much better another label fits than the row's own."""
_BOUNDS = (0.5, 0.7, 0.9, 0.95, 0.99)
_Z = 1.96


class Labelling:
    """How often the seeds' classifier would have given the label that the engine gave.

    Of several labels it is how often the one that fits best is among those given: that says
    nothing of labels that are missing, or too many.

    Both can be wrong, and where they were shown the same seeds they can be wrong together: this
    measures consistency, not truth. What it tells is where to look.
    """

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._labels: dict[str, Counter[str]] = {}
        self._sure: list[Counter[str]] = [Counter() for _ in range(len(_BOUNDS) + 1)]
        self._all: Counter[str] = Counter()
        self._probability = 0.0

    def judged(self, row: Row, decision: Decision) -> None:
        """Count a text that was given a label."""
        if not isinstance(row, Candidate):
            return
        margin = next((v.score for v in decision.verdicts if v.filter == CLASSIFIER), None)
        told = Counter(rows=1, judged=margin is not None, agree=margin is not None and margin <= 0)
        self._all += told
        for label in self._subject.labels_of(row.example):
            self._labels.setdefault(label, Counter()).update(told)
        if row.probability is not None:
            self._all["with_probability"] += 1
            self._probability += row.probability
            self._sure[bisect_right(_BOUNDS, row.probability)].update(told)

    def figures(self) -> dict[str, Json]:
        """Return the counts, shares and their intervals (Wilson, 95 %)."""
        edges = (0.0, *_BOUNDS, 1.0)
        sure = [
            {"least": least, "most": most, **_shares(counts)}
            for least, most, counts in zip(edges[:-1], edges[1:], self._sure, strict=True)
            if counts["rows"]
        ]
        known = self._all["with_probability"]
        return {
            **_shares(self._all),
            "several": self._subject.seeds.several,
            "with_probability": known,
            "mean_probability": round(self._probability / known, 4) if known else None,
            "by_probability": sure,
            "by_label": [
                {"label": label, **_shares(self._labels.get(label, Counter()))}
                for label in self._subject.seeds.labels
            ],
        }


def _shares(counts: Counter[str]) -> dict[str, Json]:
    judged, agree = counts["judged"], counts["agree"]
    return {
        "rows": counts["rows"],
        "judged": judged,
        "agree": agree,
        "share": round(agree / judged, 4) if judged else None,
        "interval": wilson(agree, judged),
    }


def wilson(hits: int, trials: int) -> tuple[float, float] | None:
    """Return the 95 % interval of a share (Wilson 1927); None without trials."""
    if not trials:
        return None
    share, spread = hits / trials, _Z**2 / trials
    middle = (share + spread / 2) / (1 + spread)
    half = _Z / (1 + spread) * math.sqrt(share * (1 - share) / trials + spread / (4 * trials))
    return round(max(0.0, middle - half), 4), round(min(1.0, middle + half), 4)
