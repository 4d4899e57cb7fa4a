"""Rows that read like another label than the one they bear.

A classifier on the seeds' vectors scores every label. A row's margin is the score of the best
label that it does not bear less that of the best that it bears: above 0 the classifier would have
labelled it otherwise. The threshold is the smallest margin, from 0 on, at which rejections would
have a stated precision if one row in ten bore a wrong label. Both rates in it are measured on the
seeds, each left out, with its group, of what judges it: with their own labels for what would be
rejected wrongly, with every wrong label for what would be found.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from augment.filters.least_squares import LeastSquares, Matrix
from augment.ngrams import NAME, ngram_vectors
from augment.protocols import Vectors
from augment.records import Calibration, Candidate, Example, Verdict, labels_of

WRONG_SHARE = 0.1
"""The share of wrong labels for which a precision is stated."""
LEFT_OPEN = "left_to_judge"
"""Why a verdict abstains that would have rejected, had nobody else a say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Point:
    """Where a classifier is confident enough.

    Attributes:
        margin: from which, exclusively, a row is rejected.
        lost: share of rightly labelled seeds above it, as if one more were.
        found: share of wrongly labelled seeds above it.
    """

    margin: float
    lost: float
    found: float

    @property
    def precision(self) -> float:
        found, lost = WRONG_SHARE * self.found, (1 - WRONG_SHARE) * self.lost
        return found / (found + lost)


class Agreement:
    """Rejects rows that a classifier, confident by the seeds' measure, would label otherwise.

    Abstains where seeds are too few to state the precision (27 are needed for 0.75, 9 for 0.5),
    where the classifier cannot tell their labels apart, and on rows that bear no label, every label
    or one with a single seed. Without vectors it compares character n-grams.

    Args:
        precision: of rejections, if one row in ten bears a wrong label.
        encoder: name of the encoder whose vectors come in.
        decides: whether it rejects; where a judge decides, it abstains with the score instead.
    """

    name = "agreement"
    sequential = False
    by_meaning = True

    def __init__(self, *, precision: float = 0.5, encoder: str = "", decides: bool = True) -> None:
        self._precision = precision
        self._encoder = encoder
        self._decides = decides
        self._left_out: dict[int, Matrix] = {}
        self._labels: dict[str, int] = {}
        self._names: list[str] = []
        self._seeds: Counter[str] = Counter()
        self._fitted: tuple[LeastSquares, _Point] | None = None
        self._why = "too_few_seeds"
        self._errors = ""
        self._wrong = "wrong labels"
        self._apart = "one"
        self.calibration: Calibration | None = None

    def fit(self, seeds: Sequence[Example[Any]], vectors: Vectors | None) -> None:
        """Train on the seeds and find the margin."""
        rows = [row for row, seed in enumerate(seeds) if labels_of(seed.target)]
        own = [labels_of(seeds[row].target) for row in rows]
        self._seeds = Counter(label for labels in own for label in labels)
        self._names = sorted(self._seeds)
        self._labels = {label: place for place, label in enumerate(self._names)}
        if len(self._names) < 2:
            return
        borne = [tuple(self._labels[label] for label in labels) for labels in own]
        if any(len(labels) > 1 for labels in own):
            self._wrong = "rows without a right label"
        found = ngram_vectors([seed.whole for seed in seeds]) if vectors is None else vectors
        groups = _groups([seeds[row] for row in rows])
        self._apart = "one group" if groups else "one"
        classifier = LeastSquares(found[rows], borne, count=len(self._names), groups=groups)
        told = [
            row
            for row, labels in enumerate(own)
            if all(self._seeds[label] > 1 for label in labels) and self._has_others(labels)
        ]
        if not told:
            return
        basis = NAME if vectors is None else self._encoder
        left_out = classifier.left_out[told]
        self._left_out = {rows[row]: classifier.left_out[row] for row in told}
        point = self._calibrate(left_out, [borne[row] for row in told], basis=basis)
        if point is not None:
            self._fitted = classifier, point

    def judge(self, candidates: Sequence[Candidate], vectors: Vectors | None) -> list[Verdict]:
        """Return one verdict each, in order; the score is the margin."""
        if self._fitted is None:
            return [self._abstained(self._why)] * len(candidates)
        classifier, point = self._fitted
        if vectors is None:
            vectors = ngram_vectors([row.example.whole for row in candidates])
        scores = classifier.scores(vectors)
        return [
            self._on(labels_of(row.example.target), own, threshold=point.margin)
            for row, own in zip(candidates, scores, strict=True)
        ]

    def observe(self, accepted: Sequence[Example[Any]]) -> None:
        """Learn nothing: a wrong label that slipped through must not make others look right."""

    def margins_of_seed(self, place: int) -> Mapping[str, float]:
        """Return the margin that a seed would have under each label, the seed itself left out.

        Empty where it abstains on all rows, or has no say on this one; labels with a single seed
        are left out.
        """
        scores = self._left_out.get(place)
        if scores is None or self._fitted is None:
            return {}
        return {
            label: float(_others(scores, [at])[0].max() - scores[at])
            for label, at in self._labels.items()
            if self._seeds[label] > 1
        }

    def _on(self, labels: tuple[str, ...], scores: Matrix, *, threshold: float) -> Verdict:
        if not labels:
            return self._abstained("no_label")
        if any(self._seeds[label] < 2 for label in labels):
            return self._abstained("too_few_seeds")
        if not self._has_others(labels):
            return self._abstained("no_other_label")
        others, best = _others(scores, [self._labels[label] for label in labels])
        margin = float(others[best] - max(scores[self._labels[label]] for label in labels))
        rejected = margin > threshold
        outcome = "passed" if not rejected else "rejected" if self._decides else "abstained"
        return Verdict(
            filter=self.name,
            outcome=outcome,
            score=margin,
            threshold=threshold,
            reason=None if not rejected else "label" if self._decides else LEFT_OPEN,
            detail=f"reads like {self._names[best]!r}; {self._errors}" if rejected else None,
        )

    def _has_others(self, labels: tuple[str, ...]) -> bool:
        return len(set(labels)) < len(self._names)

    def _abstained(self, reason: str) -> Verdict:
        return Verdict(filter=self.name, outcome="abstained", reason=reason)

    def _calibrate(
        self, scores: Matrix, borne: Sequence[tuple[int, ...]], *, basis: str
    ) -> _Point | None:
        """Find the margin on seeds that were left out: shape of `scores` (seeds, labels)."""
        right = np.array(
            [
                float(_others(row, own)[0].max() - row[list(own)].max())
                for row, own in zip(scores, borne, strict=True)
            ]
        )
        wrong = _margins(scores)
        wrong[:, [self._seeds[label] < 2 for label in self._names]] = np.nan  # never judged
        for row, own in zip(wrong, borne, strict=True):
            row[list(own)] = np.nan  # only labels that the seed does not bear are wrong
        wrong = np.sort(wrong[~np.isnan(wrong)])
        point = self._find(right, wrong)
        at_best = _Point(margin=0.0, lost=1 / (len(right) + 1), found=1.0)
        if at_best.precision >= self._precision:
            self._why = "cannot_tell"  # not for want of seeds
        self._errors = f"the classifier errs on {int((right > 0).sum())} of {len(right)} seeds"
        self.calibration = Calibration(
            filter=self.name,
            basis=basis,
            statement=self._statement(point),
            scores=tuple(float(each) for each in right),
            thresholds=() if point is None else (point.margin,),
            confusions=self._confusions(scores, borne),
        )
        return point

    def _confusions(
        self, scores: Matrix, borne: Sequence[tuple[int, ...]]
    ) -> tuple[tuple[str, str, int], ...]:
        """Count the seeds that read like another label, by their own that fits best and that."""
        found: Counter[tuple[str, str]] = Counter()
        for row, own in zip(scores, borne, strict=True):
            others, best = _others(row, own)
            nearest = max(own, key=lambda label: row[label])
            if others[best] > row[nearest]:
                found[self._names[nearest], self._names[best]] += 1
        order = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
        return tuple((label, other, count) for (label, other), count in order)

    def _find(self, right: Matrix, wrong: Matrix) -> _Point | None:
        """Return the least margin, from 0 on, at which the precision is reached."""
        for margin in (0.0, *np.unique(right[right > 0])):
            point = _point(right, wrong, margin=float(margin))
            if point.precision >= self._precision:
                return point
        return None

    def _statement(self, point: _Point | None) -> str:
        if point is None:
            few = self._why == "too_few_seeds"
            needed = math.ceil(9 * self._precision / (1 - self._precision))
            why = f"too few ({needed} at least)" if few else "not told apart well enough"
            return (
                f"Labels are NOT judged: the seeds are {why} for a precision of "
                f"{self._precision:g}. Left out {self._apart} at a time, {self._errors}."
            )
        rejected = "rejected" if self._decides else "left to the judge"
        return (
            f"Left out {self._apart} at a time, {self._errors}. "
            f"Rows are {rejected} above a margin of {point.margin:.2f}: that finds "
            f"{point.found:.0%} of {self._wrong} on the seeds and loses about {point.lost:.1%} of "
            f"right ones, a precision of {point.precision:.2f} if one row in ten is wrong."
        )


