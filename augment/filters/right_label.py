"""One probability that a label is right, out of all that speaks for it or against it.

A logistic regression on what a judge says (the log-odds of the probability that it gives the
label) and, where there is one, on the margin of the agreement classifier. It is fitted to the
seeds, each under its own label and under every other one that it could have been given, weighted
as if one row in ten bore a wrong label, so that what comes out is the probability that the label
of such a row is right. Evidence that would count the wrong way round, by chance, counts for
nothing.

The threshold is the greatest probability, up to a half, below which rejections have a stated
precision. It is found with each seed judged by a regression that was fitted without it (five
parts, each left out in turn); as in `augment.filters.agreement`, one more right row than seen is
taken to be lost.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from augment.filters.least_squares import Matrix
from augment.filters.margins import WRONG_SHARE

Mask: TypeAlias = npt.NDArray[np.bool_]

_LEAST = 1e-3
"""No judge is surer than this of what is right or wrong."""
_PARTS = 5
_PENALTIES = (0.01, 0.1, 1.0)
"""Of evidence in units of its spread; the one of least logarithmic loss on what is left out."""
_ROUNDS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What speaks for one label of one row.

    Attributes:
        judge: the probability that a judge gives the label.
        margin: by which a classifier prefers another label; None where it has no say.
    """

    judge: float
    margin: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A regression with its threshold.

    Attributes:
        weights: of the constant 1 and of each piece of evidence.
        threshold: probability below which a row is rejected.
        own: that each seed's own label is right, by a regression that did not see the seed.
        found: share of wrong labels of the seeds below the threshold.
        lost: share of the seeds' own labels below it, as if one more were.
    """

    weights: Matrix
    threshold: float
    own: tuple[float, ...]
    found: float
    lost: float

    @property
    def precision(self) -> float:
        """Of rejections, if one row in ten bears a wrong label."""
        return _precision(self.found, self.lost)


def needed(precision: float) -> int:
    """Return how many seeds it takes at least to state a precision."""
    odds = (1 - WRONG_SHARE) / WRONG_SHARE * precision / (1 - precision)
    return math.ceil(round(odds, 6))


class RightLabel:
    """The probability that a label is right; there are two regressions, with and without margins.

    Args:
        own: evidence for each seed's own label.
        others: for every other label that it could have been given.
        precision: of rejections, if one row in ten bears a wrong label.
    """

    def __init__(
        self,
        own: Sequence[Evidence],
        others: Sequence[Sequence[Evidence]],
        *,
        precision: float,
    ) -> None:
        self._by = {
            margins: _fitted(own, others, margins=margins, precision=precision)
            for margins in (True, False)
        }

    @property
    def best(self) -> Fitted | None:
        """The regression with margins, or else the one without; None where neither serves."""
        return self._by[True] or self._by[False]

    def of(self, evidence: Evidence) -> tuple[float, Fitted] | None:
        """Return the probability, and what gave it; None where nothing can be said."""
        fitted = None if evidence.margin is None else self._by[True]
        margins = fitted is not None
        fitted = fitted or self._by[False]
        if fitted is None:
            return None
        (chance,) = _chances(_columns([evidence], margins=margins), fitted.weights)
        return float(chance), fitted


def _fitted(
    own: Sequence[Evidence],
    others: Sequence[Sequence[Evidence]],
    *,
    margins: bool,
    precision: float,
) -> Fitted | None:
    """Fit, or return None where seeds are too few, or the precision is not reached."""
    told = [at for at, each in enumerate(own) if not margins or each.margin is not None]
    wrong = [
        (place, each)
        for place, at in enumerate(told)
        for each in others[at]
        if not margins or each.margin is not None
    ]
    if len(told) < needed(precision) or not wrong:
        return None
    columns = _columns([own[at] for at in told] + [each for _, each in wrong], margins=margins)
    right: Mask = np.arange(len(columns)) < len(told)
    part = np.r_[np.arange(len(told)), [place for place, _ in wrong]].astype(np.int64) % _PARTS
    penalty, chances = _left_out(columns, right, part)
    mine, theirs = chances[right], np.sort(chances[~right])
    for threshold in (0.5, *np.unique(mine[mine < 0.5])[::-1]):
        found = int(np.searchsorted(theirs, threshold, side="left")) / len(theirs)
        lost = (int((mine < threshold).sum()) + 1) / (len(mine) + 1)
        if _precision(found, lost) >= precision:
            return Fitted(
                weights=_regression(columns, right, penalty=penalty),
                threshold=float(threshold),
                own=tuple(float(each) for each in mine),
                found=found,
                lost=lost,
            )
    return None


def _left_out(columns: Matrix, right: Mask, part: npt.NDArray[np.int64]) -> tuple[float, Matrix]:
    """Return the penalty, and each row's chance by a regression that saw no row of its part."""
    least, best = np.inf, (0.0, np.zeros(len(columns)))
    for penalty in _PENALTIES:
        chances = np.zeros(len(columns))
        for each in range(_PARTS):
            kept = part != each
            weights = _regression(columns[kept], right[kept], penalty=penalty)
            chances[~kept] = _chances(columns[~kept], weights)
        loss = -float(_shares(right) @ np.log(np.where(right, chances, 1 - chances)))
        if loss < least:
            least, best = loss, (penalty, chances)
    return best


