"""Rows that read like another label than the one they bear.

A classifier on the seeds' vectors scores every label. A row's margin is the score of the best
label that it does not bear less that of the best that it bears: above 0 the classifier would have
labelled it otherwise. The threshold is the smallest margin, from 0 on, at which rejections would
have a stated precision if one row in ten bore a wrong label. Both rates in it are measured on the
seeds, each left out, with its group, of what judges it: with their own labels for what would be
rejected wrongly, with every wrong label for what would be found.

With an encoder, and one label a row, the rows accepted so far have a say as well
(`augment.filters.accepted_rows`): a row is judged by the seeds first, and settled at its turn.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from augment.filters.accepted_rows import AcceptedRows
from augment.filters.least_squares import LeastSquares, Matrix
from augment.filters.margins import Point, least_point, margin_of, on_seeds, others_of
from augment.ngrams import NAME, ngram_vectors
from augment.protocols import Encoder, Vectors
from augment.records import Calibration, Candidate, Example, Verdict, labels_of

LEFT_OPEN = "left_to_judge"
"""Why a verdict abstains that would have rejected: a judge decides, or the row's turn will come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fitted:
    """A classifier, from where it is confident enough, and how often it errs on the seeds."""

    classifier: LeastSquares
    point: Point
    errors: str


class Agreement:
    """Rejects rows that a classifier, confident by the seeds' measure, would label otherwise.

    Abstains where seeds are too few to state the precision (27 are needed for 0.75, 9 for 0.5),
    where the classifier cannot tell their labels apart, and on rows that bear no label, every label
    or one with a single seed. Without vectors it compares character n-grams.

    Args:
        precision: of rejections, if one row in ten bears a wrong label.
        encoder: name of the encoder whose vectors come in.
        decides: whether it rejects; where a judge decides, it abstains with the score instead.
        rows_by: gives accepted rows their vectors; None where they are to have no say.

    Attributes:
        fits: how often rows have changed its mind.
    """

    name = "agreement"
    sequential = False
    by_meaning = True

    def __init__(
        self,
        *,
        precision: float = 0.5,
        encoder: str = "",
        decides: bool = True,
        rows_by: Encoder | None = None,
    ) -> None:
        self._precision = precision
        self._encoder = encoder
        self._decides = decides
        self._rows_by = rows_by
        self._told: dict[int, int] = {}
        self._borne: list[tuple[int, ...]] = []
        self._labels: dict[str, int] = {}
        self._names: list[str] = []
        self._seeds: Counter[str] = Counter()
        self._fitted: _Fitted | None = None
        self._joined: _Fitted | None = None
        self._rows: AcceptedRows | None = None
        self.fits = 0
        self._why = "too_few_seeds"
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
        self._told = {
            rows[row]: row
            for row, labels in enumerate(own)
            if all(map(self._is_judged, labels)) and self._has_others(labels)
        }
        if not self._told:
            return
        self._borne = borne
        if vectors is not None and self._rows_by is not None and all(len(one) == 1 for one in own):
            judged = [at for label, at in self._labels.items() if self._is_judged(label)]
            taught = AcceptedRows(
                classifier, vectors[rows], borne, groups, judged=judged, encoder=self._rows_by
            )
            self._rows = taught if taught.within_reach else None
        self._fitted = self._calibrate(classifier, basis=NAME if vectors is None else self._encoder)
        if self._fitted is None:
            self._rows = None

    def judge(self, candidates: Sequence[Candidate], vectors: Vectors | None) -> list[Verdict]:
        """Return one verdict each, in order; the score is the margin.

        Where accepted rows have a say this is the seeds' alone, and what it would reject is open.
        """
        if self._fitted is None:
            return [self._abstained(self._why)] * len(candidates)
        by, final = self._fitted, self._rows is None
        if vectors is None:
            vectors = ngram_vectors([row.example.whole for row in candidates])
        scores = by.classifier.scores(vectors)
        return [
            self._on(labels_of(row.example.target), own, by=by, final=final)
            for row, own in zip(candidates, scores, strict=True)
        ]

    def settle(self, candidate: Candidate, verdict: Verdict) -> Verdict:
        """Return what becomes of a verdict once all rows before this one have been decided.

        Raises:
            EncoderError: the encoder has died.
        """
        if self._rows is None:
            return verdict
        self._learn(self._rows)
        if verdict.score is None:
            return verdict
        if self._joined is None:
            open_ = verdict.reason == LEFT_OPEN and self._decides
            return replace(verdict, outcome="rejected", reason="label") if open_ else verdict
        vectors = self._rows.vector_of(candidate.example.whole)
        (scores,) = self._joined.classifier.scores(vectors)
        return self._on(labels_of(candidate.example.target), scores, by=self._joined, final=True)

    def observe(self, accepted: Sequence[Example[Any]]) -> None:
        """Have rows learnt whose labels were judged; without an encoder none."""
        if self._rows is not None:
            for row in accepted:
                labels = labels_of(row.target)
                if len(labels) == 1 and self._is_judged(*labels):
                    self._rows.take(row.whole, self._labels[labels[0]])

    def _learn(self, rows: AcceptedRows) -> None:
        """Let rows that have doubled change its mind; not if they spoil what the seeds tell."""
        classifier = rows.learnt(count=len(self._names))
        if classifier is None:
            return
        right, wrong = self._on_seeds(classifier)
        self._joined = self._confident(classifier, right, wrong)
        self.fits += 1

    def _confident(self, classifier: LeastSquares, right: Matrix, wrong: Matrix) -> _Fitted | None:
        point = least_point(right, wrong, precision=self._precision)
        if point is None:
            return None
        return _Fitted(classifier=classifier, point=point, errors=_errors(right))

    def margins_of_seed(self, place: int) -> Mapping[str, float]:
        """Return the margin that a seed would have under each label, the seed itself left out.

        Empty where it abstains on all rows, or has no say on this one; labels with a single seed
        are left out.
        """
        row, fitted = self._told.get(place), self._joined or self._fitted
        if row is None or fitted is None:
            return {}
        scores = fitted.classifier.left_out[row]
        return {
            label: margin_of(scores, [at])
            for label, at in self._labels.items()
            if self._is_judged(label)
        }

    def _on(self, labels: tuple[str, ...], scores: Matrix, *, by: _Fitted, final: bool) -> Verdict:
        if not labels:
            return self._abstained("no_label")
        if not all(map(self._is_judged, labels)):
            return self._abstained("too_few_seeds")
        if not self._has_others(labels):
            return self._abstained("no_other_label")
        own = [self._labels[label] for label in labels]
        _, best = others_of(scores, own)
        margin = margin_of(scores, own)
        rejected = margin > by.point.margin
        rejects = final and self._decides
        outcome = "passed" if not rejected else "rejected" if rejects else "abstained"
        return Verdict(
            filter=self.name,
            outcome=outcome,
            score=margin,
            threshold=by.point.margin,
            reason=None if not rejected else "label" if rejects else LEFT_OPEN,
            detail=f"reads like {self._names[best]!r}; {by.errors}" if rejected else None,
        )

    def _has_others(self, labels: tuple[str, ...]) -> bool:
        return len(set(labels)) < len(self._names)

    def _is_judged(self, label: str) -> bool:
        return self._seeds[label] > 1

    def _abstained(self, reason: str) -> Verdict:
        return Verdict(filter=self.name, outcome="abstained", reason=reason)

    def _on_seeds(self, classifier: LeastSquares) -> tuple[Matrix, Matrix]:
        rows = [*self._told.values()]
        return on_seeds(
            classifier.left_out[rows],
            [self._borne[row] for row in rows],
            judged=[self._is_judged(label) for label in self._names],
        )

    def _calibrate(self, classifier: LeastSquares, *, basis: str) -> _Fitted | None:
        """Find the margin on seeds that were left out."""
        right, wrong = self._on_seeds(classifier)
        found = self._confident(classifier, right, wrong)
        at_best = Point(margin=0.0, lost=1 / (len(right) + 1), found=1.0)
        if at_best.precision >= self._precision:
            self._why = "cannot_tell"  # not for want of seeds
        self.calibration = Calibration(
            filter=self.name,
            basis=basis,
            statement=self._statement(None if found is None else found.point, _errors(right)),
            scores=tuple(float(each) for each in right),
            thresholds=() if found is None else (found.point.margin,),
            confusions=self._confusions(classifier),
        )
        return found

    def _confusions(self, classifier: LeastSquares) -> tuple[tuple[str, str, int], ...]:
        """Count the seeds that read like another label, by their own that fits best and that."""
        found: Counter[tuple[str, str]] = Counter()
        for at in self._told.values():
            row, own = classifier.left_out[at], self._borne[at]
            others, best = others_of(row, own)
            nearest = max(own, key=lambda label: row[label])
            if others[best] > row[nearest]:
                found[self._names[nearest], self._names[best]] += 1
        order = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
        return tuple((label, other, count) for (label, other), count in order)

    def _statement(self, point: Point | None, errors: str) -> str:
        if point is None:
            few = self._why == "too_few_seeds"
            needed = math.ceil(9 * self._precision / (1 - self._precision))
            why = f"too few ({needed} at least)" if few else "not told apart well enough"
            return (
                f"Labels are NOT judged: the seeds are {why} for a precision of "
                f"{self._precision:g}. Left out {self._apart} at a time, {errors}."
            )
        rejected = "rejected" if self._decides else "left to the judge"
        left = "By the seeds alone, left" if self._rows else "Left"
        return (
            f"{left} out {self._apart} at a time, {errors}. "
            f"Rows are {rejected} above a margin of {point.margin:.2f}: that finds "
            f"{point.found:.0%} of {self._wrong} on the seeds and loses about {point.lost:.1%} of "
            f"right ones, a precision of {point.precision:.2f} if one row in ten is wrong."
            + (f" {self._rows.statement}" if self._rows else "")
        )


def _groups(seeds: Sequence[Example[Any]]) -> list[list[int]]:
    """Return the places of seeds that must not be split, by their group."""
    found: dict[str, list[int]] = {}
    for at, seed in enumerate(seeds):
        if seed.group is not None:
            found.setdefault(seed.group, []).append(at)
    return [places for places in found.values() if len(places) > 1]


def _errors(right: Matrix) -> str:
    """Say how many seeds it would have labelled otherwise, by their margins."""
    return f"the classifier errs on {int((right > 0).sum())} of {len(right)} seeds"