def _point(right: Matrix, wrong: Matrix, *, margin: float) -> _Point:
    """Return the rates at a margin; one more seed than seen is counted as lost (conformal).

    Args:
        right: margins of the seeds under their own labels.
        wrong: those under all others, ascending.
        margin: to be exceeded.
    """
    above = len(wrong) - int(np.searchsorted(wrong, margin, side="right"))
    return _Point(
        margin=margin,
        lost=(int((right > margin).sum()) + 1) / (len(right) + 1),
        found=above / len(wrong) if len(wrong) else 0.0,
    )


def _groups(seeds: Sequence[Example[Any]]) -> list[list[int]]:
    """Return the places of seeds that must not be split, by their group."""
    found: dict[str, list[int]] = {}
    for at, seed in enumerate(seeds):
        if seed.group is not None:
            found.setdefault(seed.group, []).append(at)
    return [places for places in found.values() if len(places) > 1]


def _others(scores: Matrix, own: Sequence[int]) -> tuple[Matrix, int]:
    """Return the scores with those of `own` struck out, and the place of the best left."""
    others = scores.copy()
    others[list(own)] = -np.inf
    return others, int(others.argmax())


def _margins(scores: Matrix) -> Matrix:
    """Return, for each label, the best score less its own: shape of `scores`.

    Where it is the best itself that is 0, which no threshold lies below.
    """
    return scores.max(axis=1, keepdims=True) - scores
