"""Rows that mean something else than the seeds of their label, or the very same as one of them.

A row's score is its cosine to the nearest seed that shares a label with it. What is near and far
is taken from the seeds themselves, each held against the others of its label: the band lets
through 99 of 100 at either end (of n < 100 all, so that a good row in n + 1 falls below it), and
reaches up to 0.97 at least. A row above it says again what a
seed says; one below it is unlike anything that was shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from augment.protocols import Vectors
from augment.records import Calibration, Candidate, Example, Verdict, labels_of

_OUTSIDE = 0.01
"""Share of the seeds that may lie outside at either end; the outermost one lies at the end."""
_NEVER_TOO_NEAR = 0.97
_MIN_SEEDS = 20
_BLOCK = 1024
_NO_LABEL = ""
"""Seeds without a label are a group of their own; no label is named so."""


class Similarity:
    """Rejects rows outside of the band of likeness that the seeds show.

    Abstains without vectors; where fewer than twenty seeds have another one of their label; and on
    rows of a label with a single seed or none.

    Args:
        encoder: name of the encoder whose vectors come in.
        no_basis: why no vectors come in, where none do.
    """

    name = "similarity"
    sequential = False
    by_meaning = True

    def __init__(self, *, encoder: str = "", no_basis: str = "no_encoder") -> None:
        self._encoder = encoder
        self._why = no_basis
        self._groups: dict[str, tuple[list[str], Vectors]] = {}
        self._band: tuple[float, float] | None = None
        self.calibration: Calibration | None = None

    def fit(self, seeds: Sequence[Example[Any]], vectors: Vectors | None) -> None:
        """Find the band."""
        if vectors is None:
            return
        self._why = "too_few_seeds"
        places: dict[str, list[int]] = {}
        for row, seed in enumerate(seeds):
            for label in labels_of(seed.target) or (_NO_LABEL,):
                places.setdefault(label, []).append(row)
        nearest = np.full(len(seeds), -np.inf)
        for label, rows in places.items():
            self._groups[label] = ([seeds[row].id for row in rows], vectors[rows])
            if len(rows) > 1:
                nearest[rows] = np.maximum(nearest[rows], _nearest_other(vectors[rows]))
        scores = np.sort(nearest[np.isfinite(nearest)])
        if len(scores) < _MIN_SEEDS:
            self.calibration = Calibration(
                filter=self.name,
                basis=self._encoder,
                statement=(
                    f"Likeness is NOT judged: {len(scores)} seeds have another one of their label, "
                    f"and {_MIN_SEEDS} are needed to tell what is near and far."
                ),
                scores=tuple(float(each) for each in scores),
                thresholds=(),
            )
            return
        outside = max(int(_OUTSIDE * (len(scores) + 1)) - 1, 0)
        most = max(_NEVER_TOO_NEAR, float(scores[-1 - outside]))
        self._band = (float(scores[outside]), most)
        self.calibration = Calibration(
            filter=self.name,
            basis=self._encoder,
            statement=(
                "Rows are let through whose cosine to the nearest seed of their label lies between "
                f"{self._band[0]:.2f} and {self._band[1]:.2f}; so do "
                f"{_inside(scores, self._band)} of {len(scores)} seeds."
            ),
            scores=tuple(float(each) for each in scores),
            thresholds=self._band,
        )

    def judge(self, candidates: Sequence[Candidate], vectors: Vectors | None) -> list[Verdict]:
        """Return one verdict each, in order; the score is the cosine to the nearest seed."""
        if self._band is None or vectors is None:
            return [self._abstained(self._why)] * len(candidates)
        return [
            self._on(row, vector, self._band)
            for row, vector in zip(candidates, vectors, strict=True)
        ]

    def observe(self, accepted: Sequence[Example[Any]]) -> None:
        """Learn nothing: accepted rows must not widen the band."""

    def _on(self, row: Candidate, vector: Vectors, band: tuple[float, float]) -> Verdict:
        labels = labels_of(row.example.target) or (_NO_LABEL,)
        known = [label for label in labels if label in self._groups]
        groups = [group for label in known if len((group := self._groups[label])[0]) > 1]
        if not groups:
            return self._abstained("too_few_seeds")
        score, seed = max(_nearest(vector, group, but=row.counterpart_of) for group in groups)
        least, most = band
        too_near = score > most
        rejected = too_near or score < least
        return Verdict(
            filter=self.name,
            outcome="rejected" if rejected else "passed",
            score=score,
            threshold=most if most - score < score - least else least,
            reason=("too_near" if too_near else "too_far") if rejected else None,
            detail=f"the nearest seed is {seed}" if rejected else None,
            band=band,
        )

    def _abstained(self, reason: str) -> Verdict:
        return Verdict(filter=self.name, outcome="abstained", reason=reason)


def _nearest(
    vector: Vectors, group: tuple[list[str], Vectors], *, but: str | None
) -> tuple[float, str]:
    """Return the greatest cosine to a seed but the one with the id `but`, and which seed it is."""
    ids, vectors = group
    likeness = vectors @ vector
    if but in ids:
        likeness[ids.index(but)] = -np.inf
    place = int(likeness.argmax())
    return float(likeness[place]), ids[place]


def _nearest_other(vectors: Vectors) -> npt.NDArray[np.float32]:
    """Return each row's greatest cosine to another row, a block of rows at a time."""
    found = np.empty(len(vectors), dtype=np.float32)
    for start in range(0, len(vectors), _BLOCK):
        likeness = vectors[start : start + _BLOCK] @ vectors.T
        rows = np.arange(len(likeness))
        likeness[rows, start + rows] = -np.inf
        found[start : start + _BLOCK] = likeness.max(axis=1)
    return found


def _inside(scores: npt.NDArray[np.float64], band: tuple[float, float]) -> int:
    return int(((scores >= band[0]) & (scores <= band[1])).sum())
