"""Rows that stand in the hold-out, which would make any measurement on it worthless."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from augment.filters.near_duplicate import on_nearness
from augment.filters.near_index import FLOOR, index_for
from augment.filters.passages import Passages, on_passage
from augment.protocols import Vectors
from augment.records import Candidate, Example, Verdict


class Leak:
    """Rejects what says in nearly the same words what some row of the hold-out says.

    So it does with what shares a passage with one: 13 words in a row, or most of the shorter text
    (`augment.filters.passages`).

    Abstains where there is no hold-out. The threshold does not follow the seeds: a leak that is
    let through costs more than a row that is lost.

    Args:
        holdout: the rows that must not come up; may be empty.
        threshold: Jaccard similarity from which a row is rejected.
    """

    name = "leak"
    sequential = False
    by_meaning = False
    calibration = None

    def __init__(self, holdout: Sequence[Example[Any]], *, threshold: float = FLOOR) -> None:
        self._threshold = threshold
        self._index = index_for(threshold)
        self._empty = not holdout
        self._index.add([row.id for row in holdout], [row.whole for row in holdout])
        self._passages = Passages()
        for row in holdout:
            self._passages.add(row.id, row.whole)

    def fit(self, seeds: Sequence[Example[Any]], vectors: Vectors | None) -> None:
        """Learn nothing: the hold-out is all there is to know."""

    def judge(self, candidates: Sequence[Candidate], vectors: Vectors | None) -> list[Verdict]:  # noqa: ARG002 - the Protocol's
        """Return one verdict each, in order."""
        if self._empty:
            nothing = Verdict(filter=self.name, outcome="abstained", reason="no_holdout")
            return [nothing] * len(candidates)
        texts = [row.example.whole for row in candidates]
        alike = [
            on_nearness(near, name=self.name, threshold=self._threshold, reason="leak")
            for near in self._index.nearest(texts)
        ]
        return [
            on_passage(passage, verdict, reason="leak")
            for passage, verdict in zip(self._passages.shared(texts), alike, strict=True)
        ]

    def observe(self, accepted: Sequence[Example[Any]]) -> None:
        """Learn nothing."""