def _precision(found: float, lost: float) -> float:
    return WRONG_SHARE * found / (WRONG_SHARE * found + (1 - WRONG_SHARE) * lost)


def _columns(rows: Sequence[Evidence], *, margins: bool) -> Matrix:
    """Return the evidence, each piece the larger the likelier the label: shape (rows, 2 or 3)."""
    judge = np.clip([each.judge for each in rows], _LEAST, 1 - _LEAST)
    columns = [np.ones(len(rows)), np.log(judge / (1 - judge))]
    if margins:
        columns.append(-np.array([each.margin for each in rows], np.float64))
    return np.stack(columns, axis=1)


def _regression(columns: Matrix, right: Mask, *, penalty: float) -> Matrix:
    """Return the weights of the columns, none of evidence below 0."""
    scale = np.r_[1.0, np.maximum(columns[:, 1:].std(axis=0), 1e-9)]
    used = [*range(columns.shape[1])]
    weights = np.zeros(columns.shape[1])
    while True:
        found = _newton(columns[:, used] / scale[used], right, penalty=penalty)
        against = [at for at, weight in zip(used, found, strict=True) if at and weight < 0]
        if not against:
            weights[used] = found / scale[used]
            return weights
        used = [at for at in used if at not in against]


def _shares(right: Mask) -> Matrix:
    """Return what rows weigh so that one in ten is wrong; all together as many as are right."""
    seeds = int(right.sum())
    wrong = len(right) - seeds
    return np.where(right, 1 - WRONG_SHARE, WRONG_SHARE * seeds / wrong)


def _newton(columns: Matrix, right: Mask, *, penalty: float) -> Matrix:
    """Return the ridge logistic regression (Hastie et al. 2009, section 4.4.1), intercept first."""
    shares = _shares(right)
    ridge = np.diag(np.r_[1e-6, np.full(columns.shape[1] - 1, penalty)])
    weights = np.zeros(columns.shape[1])
    weights[0] = math.log((1 - WRONG_SHARE) / WRONG_SHARE)
    for _ in range(_ROUNDS):
        chances = _chances(columns, weights)
        slope = columns.T @ (shares * (right - chances)) - ridge @ weights
        curve = (columns.T * (shares * chances * (1 - chances))) @ columns + ridge
        step = np.linalg.solve(curve, slope)
        weights += step / max(1.0, float(np.abs(step).max()) / 2)
        if np.abs(step).max() < 1e-8:
            break
    return weights


def _chances(columns: Matrix, weights: Matrix) -> Matrix:
    return 1 / (1 + np.exp(-np.clip(columns @ weights, -30, 30)))
