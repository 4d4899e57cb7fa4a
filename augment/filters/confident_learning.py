"""Labels that a classifier, confident by the measure of their own rows, would give otherwise.

Confident learning (Northcutt, Jiang and Chuang, JAIR 70, 2021), written from the paper: of the
probabilities of each label for each row, out of sample, label j's threshold is the mean of its
probability over the rows that bear it. A row is counted as truly j where j is the likeliest of the
labels that reach their thresholds. The confident joint is these counts by given and true label,
scaled to the rows of each given label.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from augment.filters.least_squares import LeastSquares, Matrix


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """A row that likely bears a wrong label.

    Attributes:
        row: its place.
        label: the place of the label that fits better.
        margin: that label's probability less that of the row's own.
    """

    row: int
    label: int
    margin: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Joint:
    """What was found.

    Attributes:
        counts: the confident joint: shape (labels, labels), rows given i that are truly j.
        suspects: off its diagonal, the largest margin first.
    """

    counts: Matrix
    suspects: tuple[Suspect, ...]

    @property
    def wrong(self) -> float:
        """The share of rows that are estimated to bear a wrong label."""
        total = self.counts.sum()
        return float(1 - self.counts.trace() / total) if total else 0.0


def out_of_sample(vectors: npt.NDArray[np.float32], labels: Sequence[int], *, count: int) -> Matrix:
    """Return each label's probability for each row, by a classifier that was not shown the row.

    Scores of least squares estimate it; they are cut to 0 to 1 and brought to a sum of 1.

    Args:
        vectors: unit vectors, one row each.
        labels: the place of each row's label.
        count: how many labels there are.
    """
    fitted = LeastSquares(vectors, [(label,) for label in labels], count=count)
    scores = np.clip(fitted.left_out, 1e-6, 1.0)
    return scores / scores.sum(axis=1, keepdims=True)


def confident_joint(probabilities: Matrix, labels: Sequence[int]) -> Joint:
    """Return the joint and the rows off its diagonal.

    Args:
        probabilities: out of sample: shape (rows, labels).
        labels: the place of each row's label.
    """
    given = np.asarray(labels)
    count = probabilities.shape[1]
    rows = np.bincount(given, minlength=count)
    own = probabilities[np.arange(len(given)), given]
    thresholds = np.full(count, np.inf)
    known = rows > 0
    thresholds[known] = np.bincount(given, weights=own, minlength=count)[known] / rows[known]
    confident = np.where(probabilities >= thresholds, probabilities, -1.0)
    true = confident.argmax(axis=1)
    counted = confident[np.arange(len(given)), true] >= 0
    counts = np.zeros((count, count))
    np.add.at(counts, (given[counted], true[counted]), 1.0)
    sums = counts.sum(axis=1)
    counts[known & (sums == 0), known & (sums == 0)] = 1.0
    scale = rows / np.maximum(counts.sum(axis=1), 1.0)
    wrong = np.flatnonzero(counted & (true != given))
    suspects = (
        Suspect(
            row=int(row),
            label=int(true[row]),
            margin=float(probabilities[row, true[row]] - own[row]),
        )
        for row in wrong
    )
    return Joint(
        counts=counts * scale[:, None],
        suspects=tuple(sorted(suspects, key=lambda each: (-each.margin, each.row))),
    )
