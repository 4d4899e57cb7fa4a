"""Margins by which a classifier prefers other labels, and from which one it is to be believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from augment.filters.least_squares import Matrix

WRONG_SHARE = 0.1
"""The share of wrong labels for which a precision is stated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
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
        """Of rejections, if one row in ten bears a wrong label."""
        found, lost = WRONG_SHARE * self.found, (1 - WRONG_SHARE) * self.lost
        return found / (found + lost)


def on_seeds(
    scores: Matrix, borne: Sequence[tuple[int, ...]], *, judged: Sequence[bool]
) -> tuple[Matrix, Matrix]:
    """Return the margins of seeds under their own labels, and those under all others, ascending.

    Args:
        scores: of each seed, by a classifier without it: shape (seeds, labels).
        borne: the places of each seed's labels.
        judged: of each label, whether rows that bear it are judged.
    """
    right = np.array([margin_of(row, own) for row, own in zip(scores, borne, strict=True)])
    wrong = scores.max(axis=1, keepdims=True) - scores  # 0 for the best: no threshold lies below
    wrong[:, ~np.asarray(judged)] = np.nan
    for row, own in zip(wrong, borne, strict=True):
        row[list(own)] = np.nan  # only labels that the seed does not bear are wrong
    return right, np.sort(wrong[~np.isnan(wrong)])


def least_point(right: Matrix, wrong: Matrix, *, precision: float) -> Point | None:
    """Return the least margin, from 0 on, at which a precision is reached.

    One more seed than seen is counted as lost (conformal).

    Args:
        right: margins of the seeds under their own labels.
        wrong: those under all others, ascending.
        precision: of rejections, if one row in ten bears a wrong label.
    """
    for margin in (0.0, *np.unique(right[right > 0])):
        above = len(wrong) - int(np.searchsorted(wrong, margin, side="right"))
        point = Point(
            margin=float(margin),
            lost=(int((right > margin).sum()) + 1) / (len(right) + 1),
            found=above / len(wrong) if len(wrong) else 0.0,
        )
        if point.precision >= precision:
            return point
    return None


def margin_of(scores: Matrix, own: Sequence[int]) -> float:
    """Return the score of the best label that a row does not bear less the best that it does."""
    others, best = others_of(scores, own)
    return float(others[best] - scores[list(own)].max())


def others_of(scores: Matrix, own: Sequence[int]) -> tuple[Matrix, int]:
    """Return the scores with those of `own` struck out, and the place of the best left."""
    others = scores.copy()
    others[list(own)] = -np.inf
    return others, int(others.argmax())
