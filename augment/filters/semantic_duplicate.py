"""Rows that say again what another row of their label says, be it in other words.

Nearness in meaning is the cosine of an encoder's vectors. Encoders tell one amount or date from
another badly, and "works" from "does not work"; so only rows with the same numbers are compared,
and those of other labels never, except with the hold-out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from augment.filters.vector_index import VectorIndex, main_directions
from augment.protocols import Encoder, Vectors
from augment.records import Calibration, Candidate, Example, Verdict, labels_of

FLOOR = 0.85
"""Cosine below which two texts never say the same, unless a user says so."""
_REPEATING = 0.01
"""Share of the seeds that may repeat another one."""
_MIN_SEEDS = 20
_BLOCK = 1024
_NONE = -1.0
_NUMBER = re.compile(r"\d+")

_Group: TypeAlias = tuple[tuple[str, ...], tuple[str, ...]]
"""Labels and numbers of the rows that are compared with each other."""


@dataclass(slots=True, kw_only=True)
class _Compared:
    """What rows are compared with, once there is a basis for it."""

    encoder: Encoder
    threshold: float
    directions: Vectors
    held: dict[_Group, VectorIndex] = field(default_factory=dict[_Group, VectorIndex])
    seeds: dict[_Group, VectorIndex] = field(default_factory=dict[_Group, VectorIndex])
    accepted: dict[_Group, VectorIndex] = field(default_factory=dict[_Group, VectorIndex])

    def file(
        self, places: dict[_Group, VectorIndex], rows: Sequence[Example[Any]], vectors: Vectors
    ) -> None:
        for row, vector in zip(rows, vectors, strict=True):
            group = ((), _numbers(row)) if places is self.held else (_labels(row), _numbers(row))
            if group not in places:
                places[group] = VectorIndex(least=self.threshold, directions=self.directions)
            places[group].add([row.id], vector[None])

    def take(self, awaited: list[Example[Any]]) -> None:
        """Compare with these accepted rows, of which nothing is left to do."""
        if awaited:
            self.file(self.accepted, awaited, self.embedded(awaited))
            awaited.clear()

    def embedded(self, rows: Sequence[Example[Any]]) -> Vectors:
        return self.encoder.encode([row.whole for row in rows])


class SemanticDuplicate:
    """Rejects what says the same as a seed, an accepted row or one of the hold-out.

    `semantic_duplicate` repeats an accepted row, `semantic_copy` a seed, `semantic_leak` a row of
    the hold-out; the score is the cosine to the nearest of all, None where none reaches the
    threshold. Rows with other numbers are passed over, and seeds and accepted rows with other
    labels. A counterpart may repeat the seed that it is of.

    Abstains without vectors, and where there are fewer than twenty seeds with another one of their
    labels to take the threshold from.

    Args:
        encoder: gives the vectors of rows that are no candidates; None where there is none.
        no_basis: why there is none.
        threshold: cosine from which a row is rejected; None takes it from the seeds.
        holdout: rows that must not come up.
        against: rows of other runs, which are compared with as accepted ones are.
    """

    name = "semantic_duplicate"
    sequential = True
    for_good: Literal[True] = True
    by_meaning = True

    def __init__(
        self,
        *,
        encoder: Encoder | None,
        no_basis: str = "no_encoder",
        threshold: float | None = None,
        holdout: Sequence[Example[Any]] = (),
        against: Sequence[Example[Any]] = (),
    ) -> None:
        self._encoder = encoder
        self._why = no_basis
        self._given = threshold
        self._holdout = holdout
        self._awaited = [*against]
        self._compared: _Compared | None = None
        self._last: tuple[str, Vectors] | None = None
        self.calibration: Calibration | None = None

    def fit(self, seeds: Sequence[Example[Any]], vectors: Vectors | None) -> None:
        """Take the threshold from the seeds unless it was given, and embed others' rows.

        Raises:
            EncoderError: the encoder has died.
        """
        if vectors is None or self._encoder is None:
            return
        scores = _nearest_others(seeds, vectors)
        if self._given is None and len(scores) < _MIN_SEEDS:
            self._why = "too_few_seeds"
            return
        threshold = _above(scores) if self._given is None else self._given
        known = _Compared(
            encoder=self._encoder, threshold=threshold, directions=main_directions(vectors)
        )
        known.file(known.seeds, seeds, vectors)
        if self._holdout:
            known.file(known.held, self._holdout, known.embedded(self._holdout))
        known.take(self._awaited)
        self._compared = known
        self.calibration = Calibration(
            filter=self.name,
            basis=self._encoder.name,
            statement=(
                f"Rows are rejected from a cosine of {threshold:.2f} to another of their label; "
                f"{int((scores >= threshold).sum())} of {len(scores)} seeds reach it."
            ),
            scores=tuple(float(each) for each in scores[scores > _NONE]),
            thresholds=(threshold,),
        )

    def judge(self, candidates: Sequence[Candidate], vectors: Vectors | None) -> list[Verdict]:
        """Return one verdict each, in order.

        Raises:
            EncoderError: the encoder has died.
        """
        known = self._compared
        if known is None or vectors is None:
            nothing = Verdict(filter=self.name, outcome="abstained", reason=self._why)
            return [nothing] * len(candidates)
        if self._awaited:
            known.take(self._awaited)
        self._last = (candidates[-1].example.id, vectors[-1]) if candidates else None
        return [
            self._on(row, vector, known) for row, vector in zip(candidates, vectors, strict=True)
        ]

    def observe(self, accepted: Sequence[Example[Any]]) -> None:
        """Compare with these rows from now on."""
        known, last = self._compared, self._last
        if known is None:
            return
        if last is not None and [row.id for row in accepted] == [last[0]]:
            known.file(known.accepted, accepted, last[1][None])
        else:  # of an earlier session
            self._awaited += accepted

    def _on(self, row: Candidate, vector: Vectors, known: _Compared) -> Verdict:
        labels, numbers = _labels(row.example), _numbers(row.example)
        places = (
            ("semantic_leak", known.held.get(((), numbers)), None),
            ("semantic_copy", known.seeds.get((labels, numbers)), row.counterpart_of),
            ("semantic_duplicate", known.accepted.get((labels, numbers)), None),
        )
        found = [
            (near, reason)
            for reason, index, but in places
            if index is not None and (near := index.nearest(vector, but=but)) is not None
        ]
        if not found:
            return Verdict(filter=self.name, outcome="passed", threshold=known.threshold)
        near, reason = max(found, key=lambda each: each[0].cosine)
        return Verdict(
            filter=self.name,
            outcome="rejected",
            score=near.cosine,
            threshold=known.threshold,
            reason=reason,
            detail=f"says what {near.id} says",
        )


def _labels(row: Example[Any]) -> tuple[str, ...]:
    return tuple(sorted(labels_of(row.target)))


def _numbers(row: Example[Any]) -> tuple[str, ...]:
    return tuple(sorted(_NUMBER.findall(row.whole)))


def _nearest_others(seeds: Sequence[Example[Any]], vectors: Vectors) -> npt.NDArray[np.float32]:
    """Return, ascending, how near each seed comes to another one of its labels.

    Seeds that are alone under their labels are left out; where no other has the same numbers the
    score is the least that there is.
    """
    found: list[npt.NDArray[np.float32]] = [np.empty(0, np.float32)]
    by_labels: dict[tuple[str, ...], list[int]] = {}
    for place, seed in enumerate(seeds):
        by_labels.setdefault(_labels(seed), []).append(place)
    numbers = [_numbers(seed) for seed in seeds]
    known = {each: code for code, each in enumerate(dict.fromkeys(numbers))}
    codes = np.array([known[each] for each in numbers], np.int64)
    for own in (np.array(places) for places in by_labels.values() if len(places) > 1):
        for start in range(0, len(own), _BLOCK):
            some = own[start : start + _BLOCK]
            likeness = vectors[some] @ vectors[own].T
            likeness[codes[some][:, None] != codes[own]] = _NONE
            rows = np.arange(len(some))
            likeness[rows, start + rows] = _NONE
            found.append(likeness.max(axis=1))
    return np.sort(np.concatenate(found))


def _above(scores: npt.NDArray[np.float32]) -> float:
    """Return the least cosine from the floor on that at most one seed in a hundred reaches."""
    allowed = int(_REPEATING * len(scores))
    return max(FLOOR, float(np.nextafter(scores[-1 - allowed], np.float32(2))))
